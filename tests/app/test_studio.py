"""The main job from end to end: suggestions, corrections, undo, adaptation, before and after, and the way back."""

import copy
import dataclasses
import shutil
import subprocess
import sys
import time
import weakref
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from annotations.records import AnnotationError, ClipRecord, NotFoundError, StaleWrite
from app.adapting import NotEnoughCorrections
from app.demo import DEMOS
from app.ingest import AlreadyHere, Upload
from app.settings import Settings
from app.studio import Studio
from app.widgets.timeline.calls import calls
from stf2m.segments import Segment
from tests.app.conftest import EMOTIONS, removed_a_day_ago

ROOT = Path(__file__).resolve().parents[2]
STUDY = 1
TALKING, SILENT = 1, 2


@pytest.fixture
def ana(studio: Studio) -> int:
    return studio.annotator("Ana").id


def _correct(studio: Studio, who: int, count: int = 6) -> list[dict]:
    """Corrections that say the opposite of the model: it has something to learn from them."""
    plan = [("sad", 0.0), ("angry", 4.0), ("sad", 8.0), ("angry", 12.0), ("sad", 16.0), ("angry", 18.0)]
    return [studio.labels.correct(TALKING, who, at, at + 2.0, {emotion: 1.0}) for emotion, at in plan[:count]]


def test_the_timeline_covers_the_clip_with_degrees_that_sum_to_one(studio: Studio, ana: int):
    shown = studio.timeline(TALKING, ana)
    assert shown["suggestions"][0]["start_s"] == 0
    assert shown["suggestions"][-1]["end_s"] == pytest.approx(shown["clip"]["duration_s"], abs=0.3)
    for suggestion in shown["suggestions"]:
        assert set(suggestion["memberships"]) <= set(EMOTIONS)
        assert sum(suggestion["memberships"].values()) == pytest.approx(1, abs=0.01)
        assert sum(suggestion["shares"].values()) == pytest.approx(1, abs=0.01)
        assert suggestion["emotion"] == max(suggestion["memberships"], key=suggestion["memberships"].get)
    assert {"smile", "pitch", "loudness"} <= {lane["name"] for lane in shown["lanes"]}
    assert len(shown["words"]) > 20
    assert shown["version"]["number"] == 1


def test_the_silent_clip_answers_from_the_face_alone_and_says_so(studio: Studio):
    why = studio.reasons.explain(SILENT, 2.0, 4.0)
    assert why["present"] == ["face"]
    assert why["shares"] == {"face": 1.0}
    assert "no sound" in why["missing"]["voice"]
    assert any("no sound" in note for note in studio.clip(SILENT).notes)


def test_an_explanation_quotes_rules_with_measured_values(studio: Studio):
    why = studio.reasons.explain(TALKING, 1.0, 4.0)
    tracks = studio.tracks(TALKING)
    units = {cue.name: cue.unit for track in tracks.values() for cue in track.modality.cues}
    conditions = [condition for rule in why["rules"] for condition in rule["conditions"]]
    assert conditions
    for condition in conditions:
        if condition["cue"] in units:
            assert condition["unit"] == units[condition["cue"]]
        assert condition["term"] in ("low", "medium", "high")
    assert all(rule["text"].startswith("IF ") and " THEN " in rule["text"] for rule in why["rules"])


def test_corrections_outlive_the_studio_and_are_seen_by_others(studio: Studio, ana: int):
    saved = studio.labels.correct(TALKING, ana, 3.0, 5.0, {"sad": 0.6, "angry": 0.4}, note="trembling")
    studio.store.close()
    again = Studio(Settings(home=studio.settings.home))
    ben = again.annotator("Ben").id
    (seen,) = again.timeline(TALKING, ben)["annotations"]
    assert (seen["id"], seen["degrees"], seen["note"]) == (saved["id"], {"sad": 0.6, "angry": 0.4}, "trembling")
    assert not seen["mine"]
    assert again.timeline(TALKING, ana)["annotations"][0]["mine"]


def test_a_correction_remembers_what_the_model_had_said(studio: Studio, ana: int):
    saved = studio.labels.correct(TALKING, ana, 3.0, 5.0, {"sad": 1.0})
    answered = studio.store.annotation(saved["id"]).answers
    assert answered is not None
    assert answered.model_version_id == studio.version(STUDY).id
    assert sum(answered.memberships.values()) == pytest.approx(1, abs=0.01)


