"""Pictures and sound come at their true times, upright and whole, however the file was made."""

import tracemalloc
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from stf2m.media import frames, probe, sound
from tests.media_files import CODECS, Tone, clock, clock_face, red_corner, repeated, told, write


def _wave(path: Path, rate: int = 16_000) -> np.ndarray:
    pieces = list(sound(path, rate))
    for (start, piece), (following, _) in pairwise(pieces):
        assert following == pytest.approx(start + len(piece) / rate)
    assert pieces[0][0] == 0
    return np.concatenate([piece for _, piece in pieces])


def _onset_s(wave: np.ndarray, rate: int = 16_000) -> float:
    return float(np.flatnonzero(np.abs(wave) > 0.1)[0]) / rate


@pytest.mark.parametrize("suffix", CODECS)
def test_pictures_and_sound_are_where_the_container_puts_them(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"clip{suffix}", clock(2.0), Tone(2.0))
    seen = list(frames(path))
    assert [round(at * 10) for at, _ in seen] == list(range(20))
    assert all(told(picture) == pytest.approx(at, abs=0.06) for at, picture in seen)
    wave = _wave(path)
    assert len(wave) / 16_000 == pytest.approx(2.0, abs=0.03)
    assert _onset_s(wave) == pytest.approx(1.0, abs=0.01)


def test_a_variable_frame_rate_keeps_its_times(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.08, 0.5, 0.53, 1.2, 1.9, 1.93, 2.4]
    path = write(tmp_path / "screen.mkv", [(at, clock_face(at)) for at in times])
    for at, picture in frames(path):
        on_screen = max(time for time in times if time <= at + 0.05)
        assert told(picture) == pytest.approx(on_screen, abs=0.06), at


@pytest.mark.parametrize(
    ("rotation", "mirrored", "corner", "size"),
    [
        (0, False, "top left", (120, 160)),
        (90, False, "bottom left", (160, 120)),
        (-90, False, "top right", (160, 120)),
        (180, False, "bottom right", (120, 160)),
        (90, True, "bottom right", (160, 120)),
    ],
)
def test_phone_videos_come_out_upright(tmp_path: Path, rotation: int, mirrored: bool, corner: str, size: tuple) -> None:
    path = write(tmp_path / "phone.mp4", clock(0.4), rotation=rotation, mirrored=mirrored)
    _, picture = next(frames(path))
    info = probe(path)
    assert red_corner(picture) == corner  # the way ffmpeg itself turns these files
    assert picture.shape[:2] == size == (info.height, info.width)
    assert info.rotation_deg == rotation % 360


@pytest.mark.parametrize(
    ("codec", "pix_fmt"), [("libx264", "yuv444p"), ("libx264", "yuv422p10le"), ("ffv1", "bgr0"), ("ffv1", "yuva420p")]
)
def test_odd_pixel_formats(tmp_path: Path, codec: str, pix_fmt: str) -> None:
    path = write(tmp_path / "odd.mkv", clock(0.4), codec=codec, pix_fmt=pix_fmt)
    at, picture = list(frames(path))[-1]
    assert picture.dtype == np.uint8
    assert picture.shape == (120, 160, 3)
    assert told(picture) == pytest.approx(at, abs=0.08)


def test_large_pictures_are_handed_out_small_and_oblong_pixels_square(tmp_path: Path) -> None:
    large = write(tmp_path / "large.mp4", clock(0.2, size=(1280, 720)))
    assert next(frames(large))[1].shape == (360, 640, 3)
    assert (probe(large).width, probe(large).height) == (1280, 720)
    oblong = write(tmp_path / "oblong.mp4", clock(0.2), aspect=Fraction(1, 2))
    assert next(frames(oblong))[1].shape == (120, 80, 3)
    assert (probe(oblong).width, probe(oblong).height) == (80, 120)


