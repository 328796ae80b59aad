import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from annotations.records import (
    AnnotationError,
    AnnotatorRecord,
    ClipRecord,
    EmotionRecord,
    NewVersion,
    NotFoundError,
    StaleWrite,
    StudyRecord,
    SuggestionRecord,
    UsedCorrection,
)
from annotations.store import Store


def test_a_study_gives_each_emotion_its_own_letter_and_a_safe_colour(store: Store):
    study = store.create_study("  Pilot   study ", ["sad", "surprised", "ada", "радость"])
    assert study.name == "Pilot study"
    assert study.emotions == (
        EmotionRecord("sad", "s", "#e69f00"),
        EmotionRecord("surprised", "u", "#56b4e9"),
        EmotionRecord("ada", "a", "#009e73"),
        EmotionRecord("радость", "р", "#f0e442"),
    )
    assert store.study(study.id) == study
    assert store.studies() == [study]


def test_any_number_of_emotions_has_letters_of_their_own(store: Store):
    study = store.create_study("Many", [f"sad {number}" for number in range(120)])
    assert len({emotion.letter for emotion in study.emotions}) == 120


@pytest.mark.parametrize(
    ("name", "emotions", "sentence"),
    [
        ("Demo", ["happy"], "There is already a study called 'Demo'."),
        ("  ", ["happy"], "A study needs a name."),
        ("New", [], "A study needs at least one emotion."),
        ("New", "happy", "A study needs at least one emotion."),
        ("New", ["happy", "Happy"], "The emotion 'Happy' is there twice."),
        ("New", ["happy", "\x00 "], "An emotion needs a name."),
    ],
)
def test_a_study_that_makes_no_sense_is_refused(store: Store, study: StudyRecord, name, emotions, sentence):
    with pytest.raises(AnnotationError) as refusal:
        store.create_study(name, emotions)
    assert str(refusal.value) == sentence
    assert store.studies() == [study]


def test_studies_are_renamed_and_grow(store: Store, study: StudyRecord, ana: AnnotatorRecord):
    store.rename_study(study.id, "Main", ana.id)
    grown = store.add_emotion(study.id, "bored", ana.id)
    assert (grown.name, grown.emotion_names) == ("Main", ("angry", "happy", "sad", "bored"))
    assert [event.kind for event in store.events(study.id)] == ["study created", "study renamed", "emotion added"]
    store.create_study("Other", ["happy"])
    with pytest.raises(AnnotationError, match="already a study"):
        store.rename_study(study.id, "Other")


def test_annotators_are_made_once_even_at_the_same_moment(store: Store):
    with ThreadPoolExecutor(8) as pool:
        people = list(pool.map(lambda _: store.annotator(" Ana  Sofía "), range(16)))
    assert len(set(people)) == 1
    assert store.annotators() == [AnnotatorRecord(people[0].id, "Ana Sofía")]


def test_a_clip_is_added_once_per_study_and_content(store: Store, study: StudyRecord, clip: ClipRecord):
    again = store.add_clip(study.id, "A1" * 32, "copy.mp4", duration_s=26.0, has_video=True, has_sound=True)
    assert again == clip
    other = store.create_study("Other", ["happy"])
    assert store.add_clip(other.id, "a1" * 32, "x.mp4", duration_s=1.0, has_video=True, has_sound=False).id != clip.id
    assert [each.id for each in store.clips(study.id)] == [clip.id]


def test_a_clips_analysis_is_followed(store: Store, clip: ClipRecord):
    assert clip.status == "waiting"
    ready = store.set_clip_status(clip.id, "ready", notes=["No face is seen."])
    assert (ready.status, ready.notes) == ("ready", ("No face is seen.",))
    failed = store.set_clip_status(clip.id, "failed", error="speech.mp4 is cut off.")
    assert store.clip(clip.id) == failed
    assert (failed.error, failed.notes) == ("speech.mp4 is cut off.", ("No face is seen.",))
    with pytest.raises(AnnotationError, match="exactly when it failed"):
        store.set_clip_status(clip.id, "failed")
    with pytest.raises(AnnotationError, match="not 'done'"):
        store.set_clip_status(clip.id, "done")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("sha256", "duration_s"), [("xyz", 1.0), ("a1" * 32, 0.0), ("a1" * 32, math.nan), ("a1" * 32, 1e12)]
)
def test_clips_that_cannot_be_are_refused(store: Store, study: StudyRecord, sha256, duration_s):
    with pytest.raises(AnnotationError):
        store.add_clip(study.id, sha256, "x.mp4", duration_s=duration_s, has_video=True, has_sound=True)
    assert store.clips(study.id) == []