def test_undo_and_redo(studio: Studio, ana: int):
    _correct(studio, ana, 2)
    assert studio.timeline(TALKING, ana)["can_undo"]
    studio.labels.undo(STUDY, ana)
    assert len(studio.corrections(STUDY)) == 1
    assert studio.timeline(TALKING, ana)["can_redo"]
    studio.labels.redo(STUDY, ana)
    assert len(studio.corrections(STUDY)) == 2


def test_a_stale_write_is_refused_with_both_versions(studio: Studio, ana: int):
    saved = studio.labels.correct(TALKING, ana, 3.0, 5.0, {"sad": 1.0})
    studio.labels.correct(TALKING, ana, 3.0, 5.0, {"angry": 1.0}, annotation_id=saved["id"], version=1)
    with pytest.raises(StaleWrite) as refused:
        studio.labels.correct(TALKING, ana, 3.0, 6.0, {"happy": 1.0}, annotation_id=saved["id"], version=1)
    assert refused.value.current is not None
    assert refused.value.current.emotion == "angry"
    assert refused.value.attempted["degrees"] == {"happy": 1.0}


@pytest.mark.parametrize(
    ("start_s", "end_s", "degrees"),
    [(3.0, 2.0, {"sad": 1.0}), (0.0, 2.0, {"bored": 1.0}), (0.0, 2.0, {}), (0.0, 2.0, {"sad": 1.5}),
     (500.0, 502.0, {"sad": 1.0}), (float("nan"), 2.0, {"sad": 1.0})],
)  # fmt: skip
def test_corrections_that_make_no_sense_are_refused_in_a_sentence(
    studio: Studio, ana: int, start_s: float, end_s: float, degrees: dict[str, float]
):
    with pytest.raises(AnnotationError) as refused:
        studio.labels.correct(TALKING, ana, start_s, end_s, degrees)
    assert str(refused.value).endswith(".")
    assert not studio.corrections(STUDY)


def test_too_few_corrections_say_how_many_of_what_are_missing(studio: Studio, ana: int):
    with pytest.raises(NotEnoughCorrections, match="3 more corrections are needed, of at least two emotions"):
        studio.adapt(STUDY, ana)
    for at in (0.0, 3.0, 6.0):
        studio.labels.correct(TALKING, ana, at, at + 2, {"sad": 1.0})
    with pytest.raises(NotEnoughCorrections, match=r"1 more correction is needed, with at least one of another"):
        studio.adapt(STUDY, ana)


def test_adapting_changes_answers_and_going_back_brings_the_old_ones(studio: Studio, ana: int):
    before = studio.timeline(TALKING, ana)["suggestions"]
    _correct(studio, ana)
    report = studio.adapt(STUDY, ana)
    assert (report.version.number, report.version.parent_id) == (2, report.previous.id)
    assert report.version.active
    assert len(report.version.corrections) == 6
    assert report.held_out is not None
    assert report.held_out.corrections == 6
    assert report.changes
    shown = studio.timeline(TALKING, ana, compare_to=report.previous.id)
    assert shown["before"] == before
    assert shown["suggestions"] != before
    studio.activate(report.previous.id, ana)
    assert studio.timeline(TALKING, ana)["suggestions"] == before
    studio.activate(report.version.id, ana)
    assert studio.timeline(TALKING, ana)["suggestions"] == shown["suggestions"]


def test_only_suggestions_of_the_version_that_somebody_saw_are_accepted_at_once(studio: Studio, ana: int):
    ask = {call.__name__: call for call in calls(studio)}
    seen = studio.timeline(TALKING, ana)["version"]["id"]
    _correct(studio, ana)
    now = studio.adapt(STUDY, ana).version.id
    refused = ask["accept_sure"]({"clip": TALKING, "annotator": ana, "version": seen})["refused"]
    assert refused.startswith("Another version of the model answers now")
    assert len(studio.corrections(STUDY)) == 6
    studio.store.change_settings(STUDY, ana, unsure=1.0)
    told = ask["annotations"]({"clip": TALKING, "annotator": ana})
    assert (told["version"], told["unsure"]) == (now, 1.0)
    assert ask["accept_sure"]({"clip": TALKING, "annotator": ana, "version": now})["accepted"] > 0


