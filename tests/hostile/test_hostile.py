"""A sample of the hostile files: each is read or refused in one sentence. The command feeds them all."""

from pathlib import Path
from random import Random

import pytest

from annotations import formats
from annotations.records import AnnotationError
from stf2m.media import MediaError, probe
from tests.hostile import labels, media


@pytest.mark.parametrize("kind", media.KINDS)
def test_a_hostile_video_is_read_or_refused_in_a_sentence(kind: str, tmp_path: Path) -> None:
    suffix, data = media.KINDS[kind](Random(1))
    path = tmp_path / f"clip{suffix}"
    path.write_bytes(data)
    answer = _answer(path)
    assert answer.startswith(path.name)
    assert answer.endswith(".")
    assert "\n" not in answer


def _answer(path: Path) -> str:
    try:
        return f"{path.name} lasts {probe(path).duration_s:.1f} s."
    except MediaError as refusal:
        return str(refusal)


def test_a_thousand_tracks_are_refused_before_any_is_looked_into(tmp_path: Path) -> None:
    path = tmp_path / "many.mp4"
    path.write_bytes(media.thousand_streams(Random(0))[1])
    with pytest.raises(MediaError, match=r"^many.mp4 has more than 64 tracks"):
        probe(path)


def test_hostile_labels_are_read_or_refused_in_a_sentence() -> None:
    random, refused = Random(2), 0
    for _ in range(60):
        suffix, data = (labels.built if random.random() < 0.5 else labels.labels)(random)
        try:
            formats.read(data, f"labels{suffix}")
        except AnnotationError as refusal:
            refused += "\n" not in str(refusal)
    assert refused > 30
