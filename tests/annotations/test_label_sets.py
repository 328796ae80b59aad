"""The label set of a study is changed while people work on it; settings; finished clips; edits of several at once."""

import pytest

from annotations import events
from annotations.records import (
    AnnotationError,
    AnswerRecord,
    ChangedAnnotation,
    NewAnnotation,
    NotFoundError,
    PaintedRecord,
    RemovedAnnotation,
    StaleWrite,
    StudySettings,
)


def said(store, clip) -> list[dict[str, float]]:
    return [dict(each.degrees) for each in store.annotations(clip.id)]


def check_the_log(store, study, clip) -> None:
    """The log folded up is what is there."""
    state = events.replay(store.events(study.id))
    there = {each.id: (dict(each.degrees), each.version) for each in store.annotations(clip.id)}
    logged = {key[1]: (value["degrees"], value["version"]) for key, value in state.items() if key[0] == "annotation"}
    assert logged == there
    emotions = state["study", study.id]["emotions"]
    assert [each["name"] for each in emotions] == list(store.study(study.id).emotion_names)


def test_renaming_takes_the_annotations_along_and_one_undo_takes_it_back(store, study, clip, ana, bob):
    store.annotate(clip.id, ana.id, 1, 2, {"happy": 0.7, "sad": 0.3})
    store.annotate(clip.id, bob.id, 3, 4, {"sad": 1.0})
    renamed = store.rename_emotion(study.id, "happy", "joyful", ana.id)
    assert renamed.emotion_names == ("angry", "joyful", "sad")
    joyful = renamed.emotions[1]
    assert (joyful.meaning, joyful.former, joyful.letter) == ("happy", ("happy",), "h")
    assert said(store, clip) == [{"joyful": 0.7, "sad": 0.3}, {"sad": 1.0}]
    check_the_log(store, study, clip)
    store.undo(study.id, ana.id)
    assert store.study(study.id).emotion_names == ("angry", "happy", "sad")
    assert said(store, clip) == [{"happy": 0.7, "sad": 0.3}, {"sad": 1.0}]
    store.redo(study.id, ana.id)
    assert said(store, clip) == [{"joyful": 0.7, "sad": 0.3}, {"sad": 1.0}]
    check_the_log(store, study, clip)


def test_merging_keeps_the_higher_degree_and_can_be_undone(store, study, clip, ana):
    store.annotate(clip.id, ana.id, 1, 2, {"angry": 0.4, "sad": 0.9})
    merged = store.merge_emotions(study.id, "angry", "sad", ana.id)
    assert merged.emotion_names == ("happy", "sad")
    assert said(store, clip) == [{"sad": 0.9}]
    store.undo(study.id, ana.id)
    assert said(store, clip) == [{"angry": 0.4, "sad": 0.9}]
    assert store.study(study.id).emotion_names == ("angry", "happy", "sad")
    check_the_log(store, study, clip)


def test_undo_of_ones_own_change_reaches_past_somebody_elses_renaming(store, study, clip, ana, bob):
    made = store.annotate(clip.id, ana.id, 1, 2, {"happy": 1.0})
    store.change(made.id, 1, ana.id, degrees={"sad": 1.0})
    store.rename_emotion(study.id, "happy", "joyful", bob.id)
    store.undo(study.id, ana.id)
    assert said(store, clip) == [{"joyful": 1.0}]


def test_a_renaming_whose_new_name_was_used_since_stands(store, study, clip, ana, bob):
    store.rename_emotion(study.id, "happy", "joyful", ana.id)
    store.annotate(clip.id, bob.id, 1, 2, {"joyful": 1.0})
    with pytest.raises(StaleWrite, match="'joyful' has been used since; nothing was undone"):
        store.undo(study.id, ana.id)
    assert said(store, clip) == [{"joyful": 1.0}]


