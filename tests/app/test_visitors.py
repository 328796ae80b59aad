"""Demo mode: every visitor has a studio of their own, and nothing of it stays."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app import page
from app.jobs import Jobs
from app.settings import Settings
from app.studio import Studio
from app.visitors import GRACE_S, Visitors, VisitOver
from tests.app.conftest import removed_a_day_ago


class Asking:
    """Says who asks, and what time it is."""

    def __init__(self) -> None:
        self.secret: str | None = None
        self.now = 1000.0


@pytest.fixture
def asking() -> Asking:
    return Asking()


@pytest.fixture
def visitors(home: Path, asking: Asking) -> Visitors:
    left = home / "visits" / "of-a-killed-studio"
    left.mkdir(parents=True)
    (left / "studio.sqlite3").touch()
    template = Studio(Settings(home=home, mode="demo", max_visitors=2))
    template.version(1)  # of the checkpoint that is here now
    return Visitors(template, lambda: asking.secret, lambda: asking.now)


def _come(visitors: Visitors) -> str:
    secret = visitors.arrive()
    assert secret is not None
    return secret


def test_what_a_visitor_says_is_in_their_studio_alone(visitors: Visitors, asking: Asking, home: Path):
    assert not (home / "visits" / "of-a-killed-studio").exists()
    studio = visitors.stand_in()
    ana, ben = _come(visitors), _come(visitors)
    asking.secret = ana
    clip = studio.clips(1, studio.annotator("Ana").id).cards[0].id
    studio.labels.correct(clip, studio.annotator("Ana").id, 1.0, 2.0, {"happy": 1.0}, note="a secret of Ana's")
    studio.store.rename_study(1, "Ana's study")
    asking.secret = ben
    assert studio.store.annotations(clip_id=clip) == []
    assert [each.name for each in studio.store.annotators()] == []
    assert studio.study(1).name == "Field notes"
    asking.secret = ana
    assert [each.note for each in studio.store.annotations(clip_id=clip)] == ["a secret of Ana's"]
    template = Studio(Settings(home=home))
    assert template.store.annotations(clip_id=clip) == []
    media = studio.media(clip)
    assert media is not None
    assert media.is_relative_to(home / "visits")


def test_a_clip_that_a_visitor_removed_a_day_ago_is_gone_for_good_in_their_studio_alone(
    visitors: Visitors, asking: Asking, home: Path
):
    studio = visitors.stand_in()
    for secret in (_come(visitors), _come(visitors)):
        asking.secret = secret
        studio.delete_clips([1], studio.annotator("Ana").id)
    removed_a_day_ago(studio.settings.home)
    folder = studio.files.of(studio.store.clips(1, removed=True)[0])
    visitors.forget_removed()
    assert not folder.exists()
    assert not studio.store.clips(1, removed=True)
    asking.secret = next(iter(visitors._visits))
    assert studio.store.clips(1, removed=True), "theirs was removed just now"
    assert studio.files.of(Studio(Settings(home=home)).clip(1)).exists()


def test_a_studio_is_made_in_no_time_and_shares_what_nobody_changes(visitors: Visitors, asking: Asking):
    studio = visitors.stand_in()
    asking.secret = _come(visitors)
    begun = time.process_time()
    clip = studio.store.clip(1)
    assert time.process_time() - begun < 1.0
    own, over_time = studio.tracks(clip.id), studio.predictions.over_time(clip, studio.version(1))
    asking.secret = _come(visitors)
    assert studio.tracks(clip.id) is own
    assert studio.predictions.over_time(clip, studio.version(1)) is over_time, "what the model says of it, too"
    original = next(studio.files.of(clip).glob("original.*"))
    content = original.read_bytes()
    original.unlink()
    original.write_bytes(content)  # the same video added again, with other words perhaps
    assert studio.tracks(clip.id) is not own
    assert studio.predictions.over_time(clip, studio.version(1)) is not over_time


def test_a_visit_ends_after_its_last_tab_and_after_an_hour(visitors: Visitors, asking: Asking):
    studio = visitors.stand_in()
    asking.secret = _come(visitors)
    visit = visitors.find(asking.secret)
    assert visit is not None
    with visitors.tab(visit):
        assert studio.studies()
        asking.now += 50 * 60
        visitors.sweep()
        assert studio.studies(), "a tab is open"
    asking.now += GRACE_S / 2
    visitors.sweep()
    assert studio.studies(), "a reload keeps the visit"
    with visitors.tab(visit):
        asking.now += 11 * 60
        visitors.sweep()
        assert not visit.home.exists(), "an hour is over, whatever is open"
    with pytest.raises(VisitOver, match="Reload the page"):
        studio.studies()
    asking.secret = _come(visitors)
    visit = visitors.find(asking.secret)
    assert visit is not None
    assert studio.studies()
    asking.now += GRACE_S + 1
    visitors.sweep()
    assert not visit.home.exists(), "the tab was closed"


def test_the_demo_is_full_until_somebody_leaves(visitors: Visitors, asking: Asking):
    studio = visitors.stand_in()
    for asking.secret in (_come(visitors), _come(visitors)):
        assert studio.studies()
    assert visitors.arrive() is None
    asking.now += GRACE_S + 1
    assert visitors.arrive() is not None


def test_a_page_belongs_to_who_used_it_first(visitors: Visitors):
    ana, ben = (visitors.find(_come(visitors)) for _ in range(2))
    assert ana is not None
    assert ben is not None
    assert visitors.owns(ana, "page")
    assert not visitors.owns(ben, "page")
    assert visitors.owns(ana, "page")
    assert not visitors.owns(ana, ""), "a name that two browsers may have by chance"


def test_nobody_is_nobody(visitors: Visitors, asking: Asking):
    studio = visitors.stand_in()
    for asking.secret in (None, "", "guessed"):
        with pytest.raises(VisitOver):
            studio.studies()


def test_what_a_page_remembers_it_remembers_for_one_visitor(visitors: Visitors):
    """Pages are built once for all: what they hold on to must not be made of the studio that stands in."""
    with visitors.building():
        built = page.build(visitors.stand_in())
    stands_in = type(visitors.stand_in())
    functions = [each.fn for each in built.fns.values()]
    functions += [call for block in built.blocks.values() for call in getattr(block, "server_functions", None) or []]
    assert len(functions) > 50
    holding = [f"{each}" for each in functions if each and _holds(each, stands_in, 0)]
    assert not holding, "use studio.once(…) where it is needed"


def _holds(value: object, stands_in: type, depth: int) -> bool:
    """Whether a function's closure holds an object that holds the stand-in."""
    if type(value) is stands_in or depth > 4:
        return False
    inside = [
        cell.cell_contents for cell in getattr(value, "__closure__", None) or () if cell.cell_contents is not value
    ]
    if any(type(each) is not stands_in and _keeps(each, stands_in) for each in inside):
        return True
    return any(_holds(each, stands_in, depth + 1) for each in inside if callable(each))


def _keeps(value: object, stands_in: type) -> bool:
    own = getattr(value, "__dict__", {}) if type(value).__module__.startswith("app.") else {}
    return any(type(each) is stands_in for each in own.values())


def test_who_waits_for_an_analysis_is_told_how_many_are_before_them():
    go, begun = threading.Event(), threading.Event()

    def work(progress: Callable[[float, str], None]) -> int:
        begun.set()
        go.wait(60)
        return 1

    mine = Jobs()
    others = Jobs(mine.line)
    first = mine.submit(1, "first", work)
    begun.wait(60)
    second, third = others.submit(1, "second", work), mine.submit(1, "third", work)
    assert second.stage == "Waiting for its turn: 1 before it"
    assert third.stage == "Waiting for its turn: 2 before it"
    assert mine.of(1) == [first, third]
    others.cancel(second.id)
    go.set()
    until = time.monotonic() + 60
    while not third.finished and time.monotonic() < until:
        time.sleep(0.01)
    assert (first.state, second.state, third.state) == ("done", "cancelled", "done")
