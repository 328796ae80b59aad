"""What a page of another site makes a member's browser ask is refused; everybody else is answered."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.accounts import Accounts
from app.elsewhere import REFUSED
from app.serving import Served
from app.settings import Settings
from app.studio import Studio
from tests.serving import serving

PASSWORD = "correct horse"
OTHER = "https://other.example"
#: What a link from another site to the studio says.
FOLLOWED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
ANNOUNCED = {"study": 1, "name": "a.mp4", "size": 1}


@pytest.fixture(scope="module", params=["studio", "team"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home: Path = tmp_path_factory.mktemp("home")
    studio = Studio(Settings(home=home))
    studio.create_study("Mine", ["happy", "sad"])
    studio.store.close()
    (home / "demo-is-there").touch()
    Accounts(home).add("ana", "admin", PASSWORD)
    with serving(Settings(home=home, mode=request.param)) as server:
        yield server


@pytest.fixture
def member(served: Served) -> Iterator[httpx.Client]:
    """A browser in which somebody is signed in, where that is asked for."""
    with httpx.Client(base_url=served.url) as browser:
        if served.studio.settings.mode == "team":
            assert browser.post("/login", data={"username": "ana", "password": PASSWORD}).json() == {"success": True}
        yield browser


@pytest.mark.parametrize(
    "said",
    [
        {"Origin": OTHER},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"},
        {"Origin": OTHER, "X-Forwarded-Host": "other.example"},
        {"Origin": "https://studio.example.other.example", "Host": "studio.example"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {**FOLLOWED, "Sec-Fetch-Dest": "iframe"},
    ],
)
def test_a_page_of_another_site_is_refused_in_a_sentence(member: httpx.Client, said: dict[str, str]):
    for answer in (
        member.get("/", headers=said),
        member.get("/clip/1", headers=said),
        member.post("/upload", json=ANNOUNCED, headers=said),
        member.post("/gradio_api/queue/join", json={}, headers=said),
        member.post("/login", data={"username": "ana", "password": PASSWORD}, headers=said),
    ):
        assert (answer.status_code, answer.text) == (403, REFUSED)
    assert member.post("/upload", json=ANNOUNCED, headers=FOLLOWED).status_code == 403, "a form is no link"


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"Origin": "https://Studio.example:8443", "Host": "studio.example:8443", "X-Forwarded-Proto": "https"},
        {"Origin": "https://studio.example", "Host": "localhost:7860", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    ],
)
def test_the_studios_own_page_and_who_is_no_browser_are_answered(member: httpx.Client, said: dict[str, str]):
    assert "token" in member.post("/upload", json=ANNOUNCED, headers=said).json()
    assert member.get("/", headers=said).status_code == 200


def test_the_pages_own_address_and_a_link_to_it_are_answered(served: Served, member: httpx.Client):
    own = {"Origin": served.url.rstrip("/")}
    assert "token" in member.post("/upload", json=ANNOUNCED, headers=own).json()
    assert member.get("/?clip=1", headers=FOLLOWED).status_code == 200