def test_deleting_a_clip_hides_all_of_it_until_it_is_restored(store, study, clip, ana):
    annotation = store.annotate(clip.id, ana.id, 1, 2, {"happy": 1.0})
    store.delete_clip(clip.id, ana.id)
    assert (store.clips(study.id), store.annotations(study_id=study.id)) == ([], [])
    assert [each.id for each in store.clips(study.id, removed=True)] == [clip.id]
    for gone in (
        lambda: store.clip(clip.id),
        lambda: store.annotation(annotation.id),
        lambda: store.annotate(clip.id, ana.id, 1, 2, {"sad": 1.0}),
        lambda: store.change(annotation.id, 1, ana.id, note="x"),
        lambda: store.delete_clip(clip.id),
    ):
        with pytest.raises(NotFoundError):
            gone()
    store.restore(clip.id, ana.id)
    assert store.annotations(study_id=study.id) == [annotation]
    store.delete_clip(clip.id, ana.id)
    assert (
        store.add_clip(study.id, clip.sha256, "again.mp4", duration_s=26.0, has_video=True, has_sound=True).id
        == clip.id
    )
    assert store.annotations(clip.id) == [annotation]


def test_a_purged_clip_is_gone_but_for_the_log(store, study, clip, ana):
    store.annotate(clip.id, ana.id, 1, 2, {"happy": 1.0})
    with pytest.raises(NotFoundError):
        store.purge(clip.id)
    store.delete_clip(clip.id, ana.id)
    store.purge(clip.id, ana.id)
    assert (store.clips(study.id), store.clips(study.id, removed=True)) == ([], [])
    with pytest.raises(NotFoundError):
        store.restore(clip.id)
    with pytest.raises(StaleWrite):
        store.undo(study.id, ana.id)
    new = store.add_clip(study.id, clip.sha256, "again.mp4", duration_s=26.0, has_video=True, has_sound=True)
    assert new.id != clip.id
    assert store.annotations(new.id) == []


def test_an_annotation_is_kept_as_it_was_given(store, clip, ana):
    suggestion = SuggestionRecord(clip.id, 7, 0.5, 2.5, {"happy": np.float32(0.5)}, 0.2)
    given = store.annotate(
        clip.id, ana.id, 0.1, 2.7, {"sad": 0.25, "happy": 1}, intensity=0.5, note="laut\n‹b›", suggestion=suggestion
    )
    assert (given.start_s, given.end_s, given.intensity, given.note) == (0.1, 2.7, 0.5, "laut\n‹b›")
    assert dict(given.degrees) == {"happy": 1.0, "sad": 0.25}
    assert (given.emotion, given.annotator, given.version) == ("happy", "Ana", 1)
    assert given.answers is not None
    assert given.answers.memberships == {"happy": 0.5}
    assert store.annotation(given.id) == given
    assert store.annotations(clip_id=clip.id, annotator_id=ana.id) == [given]
    assert store.annotations(annotator_id=ana.id + 1) == []


