"""What people say side by side, and the history of a clip in words."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.records import AnnotationRecord
from annotations.store import Store
from app import history
from app.review import SAME_EDGE_S, side_by_side


def said(annotator: str, start_s: float, end_s: float, **degrees: float) -> AnnotationRecord:
    return AnnotationRecord(
        id=1, clip_id=1, annotator_id=1, annotator=annotator, start_s=start_s, end_s=end_s, degrees=degrees,
        intensity=None, note="", version=1, updated=datetime.now(UTC),
    )  # fmt: skip


def test_people_are_compared_wherever_one_of_them_changes_their_mind():
    agree, differ, alone = side_by_side(
        [
            said("Ana", 1.0, 3.0, happy=1.0),
            said("Bob", 1.1, 3.0, happy=0.6, sad=0.4),
            said("Ana", 3.0, 5.0, sad=1.0),
            said("Bob", 3.0, 5.1, angry=1.0),
            said("Ana", 8.0, 9.0, happy=0.5),
        ]
    )
    assert (agree.start_s, agree.end_s, agree.disagreement) == (1.0, 3.0, 0.0)
    assert agree.memberships == {"happy": 0.8, "sad": 0.2}
    assert (differ.start_s, differ.end_s, differ.disagreement) == (3.0, 5.0, 0.5)
    assert differ.by_person == {"Ana": {"sad": 1.0}, "Bob": {"angry": 1.0}}
    assert (alone.by_person, alone.disagreement) == ({"Ana": {"happy": 0.5}, "Bob": {}}, 0.5)


times = st.tuples(st.integers(0, 200), st.integers(2, 40)).map(lambda each: (each[0] / 10, (each[0] + each[1]) / 10))
labels = st.tuples(st.sampled_from(["Ana", "Bob", "Cem"]), times, st.sampled_from(["happy", "sad"]))


@given(st.lists(labels, max_size=12))
def test_every_labelled_moment_is_in_exactly_one_stretch(made):
    annotations = [said(who, start, end, **{emotion: 1.0}) for who, (start, end), emotion in made]
    stretches = side_by_side(annotations)
    for before, after in pairwise(stretches):
        assert before.end_s <= after.start_s
    for each in stretches:
        assert each.end_s - each.start_s >= SAME_EDGE_S - 1e-9
        assert 0 <= each.disagreement < 1
        assert any(each.by_person.values())
    covered = sum(each.end_s - each.start_s for each in stretches)
    moments = {tenth for each in annotations for tenth in range(round(each.start_s * 10), round(each.end_s * 10))}
    # Edges nearer than SAME_EDGE_S are one: each can shift what is covered by less than that.
    assert covered == pytest.approx(len(moments) / 10, abs=SAME_EDGE_S * (2 * len(annotations) + 1))


def test_the_history_says_who_did_what_and_which_states_can_come_back(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'studio.sqlite3'}")
    study = store.create_study("Demo", ["happy", "sad"])
    clip = store.add_clip(study.id, "a1" * 32, "x.mp4", duration_s=9, has_video=True, has_sound=True)
    ana, bob = store.annotator("Ana").id, store.annotator("Bob").id
    made = store.annotate(clip.id, ana, 1, 2, {"happy": 1.0})
    store.change(made.id, 1, bob, degrees={"sad": 1.0})
    store.undo(study.id, bob)
    store.remove(made.id, 3, ana)
    told = history.told(store.clip_history(clip.id), store.annotations(clip_id=clip.id))
    assert [(each["who"], each["did"], each["restorable"]) for each in told] == [
        ("Ana", "removed it", False),
        ("Bob", "undid a change", True),
        ("Bob", "changed it", True),
        ("Ana", "made it", True),
    ]
    assert {each["version"] for each in told} == {None}
    store.restore_annotation(made.id, told[2]["event"], None, ana)
    told = history.told(store.clip_history(clip.id), store.annotations(clip_id=clip.id))
    assert (told[0]["did"], told[0]["restorable"], told[3]["restorable"]) == (
        "brought an earlier state back", False, False,
    )  # fmt: skip
    store.close()
