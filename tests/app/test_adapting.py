"""What an adaptation learns from: corrections with degrees, less what is a person's own, and unlabelled segments."""

import copy
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotations.interchange import FileClip, FileLabel, StudyFile
from app import unlabelled
from app.adapting import NotEnoughCorrections
from app.pages import adapt_html
from app.settings import Settings
from app.studio import Studio
from app.support import learned_from
from stf2m import adaptation, segments
from stf2m.model import STF2M
from tests.app.conftest import EMOTIONS

STUDY = 1
TALKING, SILENT = 1, 2


@pytest.fixture
def ana(studio: Studio) -> int:
    return studio.annotator("Ana").id


def _correct(studio: Studio, who: int) -> None:
    for at, emotion in ((0.0, "sad"), (4.0, "angry"), (8.0, "sad"), (12.0, "angry")):
        studio.labels.correct(TALKING, who, at, at + 2.0, {emotion: 1.0})


def _gathered(studio: Studio) -> unlabelled.Unlabelled:
    clips = [studio.clip(TALKING), studio.clip(SILENT)]
    corrections = studio.corrections(STUDY)
    return unlabelled.gather(clips, corrections, studio.predictions, studio.settings, lambda share, stage: None)


def _newer(model: STF2M, folder: Path) -> str:
    """Another checkpoint, a little different."""
    newer = copy.deepcopy(model)
    newer.temperature.mul_(1.01)
    assert newer.memory is not None
    encoded = dataclasses.replace(newer.memory.encoded, encoder=newer.fingerprint())
    newer.memory = dataclasses.replace(newer.memory, encoded=encoded)
    newer.save(folder)
    return str(folder)


def test_a_segment_is_encoded_alike_alone_and_with_its_clip(studio: Studio):
    clip = studio.clip(TALKING)
    pieces, whole = studio.predictions.segments(clip), studio.predictions.encoded(clip)
    alone = studio.predictions.encode(clip, [pieces[5]])
    np.testing.assert_allclose(alone.pooled, whole.pooled[5:6], atol=1e-4)
    view = segments.views(studio.predictions.tracks(clip), pieces[5])
    as_somebody_else = studio.predictions.model.encode([view])
    assert np.abs(as_somebody_else.pooled - alone.pooled).max() > 1e-3


def test_degrees_of_several_emotions_reach_the_model(studio: Studio, ana: int, monkeypatch: pytest.MonkeyPatch):
    _correct(studio, ana)
    studio.labels.correct(TALKING, ana, 16.0, 18.0, {"sad": 0.6, "angry": 0.4})
    model, seen = studio.predictions.model, []
    real = model.adapt

    def adapt(support: Any, degrees: Any, emotions: list[str], **rest: Any) -> Any:
        seen.append((degrees, emotions))
        return real(support, degrees, emotions, **rest)

    monkeypatch.setattr(model, "adapt", adapt)
    studio.adapt(STUDY, ana)
    degrees, emotions = seen[0]
    soft = dict(zip(emotions, degrees[-1], strict=True))
    assert soft == pytest.approx({**dict.fromkeys(EMOTIONS, 0.0), "sad": 0.6, "angry": 0.4})


def test_unlabelled_segments_lie_in_no_correction_and_do_not_overlap(studio: Studio, ana: int):
    _correct(studio, ana)
    found = _gathered(studio)
    clip = studio.clip(TALKING)
    pieces = studio.predictions.segments(clip)
    known = np.asarray(studio.predictions.encoded(clip).present.any(axis=1))
    free = unlabelled._free(pieces, known, [(each.start_s, each.end_s) for each in studio.corrections(STUDY)])
    middles = [(pieces[number].start_s + pieces[number].end_s) / 2 for number in free]
    assert middles
    assert not any(0 <= middle <= 2 or 4 <= middle <= 6 or 8 <= middle <= 10 for middle in middles)
    assert np.diff([pieces[number].start_s for number in free]).min() >= 2
    assert len(found.encoded) == found.identity["segments"] > len(free)


