import io
import json

import pandas
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotations import formats
from annotations.formats.csv import guard, unguard
from annotations.interchange import FileClip, FileLabel, StudyFile
from annotations.records import AnnotationError
from annotations.store import Store

NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12)
NOTES = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\r\t"), max_size=40)
FORMULAS = st.sampled_from(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "''=1", "'tis", '=HYPERLINK("x")', "a,b;c"])
SHARES = st.floats(0.001, 1.0)


@st.composite
def study_files(draw: st.DrawFn) -> StudyFile:
    """Whatever a store could hold: odd names, formulas, notes over several lines, degrees of any emotions."""
    emotions = tuple(draw(st.lists(NAMES | FORMULAS.map(str.strip), min_size=1, max_size=4, unique_by=str.casefold)))
    clips = tuple(
        FileClip(
            draw(NAMES | FORMULAS.map(str.strip)), f"{number:064x}", draw(st.floats(5, 100)), *draw(SEEN_AND_HEARD)
        )
        for number in range(draw(st.integers(1, 3)))
    )
    labels = st.builds(
        FileLabel,
        clip=st.sampled_from(clips),
        annotator=NAMES | FORMULAS.map(str.strip),
        start_s=st.floats(0, 2),
        end_s=st.floats(3, 5),
        degrees=st.dictionaries(st.sampled_from(emotions), SHARES, min_size=1),
        intensity=st.none() | SHARES,
        note=NOTES | FORMULAS,
    )
    return StudyFile(emotions, clips, tuple(draw(st.lists(labels, max_size=5))))


SEEN_AND_HEARD = st.tuples(st.booleans(), st.booleans())


def comparable(study: StudyFile) -> list[str]:
    return sorted(repr((each.clip, each.annotator, each.start_s, each.end_s, sorted(each.degrees.items()),
                        each.intensity, each.note)) for each in study.labels)  # fmt: skip


@pytest.mark.parametrize("name", formats.FORMATS)
@settings(max_examples=60, deadline=None)
@given(study=study_files())
def test_every_format_gives_back_what_was_written(name: str, study: StudyFile):
    back = formats.FORMATS[name].read(formats.FORMATS[name].write(study))
    assert comparable(back) == comparable(study)
    assert back.emotions == study.emotions
    assert set(back.clips) <= set(study.clips)


@pytest.fixture(scope="module")
def lasting_store(tmp_path_factory):
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('formats') / 'studio.sqlite3'}")
    yield store
    store.close()