@pytest.mark.parametrize(
    ("start_s", "end_s", "degrees", "more", "sentence"),
    [
        (-0.5, 2, {"happy": 1.0}, {}, "A segment cannot start before the clip does, at -0.5 s."),
        (2, 2, {"happy": 1.0}, {}, "A segment must end after it starts, not 2–2 s."),
        (3, 2, {"happy": 1.0}, {}, "A segment must end after it starts, not 3–2 s."),
        (1, 27, {"happy": 1.0}, {}, "The segment ends at 27 s, but the clip ends at 26 s."),
        (math.nan, 2, {"happy": 1.0}, {}, "The start must be a number, not nan."),
        ("1", 2, {"happy": 1.0}, {}, "The start must be a number, not '1'."),
        (1, True, {"happy": 1.0}, {}, "The end must be a number, not True."),
        (1, 2, {}, {}, "An annotation needs at least one emotion."),
        (1, 2, {"bored": 1.0}, {}, "This study has no emotion 'bored'; it has angry, happy, sad."),
        (1, 2, {"happy": 0.0}, {}, "The degree of happy must be above 0 and at most 1, not 0."),
        (1, 2, {"happy": 1.01}, {}, "The degree of happy must be above 0 and at most 1, not 1.01."),
        (1, 2, {"happy": math.inf}, {}, "The degree of happy must be a number, not inf."),
        (1, 2, {"happy": 1.0}, {"intensity": 2}, "The intensity must be between 0 and 1, not 2."),
        (1, 2, {"happy": 1.0}, {"note": "x" * 10_001}, "A note can have at most 10000 characters; this one has 10001."),
    ],
)
def test_what_makes_no_sense_is_answered_in_one_sentence(
    store, study, clip, ana, start_s, end_s, degrees, more, sentence
):
    with pytest.raises(AnnotationError) as refusal:
        store.annotate(clip.id, ana.id, start_s, end_s, degrees, **more)
    assert str(refusal.value) == sentence
    assert store.annotations(study_id=study.id) == []
    assert store.events(study.id)[-1].kind == "clip added"


def test_the_end_of_the_last_frame_is_the_end_of_the_clip(store, clip, ana):
    assert store.annotate(clip.id, ana.id, 25, 26.04, {"happy": 1.0}).end_s == 26.0


def test_who_or_what_is_not_there_is_said(store, clip, ana):
    with pytest.raises(NotFoundError, match="There is no clip 99"):
        store.annotate(99, ana.id, 1, 2, {"happy": 1.0})
    with pytest.raises(NotFoundError, match="There is no annotator 99"):
        store.annotate(clip.id, 99, 1, 2, {"happy": 1.0})
    with pytest.raises(NotFoundError, match="There is no annotation 99"):
        store.change(99, 1, ana.id, note="x")


def test_a_stale_write_is_refused_with_both_versions(store, clip, ana, bob):
    first = store.annotate(clip.id, ana.id, 1, 2, {"happy": 1.0})
    theirs = store.change(first.id, 1, bob.id, degrees={"sad": 1.0})
    with pytest.raises(StaleWrite) as refusal:
        store.change(first.id, 1, ana.id, end_s=3)
    assert str(refusal.value) == "Bob changed this segment after you opened it; your change was not saved."
    assert refusal.value.current == theirs
    assert refusal.value.attempted == {"annotation_id": first.id, "version": 1, "end_s": 3}
    with pytest.raises(StaleWrite, match=r"^You changed this segment in another window"):
        store.remove(first.id, 1, bob.id)
    store.remove(first.id, 2, bob.id)
    with pytest.raises(StaleWrite, match=r"^Bob removed this segment") as refusal:
        store.change(first.id, 2, ana.id, end_s=3)
    assert refusal.value.current is None
    assert len(store.history(first.id)) == 3


def test_a_change_keeps_what_it_does_not_name_and_writes_nothing_when_nothing_changes(store, clip, ana):
    first = store.annotate(clip.id, ana.id, 1, 2, {"happy": 1.0}, note="n", intensity=0.3)
    changed = store.change(first.id, 1, ana.id, end_s=4)
    assert (changed.start_s, changed.end_s, changed.note, changed.intensity, changed.version) == (1, 4, "n", 0.3, 2)
    assert store.change(first.id, 2, ana.id, end_s=4, note="n") == changed
    with pytest.raises(AnnotationError, match="must end after it starts"):
        store.change(first.id, 2, ana.id, start_s=5)
    with pytest.raises(AnnotationError, match="no clip_id to change"):
        store.change(first.id, 2, ana.id, clip_id=5)
    assert [event.kind for event in store.history(first.id)] == ["annotation created", "annotation changed"]