def test_too_many_unlabelled_segments_are_taken_evenly_from_all_clips(studio: Studio, monkeypatch: pytest.MonkeyPatch):
    everything = _gathered(studio)
    monkeypatch.setattr(unlabelled, "MOST", 4)
    some = _gathered(studio)
    assert len(some.encoded) == some.identity["segments"] == 4
    np.testing.assert_array_equal(some.encoded.pooled[[0, -1]], everything.encoded.pooled[[0, -1]])
    assert some.identity["sha256"] != everything.identity["sha256"]


def test_an_adaptation_says_which_unlabelled_segments_it_learned_from(studio: Studio, ana: int):
    for moment in studio.predictions.suggestions(studio.clip(TALKING), studio.version(STUDY))[:6]:
        said = max(moment.memberships, key=lambda name: moment.memberships[name])
        studio.labels.correct(TALKING, ana, moment.start_s, moment.end_s, {said: 1.0})
    assert studio.uses_unlabelled(STUDY)
    with_them = studio.adapt(STUDY, ana)
    assert with_them.left_out == 0
    assert with_them.unlabelled == with_them.version.figures["unlabelled"]["segments"] > 0
    assert with_them.version.figures["unlabelled"] == _gathered(studio).identity
    without = studio.adapt(STUDY, ana, unlabelled=False)
    assert (without.unlabelled, without.version.figures["unlabelled"]) == (0, None)
    assert without.version.file != with_them.version.file
    assert not studio.uses_unlabelled(STUDY)
    assert studio.adapt(STUDY, ana).version.file == without.version.file
    assert studio.adapt(STUDY, ana, unlabelled=True).version.file == with_them.version.file


def test_unlabelled_segments_have_no_say_where_corrections_would_not_be_followed(studio: Studio, ana: int, monkeypatch):
    _correct(studio, ana)
    monkeypatch.setattr(adaptation, "KEPT", 2.0)
    report = studio.adapt(STUDY, ana)
    assert (report.unlabelled, report.left_out) == (0, _gathered(studio).identity["segments"])
    assert adapt_html.unlabelled(report.version) == 0
    assert "had no say: with them it would not answer as corrected." in adapt_html.report(report.version)
    assert studio.adapt(STUDY, ana, unlabelled=False).version.file == report.version.file
    monkeypatch.undo()
    assert (
        studio.adapt(STUDY, ana, unlabelled=True).version.figures["unlabelled"] == report.version.figures["unlabelled"]
    )


def _again(studio: Studio, folder: Path) -> Studio:
    studio.store.close()
    return Studio(Settings(home=studio.settings.home, checkpoint=_newer(studio.predictions.model, folder)))


def test_a_new_checkpoint_learns_from_the_same_unlabelled_segments(studio: Studio, ana: int, tmp_path: Path):
    _correct(studio, ana)
    old = studio.adapt(STUDY, ana).version
    studio.labels.correct(TALKING, ana, 16.0, 18.0, {"sad": 1.0})
    renewed = _again(studio, tmp_path / "newer").version(STUDY)
    assert renewed.corrections == old.corrections
    assert renewed.figures["unlabelled"] == old.figures["unlabelled"]


@pytest.mark.parametrize("gone", [TALKING, SILENT])
def test_a_new_checkpoint_does_without_clips_that_are_gone(studio: Studio, ana: int, tmp_path: Path, gone: int):
    _correct(studio, ana)
    old = studio.adapt(STUDY, ana).version
    studio.delete_clips([gone], ana)
    renewed = _again(studio, tmp_path / "newer").version(STUDY)
    kept: dict[int, tuple[str, int]] = {TALKING: ("base", 0), SILENT: ("adapted", 4)}
    assert (renewed.kind, len(renewed.corrections)) == kept[gone]
    if renewed.kind == "adapted":
        assert renewed.figures["unlabelled"]["segments"] < old.figures["unlabelled"]["segments"]
        assert renewed.figures["unlabelled"]["clips"] == [TALKING]


@pytest.fixture
def bob(studio: Studio) -> int:
    return studio.annotator("Bob").id


def _disagree(studio: Studio, ana: int, bob: int) -> None:
    """Ana hears sad and angry, Bob the other way round."""
    _correct(studio, ana)
    for at, emotion in ((0.0, "angry"), (4.0, "sad"), (8.0, "angry"), (12.0, "sad"), (18.0, "sad")):
        studio.labels.correct(TALKING, bob, at, at + 2.0, {emotion: 1.0})