@pytest.mark.parametrize(
    ("suffix", "tone"),
    [
        (".mp4", Tone(rate=48_000, layout="5.1")),
        (".mkv", Tone(rate=44_100, layout="stereo", codec="flac")),
        (".mkv", Tone(rate=8_000, layout="mono", codec="pcm_s16le")),
        (".avi", Tone(rate=22_050, layout="2.1", codec="pcm_s16le")),
        (".mov", Tone(rate=96_000, layout="stereo", codec="pcm_s24le")),
        (".webm", Tone(rate=48_000, layout="stereo", codec="libopus")),
    ],
)
def test_any_layout_and_rate_of_sound_becomes_mono(tmp_path: Path, suffix: str, tone: Tone) -> None:
    wave = _wave(write(tmp_path / f"clip{suffix}", clock(2.0), tone))
    assert len(wave) / 16_000 == pytest.approx(2.0, abs=0.03)
    assert _onset_s(wave) == pytest.approx(1.0, abs=0.01)
    loud = wave[20_000:30_000]
    pitch_hz = np.abs(np.fft.rfft(loud)).argmax() * 16_000 / len(loud)
    assert pitch_hz == pytest.approx(440, abs=2)
    assert np.abs(loud).max() == pytest.approx(0.5, abs=0.06)


def test_sound_that_starts_late_starts_late(tmp_path: Path) -> None:
    path = write(tmp_path / "late.mkv", clock(3.0), Tone(2.0, starts_s=0.8))
    wave = _wave(path)
    assert _onset_s(wave) == pytest.approx(1.8, abs=0.02)
    assert len(wave) / 16_000 == pytest.approx(2.8, abs=0.03)
    assert not wave[:12_000].any()


def test_pictures_that_start_late_start_late(tmp_path: Path) -> None:
    late = ((at + 0.7, picture) for at, picture in clock(1.0))
    path = write(tmp_path / "late.mkv", late, Tone(2.0))
    seen = list(frames(path))
    assert seen[0][0] == pytest.approx(0.7, abs=0.05)
    assert seen[-1][0] == pytest.approx(1.6, abs=0.11)
    assert all(told(picture) == pytest.approx(at - 0.7, abs=0.06) for at, picture in seen)


def test_holes_in_the_sound_are_silence(tmp_path: Path) -> None:
    path = repeated(write(tmp_path / "clip.mkv", tone=Tone(1.0)), tmp_path / "holes.mkv", 3, gap_s=0.5)
    loud = np.abs(_wave(path)) > 0.1
    begins = np.flatnonzero(loud & ~np.concatenate([np.zeros(4000, bool), loud])[: len(loud)])
    starts = [index / 16_000 for index in begins if not loud[max(0, index - 4000) : index].any()]
    assert starts == pytest.approx([0.5, 2.0, 3.5], abs=0.03)


def test_chunks_are_as_long_as_asked(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.mp4", tone=Tone(2.0))
    pieces = list(sound(path, rate=8_000, chunk_s=0.75))
    assert [round(start, 3) for start, _ in pieces] == [0.0, 0.75, 1.5]
    assert [len(piece) for _, piece in pieces[:2]] == [6_000, 6_000]


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    short = write(tmp_path / "short.mp4", clock(4.0, fps=5, size=(320, 240)), Tone(4.0, rate=8_000))
    long = repeated(short, tmp_path / "long.mp4", 25)
    assert probe(long).duration_s > 100
    peaks = {path: _peak_bytes(path) for path in (short, long)}
    assert peaks[long] < peaks[short] + 2**20


def _peak_bytes(path: Path) -> int:
    tracemalloc.start()
    probe(path)
    for _ in frames(path, rate_hz=2.0):
        pass
    for _ in sound(path, chunk_s=4.0):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_pictures_that_do_not_differ_are_one_and_the_same(tmp_path: Path) -> None:
    times = [index / 10 for index in range(30)]
    path = write(tmp_path / "slides.mkv", [(at, clock_face(round(at))) for at in times], codec="ffv1", pix_fmt="bgr0")
    seen = [picture for _, picture in frames(path)]
    assert len(seen) == 30
    assert [told(picture) for picture in seen] == pytest.approx([round(at) for at in times])
    assert len({id(picture) for picture in seen}) == 4