def test_suggestions_are_replaced_as_a_whole_by_one_event(store, study, clip):
    version = store.add_model_version(study.id, NewVersion("base", study.emotion_names, "base.safetensors"))

    def made(count: int) -> list[SuggestionRecord]:
        rule = {"text": "IF smile is high", "strength": np.float32(0.5)}
        return [
            SuggestionRecord(clip.id, version.id, n / 2, n / 2 + 2, {"happy": 0.7}, 0.3, {"face": 1.0}, (rule,))
            for n in range(count)
        ]

    store.put_suggestions(clip.id, version.id, made(40))
    store.put_suggestions(clip.id, version.id, made(20))
    assert store.suggestions(clip.id, version.id) == made(20)
    written = [event for event in store.events(study.id) if event.kind == "suggestions replaced"]
    assert [(event.actor, event.after["segments"]) for event in written if event.after] == [
        ("model 1", 40),
        ("model 1", 20),
    ]
    with pytest.raises(AnnotationError, match="The uncertainty must be between 0 and 1"):
        store.put_suggestions(clip.id, version.id, [SuggestionRecord(clip.id, version.id, 0, 1, {"happy": 1.0}, 1.5)])
    assert store.suggestions(clip.id, version.id) == made(20)
    store.put_suggestions(clip.id, version.id, [])
    assert store.suggestions(clip.id, version.id) == []


def test_one_model_version_is_active_and_one_can_go_back(store, study, ana):
    assert store.active_version(study.id) is None
    base = store.add_model_version(study.id, NewVersion("base", ["happy"], "base.safetensors"), activate=False)
    figures = {"before": np.float64(0.5), "after": math.nan, "seconds": [np.float32(0.25)]}
    adapted = store.add_model_version(
        study.id, NewVersion("adapted", ["happy"], "2.safetensors", base.id, (), figures), ana.id
    )
    assert (base.number, base.active, adapted.number, adapted.parent_id) == (1, True, 2, base.id)
    assert adapted.figures == {"before": 0.5, "after": None, "seconds": [0.25]}
    assert [version.active for version in store.model_versions(study.id)] == [False, True]
    store.activate(base.id, ana.id)
    assert store.active_version(study.id) == store.model_versions(study.id)[0]
    last = store.events(study.id)[-1]
    assert (last.kind, last.actor, last.entity_id) == ("model version activated", "Ana", base.id)
    assert store.undo(study.id, ana.id) is None
    other = store.create_study("Other", ["happy"])
    with pytest.raises(AnnotationError, match="of one study"):
        store.add_model_version(other.id, NewVersion("adapted", ["happy"], "x", base.id))


def test_the_corrections_of_a_version_are_those_it_learned_from(store, study, clip, ana, bob):
    first = store.annotate(clip.id, ana.id, 1, 2, {"happy": 1.0})
    second = store.annotate(clip.id, bob.id, 3, 4, {"sad": 0.5, "angry": 0.25}, note="n")
    version = store.add_model_version(study.id, NewVersion("adapted", ["happy", "sad"], "x", None, [second, first]))
    store.change(second.id, 1, bob.id, degrees={"angry": 1.0})
    store.remove(first.id, 1, ana.id)
    assert version.corrections == (UsedCorrection(second.id, 1), UsedCorrection(first.id, 1))
    then = store.corrections(version.id)
    assert [(each.id, each.version, each.annotator, dict(each.degrees)) for each in then] == [
        (second.id, 1, "Bob", {"angry": 0.25, "sad": 0.5}),
        (first.id, 1, "Ana", {"happy": 1.0}),
    ]


def test_annotations_are_found_by_where_they_start(store, clip, ana, bob):
    first = store.annotate(clip.id, ana.id, 1.25, 2, {"happy": 1.0})
    theirs = store.annotate(clip.id, bob.id, 1.25, 3, {"sad": 1.0})
    store.annotate(clip.id, ana.id, 1.26, 2, {"happy": 1.0})
    assert store.annotations(clip.id, start_s=1.25) == [first, theirs]
    assert store.annotations(clip.id, annotator_id=ana.id, start_s=1.25 + 1e-9) == [first]
    assert store.annotations(clip.id, start_s=2.0) == []
