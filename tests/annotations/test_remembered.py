"""What is remembered of annotations is always what the database has, whoever has changed it."""

import contextlib
import random

import pytest

from annotations import labels, remembered
from annotations.interchange import FileClip, FileLabel, StudyFile
from annotations.records import ChangedAnnotation, NewAnnotation, StaleWrite
from annotations.store import Store


def in_the_database(store: Store, clip_id: int | None, study_id: int | None, annotator_id: int | None):
    with store._read() as session:
        return labels.records(session, clip_id, study_id, annotator_id)


def check(store: Store, study_id: int, clip_ids: list[int], annotator_id: int) -> None:
    """Every way to ask gets what the database has."""
    for clip_id in (None, *clip_ids):
        for who in (None, annotator_id):
            there = in_the_database(store, clip_id, study_id, who)
            assert store.annotations(clip_id=clip_id, study_id=study_id, annotator_id=who) == there
            if clip_id is not None:
                assert store.annotations(clip_id=clip_id, annotator_id=who) == there


@pytest.mark.parametrize("seed", range(3))
def test_two_programs_see_each_others_changes_at_once(store: Store, url: str, seed: int):
    chance, other = random.Random(seed), Store(url)
    study = store.create_study("Demo", ["angry", "happy", "sad"]).id
    clips = [
        store.add_clip(study, f"{n:064x}", f"{n}.mp4", duration_s=60, has_video=True, has_sound=True).id for n in (1, 2)
    ]
    ana, bob = store.annotator("Ana").id, store.annotator("Bob").id
    removed: list[int] = []

    def step(by: Store) -> None:
        there = by.annotations(study_id=study)
        one = chance.choice(there) if there else None
        start = chance.randint(0, 500) / 10
        match chance.randrange(9):
            case 0 | 1 | 2 if len(removed) < 2:
                clip = chance.choice([each for each in clips if each not in removed])
                by.annotate(clip, chance.choice([ana, bob]), start, start + 2, {"happy": 1.0})
            case 3 if one:
                by.change(one.id, one.version, bob, start_s=start, end_s=start + 1)
            case 4 if one:
                by.remove(one.id, one.version, bob)
            case 5 if one:
                half = (one.start_s + one.end_s) / 2
                edits = [
                    ChangedAnnotation(one.id, one.version, {"end_s": half}),
                    NewAnnotation(half, one.end_s, {"sad": 1}),
                ]
                by.edit(one.clip_id, ana, edits)
            case 6:
                with contextlib.suppress(StaleWrite):
                    (by.undo if chance.random() < 0.6 else by.redo)(study, chance.choice([ana, bob]))
                removed[:] = [each.id for each in by.clips(study, removed=True)]
            case 7 if not removed:
                removed.append(chance.choice(clips))
                by.delete_clip(removed[-1], ana)
            case 8 if removed:
                by.restore(removed.pop(), ana)
            case _:
                names = by.study(study).emotion_names
                by.rename_emotion(study, names[0], "cross" if names[0] == "angry" else "angry", bob)

    for _ in range(40):
        step(chance.choice([store, other]))
        if chance.random() < 0.5:
            check(chance.choice([store, other]), study, clips, ana)
    for each in (store, other):
        check(each, study, clips, ana)
    other.close()


def test_an_import_of_many_is_seen_at_once(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(remembered, "MOST_CHANGES", 20)
    study = store.create_study("Demo", ["happy"]).id
    assert store.annotations(study_id=study) == []
    clip = FileClip("x.mp4", "b2" * 32, 90.0)
    many = tuple(FileLabel(clip, "Ana", at, at + 1.0, {"happy": 1.0}) for at in range(50))
    store.import_file("Demo", StudyFile(("happy",), (clip,), many), store.annotator("Bob").id)
    assert len(store.annotations(study_id=study)) == 50
    store.undo(study, store.annotator("Bob").id)
    assert store.annotations(study_id=study) == []


def test_of_many_studies_the_last_ones_are_remembered(store: Store):
    ana = store.annotator("Ana").id
    for number in range(remembered.MOST_STUDIES + 2):
        study = store.create_study(f"Study {number}", ["happy"]).id
        clip = store.add_clip(study, f"{number:064x}", "x.mp4", duration_s=9, has_video=True, has_sound=True).id
        store.annotate(clip, ana, 1, 2, {"happy": 1.0})
        assert len(store.annotations(study_id=study)) == 1
    assert len(store._remembered._studies) == remembered.MOST_STUDIES
    assert [len(store.annotations(study_id=each.id)) for each in store.studies()] == [1] * len(store.studies())
