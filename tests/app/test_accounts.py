"""A team's studio: accounts, what each role may write, backups by themselves, and the audit."""

import contextvars
import copy
import csv
import io
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.requests import Request

from annotations.guarding import Deed, NotAllowed
from annotations.interchange import FileClip, StudyFile
from annotations.records import AnnotationError, NewVersion
from annotations.store import Store
from app import audit, caller
from app.accounts import Accounts, Role, allow
from app.backups import Backups
from app.serving import by_role
from app.settings import Settings
from app.studio import Studio

ROLES: dict[str, Role] = {"ana": "annotator", "rita": "reviewer", "adam": "admin"}


class Team:
    """A store in which whoever is signed in, ``user``, does everything."""

    def __init__(self, url: str) -> None:
        self.user: str | None = None
        self.store = Store(url, self._may_write)
        self.study = self.store.create_study("Field notes", ["happy", "sad"]).id
        self.clip = self.store.add_clip(
            self.study, "ab" * 32, "walk.mp4", duration_s=20.0, has_video=True, has_sound=True
        ).id
        self.ids = {name: self.store.annotator(name).id for name in ROLES}

    def _may_write(self, deed: Deed) -> None:
        if self.user:
            allow(deed, self.user, ROLES.get(self.user))

    def label(self, lane: int, by: int) -> int:
        return self.store.annotate(self.clip, lane, 1.0, 2.0, {"happy": 1.0}, note="=1+1", by=by).id


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team(f"sqlite:///{tmp_path / 'studio.sqlite3'}")


def test_annotators_label_on_their_own_lane_only(team: Team):
    theirs = team.label(team.ids["rita"], team.ids["rita"])
    team.user = "ana"
    ana = team.ids["ana"]
    team.label(ana, ana)
    refused = [
        lambda: team.label(team.ids["rita"], ana),
        lambda: team.store.change(theirs, 1, ana, note="changed"),
        lambda: team.store.remove(theirs, 1, ana),
        lambda: team.label(team.store.consensus().id, ana),
        lambda: team.store.rename_emotion(team.study, "sad", "gloomy", ana),
        lambda: team.store.change_settings(team.study, ana, mode="label first"),
        lambda: team.store.delete_clip(team.clip, ana),
        lambda: team.store.create_study("Another", ["happy", "sad"], ana),
        lambda: team.store.backup(Path("never"), ana),
    ]
    for each in refused:
        with pytest.raises(NotAllowed):
            each()
    with pytest.raises(NotAllowed, match="Only an admin may change studies"):
        team.store.delete_clip(team.clip, ana)
    assert [each.id for each in team.store.annotations(clip_id=team.clip, annotator_id=team.ids["rita"])] == [theirs]
    assert team.store.annotation(theirs).note == "=1+1"
    assert team.store.study(team.study).emotion_names == ("happy", "sad")


def test_a_forged_name_is_refused_and_so_is_none(team: Team):
    rita = team.ids["rita"]
    team.label(rita, rita)
    model = team.store.add_model_version(team.study, NewVersion("base", ["happy", "sad"], "1.safetensors"))
    adapted = NewVersion("adapted", ["happy", "sad"], "2.safetensors", model.id)
    team.user = "ana"
    team.store.activate(team.store.add_model_version(team.study, adapted, team.ids["ana"]).id, team.ids["ana"])
    told = team.store.count_events()
    for forged in (
        lambda: team.label(rita, rita),
        lambda: team.store.finish(team.clip, rita),
        lambda: team.store.visit(team.clip, rita, 3.0),
        lambda: team.store.set_reaction(rita, 0.3),
        lambda: team.store.undo(team.study, rita),
        lambda: team.store.delete_clip(team.clip),
        lambda: team.store.create_study("Another", ["happy", "sad"]),
        lambda: team.store.add_model_version(team.study, adapted),
        lambda: team.store.add_model_version(team.study, adapted, rita),
        lambda: team.store.activate(model.id),
        lambda: team.store.activate(model.id, rita),
        lambda: team.store.import_file("Field notes", StudyFile((), (FileClip("new.mp4", "cd" * 32, 5.0),), ())),
    ):
        with pytest.raises(NotAllowed):
            forged()
    assert team.store.count_events() == told
    team.user = "nobody's friend"
    with pytest.raises(NotAllowed, match="no account"):
        team.label(rita, rita)


def test_reviewers_settle_and_admins_do_everything(team: Team):
    team.user = "rita"
    rita, adam = team.ids["rita"], team.ids["adam"]
    settled = team.label(team.store.consensus().id, rita)
    with pytest.raises(NotAllowed):
        team.label(team.ids["ana"], rita)
    team.user = "adam"
    team.store.change(settled, 1, adam, note="seen")
    team.store.rename_emotion(team.study, "sad", "gloomy", adam)
    assert team.store.undo(team.study, adam)
    team.store.delete_clip(team.clip, adam)


