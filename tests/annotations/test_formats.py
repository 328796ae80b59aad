"""Every format gives back what it was given, less exactly what it says it cannot hold."""

import io
from collections import Counter
from dataclasses import replace

import pandas
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotations import formats
from annotations.formats.csv import guard, unguard
from annotations.interchange import FileLabel, FileSuggestion, StudyFile
from annotations.records import AnnotationError
from annotations.store import Store
from tests.annotations.study_files import FORMULAS, KNOWN, SPEECH, comparable, study_files

NAMES_ONLY = ("textgrid", "webvtt", "srt")
IN_MILLISECONDS = ("elan", "webvtt", "srt")
ONE_CLIP = ("elan", *NAMES_ONLY)


def in_milliseconds(time: float) -> float:
    return round(time * 1000) / 1000


def kept(label: FileLabel, name: str) -> FileLabel:
    """What must come back of a label."""
    if name in IN_MILLISECONDS:
        label = replace(label, start_s=in_milliseconds(label.start_s), end_s=in_milliseconds(label.end_s))
    if name in NAMES_ONLY:
        label = replace(label, degrees={label.emotion: 1.0}, intensity=None, note="")
    return label


def lost(study: StudyFile, name: str) -> Counter[str]:
    """What must be told to be lost."""
    told: Counter[str] = Counter()
    for label in study.labels:
        if name in IN_MILLISECONDS:
            told["times"] += sum(in_milliseconds(time) != time for time in (label.start_s, label.end_s))
        if name in NAMES_ONLY:
            told["degrees"] += sum(each != (label.emotion, 1.0) for each in label.degrees.items())
            told["intensities"] += label.intensity is not None
            told["notes"] += label.note != ""
    if name in NAMES_ONLY and len(study.clips) == 1:
        told["names"] += 1
        told["emotions"] += len(set(study.emotions) - {label.emotion for label in study.labels})
    if name == "csv":
        told["clips"] += len(study.clips) - len({label.clip for label in study.labels})
    return +told


@pytest.mark.parametrize("name", formats.FORMATS)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(study=study_files())
def test_what_comes_back_is_what_went_in_less_what_was_told(name: str, study: StudyFile):
    written = formats.write(study, name)
    told = written.losses.counts.copy()
    replaced = told.pop("characters", 0)
    assert +told == lost(study, name)
    assert len(written.losses.sentences) == len(+written.losses.counts)
    if not written.data:
        assert (name, study.labels) == ("srt", ())
        return
    back = formats.read(written.data, f"speech{written.suffix}")
    assert back.left_out == ()
    alone = name in NAMES_ONLY and len(study.clips) == 1
    wanted = comparable(tuple(kept(label, name) for label in study.labels), clip=not alone)
    if replaced:  # a character that the format has no way to write
        assert (name == "srt" and "-->" in repr(wanted)) or name == "elan"
        assert len(back.labels) == len(wanted)
        return
    assert comparable(back.labels, clip=not alone) == wanted
    if alone:
        assert [clip.name for clip in back.clips] == ["speech"]
        assert set(back.emotions) == {label.emotion for label in study.labels}
    else:
        assert back.emotions == study.emotions
        assert set(back.clips) == set(study.clips) - (
            {clip for clip in study.clips if clip not in {label.clip for label in study.labels}}
            if name == "csv"
            else set()
        )


def test_what_a_format_cannot_hold_is_said_with_its_number():
    one = StudyFile(KNOWN.emotions, (SPEECH,), KNOWN.labels[:4])
    assert formats.write(KNOWN, "textgrid").losses.sentences == (
        "TextGrid cannot hold degrees: 3 values dropped.",
        "TextGrid cannot hold intensities: 1 value dropped.",
        "TextGrid cannot hold notes: 2 dropped.",
    )
    assert formats.write(one, "srt").losses.sentences[3:] == (
        "SRT keeps times in milliseconds: 1 time rounded.",
        "SRT cannot hold emotions that nobody used: 1 dropped.",
        "SRT cannot hold a clip's name and content hash: 1 clip is known by the name of its file only.",
    )
    suggested = replace(one, suggestions=(FileSuggestion(SPEECH, "model 1", 0.0, 2.0, {"happy": 0.9}, 0.1),))
    assert formats.write(suggested, "csv").losses.sentences == ("CSV cannot hold suggestions of a model: 1 dropped.",)
    assert formats.write(suggested, "label-studio").losses.sentences == ()