def test_labels_changed_by_somebody_else_since_stand(store, study, ana, bob):
    store.add_emotion(study.id, "calm", ana.id)
    store.recolour_emotion(study.id, "sad", "#0072B2", bob.id)
    with pytest.raises(StaleWrite, match="Bob has since changed the labels"):
        store.undo(study.id, ana.id)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda store, study: store.rename_emotion(study, "calm", "x"), "no emotion 'calm'"),
        (lambda store, study: store.rename_emotion(study, "happy", "SAD"), "there twice"),
        (lambda store, study: store.merge_emotions(study, "sad", "sad"), "two different emotions"),
        (lambda store, study: store.recolour_emotion(study, "sad", "red"), "#rrggbb"),
        (lambda store, study: store.change_settings(study, mode="secret"), "mode of a study"),
        (lambda store, study: store.change_settings(study, unsure=1.5), "between 0 and 1"),
        (lambda store, study: store.change_settings(study, mix={"never looked at": -1}), "0 or more"),
        (lambda store, study: store.change_settings(study, colour="x"), "no setting colour"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(store, study, change, sentence):
    with pytest.raises(AnnotationError, match=sentence):
        change(store, study.id)


def test_settings_are_kept_and_those_not_named_stay(store, study, ana):
    assert study.settings == StudySettings()
    store.change_settings(study.id, ana.id, mode="label first", mix={"random check": 2})
    store.change_settings(study.id, ana.id, mix={"never looked at": 0})
    changed = store.change_settings(study.id, ana.id, unsure=0.4)
    assert changed.settings == StudySettings("label first", 0.4, {"random check": 2.0, "never looked at": 0.0})
    assert store.studies()[0].settings == changed.settings


def test_several_edits_are_one_step_or_nothing(store, study, clip, ana):
    first = store.annotate(clip.id, ana.id, 1, 4, {"happy": 1.0}, note="x")
    halves = store.edit(
        clip.id,
        ana.id,
        [ChangedAnnotation(first.id, 1, {"end_s": 2.0}), NewAnnotation(2.0, 4.0, {"happy": 1.0}, note="x")],
    )
    assert [(each.start_s, each.end_s) for each in halves if each] == [(1, 2), (2, 4)]
    with pytest.raises(StaleWrite):
        store.edit(clip.id, ana.id, [RemovedAnnotation(halves[1].id, 1), ChangedAnnotation(first.id, 1, {"end_s": 4})])
    assert len(store.annotations(clip.id)) == 2
    store.edit(clip.id, ana.id, [ChangedAnnotation(first.id, 2, {"end_s": 4}), RemovedAnnotation(halves[1].id, 1)])
    assert [(each.start_s, each.end_s) for each in store.annotations(clip.id)] == [(1, 4)]
    store.undo(study.id, ana.id)
    store.undo(study.id, ana.id)
    assert [(each.start_s, each.end_s) for each in store.annotations(clip.id)] == [(1, 4)]
    check_the_log(store, study, clip)


def test_any_earlier_state_of_a_segment_can_be_brought_back(store, study, clip, ana, bob):
    made = store.annotate(clip.id, ana.id, 1, 2, {"happy": 1.0})
    store.change(made.id, 1, bob.id, degrees={"sad": 1.0}, note="no")
    store.rename_emotion(study.id, "happy", "joyful")
    created, *_ = store.history(made.id)
    with pytest.raises(StaleWrite, match="Bob changed this segment"):
        store.restore_annotation(made.id, created.id, 1, ana.id)
    back = store.restore_annotation(made.id, created.id, 2, ana.id)
    assert (dict(back.degrees), back.note, back.version) == ({"joyful": 1.0}, "", 3)
    store.remove(made.id, 3, ana.id)
    assert dict(store.restore_annotation(made.id, created.id, None, ana.id).degrees) == {"joyful": 1.0}
    store.undo(study.id, ana.id)
    assert store.annotations(clip.id) == []
    with pytest.raises(NotFoundError):
        store.restore_annotation(made.id, 10_000, None, ana.id)


def test_a_reviewer_writes_the_consensus_and_undoes_as_themselves(store, study, clip, ana):
    lane = store.consensus()
    assert (lane.kind, store.consensus().id) == ("consensus", lane.id)
    store.annotate(clip.id, lane.id, 1, 2, {"sad": 1.0}, by=ana.id)
    [settled] = store.annotations(clip.id)
    assert settled.annotator == "Consensus"
    assert store.history(settled.id)[0].actor == "Ana"
    store.undo(study.id, ana.id)
    assert store.annotations(clip.id) == []
    with pytest.raises(AnnotationError, match="choose another name"):
        store.annotator("Consensus")


def test_finished_clips_and_positions_are_remembered(store, study, clip, ana, bob):
    store.visit(clip.id, ana.id, 12.5)
    store.finish(clip.id, ana.id)
    store.visit(clip.id, bob.id, 99.0)
    mine, theirs = store.visits(study.id)
    assert (mine.position_s, theirs.position_s) == (12.5, 26.0)
    assert mine.finished is not None
    assert theirs.finished is None
    store.undo(study.id, ana.id)
    assert [each.finished for each in store.visits(study.id)] == [None, None]
    store.redo(study.id, ana.id)
    assert store.visits(study.id)[0].finished == mine.finished
    store.delete_clip(clip.id)
    store.purge(clip.id)
    assert store.visits(study.id) == []


def test_what_was_painted_can_be_reversed(store, clip, ana):
    assert store.set_reaction(ana.id, 0.4).reaction_s == 0.4
    painted = store.annotate(clip.id, ana.id, 0.6, 2, {"sad": 1.0}, painted=PaintedRecord(1.0, 2.0, 0.4))
    moved = store.change(painted.id, 1, ana.id, end_s=2.5)
    assert moved.painted == PaintedRecord(1.0, 2.0, 0.4)
    with pytest.raises(AnnotationError, match="between 0 and 3 s"):
        store.set_reaction(ana.id, 9.0)


def test_an_answer_says_whether_the_suggestion_had_been_seen(store, clip, ana):
    unseen = AnswerRecord(1, 1.0, 2.0, {"sad": 0.6}, shown=False)
    assert store.annotate(clip.id, ana.id, 1, 2, {"sad": 1.0}, suggestion=unseen).answers == unseen
