"""What browsers cannot play is copied into what they can, with the clip's own times."""

from pathlib import Path

import av
import numpy as np
import pytest

from stf2m.media import MediaError, frames, playable, probe, sound
from tests.media_files import Tone, clock, clock_face, cut, red_corner, told, write


def _formats(path: Path) -> list[str]:
    with av.open(str(path)) as container:
        return [stream.codec_context.codec.canonical_name for stream in container.streams]


@pytest.mark.parametrize("name", ["clip.mp4", "clip.webm"])
def test_what_browsers_play_is_left_alone(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, clock(1.0), Tone(1.0))
    assert playable(path, tmp_path / "copies") == path
    assert not (tmp_path / "copies").exists()


@pytest.mark.parametrize("name", ["clip.mkv", "clip.avi", "clip.mov"])
def test_other_containers_are_copied_with_the_same_times(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, clock(2.0), Tone(2.0))
    copy = playable(path, tmp_path / "copies")
    assert _formats(copy) == ["h264", "aac"]
    info = probe(copy)
    assert info.duration_s == pytest.approx(probe(path).duration_s, abs=0.05)
    assert all(told(picture) == pytest.approx(at, abs=0.08) for at, picture in frames(copy))
    wave = np.concatenate([piece for _, piece in sound(copy)])
    assert np.flatnonzero(np.abs(wave) > 0.1)[0] / 16_000 == pytest.approx(1.0, abs=0.05)


def test_the_copy_can_be_watched_while_it_loads(tmp_path: Path) -> None:
    copy = playable(write(tmp_path / "clip.mkv", clock(2.0), Tone(2.0)), tmp_path)
    content = copy.read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat")


def test_the_copy_is_upright_small_and_of_even_size(tmp_path: Path) -> None:
    path = write(tmp_path / "phone.mkv", clock(0.4, size=(1330, 962)), rotation=90)
    info = probe(playable(path, tmp_path))
    assert info.rotation_deg == 0
    assert (info.width, info.height) == (926, 1280)
    assert red_corner(next(frames(playable(path, tmp_path)))[1]) == "bottom left"


def test_a_variable_frame_rate_and_a_late_picture_survive(tmp_path: Path) -> None:
    times = [0.5, 0.54, 1.1, 1.7]
    path = write(tmp_path / "screen.mkv", [(at, clock_face(at)) for at in times], Tone(2.0))
    seen = list(frames(playable(path, tmp_path)))
    assert seen[0][0] == pytest.approx(0.5, abs=0.01)
    for at, picture in seen:
        assert told(picture) == pytest.approx(max(time for time in times if time <= at + 0.05), abs=0.08)


def test_pictures_or_sound_alone(tmp_path: Path) -> None:
    assert _formats(playable(write(tmp_path / "silent.mkv", clock(1.0)), tmp_path)) == ["h264"]
    assert _formats(playable(write(tmp_path / "heard.mkv", tone=Tone(1.0)), tmp_path)) == ["aac"]


def test_a_file_that_is_cut_off_is_copied_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.mp4", clock(3.0), Tone(3.0), faststart=True)
    part = cut(whole, tmp_path / "part.mp4", 0.7)
    copy = playable(part, tmp_path / "copies")
    assert copy != part
    assert probe(copy).notes == ()
    assert probe(copy).duration_s == pytest.approx(probe(part).duration_s, abs=0.1)


def test_pictures_that_browsers_do_not_know_are_copied(tmp_path: Path) -> None:
    rich = write(tmp_path / "rich.mp4", clock(0.4), pix_fmt="yuv422p10le")
    assert playable(rich, tmp_path) != rich


def test_a_copy_is_found_again_and_a_changed_file_copied_anew(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.mkv", clock(0.4))
    copy = playable(path, tmp_path / "copies")
    before = copy.stat().st_mtime_ns
    assert playable(path, tmp_path / "copies") == copy
    assert copy.stat().st_mtime_ns == before
    write(path, clock(0.8))
    assert playable(path, tmp_path / "copies") != copy


def test_a_file_of_no_use_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "text.mkv").write_text("no video " * 100)
    with pytest.raises(MediaError, match=r"^text.mkv is not a video"):
        playable(tmp_path / "text.mkv", tmp_path / "copies")
    hollow = write(tmp_path / "hollow.mkv", clock(1.0))
    content = hollow.read_bytes()
    hollow.write_bytes(content[:600] + bytes(len(content) - 600))
    with pytest.raises(MediaError, match=r"^hollow.mkv "):
        playable(hollow, tmp_path / "copies")
    assert not list((tmp_path / "copies").glob("*"))