def test_what_is_asked_for_again_after_a_lost_answer_is_made_once(studio: Studio, ana: int):
    ask = {call.__name__: call for call in calls(studio)}
    new = {"clip": TALKING, "annotator": ana, "annotation_id": None, "version": None, "start_s": 2.0, "end_s": 4.0}
    said = {"note": "", "intensity": None, "painted": None, "shown": True, "review": False}
    first, again = (ask["correct"]({**new, **said, "degrees": {"happy": 1.0}})["annotation"] for _ in range(2))
    assert (first["id"], first["version"]) == (again["id"], again["version"])
    follows = {**new, "annotation_id": again["id"], "version": again["version"]}
    ask["correct"]({**follows, **said, "degrees": {"sad": 1.0}})
    assert [each.degrees for each in studio.corrections(STUDY)] == [{"sad": 1.0}]


def test_an_adapted_model_agrees_with_its_corrections_more_than_the_shipped_one(studio: Studio, ana: int):
    corrections = _correct(studio, ana)
    report = studio.adapt(STUDY, ana)

    def agreement(version_id: int) -> float:
        degrees = [
            studio.predictions.between(
                studio.clip(TALKING), studio.version(STUDY, version_id), each["start_s"], each["end_s"]
            ).get(each["emotion"], 0.0)
            for each in corrections
        ]
        return sum(degrees) / len(degrees)

    assert agreement(report.version.id) > agreement(report.previous.id) + 0.1


def test_the_same_corrections_give_the_same_weights_bit_for_bit(studio: Studio, ana: int):
    _correct(studio, ana)
    first, second = studio.adapt(STUDY, ana).version, studio.adapt(STUDY, ana).version
    assert first.id != second.id
    files = [(studio.files.models / version.file).read_bytes() for version in (first, second)]
    assert files[0] == files[1]


def test_an_emotion_nobody_trained_is_learned_from_corrections(studio: Studio, ana: int):
    study = studio.create_study("New words", ["happy", "smug"])
    demo = DEMOS[0]
    clip = studio.ingest(study.id, Upload(demo.path, demo.path.name, subtitles=demo.subtitles))
    assert not studio.adapted(study.id).taught
    assert studio.timeline(clip.id, ana)["suggestions"] == []
    assert "learns them from corrections" in studio.reasons.explain(clip.id, 0, 2)["text"]
    studio.labels.correct(clip.id, ana, 0, 3, {"smug": 1.0})
    studio.labels.correct(clip.id, ana, 5, 8, {"happy": 1.0})
    studio.labels.correct(clip.id, ana, 10, 13, {"smug": 0.7, "happy": 0.3})
    report = studio.adapt(study.id, ana)
    told = studio.reasons.explain(clip.id, 1, 3)["situation"][-1]
    assert told.startswith(
        "Some of these emotions are new to the model, so the voice counts more by how much it is like"
    )
    degrees = studio.predictions.between(clip, report.version, 0, 3)
    assert degrees["smug"] > 0.3


def test_a_version_of_another_study_is_not_found(studio: Studio):
    other = studio.create_study("Other", EMOTIONS)
    with pytest.raises(NotFoundError):
        studio.version(STUDY, studio.version(other.id).id)


def test_the_same_file_twice_is_refused_by_content(studio: Studio):
    with pytest.raises(AlreadyHere, match=rf"^again\.mp4 is already here as {DEMOS[0].path.name}\.$") as refused:
        studio.ingest(STUDY, Upload(DEMOS[0].path, "again.mp4"))
    assert refused.value.there == TALKING
    with pytest.raises(AlreadyHere, match=rf"^{DEMOS[0].path.name} is already here\.$"):
        studio.ingest(STUDY, Upload(DEMOS[0].path, DEMOS[0].path.name))


def test_long_work_reports_progress_in_order_and_can_be_cancelled(studio: Studio):
    study = studio.create_study("Cancelled", EMOTIONS)
    seen: list[float] = []
    shutil.rmtree(studio.files.tracks / studio.clip(SILENT).sha256)
    studio.ingest(study.id, Upload(DEMOS[-1].path, "a.mp4"), lambda share, stage: seen.append(share))
    assert seen == sorted(seen)
    assert seen[-1] > 0.9
    job = studio.submit(study.id, Upload(DEMOS[0].path, "b.mp4"))
    studio.cancel(job.id)
    while not job.finished:
        time.sleep(0.05)
    assert job.state == "cancelled"
    assert len(studio.store.clips(study.id)) == 1