def test_what_a_request_needs_of_the_studio_itself_is_allowed(analysed_home: Path, tmp_path: Path):
    """The model of a new study, of other labels and of a new checkpoint, and the lane of the consensus."""
    accounts = Accounts(tmp_path)
    for name, role in ROLES.items():
        accounts.add(name, role, "correct horse")
    shutil.copytree(analysed_home, tmp_path / "home")
    settings = Settings(home=tmp_path / "home", mode="team")
    newer = copy.deepcopy(Studio(settings).predictions.model)
    newer.temperature.mul_(1.01)
    newer.save(tmp_path / "newer")
    settings = settings.model_copy(update={"checkpoint": str(tmp_path / "newer")})
    studio = Studio(settings, may_write=by_role(accounts))

    def forge() -> None:
        with pytest.raises(NotAllowed, match="signed in as ana"):
            studio.annotator("rita")

    def ask() -> None:
        adam = studio.annotator("adam").id
        study = studio.create_study("Another", ["happy", "sad"], adam)
        studio.rename_emotion(study.id, "sad", "gloomy", adam)
        assert studio.version(study.id).emotions == ("happy", "gloomy")
        assert studio.version(1).number == 2, "with the new checkpoint"
        studio.timeline(1, adam, review=True)
        told = {event.actor for event in studio.store.events(study.id) if event.entity == "model version"}
        assert told == {"adam"}

    _asked_by("ana", forge)
    _asked_by("adam", ask)


def _asked_by(user: str, work: Callable[[], None]) -> None:
    """Do something as what a request of somebody who has signed in asks for."""
    web = SimpleNamespace(cookie_id="x", tokens={"secret": user})
    request = Request({"type": "http", "app": web, "headers": [(b"cookie", b"access-token-x=secret")]})

    def asked() -> None:
        caller._ADDRESSED.set(request)
        assert caller.user() == user
        work()

    contextvars.copy_context().run(asked)


def test_accounts_are_made_by_a_command_that_shows_no_password(tmp_path: Path):
    env = {**os.environ, "STF2M_HOME": str(tmp_path)}

    def run(*words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "app", "accounts", *words]
        return subprocess.run(command, input=typed, env=env, capture_output=True, text=True, timeout=300)

    assert run("add", "ana", "--role", "reviewer", typed="correct horse\n").returncode == 0
    accounts = Accounts(tmp_path)
    assert accounts.check("ana", "correct horse")
    assert not accounts.check("ana", "correct horsf")
    assert accounts.role("ana") == "reviewer"
    kept = tmp_path / "accounts.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "correct horse" not in kept.read_text()
    wrong = run("add", "ben", "--role", "king", typed="correct horse\n")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)


def test_accounts_tell_one_from_another(tmp_path: Path):
    accounts = Accounts(tmp_path)
    assert not accounts.check("ana", "")
    accounts.add("ana", "annotator", "correct horse")
    accounts.add("ben", "admin", "correct horse")
    hashes = {each["hash"] for each in json.loads((tmp_path / "accounts.json").read_text())}
    assert len(hashes) == 2, "the same password has another hash with another salt"
    with pytest.raises(AnnotationError, match="at least 8"):
        accounts.add("cleo", "annotator", "short")
    accounts.remove("ana")
    assert accounts.role("ana") is None
    assert not accounts.check("ana", "correct horse")
    with pytest.raises(AnnotationError, match="no account"):
        accounts.remove("ana")


def test_backups_are_taken_when_due_and_the_oldest_let_go(team: Team, tmp_path: Path):
    backups = Backups(team.store, tmp_path, hours=6, keep=2)
    now = datetime.now(UTC)
    first = backups.take_if_due(now)
    assert first is not None
    assert backups.take_if_due(now + timedelta(hours=5)) is None
    for hours in (7, 14):
        made = backups.take_if_due(now + timedelta(hours=hours))
        assert made is not None
        os.utime(made, (made.stat().st_mtime + hours * 3600,) * 2)
    assert len(backups.there()) == 2
    assert first not in backups.there()
    assert Store(f"sqlite:///{backups.there()[-1]}").study(team.study).name == "Field notes"


def test_the_log_tells_who_did_what(team: Team):
    ana, rita = team.ids["ana"], team.ids["rita"]
    number = team.label(ana, ana)
    team.store.change(number, 1, rita, degrees={"sad": 0.5})
    team.store.finish(team.clip, ana)
    events, clips = team.store.events(team.study), {team.clip: "walk.mp4"}
    found = audit.entries(events, clips)
    assert [(each.who, each.what) for each in found[:3]] == [
        ("ana", "clip finished"),
        ("rita", "annotation changed"),
        ("ana", "annotation created"),
    ]
    assert (found[1].clip, found[1].before, found[1].after) == ("walk.mp4", "happy 1; =1+1", "sad 0.5; =1+1")
    assert [each.who for each in audit.entries(events, clips, who="rita")] == ["rita"]
    assert {each.about for each in audit.entries(events, clips, about="labels")} == {"labels"}
    team.store.annotate(team.clip, ana, 3.0, 4.0, {"happy": 1.0})
    found = [*found, replace(found[0], who="=1+1", after="-1+1")]
    rows = list(csv.DictReader(io.StringIO(audit.as_csv(found).decode())))
    assert rows[0]["who"] == "ana"
    assert (rows[-1]["who"], rows[-1]["after"]) == ("'=1+1", "'-1+1"), "no spreadsheet takes it for a formula"
