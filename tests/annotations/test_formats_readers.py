"""What is written is read by programs of others, and what programs of others write is read."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pandas
import pytest
import srt
import webvtt
from label_studio_sdk.converter import Converter
from label_studio_sdk.label_interface import LabelInterface
from label_studio_sdk.label_interface.objects import PredictionValue
from praatio import textgrid
from pympi.Elan import Eaf

import annotations
from annotations import formats
from annotations.interchange import FileSuggestion, StudyFile
from annotations.records import AnnotationError
from tests.annotations.study_files import KNOWN, SPEECH

ONE = StudyFile(KNOWN.emotions, (SPEECH,), KNOWN.labels[:4])
DOCS = Path(annotations.__file__ or "").resolve().parents[1] / "docs" / "formats.md"


def test_pandas_reads_parquet():
    table = pandas.read_parquet(io.BytesIO(formats.write(KNOWN, "parquet").data))
    assert table["clip"].tolist() == ["speech.mp4"] * 4 + ["a song.wav"]
    assert table["emotion"].tolist() == ["happy", "happy", "sad", "sad", "happy"]
    assert table["start_s"].dtype == table["degree of sad"].dtype == float
    assert table["degree of happy"].tolist()[:2] == [1.0, 0.6]
    assert table["note"][1] == 'a "smile" & <b>tears</b>'


def test_a_data_frame_of_ones_own_is_read():
    buffer = io.BytesIO()
    rows = {
        "clip": ["x.mp4"] * 2,
        "annotator": ["Ana", "Bob"],
        "start_s": [0, 1],
        "end_s": [1.5, 2],
        "emotion": ["a", "b"],
    }
    pandas.DataFrame(rows).to_parquet(buffer)
    back = formats.read(buffer.getvalue(), "mine.parquet")
    assert [(each.annotator, each.start_s, each.end_s, each.degrees) for each in back.labels] == [
        ("Ana", 0.0, 1.5, {"a": 1.0}),
        ("Bob", 1.0, 2.0, {"b": 1.0}),
    ]


def test_pympi_reads_elan(tmp_path: Path):
    file = tmp_path / "speech.eaf"
    file.write_bytes(formats.write(ONE, "elan").data)
    eaf = Eaf(file)
    assert set(eaf.get_tier_names()) == {
        "Ana", "Ana: degrees", "Ana: intensity", "Ana: note", "Ana #2", "Ana #2: note", "Bob <i>", "Bob <i>: degrees",
    }  # fmt: skip
    assert eaf.get_annotation_data_for_tier("Ana") == [(0, 2000, "happy"), (2000, 3500, "happy")]
    assert eaf.get_annotation_data_for_tier("Ana #2") == [(3000, 4000, "sad")]
    assert [each[2] for each in eaf.get_ref_annotation_data_for_tier("Ana: note")] == ['a "smile" & <b>tears</b>']
    assert eaf.get_parameters_for_tier("Ana")["ANNOTATOR"] == "Ana"
    entries = eaf.get_cv_entries_ml("emotions") if hasattr(eaf, "get_cv_entries_ml") else eaf.controlled_vocabularies
    assert all(emotion in repr(entries) for emotion in KNOWN.emotions)


def test_elan_of_pympi_is_read_and_tiers_without_a_vocabulary_are_told(tmp_path: Path):
    eaf = Eaf(author="somebody")
    eaf.add_linked_file("file:///somewhere/my%20clip.mp4")
    eaf.remove_tier("default")
    eaf.add_controlled_vocabulary("feelings")
    eaf.add_language("eng")
    for name in ("glad", "gloomy"):
        eaf.add_cv_entry("feelings", name, [(name, "eng", None)])
    eaf.add_linguistic_type("feeling")
    eaf.linguistic_types["feeling"]["CONTROLLED_VOCABULARY_REF"] = "feelings"
    eaf.add_tier("Cleo", ling="feeling")
    eaf.add_tier("words")
    eaf.add_annotation("Cleo", 100, 900, "glad")
    eaf.add_annotation("words", 100, 900, "what a day")
    file = tmp_path / "x.eaf"
    eaf.to_file(file)
    back = formats.read(file.read_bytes(), "x.eaf")
    assert [(each.clip.name, each.annotator, each.start_s, each.end_s, each.emotion) for each in back.labels] == [
        ("my clip.mp4", "Cleo", 0.1, 0.9, "glad")
    ]
    assert back.emotions == ("glad", "gloomy")
    assert back.left_out == ("1 tier without a list of labels was left out: 'words'.",)


def test_a_vocabulary_is_kept_by_reference():
    """Who renames an entry in ELAN has renamed the labels, even where an old value is still beside the reference."""
    data = formats.write(ONE, "elan").data
    renamed = re.sub(rb"(<CVE_VALUE[^>]*>)happy", rb"\1joyful", data)
    assert renamed != data
    assert {each.emotion for each in formats.read(renamed, "x.eaf").labels if each.degrees == {each.emotion: 1.0}} == {
        "joyful",
        "sad",
    }


def test_praatio_reads_textgrid(tmp_path: Path):
    file = tmp_path / "speech.TextGrid"
    file.write_bytes(formats.write(ONE, "textgrid").data)
    grid = textgrid.openTextgrid(str(file), includeEmptyIntervals=False)
    assert grid.tierNames == ("Ana", "Ana #2", "Bob <i>")
    assert [tuple(each) for each in grid.getTier("Ana").entries] == [(0.0, 2.0, "happy"), (2.0, 3.5004, "happy")]
    assert grid.maxTimestamp == 26.0


@pytest.mark.parametrize("form", ["short_textgrid", "long_textgrid"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_textgrid_of_praatio_is_read_in_both_forms_and_encodings(tmp_path: Path, form: str, encoding: str):
    grid = textgrid.Textgrid()
    grid.addTier(textgrid.IntervalTier("Änne", [(0.5, 1.25, 'he said "so"'), (2.0, 3.0, "sad")], 0, 4.0))
    grid.addTier(textgrid.PointTier("clicks", [(1.0, "x")], 0, 4.0))
    file = tmp_path / "x.TextGrid"
    grid.save(str(file), form, includeBlankSpaces=True)
    back = formats.read(file.read_text("utf-8").encode(encoding), "talk.TextGrid")
    assert [(each.annotator, each.start_s, each.end_s, each.emotion) for each in back.labels] == [
        ("Änne", 0.5, 1.25, 'he said "so"'),
        ("Änne", 2.0, 3.0, "sad"),
    ]
    assert back.clips[0].name == "talk"
    assert back.left_out == ("1 tier of points without a length was left out: 'clicks'.",)


def test_webvtt_py_reads_webvtt():
    cues = webvtt.from_string(formats.write(ONE, "webvtt").data.decode(), strict=True)
    assert [(cue.start, cue.end, cue.text, cue.voice) for cue in cues][:2] == [
        ("00:00:00.000", "00:00:02.000", "happy", "Ana"),
        ("00:00:00.250", "00:00:26.000", "sad", "Bob &lt;i&gt;"),
    ]


def test_srt_reads_srt():
    cues = list(srt.parse(formats.write(ONE, "srt").data.decode()))
    assert [(cue.index, cue.start.total_seconds(), cue.end.total_seconds(), cue.content) for cue in cues][:2] == [
        (1, 0.0, 2.0, "happy\n(Ana)"),
        (2, 0.25, 26.0, "sad\n(Bob <i>)"),
    ]


def test_label_studios_own_tools_read_label_studio_json(tmp_path: Path):
    suggestion = FileSuggestion(SPEECH, "model 2", 1.0, 2.0, {"happy": 0.7, "sad": 0.3}, 0.4)
    data = formats.write(replace(KNOWN, suggestions=(suggestion,)), "label-studio").data
    interface = DOCS.read_text("utf-8").partition("```xml\n")[2].partition("```")[0]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "tasks.json").write_bytes(data)
    converter = Converter(interface, project_dir=None, download_resources=False)
    found = list(converter.iter_from_dir(tmp_path / "in"))
    assert [each["input"]["video"] for each in found] == ["speech.mp4", "speech.mp4", "a song.wav"]
    assert found[0]["output"]["emotion"][1]["timelinelabels"] == ["happy"]
    assert found[2]["output"]["whole_clip"][0]["choices"] == ["happy"]

    labelling = LabelInterface(interface)
    labelling.validate()
    task = json.loads(data)[0]
    assert labelling.validate_task({"data": task["data"]})
    results = [each for one in json.loads(data) for made in one["annotations"] for each in made["result"]]
    for each in results:
        control = labelling.get_control(each["from_name"])
        assert control.tag.lower() == each["type"]
        assert each["to_name"] in control.to_name
    choices = [each for each in results if each["type"] == "choices"]
    assert [labelling.validate_region(each) for each in choices] == [True]
    prediction = PredictionValue.model_validate(task["predictions"][0])
    assert (prediction.model_version, prediction.score) == ("model 2", pytest.approx(0.6))


TASK = {
    "id": 7,
    "file_upload": "3f2a1b4c-my clip.mp4",
    "data": {"video": "/data/upload/1/3f2a1b4c-my%20clip.mp4"},
    "annotations": [
        {
            "completed_by": {"id": 3, "email": "ana@example.org", "first_name": "Ana", "last_name": "Lund"},
            "result": [
                {"type": "timelinelabels", "value": {"ranges": [{"start": 26, "end": 50}], "timelinelabels": ["glad"]},
                 "meta": {"text": ["look\there"]}},
                {"type": "labels", "value": {"start": 2.5, "end": 4.0, "channel": 0, "labels": ["sad"]}},
                {"type": "choices", "value": {"choices": ["calm"]}},
                {"type": "textarea", "value": {"text": ["hello"]}},
                {"type": "videorectangle", "value": {"sequence": [], "framesCount": 9, "labels": ["face"]}},
            ],
        },
        {"completed_by": 4, "result": [], "was_cancelled": True},
    ],
    "predictions": [{"model_version": "m1", "result": [{"value": {}}, {"value": {}}]}],
}  # fmt: skip


@pytest.mark.parametrize(("fps", "start_s", "end_s"), [(None, 25 / 24, 50 / 24), (25.0, 1.0, 2.0)])
def test_an_export_of_label_studio_is_read(fps: float | None, start_s: float, end_s: float, store):
    task = json.loads(json.dumps(TASK))
    if fps:
        task["annotations"][0]["result"][0]["value"]["frameRate"] = fps
    back = formats.read(json.dumps([task]).encode(), "export.json")
    assert [(each.clip.name, each.annotator, each.start_s, each.emotion, each.note) for each in back.labels] == [
        ("my clip.mp4", "Ana Lund", start_s, "glad", "look\there"),
        ("my clip.mp4", "Ana Lund", 2.5, "sad", ""),
        ("my clip.mp4", "Ana Lund", 0.0, "calm", ""),
    ]
    assert back.labels[0].end_s == end_s
    guess = (
        "The file does not say how many frames make a second: for 1 of its ranges 24 were taken, as Label Studio does."
    )
    assert back.left_out == (
        "2 suggestions of m1 were left out: a model's suggestions are no labels.",
        "2 results were left out, of other kinds than labels: textarea 1, videorectangle 1.",
        "1 annotation was left out, for being cancelled.",
        *(() if fps else (guess,)),
    )

    with pytest.raises(AnnotationError, match="The file does not say how long my clip"):
        store.import_file("New", replace(back, labels=back.labels[2:]))
    study = store.create_study("Label Studio", ["glad"])
    clip = store.add_clip(study.id, "c3" * 32, "my clip.mp4", duration_s=9.5, has_video=True, has_sound=True)
    report = store.import_file("Label Studio", back)
    assert (report.added, report.left_out) == (3, back.left_out)
    assert [each.end_s for each in store.annotations(clip.id) if each.emotion == "calm"] == [9.5]


def test_a_label_changed_in_label_studio_counts_as_it_is_there_now():
    tasks = json.loads(formats.write(ONE, "label-studio").data)
    moved, relabelled = tasks[0]["annotations"][0]["result"][1:3]
    moved["value"]["ranges"] = [{"start": 49, "end": 96}]
    relabelled["value"]["timelinelabels"] = ["angry"]
    first, second, third, _ = formats.read(json.dumps(tasks).encode(), "x.json").labels
    assert (first.start_s, first.end_s, first.degrees) == (0.0, 2.0, {"happy": 1.0})
    assert (second.start_s, second.end_s, second.degrees) == (2.0, 4.0, {"happy": 0.6, "sad": 0.4})
    assert (third.start_s, third.end_s, third.degrees) == (3.0, 4.0, {"angry": 1.0})
