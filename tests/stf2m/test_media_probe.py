"""What is found out about a file before anything else is done with it, and what is said about files that are no use."""

import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stf2m.media import MediaError, frames, probe, sound
from tests.media_files import CODECS, Tone, clock, cut, repeated, write, zeroed


@pytest.mark.parametrize("suffix", CODECS)
def test_every_container_states_its_true_length(tmp_path: Path, suffix: str) -> None:
    info = probe(write(tmp_path / f"clip{suffix}", clock(2.0), Tone(2.0)))
    assert info.duration_s == pytest.approx(2.0, abs=0.05)
    assert (info.has_video, info.has_sound, info.width, info.height, info.notes) == (True, True, 160, 120, ())


def test_a_wrong_extension_does_not_matter(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.webm", clock(1.0)).rename(tmp_path / "clip.mp4")
    assert probe(path).duration_s == pytest.approx(1.0, abs=0.05)


def test_silent_and_audio_only_files_say_so(tmp_path: Path) -> None:
    silent = probe(write(tmp_path / "silent.mp4", clock(1.0)))
    assert (silent.has_video, silent.has_sound) == (True, False)
    assert silent.notes == ("silent.mp4 has no sound: only the face can be analysed.",)
    heard = probe(write(tmp_path / "heard.mp4", tone=Tone(2.0)))
    assert (heard.has_video, heard.has_sound, heard.width, heard.height) == (False, True, 0, 0)
    assert heard.notes == ("heard.mp4 has no picture: only voice and words can be analysed.",)


def test_one_picture_and_a_moment_are_short_but_fine(tmp_path: Path) -> None:
    one = probe(write(tmp_path / "one.mp4", clock(0.04)))
    assert 0 < one.duration_s <= 0.1
    assert "one.mp4 is only 0.04 s long." in one.notes
    assert probe(write(tmp_path / "short.mp4", clock(0.3))).duration_s == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mkv", ".avi"])
def test_a_file_that_is_cut_off_gives_what_can_be_read_and_says_so(tmp_path: Path, suffix: str) -> None:
    noisy = (
        (at, np.random.default_rng(int(at * 25)).integers(0, 255, (96, 96, 3), np.uint8))
        for at, _ in clock(4.0, fps=10)
    )
    whole = write(
        tmp_path / f"whole{suffix}",
        noisy,
        Tone(4.0),
        faststart=suffix == ".mp4",
        codec="libvpx" if suffix == ".webm" else "",
    )
    part = cut(whole, tmp_path / f"part{suffix}", 0.5)
    info = probe(part)
    assert 0.8 < info.duration_s < 3.2
    assert info.notes == (f"part{suffix} is cut off: {info.duration_s:.1f} of 4.0 s could be read.",)
    last = max(at for at, _ in frames(part))
    assert last == pytest.approx(info.duration_s, abs=0.25)


def test_a_file_whose_end_is_zeros_ends_where_it_can_still_be_decoded(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.mp4", clock(4.0), faststart=True, key_every=5)
    info = probe(zeroed(whole, tmp_path / "hollow.mp4", 0.5, 1.0))
    assert 1.0 < info.duration_s < 3.9
    assert "is cut off" in info.notes[0]


def test_a_damaged_middle_is_skipped(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.mp4", clock(4.0), Tone(4.0), faststart=True, key_every=5)
    holed = zeroed(whole, tmp_path / "holed.mp4", 0.5, 0.6)
    assert probe(holed).duration_s == pytest.approx(4.0, abs=0.05)
    assert max(at for at, _ in frames(holed)) == pytest.approx(3.9, abs=0.11)
    assert sum(len(wave) for _, wave in sound(holed)) == pytest.approx(4.0 * 16_000, rel=0.02)


def _no_video(folder: Path) -> dict[str, Path]:
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("This is a letter and no video at all.\n" * 100)
    (folder / "list.mp4").write_text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
    )
    Image.new("RGB", (64, 64), "red").save(folder / "picture.mp4", format="PNG")
    cut(write(folder / "whole.mp4", clock(1.0)), folder / "indexless.mp4", 0.5)
    cut(write(folder / "whole.webm", clock(1.0)), folder / "early.webm", 0.05)
    return {path.name: path for path in folder.iterdir() if not path.name.startswith("whole")}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("empty.mp4", "is empty: it has zero bytes"),
        ("text.mp4", "is not a video: its content is none of mp4, mov, webm, mkv or avi"),
        ("list.mp4", "is not a video: its content is none of mp4, mov, webm, mkv or avi"),
        ("picture.mp4", "is a still picture, not a video"),
        ("indexless.mp4", "is cut off or damaged so badly that nothing of it can be read"),
        ("early.webm", "is cut off or damaged so badly that nothing of it can be read"),
    ],
)
def test_files_of_no_use_are_refused_in_one_sentence(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(MediaError) as refused:
        probe(_no_video(tmp_path)[name])
    assert str(refused.value) == f"{name} {reason}."


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"^gone.mp4 does not exist\.$"):
        probe(tmp_path / "gone.mp4")
    with pytest.raises(MediaError, match=r"is not a file\.$"):
        probe(tmp_path)