def test_several_clips_are_an_archive_and_one_clip_is_a_plain_file():
    one = StudyFile(KNOWN.emotions, (SPEECH,), KNOWN.labels[:4])
    for name in ONE_CLIP:
        assert formats.write(KNOWN, name).suffix == ".zip"
        assert formats.write(one, name).suffix == formats.FORMATS[name].suffix


def test_a_format_is_known_by_its_content_whatever_the_file_is_called():
    one = StudyFile(KNOWN.emotions, (SPEECH,), KNOWN.labels[:1])
    for name in formats.FORMATS:
        back = formats.read(formats.write(one, name).data, "labels.txt")
        assert [(label.start_s, label.end_s, label.emotion) for label in back.labels] == [(0.0, 2.0, "happy")]


@pytest.fixture(scope="module")
def lasting_store(tmp_path_factory):
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('formats') / 'studio.sqlite3'}")
    yield store
    store.close()


@pytest.mark.parametrize("name", ["csv", "json", "parquet", "label-studio"])
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(study=study_files())
def test_a_study_survives_the_way_through_a_file_into_another_database(
    name: str, study: StudyFile, lasting_store: Store
):
    store, number = lasting_store, len(lasting_store.studies())
    first = store.import_file(f"Study {number}", study)
    exported = store.export_file(first.study.id)
    back = formats.read(formats.write(exported, name).data, "study")
    second = store.import_file(f"Study {number + 1}", back)
    assert (second.added, second.there_already) == (len(exported.labels), 0)
    assert comparable(store.export_file(second.study.id).labels) == comparable(exported.labels)
    again = store.import_file(f"Study {number + 1}", exported)
    assert (again.added, again.there_already, again.emotions) == (0, len(exported.labels), ())


@given(text=st.text(max_size=6) | FORMULAS)
def test_the_guard_against_formulas_is_undone_exactly(text: str):
    guarded = guard(text)
    assert unguard(guarded) == text
    assert not guarded.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_a_spreadsheet_reader_sees_no_formula(store, study, clip):
    evil = store.annotator("=cmd|' /C calc'!A0")
    store.annotate(clip.id, evil.id, 1, 2, {"happy": 0.5, "sad": 1.0}, note='@SUM(1)\n"quoted", <b>')
    data = formats.write(store.export_file(study.id), "csv").data
    table = pandas.read_csv(io.BytesIO(data))
    row = table.iloc[0]
    assert (row["annotator"], row["note"]) == ("'=cmd|' /C calc'!A0", '\'@SUM(1)\n"quoted", <b>')
    assert (row["emotion"], row["degree of happy"], row["degree of sad"]) == ("sad", 0.5, 1.0)
    assert table["degree of angry"].isna().all()
    assert (row["sha256"], row["duration_s"]) == (clip.sha256, 26.0)


def test_a_hand_written_table_is_enough(store):
    table = "\ufeffclip,annotator,start_s,end_s,emotion\nx.mp4,Ana,0,1.5,happy\n\nx.mp4,Bob,1,2.5,sad\n"
    report = store.import_file("New", formats.read(table.encode(), "labels.csv"))
    assert (report.added, report.clips, report.study.emotion_names) == (2, ("x.mp4",), ("happy", "sad"))
    (clip,) = store.clips(report.study.id)
    assert (clip.duration_s, clip.status) == (2.5, "failed")
    assert clip.error == "Only the labels of this clip were imported; its video is not here."


def test_labels_join_the_clips_that_are_there_and_one_undo_takes_them_back(store, study, clip, ana, bob):
    kept = store.annotate(clip.id, ana.id, 0, 1, {"angry": 1.0})
    table = "clip,annotator,start_s,end_s,emotion\nspeech.mp4,Bob,2,3,bored\nspeech.mp4,Cleo,3,4,happy\n"
    report = store.import_file("Demo", formats.read(table.encode(), "labels.csv"), ana.id)
    assert (report.added, report.clips, report.emotions) == (2, (), ("bored",))
    assert {each.annotator for each in store.annotations(clip.id)} == {"Ana", "Bob", "Cleo"}
    assert not store.can_undo(study.id, bob.id)
    store.undo(study.id, ana.id)
    assert store.annotations(clip.id) == [kept]
    assert store.study(study.id).emotion_names == ("angry", "happy", "sad")
    store.redo(study.id, ana.id)
    assert len(store.annotations(clip.id)) == 3
    assert store.study(study.id).emotion_names == ("angry", "happy", "sad", "bored")


