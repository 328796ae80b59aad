"""The expression network and the crop it is shown, on NASA's portrait of Eileen Collins (public domain), who smiles."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from stf2m import weights
from stf2m.media import frames, probe
from stf2m.views import face
from stf2m.views._expression import EXPRESSIONS, crop, expression_network
from stf2m.views._finder import Follower, find
from stf2m.views._landmarker import BLENDSHAPES, landmarker
from stf2m.vocabulary import canonical
from tests.media_files import write

#: What the same layers and weights give in PyTorch for the two crops of the portrait, in single precision throughout.
REFERENCE = (-0.397, -9.277, -2.389, 9.101, -3.888, 1.703, 1.789)


@cache
def portrait(turned: float = 0.0, side: int = 280) -> tuple[np.ndarray, np.ndarray]:
    """Head and shoulders, turned clockwise by degrees, and where the face is in it."""
    head = Image.fromarray(data.astronaut()).crop((84, 0, 364, 280)).rotate(-turned, Image.Resampling.BICUBIC)
    picture = np.asarray(head.resize((side, side)))
    found = find(picture, landmarker())
    assert found is not None
    return picture, found.landmarks


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """The correlation of two pictures."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def test_a_smile_is_seen() -> None:
    logits = expression_network()(*portrait())
    assert logits == pytest.approx(REFERENCE, abs=0.05)
    assert EXPRESSIONS[int(logits.argmax())] == "happy"
    assert all(canonical(name) == name for name in EXPRESSIONS)


def test_the_mirror_image_is_seen_the_same() -> None:
    picture, landmarks = portrait()
    mirrored = np.ascontiguousarray(picture[:, ::-1])
    found = find(mirrored, landmarker())
    assert found is not None
    assert expression_network()(mirrored, found.landmarks) == pytest.approx(
        expression_network()(picture, landmarks), abs=1
    )


def test_the_face_fills_the_crop_as_in_the_stills_it_was_trained_on() -> None:
    picture, landmarks = portrait()
    cut = crop(picture, landmarks)
    assert (cut.shape, cut.dtype) == ((64, 64), np.uint8)
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    side = 1.1 * np.sqrt((high - low).prod())
    left, top = (low + high) / 2 - side / 2 - [0, 0.065 * side / 1.1]
    box = (float(left), float(top), float(left + side), float(top + side))
    framed = Image.fromarray(picture).convert("L").resize((64, 64), Image.Resampling.BILINEAR, box=box)
    assert likeness(cut, np.asarray(framed)) > 0.98


@pytest.mark.parametrize("turned", [-35.0, 35.0])
def test_a_head_that_leans_far_is_turned_back_to_a_slight_lean(turned: float) -> None:
    slight = crop(*portrait(np.sign(turned) * np.degrees(0.25)))
    assert likeness(crop(*portrait(turned)), slight) > 0.9
    assert likeness(crop(*portrait()), slight) < 0.9
    assert EXPRESSIONS[int(expression_network()(*portrait(turned)).argmax())] == "happy"


def test_a_head_upside_down_is_turned_back_as_well() -> None:
    picture, landmarks = portrait(20)  # with no lean at all it could be turned either way
    turned = (np.array([279, 279, 0]) - landmarks * [1, 1, -1]).astype(np.float32)
    right_way_up = crop(*portrait(-np.degrees(0.25)))
    assert likeness(crop(np.ascontiguousarray(picture[::-1, ::-1]), turned), right_way_up) > 0.9


@pytest.mark.parametrize("side", [140, 1120])
def test_size_hardly_matters(side: int) -> None:
    assert likeness(crop(*portrait(side=side)), crop(*portrait())) > 0.98


def test_the_picture_goes_on_beyond_its_edges_as_it_ends() -> None:
    picture, landmarks = portrait()
    columns = np.broadcast_to(np.linspace(50, 200, 280).astype(np.uint8)[None, :, None], picture.shape)
    moved = landmarks - [landmarks[:, 0].min(), 0, 0]
    cut = crop(columns, moved.astype(np.float32))
    assert cut.min() >= 49  # nothing black on the left, where there is no picture
    assert (cut == cut[:1]).all()


@pytest.mark.parametrize("level", [0, 255])
def test_nothing_to_see_still_gives_numbers(level: int) -> None:
    picture, landmarks = portrait()
    assert np.isfinite(expression_network()(np.full_like(picture, level), landmarks)).all()


def test_the_embedding_of_the_face_ends_with_the_expressions() -> None:
    picture, landmarks = portrait()
    track = face.extract_image(picture)
    assert track.embedding[0, len(BLENDSHAPES) :] == pytest.approx(expression_network()(picture, landmarks), abs=1e-5)


def test_without_the_weights_the_face_is_off_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = replace(weights.EXPRESSIONS, package="no_package_has_this_name", url="http://127.0.0.1:9/")
    monkeypatch.setattr(weights, "EXPRESSIONS", nowhere)
    monkeypatch.setenv("STF2M_WEIGHTS", str(tmp_path / "weights"))
    film = write(tmp_path / "clip.mp4", [(index / 10, portrait()[0]) for index in range(5)])
    with ThreadPoolExecutor(1) as fresh:  # networks are loaded once a thread
        track = fresh.submit(face.extract, film, probe(film), None).result()
    assert not track.valid.any()
    assert "no_package_has_this_name" in track.note


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "expected"), [("happy.mp4", "happy"), ("M030_sad_3_001.mp4", "sad"), ("surprised.mp4", "surprised")]
)
def test_expressions_of_real_clips_are_seen(real_clips: dict[str, Path], name: str, expected: str) -> None:
    follower, network = Follower(landmarker()), expression_network()
    seen = [(picture, follower.next(picture)) for _, picture in list(frames(real_clips[name]))[::3]]
    logits = np.mean([network(picture, found.landmarks) for picture, found in seen if found is not None], axis=0)
    assert EXPRESSIONS[int(logits.argmax())] == expected
