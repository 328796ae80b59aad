"""Subtitle files as people have them: several encodings and dialects, broken ones, hostile ones."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stf2m.views.subtitles import SubtitleError, read, spread

SRT = "1\n00:00:01,000 --> 00:00:03,000\nI am so\nhappy today!\n\n2\n00:00:04,500 --> 00:00:05,000\nDéjà vu.\n"
VTT = (
    "WEBVTT\n\nfirst\n00:01.000 --> 00:03.000 align:start\n<v Ana>I am so <b>happy</b> today!\n\n"
    "00:04.500 --> 00:05.000\nDéjà vu.\n"
)


def written(folder: Path, content: str | bytes, name: str = "clip.srt") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])
@pytest.mark.parametrize("content", [SRT, VTT, SRT.replace("\n", "\r\n"), SRT.replace("1\n", "", 1)])
def test_reads_words_with_times_in_every_encoding(tmp_path: Path, content: str, encoding: str) -> None:
    words = read(written(tmp_path, content.encode(encoding)), 60)
    assert [word.text for word in words] == ["I", "am", "so", "happy", "today!", "Déjà", "vu."]
    assert (words[0].start_s, words[4].end_s, words[5].start_s, words[6].end_s) == (1, 3, 4.5, 5)
    assert all(before.end_s == after.start_s for before, after in pairwise(words[:5]))
    assert words[4].end_s - words[4].start_s == pytest.approx(2 * 7 / 21, abs=0.002)


def test_leaves_out_what_nobody_says(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "1\n00:00:01,000 --> 00:00:02,000\n{\\an8}[door slams] - ANA: Rock &amp; roll (sighs)\n\n"
        "2\n00:00:03,000 --> 00:00:04,000\n♪ ♪\n",
    )
    assert [word.text for word in read(path, 60)] == ["Rock", "&", "roll"]


def test_rolling_captions_are_said_once(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "WEBVTT\n\n00:01.000 --> 00:02.000\nnever in my life\n\n"
        "00:02.000 --> 00:03.000\nnever in my life\nhave I seen\n",
        "clip.vtt",
    )
    assert " ".join(word.text for word in read(path, 60)) == "never in my life have I seen"


def test_words_beyond_the_clip_are_left_out(tmp_path: Path) -> None:
    words = read(written(tmp_path, SRT), 2.0)
    assert words[-1].end_s == 2.0
    assert "vu." not in [word.text for word in words]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"WEBVTT\n\n", "no times"),
        (b"just a letter to a friend", "no times"),
        (bytes(range(256)) * 40, "not a text file"),
        (b"1\n99999999999999999999:00:01,000 --> 00:00:03,000\nhello", "damaged|no spoken words"),
        (b"1\n00:00:03,000 --> 00:00:01,000\nbackwards", "no spoken words"),
        (b"1\n00:xx:01,000 --> 00:00:02,000\nhello", "no times"),
        (b"1\n00:00:01,000 --> 00:00:02,000\n[music]", "no spoken words"),
        (b"1\n00:00:01,000 --> 00:00:02,000\n&#" + b"9" * 5000, "damaged subtitle file: a number in it"),
        (b"1\n00:10:01,000 --> 00:10:02,000\nhello", "does not fit"),
        (b"1\n00:00:01,000 --> 00:00:02,000\n" + b"a " * 3_000_000, "too large"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(SubtitleError, match=reason) as raised:
        read(written(tmp_path, content), 60)
    assert str(raised.value).startswith("clip.srt ")
    assert "\n" not in str(raised.value)


def test_a_missing_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SubtitleError, match=r"^none\.srt cannot be read"):
        read(tmp_path / "none.srt", 60)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.booleans())
def test_anything_gives_words_or_a_refusal(tmp_path_factory: pytest.TempPathFactory, data: bytes, timed: bool) -> None:
    content = b"1\n00:00:01,000 --> 00:00:02,000\n" + data if timed else data
    path = written(tmp_path_factory.mktemp("any"), content)
    try:
        words = read(path, 60)
    except SubtitleError as refusal:
        words = []
        assert "\n" not in str(refusal)  # noqa: PT017 - either outcome is right
    assert all(0 <= word.start_s <= word.end_s <= 60 for word in words)


@given(
    st.lists(st.text("abc", min_size=1, max_size=12), min_size=1, max_size=30),
    st.lists(st.tuples(st.floats(0.1, 5), st.floats(0.1, 5)), min_size=1, max_size=6),
)
def test_spread_words_keep_their_order_and_stay_in_the_stretches(
    words: list[str], gaps_and_lengths: list[tuple[float, float]]
) -> None:
    stretches, at = [], 0.0
    for gap, length in gaps_and_lengths:
        stretches.append((at + gap, at + gap + length))
        at += gap + length
    said = spread(words, stretches)
    assert [word.text for word in said] == words
    for word in said:
        assert any(start - 2e-3 <= word.start_s <= word.end_s <= end + 2e-3 for start, end in stretches)
    assert all(a.start_s <= b.start_s + 2e-3 for a, b in pairwise(said))
    assert said[0].start_s == pytest.approx(stretches[0][0], abs=2e-3) or len(stretches) > 1
