"""What repeats for long is read in a time that grows with its length: a regular expression holds up all the studio."""

import time
from collections.abc import Callable

import pytest

from annotations import formats
from annotations.records import AnnotationError
from stf2m import rule_words
from stf2m.rule_words import RuleError
from tests.fuzz.checking import check
from tests.fuzz.parsers import PARSERS

#: A linear pattern takes milliseconds for each, a quadratic one ten times this and more.
MOST_S = 3.0
LETTERS = 300_000
#: Openings without an end, and what two neighbours in a pattern might both take.
REPEATS = [
    "(",
    "[",
    "{",
    "<",
    '"',
    "\n",
    "\r",
    " ",
    "\t\n",
    "1",
    "1:",
    "1\n",
    "-->",
    "1 --> ",
    "<v ",
    "<v.a",
    "&#",
    "a,",
    "-",
]
CUE = b"WEBVTT\n\n00:01.000 --> 00:02.000\n"


def seconds(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return time.process_time() - began


@pytest.mark.parametrize("piece", REPEATS)
@pytest.mark.parametrize("name", ["subtitles", "csv", "json", "webvtt", "srt", "textgrid", "elan", "names", "table"])
def test_good_input_with_a_long_repeat_after_it_is_read_or_refused_soon(name: str, piece: str) -> None:
    data = PARSERS[name].seeds()[0] + piece.encode() * (LETTERS // len(piece))
    assert seconds(lambda: check(name, data)) < MOST_S


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("subtitles", b"\n" * LETTERS),
        ("subtitles", b"1-->\n" * (LETTERS // 5)),
        ("webvtt", CUE + b"<v " * (LETTERS // 3)),
        ("webvtt", CUE + b"<v.a" * (LETTERS // 4) + b">"),
    ],
)
def test_a_long_repeat_is_read_or_refused_soon(name: str, data: bytes) -> None:
    assert seconds(lambda: check(name, data)) < MOST_S


@pytest.mark.parametrize("start", [b"1" + b"\n" * 1999, b"clip " * 400])
def test_what_a_file_is_shows_soon_however_its_beginning_repeats(start: bytes) -> None:
    """An archive has up to 10,000 files."""

    def ten_thousand() -> None:
        for _ in range(10_000):
            with pytest.raises(AnnotationError):
                formats._of_content(start, "x")

    assert seconds(ten_thousand) < MOST_S


def test_a_degree_of_many_digits_is_read_or_refused_soon() -> None:
    def refused() -> None:
        for answer in ("1" * 3000 + "x", "1." * 1500 + "x", "-" + "1" * 3000 + "x"):
            with pytest.raises(RuleError):
                rule_words._degrees(answer, ["happy", "sad"])

    assert seconds(refused) < MOST_S
