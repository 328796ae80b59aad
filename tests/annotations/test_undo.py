import datetime
from typing import Any

import pytest
import sqlalchemy.exc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotations import events
from annotations.engine import writer
from annotations.records import AnnotationRecord, NewVersion, NotFoundError, StaleWrite
from annotations.store import Store


def content(annotation: AnnotationRecord) -> tuple[Any, ...]:
    return annotation.id, annotation.start_s, annotation.end_s, dict(annotation.degrees), annotation.note


def test_undo_and_redo_walk_through_a_persons_own_changes(store, study, clip, ana, bob):
    mine = store.annotate(clip.id, ana.id, 1, 2, {"happy": 1.0})
    theirs = store.annotate(clip.id, bob.id, 1, 2, {"sad": 1.0})
    store.change(mine.id, 1, ana.id, note="loud")
    undone = store.undo(study.id, ana.id)
    assert undone is not None
    assert (undone.kind, undone.actor, undone.way) == ("undo: annotation changed", "Ana", "undo")
    assert undone.undoes == store.history(mine.id)[1].id
    assert (store.annotation(mine.id).note, store.annotation(mine.id).version) == ("", 3)
    store.undo(study.id, ana.id)
    assert store.annotations(clip.id) == [theirs]
    assert (store.undo(study.id, ana.id), store.can_undo(study.id, ana.id)) == (None, False)
    assert store.can_redo(study.id, ana.id)
    store.redo(study.id, ana.id)
    redone = store.redo(study.id, ana.id)
    assert redone is not None
    assert redone.kind == "redo: annotation changed"
    assert content(store.annotation(mine.id)) == (mine.id, 1.0, 2.0, {"happy": 1.0}, "loud")
    assert (store.redo(study.id, ana.id), store.can_redo(study.id, ana.id)) == (None, False)
    assert store.can_undo(study.id, bob.id)


def test_an_edit_of_the_rules_is_one_step_back_to_the_model_before(store, study, ana, bob):
    base = store.add_model_version(study.id, NewVersion("base", ["happy"], "1.safetensors"))
    edited = NewVersion("adapted", ["happy"], "2.safetensors", base.id, edit=True)
    version = store.add_model_version(study.id, edited, ana.id)
    undone = store.undo(study.id, ana.id)
    assert undone is not None
    assert (undone.kind, undone.entity) == ("undo: rules edited", "model version")
    assert store.active_version(study.id).id == base.id
    assert [each.number for each in store.model_versions(study.id)] == [1, 2], "what was tried stays in the history"
    store.redo(study.id, ana.id)
    assert store.active_version(study.id).id == version.id
    assert events.replay(store.events(study.id))["model version", version.id]["active"]
    store.activate(base.id, bob.id)
    with pytest.raises(StaleWrite, match=r"^Bob has since chosen or taught another model; nothing was undone"):
        store.undo(study.id, ana.id)
    assert store.active_version(study.id).id == base.id
    assert store.undo(study.id, ana.id) is None


def test_a_new_change_clears_redo(store, study, clip, ana):
    first = store.annotate(clip.id, ana.id, 1, 2, {"happy": 1.0})
    store.undo(study.id, ana.id)
    second = store.annotate(clip.id, ana.id, 3, 4, {"sad": 1.0})
    assert store.redo(study.id, ana.id) is None
    store.undo(study.id, ana.id)
    assert store.undo(study.id, ana.id) is None
    store.redo(study.id, ana.id)
    assert [each.id for each in store.annotations(clip.id)] == [second.id]
    assert first.id != second.id


def test_undo_gives_way_to_somebody_elses_later_change_and_then_goes_on(store, study, clip, ana, bob):
    earlier = store.annotate(clip.id, ana.id, 5, 6, {"happy": 1.0})
    shared = store.annotate(clip.id, ana.id, 1, 2, {"happy": 1.0})
    theirs = store.change(shared.id, 1, bob.id, degrees={"sad": 1.0})
    with pytest.raises(StaleWrite, match=r"^Bob has since changed this segment; nothing was undone") as refusal:
        store.undo(study.id, ana.id)
    assert refusal.value.current == theirs
    assert store.annotation(shared.id) == theirs
    undone = store.undo(study.id, ana.id)
    assert undone is not None
    assert undone.entity_id == earlier.id
    assert store.annotations(clip.id) == [theirs]


def test_redo_gives_way_too(store, study, clip, ana, bob):
    shared = store.annotate(clip.id, ana.id, 1, 2, {"happy": 1.0})
    store.change(shared.id, 1, ana.id, note="mine")
    store.undo(study.id, ana.id)
    store.remove(shared.id, 3, bob.id)
    with pytest.raises(StaleWrite, match=r"^Bob has since removed this segment; nothing was redone") as refusal:
        store.redo(study.id, ana.id)
    assert refusal.value.current is None
    assert store.annotations(clip.id) == []


def test_undo_is_kept_apart_by_study(store, study, clip, ana):
    other = store.create_study("Other", ["happy"])
    elsewhere = store.add_clip(other.id, "b2" * 32, "x.mp4", duration_s=9.0, has_video=True, has_sound=True)
    store.annotate(clip.id, ana.id, 1, 2, {"happy": 1.0})
    store.annotate(elsewhere.id, ana.id, 1, 2, {"happy": 1.0})
    store.undo(study.id, ana.id)
    assert store.annotations(clip.id) == []
    assert len(store.annotations(elsewhere.id)) == 1


