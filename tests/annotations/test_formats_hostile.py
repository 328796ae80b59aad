"""Whatever a file holds, it does no harm, and what is wrong with it is said in one sentence."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from random import Random

import pandas
import pytest
from pyarrow import parquet

import annotations
from annotations import formats
from annotations.formats import shared
from annotations.interchange import FileClip, FileLabel, StudyFile
from annotations.records import AnnotationError
from tests.annotations.study_files import KNOWN
from tests.hostile import label_bombs

ROOT = Path(annotations.__file__ or "").resolve().parents[1]
JSON = {"format": "stf2m annotations 1", "emotions": ["happy"], "clips": [], "annotations": []}
TASK = {"data": {"video": "x.mp4"}, "annotations": [{"result": []}]}
CUE = {"ranges": [{"start": "one", "end": 2}], "timelinelabels": ["sad"]}
EAF = (
    '<?xml version="1.0"?>{doctype}<ANNOTATION_DOCUMENT><HEADER><MEDIA_DESCRIPTOR MEDIA_URL="x.mp4"/></HEADER>'
    "<TIME_ORDER>{slots}</TIME_ORDER><TIER TIER_ID='Ana' LINGUISTIC_TYPE_REF='t'><ANNOTATION><ALIGNABLE_ANNOTATION "
    "ANNOTATION_ID='a1' TIME_SLOT_REF1='ts1' TIME_SLOT_REF2='ts2'><ANNOTATION_VALUE>{value}</ANNOTATION_VALUE>"
    "</ALIGNABLE_ANNOTATION></ANNOTATION></TIER></ANNOTATION_DOCUMENT>"
)
SLOTS = "<TIME_SLOT TIME_SLOT_ID='ts1' TIME_VALUE='0'/><TIME_SLOT TIME_SLOT_ID='ts2' TIME_VALUE='{end}'/>"
LAUGHS = (
    "<!DOCTYPE x [<!ENTITY a 'ha'>"
    + "".join(f"<!ENTITY {b} '{f'&{a};' * 10}'>" for a, b in zip("abcdefghi", "bcdefghij", strict=True))
    + "]>"
)
FILE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
OUTSIDE = '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'


def eaf(doctype: str = "", value: str = "sad", end: str = "900", slots: str = SLOTS) -> bytes:
    return EAF.format(doctype=doctype, value=value, slots=slots.format(end=end)).encode()


def archive(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return buffer.getvalue()


TABLE = b"clip,annotator,start_s,end_s,emotion\n"
GRID = b'File type = "ooTextFile"\nObject class = "TextGrid"\n'
PARQUET = formats.write(KNOWN, "parquet").data
ZIP = formats.write(KNOWN, "webvtt").data


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("a.csv", b"", "The file is empty."),
        ("a.eaf", b" \n", "The file is empty."),
        ("a.mp4", b"\0\0\0\x20ftypisom", "The file is of no format that can be imported; there are .csv, .json, "),
        ("a.csv", b"hello", "The first row of the CSV file must name its columns; 'clip' is not among them."),
        ("a.csv", b"clip,\xe4", "The CSV file is not UTF-8 text."),
        ("a.csv", b"clip,annotator,start_s,end_s\n", "The CSV file needs a column 'emotion', or columns of degrees"),
        ("a.csv", b"clip,clip,annotator,start_s,end_s,emotion\n", "The CSV file has two columns of one name."),
        ("a.csv", TABLE + b'"x', "The CSV file is damaged: unexpected end of data."),
        ("a.csv", TABLE + b"x,A,zero,1,happy", "Row 2: start_s must be a number"),
        ("a.csv", TABLE + b"x,A,0,nan,happy", "Row 2: end_s must be a number, not 'nan'."),
        ("a.csv", TABLE + b"x,A,-inf,1,happy", "Row 2: start_s must be a number, not '-inf'."),
        ("a.csv", TABLE + b"\nx,A,0", "Row 3: an annotation needs a start and an end"),
        ("a.csv", TABLE + b"x,A,0,1,", "Row 2: an annotation needs an emotion."),
        ("a.csv", TABLE + b"x,A,0,1,a,b", "Row 2 of the CSV file has more cells than"),
        ("a.csv", TABLE + b"x,A,0,1," + b"y" * 200_000, "The CSV file is damaged: field larger than field limit"),
        ("a.json", b"{", "The JSON file is damaged: "),
        ("a.json", b"[" * 100_000, "The JSON file is nested too deeply."),
        ("a.json", b'{"a":' * 100_000, "The JSON file is nested too deeply."),
        ("a.json", b'{"\xff": 1}', "The JSON file is not UTF-8 text."),
        ("a.json", b'{"format": NaN}', "The JSON file is damaged: NaN is no number."),
        ("a.json", b'{"x": "\\ud800"}', "The JSON file is damaged: it has half a character in it."),
        ("a.json", b"{}", "The JSON file does not say that its format is 'stf2m annotations 1'."),
        ("a.json", json.dumps({**JSON, "clips": 3}).encode(), "The JSON file has no usable 'clips'."),
        ("a.json", json.dumps({**JSON, "clips": [{"name": 3}]}).encode(), "Clip 0 of the JSON file has no usable"),
        ("a.json", json.dumps({**JSON, "annotations": ["x"]}).encode(), "Annotation 0 of the JSON file has no usable"),
        ("a.json", json.dumps({**JSON, "annotations": [{"clip": 0}]}).encode(), "Annotation 0 of the JSON file is on"),
        ("a.json", b"[1]", "Task 1 of the file is none of Label Studio's: it has no 'data'."),
        ("a.json", b'[{"data": {}}]', "Task 1 of the file does not say of which clip it is."),
        ("a.json", json.dumps([{**TASK, "annotations": [{"result": [{"value": CUE}]}]}]).encode(),
         "Task 1 of the file has a range without a start and an end in frames."),
        ("a.eaf", b"<ANNOTATION_DOCUMENT>", "The ELAN file is damaged: "),
        ("a.eaf", b"<html/>", "The XML file is not an ELAN document."),
        ("a.eaf", b'<?xml version="1.0" encoding="klingon"?><a/>', "The ELAN file is damaged: "),
        ("a.eaf", eaf()[:300], "The ELAN file is damaged: "),
        ("a.eaf", eaf(LAUGHS, "&j;"), "The ELAN file has entities or a document type in it, which are not read."),
        ("a.eaf", eaf(FILE, "&a;"), "The ELAN file has entities or a document type in it, which are not read."),
        ("a.eaf", eaf(OUTSIDE), "The ELAN file has entities or a document type in it, which are not read."),
        ("a.eaf", eaf(slots=""), "Annotation a1 of tier 'Ana' has no start in milliseconds."),
        ("a.eaf", eaf(end="soon"), "Annotation a1 of tier 'Ana' has no end in milliseconds."),
        ("a.eaf", eaf(end="9" * 400), "Annotation a1 of tier 'Ana' has no end in milliseconds."),
        ("a.TextGrid", GRID, "The TextGrid is damaged, or ends too early."),
        ("a.TextGrid", GRID + b'0 5 <exists> 1 "IntervalTier" "Ana" 0 5 1 0 "x" "y"', "The TextGrid is damaged, or"),
        ("a.TextGrid", GRID + b'0 5 <exists> 999999999 "IntervalTier" "Ana" 0 5 0', "The TextGrid is damaged, or"),
        ("a.TextGrid", GRID + b'0 5 <exists> 1e999 "IntervalTier" "Ana" 0 5 1e999', "The TextGrid is damaged, or"),
        ("a.TextGrid", GRID.replace(b"TextGrid", b"Pitch 1"), "The file is no TextGrid of Praat."),
        ("a.TextGrid", b"\xff\xfe" + GRID.decode().encode("utf-16-le")[:-1], "The TextGrid file is not UTF-8 text."),
        ("a.vtt", b"WEBVTT\n\n00:00:01.000 --> 00:0", "The WebVTT file is damaged: "),
        ("a.vtt", b"WEBVTT\n\n00:01.000 --> 00:02.000\n&#" + b"9" * 5000, "The WebVTT file is damaged: a number in it"),
        ("a.vtt", b"WEBVTT\n\nx-->\n" + b"ab\n" * 5000, "The WebVTT file is damaged: Invalid cue block "),
        ("a.srt", b"1\n00:00:01,000 --> 00:0", "The SRT file is damaged: "),
        ("a.srt", b"1\n00:00:01,000 --> 00:00:02,000\nsad\n\n2\n00:00:03,000 --> x\nx\n", "The SRT file is damaged"),
        ("a.parquet", PARQUET[:200], "The Parquet file is damaged or not one."),
        ("a.parquet", PARQUET[:500] + b"\xff" * 300 + PARQUET[800:], "The Parquet file "),
        ("a.zip", ZIP[:200], "The archive is damaged."),
        ("a.zip", archive(), "The archive has no files in it."),
        ("a.zip", archive(**{"../../a.vtt": b"WEBVTT"}), "The archive has a file in it that leads out of it."),
        ("a.zip", archive(**{"/etc/a.vtt": b"WEBVTT"}), "The archive has a file in it that leads out of it."),
        ("a.zip", archive(**{"a.vtt": b"WEBVTT\n" + bytes(200 * 2**20)}), "The archive unpacks to more than 128 MiB."),
        ("a.zip", archive(**{f"{number}.vtt": b"" for number in range(10_001)}), "The archive has 10001 files in it;"),
        ("a.zip", b"PK\3\4" + b"PK\1\2" * 50_001, "The archive has too many files in it; 10000 at most are read."),
        ("a.zip", label_bombs.archive({"a.vtt": ZIP}, zipfile.ZIP_LZMA), "The archive is compressed in an unusual"),
        ("a.zip", label_bombs.archive({"a.vtt": ZIP}, zipfile.ZIP_BZIP2), "The archive is compressed in an unusual"),
        ("a.zip", archive(**{"b.zip": ZIP}), "b.zip: The file is of no format that can be imported;"),
        ("a.zip", archive(**{"b.vtt": b"nothing"}), "b.vtt: The WebVTT file is damaged: "),
        ("a.zip", archive(**{"clips.json": b"{}", "b.vtt": b"WEBVTT"}), "clips.json in the archive is no table of"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_answered_in_one_sentence(name: str, data: bytes, sentence: str):
    with pytest.raises(AnnotationError) as refusal:
        formats.read(data, name)
    assert str(refusal.value).startswith(sentence)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 500


@pytest.mark.parametrize(
    ("start", "end", "sentence"),
    [
        (b"-1", b"1", "Label 1 of the file, on x: A segment cannot start before the clip does, at -1 s."),
        (b"2", b"1", "Label 1 of the file, on x: A segment must end after it starts, not 2"),
        (b"0", b"1e308", "x must be longer than nothing and at most 24 hours long."),
    ],
)
def test_times_that_make_no_sense_store_nothing(store, start: bytes, end: bytes, sentence: str):
    content = formats.read(TABLE + b"x,A," + start + b"," + end + b",sad", "a.csv")
    with pytest.raises(AnnotationError) as refusal:
        store.import_file("New", content)
    assert str(refusal.value).startswith(sentence)
    assert store.studies() == []


def test_subtitles_are_not_taken_for_labels(store):
    cues = "".join(
        f"{n}\n00:{n // 60:02}:{n % 60:02},000 --> 00:{n // 60:02}:{n % 60:02},900\nline {n}\n\n" for n in range(200)
    )
    with pytest.raises(AnnotationError) as refusal:
        store.import_file("New", formats.read(cues.encode(), "film.srt"))
    assert str(refusal.value) == (
        "The file would give the study 200 new emotions, 100 at most are taken; are they words rather than emotions?"
    )
    assert store.studies() == []


def test_markup_and_formulas_are_only_text_in_every_format():
    evil = '=HYPERLINK("http://x")<script>alert(1)</script>]]>&amp;'
    clip = FileClip(f"../../{evil}.mp4", "d4" * 32, 5.0)
    study = StudyFile((evil,), (clip,), (FileLabel(clip, evil, 0.0, 1.0, {evil: 1.0}, note=evil),))
    for name in formats.FORMATS:
        written = formats.write(study, name)
        (label,) = formats.read(written.data, "x").labels
        assert (label.annotator, label.emotion) == (evil, evil)
        many = StudyFile((evil,), (clip, FileClip("b", "e5" * 32, 5.0)), study.labels)
        if (two := formats.write(many, name)).suffix == ".zip":
            names = zipfile.ZipFile(io.BytesIO(two.data)).namelist()
            assert not any(set(each) & set('/\\<>:"|?*') for each in names)


@pytest.mark.parametrize(
    "make",
    [
        "b'[' + b'[],' * 33_000_000 + b'[]]'",
        'b\'{"format": "stf2m annotations 1", "emotions": [\' + b\'"a",\' * 25_000_000 + b\'"a"]}\'',
        "b'{\"x\": \"' + b'a' * 100_000_000 + b'\"}'",
        "b'<a>' * 30_000_000",
        "b'clip,annotator,start_s,end_s,emotion' + b',' * 100_000_000",
        "b'WEBVTT\\n' + b'x --> y\\n' * 12_500_000",
        "b'\"ooTextFile\"' + b'\"' * 100_000_000",
    ],
)
def test_a_hundred_megabytes_of_nothing_are_refused_soon_and_in_little_memory(make: str):
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))\n"
        "import time; from annotations import formats; from annotations.records import AnnotationError\n"
        f"data = {make}\n"
        "assert len(data) > 80_000_000; began = time.process_time()\n"
        "try: formats.read(data, 'a.json')\n"
        "except AnnotationError as error: print(error)\n"
        "assert time.process_time() - began < 15\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.count("\n")) == (0, 1), done.stderr[-500:]


@pytest.mark.parametrize("name", [bomb.__name__ for _, bomb in label_bombs.BOMBS])
def test_a_small_file_does_not_fill_the_memory(name: str):
    """It is read or refused in 700 MiB, and soon."""
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (5 << 30, 5 << 30))\n"
        "import time; from annotations import formats; from annotations.records import AnnotationError\n"
        "from tests.hostile import label_bombs; from tests.hostile.memory import Peak\n"
        f"data = label_bombs.{name}(); peak = Peak(); peak.begin(); before = peak.studio; began = time.process_time()\n"
        "try: formats.read(data, 'labels')\n"
        "except AnnotationError as error: print(error)\n"
        "assert peak.studio - before < 700, peak.studio - before\n"
        "assert time.process_time() - began < 30\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout.count("\n") <= 1


@pytest.mark.parametrize("clips", [1, 2])
@pytest.mark.parametrize("name", formats.FORMATS)
def test_labels_are_counted_while_they_are_read(name: str, clips: int, monkeypatch: pytest.MonkeyPatch):
    """In every format, and over all files of an archive, of which none has too many."""
    study = KNOWN if clips == 2 else StudyFile(KNOWN.emotions, KNOWN.clips[:1], KNOWN.labels[:4])
    data = formats.write(study, name).data
    monkeypatch.setattr(shared, "MOST_LABELS", len(study.labels))
    assert len(formats.read(data, "x").labels) == len(study.labels)
    monkeypatch.setattr(shared, "MOST_LABELS", len(study.labels) - 1)
    with pytest.raises(AnnotationError, match=r"^The file has more than \d+ labels in it"):
        formats.read(data, "x")


def test_rows_of_parquet_are_counted_before_they_are_read_and_again_while_they_are(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shared, "MOST_LABELS", 50)
    pandas.DataFrame([["x", "Ana", 0.0, 1.0, "sad"]] * 100, columns=TABLE.decode().strip().split(",")).to_parquet(
        file := io.BytesIO()
    )
    data = file.getvalue()
    says_one = data.replace(b"\x16\xc8\x01\x19", b"\x16\x82\x00\x19")  # as the thrift of its metadata has 100 and 1
    assert parquet.read_metadata(io.BytesIO(says_one)).num_rows == 1
    unreadable = data[:4] + b"\xff" * 100 + data[104:]
    for each in (data, says_one, unreadable):
        with pytest.raises(AnnotationError, match=r"^The file has more than 50 labels in it"):
            formats.read(each, "x.parquet")


def test_the_end_of_a_line_is_one_value_however_it_is_written():
    assert shared.parts(b"a\nb\rc\r\n") == 3


def test_values_are_counted_over_all_files_of_an_archive(monkeypatch: pytest.MonkeyPatch):
    files = {f"{number}.csv": TABLE + b"x,A,0,1,sad\n" * 100 for number in range(3)}
    monkeypatch.setattr(shared, "MOST_PARTS", 1000)
    with pytest.raises(AnnotationError, match=r"^The file has more than 0 million values in it\.$"):
        formats.read(archive(**files), "x.zip")


def test_a_file_may_be_as_large_as_the_limit_and_no_larger():
    with pytest.raises(AnnotationError, match="larger than 128 MiB"):
        formats.read(bytes(formats.LARGEST) + b"x", "a.json")


def test_a_small_parquet_file_does_not_unpack_to_much():
    """A note of 400 kB that a thousand rows share is a small file, which must not become gigabytes."""
    rows = {
        "clip": ["x"],
        "annotator": ["Ana"],
        "start_s": [0.0],
        "end_s": [1.0],
        "emotion": ["a"],
        "note": ["n" * 400_000],
    }
    table = pandas.concat([pandas.DataFrame(rows)] * 1000)
    shared, spelt_out = io.BytesIO(), io.BytesIO()
    table.to_parquet(shared)
    assert len({id(label.note) for label in formats.read(shared.getvalue(), "x.parquet").labels}) == 1
    table.to_parquet(spelt_out, compression="zstd", use_dictionary=False)
    assert len(spelt_out.getvalue()) < 2**20
    with pytest.raises(AnnotationError, match="The Parquet file unpacks to more than 256 MiB"):
        formats.read(spelt_out.getvalue(), "x.parquet")


PARTS = (b"", b"-1", b"1e999", b"nan", b"\xff", b'"', b"<", b"&", b"[", b"\0")


@pytest.mark.parametrize("clips", [1, 2])
@pytest.mark.parametrize("name", formats.FORMATS)
def test_a_damaged_file_is_read_or_refused_and_nothing_else(name: str, clips: int):
    """Bytes lost, put in, doubled or cut off anywhere: labels with numbers in them, or one sentence."""
    random = Random(0)
    study = KNOWN if clips == 2 else StudyFile(KNOWN.emotions, KNOWN.clips[:1], KNOWN.labels[:4])
    whole = formats.write(study, name).data
    refusals = []
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(random.randint(1, 3)):
            at, end = sorted(random.choices(range(len(data) + 1), k=2))
            part = random.choice(
                [b"", b"-1", b"1e999", b"nan", b"\xff", b'"', b"<", b"&", b"[", b"\0", bytes(data[at:end])]
            )
            data[at : random.choice([at, at + 1, end])] = part
        try:
            labels = formats.read(bytes(data), f"x{formats.FORMATS[name].suffix}").labels
            assert all(isinstance(time, float) for label in labels for time in (label.start_s, label.end_s))
        except AnnotationError as error:
            refusals.append(str(error))
    assert len(refusals) > 50
    assert "\n" not in "".join(refusals)