@pytest.mark.parametrize("name", formats.FORMATS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(study=study_files())
def test_a_study_survives_the_way_through_a_file_into_another_database(
    name: str, study: StudyFile, lasting_store: Store
):
    store, number = lasting_store, len(lasting_store.studies())
    first = store.import_file(f"Study {number}", study)
    exported = store.export_file(first.study.id)
    form = formats.FORMATS[name]
    second = store.import_file(f"Study {number + 1}", form.read(form.write(exported)))
    assert (second.added, second.there_already) == (len(exported.labels), 0)
    assert comparable(store.export_file(second.study.id)) == comparable(exported)
    again = store.import_file(f"Study {number + 1}", exported)
    assert (again.added, again.clips, again.emotions) == (
        0,
        tuple(c.name for c in exported.clips)[:0] + again.clips,
        (),
    )


@given(text=st.text(max_size=6) | FORMULAS)
def test_the_guard_against_formulas_is_undone_exactly(text: str):
    guarded = guard(text)
    assert unguard(guarded) == text
    assert not guarded.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_a_spreadsheet_reader_sees_no_formula(store, study, clip):
    evil = store.annotator("=cmd|' /C calc'!A0")
    store.annotate(clip.id, evil.id, 1, 2, {"happy": 0.5, "sad": 1.0}, note='@SUM(1)\n"quoted", <b>')
    data = formats.FORMATS["csv"].write(store.export_file(study.id))
    table = pandas.read_csv(io.BytesIO(data))
    row = table.iloc[0]
    assert (row["annotator"], row["note"]) == ("'=cmd|' /C calc'!A0", '\'@SUM(1)\n"quoted", <b>')
    assert (row["emotion"], row["degree of happy"], row["degree of sad"]) == ("sad", 0.5, 1.0)
    assert table["degree of angry"].isna().all()
    assert (row["sha256"], row["duration_s"]) == (clip.sha256, 26.0)


def test_a_hand_written_table_is_enough(store):
    table = "\ufeffclip,annotator,start_s,end_s,emotion\nx.mp4,Ana,0,1.5,happy\n\nx.mp4,Bob,1,2.5,sad\n"
    report = store.import_file("New", formats.FORMATS["csv"].read(table.encode()))
    assert (report.added, report.clips, report.study.emotion_names) == (2, ("x.mp4",), ("happy", "sad"))
    (clip,) = store.clips(report.study.id)
    assert (clip.duration_s, clip.status) == (2.5, "failed")
    assert clip.error == "Only the labels of this clip were imported; its video is not here."


def test_labels_join_the_clips_that_are_there_and_one_undo_takes_them_back(store, study, clip, ana, bob):
    kept = store.annotate(clip.id, ana.id, 0, 1, {"angry": 1.0})
    table = "clip,annotator,start_s,end_s,emotion\nspeech.mp4,Bob,2,3,bored\nspeech.mp4,Cleo,3,4,happy\n"
    report = store.import_file("Demo", formats.FORMATS["csv"].read(table.encode()), ana.id)
    assert (report.added, report.clips, report.emotions) == (2, (), ("bored",))
    assert {each.annotator for each in store.annotations(clip.id)} == {"Ana", "Bob", "Cleo"}
    assert not store.can_undo(study.id, bob.id)
    store.undo(study.id, ana.id)
    assert store.annotations(clip.id) == [kept]
    store.redo(study.id, ana.id)
    assert len(store.annotations(clip.id)) == 3


def test_an_import_is_all_or_nothing(store, study, clip):
    table = "clip,annotator,start_s,end_s,emotion\nspeech.mp4,Bob,2,3,happy\nspeech.mp4,Cleo,3,400,bored\n"
    before = store.events(study.id)
    with pytest.raises(AnnotationError) as refusal:
        store.import_file("Demo", formats.FORMATS["csv"].read(table.encode()))
    assert str(refusal.value) == (
        "Label 2 of the file, on speech.mp4: The segment ends at 400 s, but the clip ends at 26 s."
    )
    assert store.events(study.id) == before
    assert (store.annotators(), store.study(study.id)) == ([], study)


JSON = {"format": "stf2m annotations 1", "emotions": ["happy"], "clips": [], "annotations": []}


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("csv", b"", "The first row of the CSV file must name its columns; 'clip' is not among them."),
        ("csv", b"\xff\xfe\x00x", "The CSV file is not UTF-8 text."),
        ("csv", b"clip,annotator,start_s,end_s\n", "The CSV file needs a column 'emotion', or columns of degrees"),
        ("csv", b"clip,clip,annotator,start_s,end_s,emotion\n", "The CSV file has two columns of one name."),
        ("csv", b'clip,annotator,start_s,end_s,emotion\n"x', "The CSV file is damaged: unexpected end of data."),
        ("csv", b"clip,annotator,start_s,end_s,emotion\nx,A,zero,1,happy", "Row 2: start_s must be a number"),
        ("csv", b"clip,annotator,start_s,end_s,emotion\nx,A,0,nan,happy", "Row 2: end_s must be a number, not 'nan'."),
        ("csv", b"clip,annotator,start_s,end_s,emotion\n\nx,A,0", "Row 3: an annotation needs a start and an end"),
        ("csv", b"clip,annotator,start_s,end_s,emotion\nx,A,0,1,", "Row 2: an annotation needs an emotion."),
        ("csv", b"clip,annotator,start_s,end_s,emotion\nx,A,0,1,a,b", "Row 2 of the CSV file has more cells than"),
        ("json", b"{", "The file is not JSON: "),
        ("json", b"[" * 100_000, "The file is not JSON: "),
        ("json", b"\xff", "The file is not JSON: "),
        ("json", b'{"format": NaN}', "The file is not JSON: NaN is no number."),
        ("json", b"[]", "The JSON file does not say that its format is 'stf2m annotations 1'."),
        ("json", json.dumps({**JSON, "clips": 3}).encode(), "The JSON file has no usable 'clips'."),
        ("json", json.dumps({**JSON, "clips": [{"name": 3}]}).encode(), "Clip 0 of the JSON file has no usable"),
        ("json", json.dumps({**JSON, "annotations": ["x"]}).encode(), "Annotation 0 of the JSON file has no usable"),
        ("json", json.dumps({**JSON, "annotations": [{"clip": 0}]}).encode(), "Annotation 0 of the JSON file is on"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_answered_in_one_sentence(name: str, data: bytes, sentence: str):
    with pytest.raises(AnnotationError) as refusal:
        formats.FORMATS[name].read(data)
    assert str(refusal.value).startswith(sentence)
    assert "\n" not in str(refusal.value)