def test_limits_of_size_and_length(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.mp4", clock(3.0))
    with pytest.raises(MediaError, match=r"^clip.mp4 is too large: 0.0 MiB, and at most 0.0 MiB are accepted\.$"):
        probe(path, max_bytes=1000)
    with pytest.raises(MediaError, match=r"^clip.mp4 is too long: at most 2 seconds are accepted\.$"):
        probe(path, max_seconds=2)
    assert probe(path, max_seconds=3).duration_s == pytest.approx(3.0, abs=0.05)


def test_a_length_that_the_header_makes_up_is_not_believed(tmp_path: Path) -> None:
    long = repeated(write(tmp_path / "clip.mp4", clock(2.0)), tmp_path / "long.mkv", 5)
    part = cut(long, tmp_path / "part.mkv", 0.3)
    assert probe(part, max_seconds=6).duration_s < 5


def test_pictures_of_absurd_size_take_no_memory(tmp_path: Path) -> None:
    content = bytearray(write(tmp_path / "clip.webm", clock(0.3), codec="libvpx").read_bytes())
    at = -1
    while (at := content.find(b"\x9d\x01\x2a", at + 1)) >= 0:  # the start code of a VP8 key frame, then its size
        content[at + 3 : at + 7] = (16_383).to_bytes(2, "little") * 2
    (tmp_path / "huge.webm").write_bytes(content)
    with pytest.raises(MediaError, match=r"^huge.webm "):
        probe(tmp_path / "huge.webm")
    assert list(frames(tmp_path / "huge.webm")) == []


def test_no_damage_does_anything_worse_than_a_refusal(tmp_path: Path) -> None:
    luck = random.Random(0)
    sources = [
        write(tmp_path / f"clip{suffix}", clock(1.0), Tone(1.0)).read_bytes() for suffix in (".mp4", ".webm", ".avi")
    ]
    for turn in range(30):
        content = bytearray(sources[turn % 3])
        for _ in range(luck.choice([1, 10, 300])):
            content[luck.randrange(min(len(content), luck.choice([2000, 10**9])))] = luck.randrange(256)
        path = tmp_path / "damaged.mp4"
        path.write_bytes(content[: luck.choice([None, luck.randrange(len(content))])])
        try:
            info = probe(path)
        except MediaError as refusal:
            assert str(refusal).startswith("damaged.mp4 ")  # noqa: PT017 - either outcome is right
            continue
        assert info.duration_s > 0
        assert all(picture.ndim == 3 for _, picture in frames(path))
        assert all(np.isfinite(wave).all() for _, wave in sound(path))


@pytest.mark.data
def test_the_real_clips(real_clips: dict[str, Path]) -> None:
    found = {name: probe(path) for name, path in real_clips.items()}
    assert {name: round(info.duration_s, 1) for name, info in found.items()} == {
        "M030_sad_3_001.mp4": 3.7,
        "fear.mp4": 8.7,
        "happy.mp4": 5.6,
        "surprised.mp4": 12.4,
        "public_speech_1.mp4": 20.0,
        "public_speech_2.mp4": 26.0,
    }
    assert [name for name, info in found.items() if not info.has_sound] == ["fear.mp4", "happy.mp4"]