def test_a_new_checkpoint_learns_the_corrections_of_the_old_one_anew(studio: Studio, ana: int, tmp_path: Path):
    _correct(studio, ana)
    old = studio.adapt(STUDY, ana).version
    studio.store.close()
    newer = copy.deepcopy(studio.predictions.model)
    newer.temperature.mul_(1.01)
    assert newer.memory is not None
    encoded = dataclasses.replace(newer.memory.encoded, encoder=newer.fingerprint())
    newer.memory = dataclasses.replace(newer.memory, encoded=encoded)
    newer.save(tmp_path / "newer")
    again = Studio(Settings(home=studio.settings.home, checkpoint=str(tmp_path / "newer")))
    renewed = again.version(STUDY)
    assert renewed.id != old.id
    assert renewed.corrections == old.corrections
    assert old.id not in {version.id for version in again.versions(STUDY)}
    assert again.timeline(TALKING, ana)["version"]["number"] == renewed.number


def test_a_clip_taken_out_comes_back_with_undo_and_is_gone_for_good_a_day_later(studio: Studio, ana: int):
    clip = studio.clip(SILENT)
    studio.labels.correct(SILENT, ana, 1.0, 2.0, {"sad": 1.0})
    studio.delete_clips([SILENT], ana)
    assert studio.find_clip(SILENT) is None
    studio.labels.undo(STUDY, ana)
    assert studio.find_clip(SILENT) is not None
    studio.delete_clips([SILENT], ana)
    studio.forget_removed()
    assert studio.store.clips(STUDY, removed=True), "the day is not over"
    studio.forget_removed(keep=timedelta(0))
    assert not studio.files.of(clip).exists()
    assert not (studio.files.tracks / clip.sha256).exists()
    assert not studio.store.clips(STUDY, removed=True)
    assert studio.clip(TALKING)


def test_nothing_of_a_clip_that_was_taken_out_stays_in_memory(studio: Studio, ana: int):
    predictions, clip = studio.predictions, studio.clip(TALKING)
    studio.labels.correct(TALKING, ana, 1.0, 2.0, {"sad": 1.0})
    held = [
        weakref.ref(each)
        for each in (
            predictions.encoded(clip),
            predictions.encode(clip, [Segment(1.0, 2.0)]),
            predictions.over_time(clip, studio.version(STUDY)),
            *predictions.tracks(clip).values(),
        )
    ]
    assert not studio.clips(STUDY, ana).looking, "the queue has looked through it as well"
    before = predictions.encoded(clip).pooled.copy()
    assert all(each() is not None for each in held)
    studio.delete_clips([TALKING], ana)
    assert [each() for each in held] == [None] * len(held)
    studio.labels.undo(STUDY, ana)
    assert np.array_equal(predictions.encoded(clip).pooled, before)


def test_what_is_held_in_memory_is_limited_by_its_bytes(studio: Studio, monkeypatch: pytest.MonkeyPatch):
    for limit in ("TRACKS", "ENCODED", "STRETCHES", "MOMENTS"):
        monkeypatch.setattr(f"app.predictions.{limit}", 1)
    predictions, version = Studio(studio.settings).predictions, studio.version(STUDY)

    def used(clip: ClipRecord) -> list[weakref.ref[object]]:
        stretch = predictions.encode(clip, [Segment(1.0, 2.0)])
        known = (predictions.encoded(clip), stretch, predictions.over_time(clip, version))
        return [weakref.ref(each) for each in (*known, *predictions.tracks(clip).values())]

    held = used(studio.clip(TALKING))
    assert None not in [each() for each in held], "what was used last stays, whatever its size"
    used(studio.clip(SILENT))
    assert [each() for each in held] == [None] * len(held)


#: Serves a studio that looks every moment which clip was removed a day ago.
SERVING = """
import sys
from pathlib import Path
from app import serving
from app.settings import Settings

serving.FORGET_EVERY_S = 0.2
serving.serve(Settings(home=Path(sys.argv[1]), mode=sys.argv[2]), quiet=True)
print("serving", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("mode", ["studio", "team"])
def test_a_server_that_runs_on_deletes_for_good_what_was_removed_a_day_ago(studio: Studio, ana: int, mode: str):
    home = studio.files.home
    (home / "demo-is-there").touch()
    folder = studio.files.of(studio.clip(SILENT))
    command = [sys.executable, "-c", SERVING, str(home), mode]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        while "serving" not in (line := server.stdout.readline()):
            assert line
        studio.delete_clips([SILENT], ana)
        time.sleep(1)
        assert folder.exists()
        removed_a_day_ago(home)
        until = time.monotonic() + 60
        while folder.exists() and time.monotonic() < until:
            time.sleep(0.05)
        server.kill()
    assert not folder.exists()
    assert not studio.store.clips(STUDY, removed=True)