def test_a_model_learns_from_everybody_from_one_person_or_as_last_time(studio: Studio, ana: int, bob: int):
    _disagree(studio, ana, bob)
    assert studio.learns_from(STUDY) == "everybody"
    everybody = studio.adapt(STUDY, ana, unlabelled=False).version
    assert (len(everybody.corrections), everybody.figures["whose"]) == (9, None)
    assert learned_from(everybody) == "9 corrections"
    of_bob = studio.adapt(STUDY, ana, unlabelled=False, whose=bob).version
    assert learned_from(of_bob) == "5 corrections of Bob"
    assert {studio.store.annotation(each.annotation_id).annotator for each in of_bob.corrections} == {"Bob"}
    assert studio.learns_from(STUDY) == bob
    assert sum(studio.readiness(STUDY)[0].values()) == 5
    assert studio.adapt(STUDY, ana).version.file == of_bob.file
    assert studio.adapt(STUDY, ana, whose="everybody").version.file == everybody.file


def test_where_all_of_a_person_is_gone_the_model_learns_from_everybody_again(studio: Studio, ana: int, bob: int):
    _disagree(studio, ana, bob)
    studio.adapt(STUDY, ana, unlabelled=False, whose=bob)
    for each in studio.store.annotations(study_id=STUDY, annotator_id=bob):
        studio.store.remove(each.id, each.version, bob)
    assert studio.learns_from(STUDY) == "everybody"
    assert len(studio.adapt(STUDY, ana).version.corrections) == 4


def test_too_little_of_one_person_says_whose(studio: Studio, ana: int, bob: int):
    _correct(studio, ana)
    studio.labels.correct(TALKING, bob, 0.0, 2.0, {"sad": 1.0})
    with pytest.raises(NotEnoughCorrections, match=r"From Bob alone: 2 more corrections are needed, with at least one"):
        studio.adapt(STUDY, ana, whose=bob)


def test_the_consensus_stands_for_the_people_where_it_says_something(studio: Studio, ana: int, bob: int):
    """It settles the stretch of 0–2 s and less than half of 4–6 s: there Ana's and Bob's words still count."""
    _disagree(studio, ana, bob)
    consensus = studio.store.consensus().id
    for start_s, end_s in ((0.0, 2.0), (5.5, 6.0), (9.0, 9.5), (9.25, 10.5)):
        studio.store.annotate(TALKING, consensus, start_s, end_s, {"happy": 1.0}, by=ana)
    version = studio.adapt(STUDY, ana, unlabelled=False).version
    used = [studio.store.annotation(each.annotation_id) for each in version.corrections]
    assert sorted((each.annotator, each.start_s) for each in used if each.annotator != "Consensus") == [
        ("Ana", 4.0),
        ("Ana", 12.0),
        ("Bob", 4.0),
        ("Bob", 12.0),
        ("Bob", 18.0),
    ]
    assert len(used) == 9
    with pytest.raises(NotEnoughCorrections, match="From the consensus alone"):
        studio.adapt(STUDY, ana, whose=consensus)


def test_a_new_checkpoint_still_learns_from_the_same_person(studio: Studio, ana: int, bob: int, tmp_path: Path):
    _disagree(studio, ana, bob)
    old = studio.adapt(STUDY, ana, whose=bob).version
    again = _again(studio, tmp_path / "newer")
    assert again.version(STUDY).figures["whose"] == old.figures["whose"] == {"id": bob, "name": "Bob", "kind": "person"}
    assert again.learns_from(STUDY) == bob


def test_labels_of_clips_without_their_video_teach_nothing(studio: Studio, ana: int):
    _correct(studio, ana)
    label = FileLabel(FileClip("gone.mp4", duration_s=5.0), "Ana", 0.0, 2.0, {"happy": 1.0})
    studio.store.import_file("Field notes", StudyFile(EMOTIONS, (label.clip,), (label,)))
    before = studio.store.clips(STUDY)
    studio.catch_up()
    assert studio.store.clips(STUDY) == before
    assert before[-1].error == "Only the labels of this clip were imported; its video is not here."
    assert len(studio.adapt(STUDY, ana, unlabelled=False).version.corrections) == 4
