"""Who has signed in stays so for as long as their account is what it was: on a real server, without a page."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.accounts import Accounts
from app.members import SIGNED_OUT
from app.serving import Served
from app.settings import Settings
from app.studio import Studio
from tests.serving import serving

PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("team")
    (home / "demo-is-there").touch()
    studio = Studio(Settings(home=home))
    studio.create_study("Field notes", ["happy", "sad"])
    studio.store.close()
    with serving(Settings(home=home, mode="team")) as served:
        yield served


def _jobs(team: Served, browser: httpx.Client) -> Any:
    """What the queue is told that asks for the analyses."""
    queue = next(each._id for each in team.page.blocks.values() if each.elem_id == "queue")
    body = {"session_hash": "page", "component_id": queue, "fn_name": "jobs", "data": {"study": 1}}
    return browser.post("/gradio_api/component_server", json=body).json()


@pytest.mark.parametrize("change", ["removed", "another password"])
def test_a_session_ends_with_its_account(team: Served, change: str) -> None:
    accounts = Accounts(team.studio.settings.home)
    accounts.add("ana", "annotator", PASSWORD)
    with httpx.Client(base_url=team.url, timeout=120) as browser:
        assert _jobs(team, browser) == {"refused": SIGNED_OUT}, "nobody has signed in"
        assert browser.post("/login", data={"username": "ana", "password": PASSWORD}).json() == {"success": True}
        assert _jobs(team, browser) == {"study": 1, "jobs": []}
        assert browser.get("/config").status_code == 200
        if change == "removed":
            accounts.remove("ana")
        else:
            accounts.add("ana", "annotator", "battery staple")
        assert _jobs(team, browser) == {"refused": SIGNED_OUT}
        assert browser.get("/config").status_code == 401