def test_deleting_a_clip_is_undone_like_any_change(store, study, clip, ana, bob):
    annotation = store.annotate(clip.id, bob.id, 1, 2, {"happy": 1.0})
    store.delete_clip(clip.id, ana.id)
    with pytest.raises(StaleWrite, match="The clip of that change has since been removed"):
        store.undo(study.id, bob.id)
    store.undo(study.id, ana.id)
    assert store.annotations(clip.id) == [annotation]
    store.redo(study.id, ana.id)
    assert store.clips(study.id) == []
    store.restore(clip.id, bob.id)
    with pytest.raises(StaleWrite, match="Bob has since removed or restored this clip"):
        store.undo(study.id, ana.id)


def test_several_clips_deleted_at_once_come_back_with_one_undo(store, study, clip, ana):
    other = store.add_clip(study.id, "b2" * 32, "x.mp4", duration_s=9.0, has_video=True, has_sound=True)
    store.delete_clips([clip.id, other.id], ana.id)
    assert store.clips(study.id) == []
    store.undo(study.id, ana.id)
    assert [each.id for each in store.clips(study.id)] == [clip.id, other.id]
    with pytest.raises(NotFoundError):
        store.delete_clips([clip.id, 999], ana.id)
    assert len(store.clips(study.id)) == 2


def test_a_clock_that_is_set_back_changes_nothing(store, study, clip, ana, monkeypatch):
    class Earlier(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.datetime(1999, 1, 1, tzinfo=tz)

    first = store.annotate(clip.id, ana.id, 1, 2, {"happy": 1.0})
    monkeypatch.setattr(events, "datetime", Earlier)
    store.change(first.id, 1, ana.id, note="later")
    assert [event.after["note"] for event in store.history(first.id) if event.after] == ["", "later"]
    assert store.history(first.id)[1].at.year == 1999
    store.undo(study.id, ana.id)
    assert store.annotation(first.id).note == ""


@pytest.mark.parametrize("statement", ["UPDATE events SET actor = 'x'", "DELETE FROM events", "DROP"])
def test_the_log_refuses_to_be_rewritten(store, study, clip, ana, statement):
    store.annotate(clip.id, ana.id, 1, 2, {"happy": 1.0})
    postgresql = store._engine.dialect.name == "postgresql"
    if statement == "DROP":
        columns = "id, at, actor, kind, entity, entity_id, way"
        statement = "TRUNCATE events" if postgresql else f"REPLACE INTO events ({columns}) SELECT {columns} FROM events"
    before = store.events(study.id)
    with pytest.raises(sqlalchemy.exc.DBAPIError, match="append-only"), writer(store._engine).begin() as connection:
        connection.exec_driver_sql(statement)
    assert store.events(study.id) == before


#: What two people do: (who, what, a number that picks the segment or its new content).
STEPS = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from(["create", "create", "change", "change", "remove", "undo", "undo", "redo"]),
        st.integers(0, 9),
    ),
    max_size=25,
)


@pytest.fixture(scope="module")
def lasting_store(tmp_path_factory):
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('undo') / 'studio.sqlite3'}")
    yield store
    store.close()


def play(store: Store, study_id: int, clip_id: int, who: int, what: str, number: int) -> None:
    """One step of a person; a stale undo is refused and changes nothing that can be seen."""
    there = store.annotations(clip_id)
    if what == "create":
        store.annotate(clip_id, who, number, number + 1, {"happy": (number + 1) / 10})
    elif what in ("undo", "redo"):
        try:
            getattr(store, what)(study_id, who)
        except StaleWrite:
            assert store.annotations(clip_id) == there
    elif there:
        chosen = there[number % len(there)]
        if what == "change":
            store.change(chosen.id, chosen.version, who, note=str(number), end_s=chosen.start_s + 1 + number)
        else:
            store.remove(chosen.id, chosen.version, who)


def check(steps: list[tuple[int, str, int]], lasting_store: Store) -> None:
    store = lasting_store
    number = len(store.studies())
    study = store.create_study(f"Study {number}", ["happy"])
    clip = store.add_clip(study.id, f"{number:064x}", "x.mp4", duration_s=60, has_video=True, has_sound=True)
    people = [store.annotator("Ana").id, store.annotator("Bob").id]

    for who, what, number in steps:
        play(store, study.id, clip.id, people[who], what, number)

    state = {key[1]: value for key, value in events.replay(store.events(study.id)).items() if key[0] == "annotation"}
    there = store.annotations(clip.id)
    assert sorted(state) == sorted(each.id for each in there)
    for each in there:
        said = state[each.id]
        assert (said["start_s"], said["end_s"], said["degrees"], said["note"], said["version"]) == (
            each.start_s,
            each.end_s,
            each.degrees,
            each.note,
            each.version,
        )

    alone = {who for who, _, _ in steps} <= {0}
    if alone:
        before, count = [content(each) for each in there], 0
        while store.undo(study.id, people[0]):
            count += 1
        assert store.annotations(clip.id) == []
        for _ in range(count):
            assert store.redo(study.id, people[0])
        assert [content(each) for each in store.annotations(clip.id)] == before


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
def test_the_state_is_always_what_the_log_says(steps, lasting_store):
    check(steps, lasting_store)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS.map(lambda steps: [(0, what, number) for _, what, number in steps]))
def test_undoing_everything_and_redoing_everything_restores_everything(steps, lasting_store):
    check(steps, lasting_store)
