"""What an adaptation learns from: corrections with degrees, less what is a person's own, and unlabelled segments."""

import copy
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app import unlabelled
from app.settings import Settings
from app.studio import Studio
from stf2m import segments
from stf2m.model import STF2M
from tests.app.conftest import EMOTIONS

STUDY = 1
TALKING, SILENT = 1, 2


@pytest.fixture
def ana(studio: Studio) -> int:
    return studio.annotator("Ana").id


def _correct(studio: Studio, who: int) -> None:
    for at, emotion in ((0.0, "sad"), (4.0, "angry"), (8.0, "sad"), (12.0, "angry")):
        studio.correct(TALKING, who, at, at + 2.0, {emotion: 1.0})


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
    studio.correct(TALKING, ana, 16.0, 18.0, {"sad": 0.6, "angry": 0.4})
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
    _correct(studio, ana)
    assert studio.uses_unlabelled(STUDY)
    with_them = studio.adapt(STUDY, ana)
    assert with_them.unlabelled == with_them.version.figures["unlabelled"]["segments"] > 0
    assert with_them.version.figures["unlabelled"] == _gathered(studio).identity
    without = studio.adapt(STUDY, ana, unlabelled=False)
    assert (without.unlabelled, without.version.figures["unlabelled"]) == (0, None)
    assert without.version.file != with_them.version.file
    assert not studio.uses_unlabelled(STUDY)
    assert studio.adapt(STUDY, ana).version.file == without.version.file
    assert studio.adapt(STUDY, ana, unlabelled=True).version.file == with_them.version.file


def _again(studio: Studio, folder: Path) -> Studio:
    studio.store.close()
    return Studio(Settings(home=studio.settings.home, checkpoint=_newer(studio.predictions.model, folder)))


def test_a_new_checkpoint_learns_from_the_same_unlabelled_segments(studio: Studio, ana: int, tmp_path: Path):
    _correct(studio, ana)
    old = studio.adapt(STUDY, ana).version
    studio.correct(TALKING, ana, 16.0, 18.0, {"sad": 1.0})
    renewed = _again(studio, tmp_path / "newer").version(STUDY)
    assert renewed.corrections == old.corrections
    assert renewed.figures["unlabelled"] == old.figures["unlabelled"]


@pytest.mark.parametrize("gone", [TALKING, SILENT])
def test_a_new_checkpoint_does_without_clips_that_are_gone(studio: Studio, ana: int, tmp_path: Path, gone: int):
    _correct(studio, ana)
    old = studio.adapt(STUDY, ana).version
    studio.delete_clip(gone, ana)
    renewed = _again(studio, tmp_path / "newer").version(STUDY)
    kept: dict[int, tuple[str, int]] = {TALKING: ("base", 0), SILENT: ("adapted", 4)}
    assert (renewed.kind, len(renewed.corrections)) == kept[gone]
    if renewed.kind == "adapted":
        assert renewed.figures["unlabelled"]["segments"] < old.figures["unlabelled"]["segments"]
        assert renewed.figures["unlabelled"]["clips"] == [TALKING]
