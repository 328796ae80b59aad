"""The demo clips are what they say: short, small, honest, and full of changing cues."""

from pathlib import Path

import av
import numpy as np
import pytest

from app.demo import CAPTION, DEMOS, SILENT_CAPTION, Demo
from stf2m.clips import content_hash
from stf2m.media import probe
from stf2m.tracks import Track
from stf2m.views import face
from stf2m.views.subtitles import read


@pytest.mark.parametrize("demo", DEMOS, ids=lambda demo: demo.path.stem)
def test_a_demo_is_a_short_clip_that_says_what_it_is(demo: Demo) -> None:
    info = probe(demo.path)
    assert 20 <= info.duration_s <= 40
    assert info.has_video
    assert demo.path.stat().st_size < 600_000
    with av.open(str(demo.path)) as container:
        assert container.metadata["title"] == (CAPTION if info.has_sound else SILENT_CAPTION)
    if demo.subtitles:
        words = read(demo.subtitles, info.duration_s)
        assert words
        assert all(0 <= word.start_s < word.end_s <= info.duration_s for word in words)


def test_the_demos_hold_a_silent_clip_one_without_words_and_one_with_everything() -> None:
    silent = [demo for demo in DEMOS if not probe(demo.path).has_sound]
    assert len(silent) == 1
    assert any(demo.subtitles is None and demo not in silent for demo in DEMOS)
    assert any(demo.subtitles is not None for demo in DEMOS)


@pytest.fixture(scope="module")
def silent_face(analysed_home: Path) -> Track:
    demo = next(demo for demo in DEMOS if demo.path.stem == "without_sound")
    (file,) = (analysed_home / "tracks" / content_hash(demo.path)).glob("face-*.npz")
    return Track.load(file, face.MODALITY)


@pytest.mark.parametrize(
    ("cue", "stronger", "weaker"),
    [
        ("smile", (3.5, 6.5), (0.0, 2.5)),  # happy, neutral
        ("brow raise", (7.7, 9.5), (15.5, 17.5)),  # surprised, angry
        ("jaw drop", (7.7, 9.5), (0.0, 2.5)),  # surprised, neutral
        ("brow lowering", (15.5, 17.5), (0.0, 2.5)),  # angry, neutral
        ("inner brow raise", (22.2, 25.0), (3.5, 6.5)),  # sad, happy
        ("mouth corners down", (22.2, 25.0), (3.5, 6.5)),  # sad, happy
    ],
)
def test_the_silent_face_changes_when_its_emotion_does(
    silent_face: Track, cue: str, stronger: tuple[float, float], weaker: tuple[float, float]
) -> None:
    values = silent_face.cue(cue)
    strong, weak = (np.nanmean(values[silent_face.frames_between(*span)]) for span in (stronger, weaker))
    assert silent_face.valid.mean() >= 0.95
    assert strong > weak + 0.05


def test_the_puppet_smiles_like_the_photograph_and_can_close_its_mouth_and_eyes() -> None:
    from skimage.data import astronaut

    from app.demo import expressions
    from app.demo.puppet import Pose, Puppet

    puppet = Puppet(astronaut())
    smiling = puppet.draw({"smile": 1.0, "teeth": 1.0}, Pose()).astype(float)
    assert np.abs(smiling - puppet.picture).mean() < 1.0
    points = puppet.face[:, :2]
    closed = expressions.shape(points, puppet.basis, {"blink": 1.0})
    assert np.allclose(closed[expressions.UPPER_LIP], closed[expressions.LOWER_LIP])
    assert np.allclose(closed[expressions.UPPER_LIDS[0]], closed[expressions.LOWER_LIDS[0]])
    open_mouth = expressions.shape(points, puppet.basis, {"jaw": 1.0})
    assert open_mouth[14, 1] - open_mouth[13, 1] > 15