def test_one_undo_takes_new_clips_and_emotions_back_as_well(store, study, clip, ana):
    kept = store.annotate(clip.id, ana.id, 0, 1, {"angry": 1.0})
    table = "clip,annotator,start_s,end_s,emotion\na.mp4,Bob,2,3,bored\nb.mp4,Cleo,3,4,calm\n"
    report = store.import_file("Demo", formats.read(table.encode(), "labels.csv"), ana.id)
    assert (report.clips, report.emotions) == (("a.mp4", "b.mp4"), ("bored", "calm"))
    store.undo(study.id, ana.id)
    assert (store.clips(study.id), store.annotations(study_id=study.id)) == ([clip], [kept])
    assert store.study(study.id).emotion_names == ("angry", "happy", "sad")
    store.redo(study.id, ana.id)
    assert [each.name for each in store.clips(study.id)] == ["speech.mp4", "a.mp4", "b.mp4"]
    assert [each.emotion for each in store.annotations(study_id=study.id)] == ["angry", "bored", "calm"]
    store.undo(study.id, ana.id)
    store.undo(study.id, ana.id)
    assert store.annotations(study_id=study.id) == []


def test_a_clip_is_found_by_its_name_with_or_without_its_suffix(store, study, clip):
    grid = formats.read(
        formats.write(StudyFile(("sad",), (SPEECH,), KNOWN.labels[2:3]), "textgrid").data, "speech.TextGrid"
    )
    report = store.import_file("Demo", grid)
    assert (report.added, report.clips) == (1, ())
    store.add_clip(study.id, "b2" * 32, "speech.wav", duration_s=9.0, has_video=False, has_sound=True)
    with pytest.raises(AnnotationError, match="The study has 2 clips called speech; the file must give their hash"):
        store.import_file("Demo", grid)
    table = "clip,annotator,start_s,end_s,emotion\nspeech.wav,Bob,2,3,sad\nspeech.mov,Bob,2,3,sad\n"
    assert store.import_file("Demo", formats.read(table.encode(), "x.csv")).clips == ("speech.mov",)


def test_an_import_is_all_or_nothing(store, study, clip):
    table = "clip,annotator,start_s,end_s,emotion\nspeech.mp4,Bob,2,3,happy\nspeech.mp4,Cleo,3,400,bored\n"
    before = store.events(study.id)
    with pytest.raises(AnnotationError) as refusal:
        store.import_file("Demo", formats.read(table.encode(), "labels.csv"))
    assert str(refusal.value) == (
        "Label 2 of the file, on speech.mp4: The segment ends at 400 s, but the clip ends at 26 s."
    )
    assert store.events(study.id) == before
    assert (store.annotators(), store.study(study.id)) == ([], study)


def test_a_video_that_comes_after_its_labels_finds_them(store, study, ana):
    table = "clip,annotator,start_s,end_s,emotion\nlate,Ana,1,2,sad\ntoo long,Ana,1,20,sad\n"
    store.import_file("Demo", formats.read(table.encode(), "x.csv"))
    late, too_long = store.clips(study.id)
    about = {"duration_s": 9.5, "has_video": True, "has_sound": False}
    found = store.add_clip(study.id, "f6" * 32, "late.mp4", **about)
    assert (found.id, found.name, found.sha256, found.duration_s) == (late.id, "late.mp4", "f6" * 32, 9.5)
    assert (found.status, found.error, found.has_sound) == ("waiting", "", False)
    assert [each.emotion for each in store.annotations(found.id)] == ["sad"]
    assert store.add_clip(study.id, "07" * 32, "late.mp4", **about).id != late.id
    assert store.add_clip(study.id, "18" * 32, "too long.mp4", **about).id != too_long.id
