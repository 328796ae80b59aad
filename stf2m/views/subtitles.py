"""Words with times: from subtitle files (SRT, WebVTT), or from a text spread over stretches of speech."""

import codecs
import html
import io
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stf2m.tracks import Word

_MOST_BYTES = 5 * 2**20
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_TIMING = re.compile(r"^[^\S\n]*+[\d:.,]++\s*+-->\s*+[\d:.,]+.*$", re.MULTILINE)
#: What is not spoken begins and ends so.
_NOT_SPOKEN = {"{": "}", "[": "]", "(": ")", "<": ">", "♪": "♪", "♫": "♫"}
_BEGINNING = re.compile(r"[{\[(<♪♫]")
_SPEAKER = re.compile(r"^\s*(?:-\s+|>>\s*)?(?:[A-Z][A-Z .']{1,30}:\s+)?")


class SubtitleError(ValueError):
    """A subtitle file that cannot be used; the message is one plain sentence that names it and the reason."""


def read(path: Path, duration_s: float) -> list[Word]:
    """The words of a subtitle file in the order they are said, those within ``duration_s`` seconds.

    UTF-8, UTF-16, UTF-32 and Latin-1 are understood. A line's time is shared among its words by their lengths. Sound
    descriptions in brackets, speakers' names in capitals, markup and lines that merely roll on are left out.
    Raises :class:`SubtitleError`.
    """
    words = [word for start, end, text in _lines(path) for word in spread(text.split(), [(start, end)])]
    if not words:
        raise SubtitleError(f"{path.name} holds no spoken words with times.")
    within = [Word(word.text, word.start_s, min(word.end_s, duration_s)) for word in words if word.start_s < duration_s]
    if not within:
        raise SubtitleError(f"{path.name} does not fit: its first word comes after the clip has ended.")
    return within


def spread(words: Sequence[str], stretches: Sequence[tuple[float, float]]) -> list[Word]:
    """Give each word a share of the stretches (start, end in seconds, with a length) in proportion to its own length.

    A word that would be torn by a gap between stretches keeps its larger part.
    """
    lengths = np.cumsum([0, *(len(word) + 1 for word in words)])
    marks = (lengths / lengths[-1] * sum(end - start for start, end in stretches)).tolist()
    return [Word(word, *_piece(stretches, *marks[place : place + 2])) for place, word in enumerate(words)]


def _piece(stretches: Sequence[tuple[float, float]], begun_s: float, done_s: float) -> tuple[float, float]:
    """The longest piece of the stretches between two amounts of their time, as (start, end) in seconds."""
    longest, passed = (stretches[-1][1], stretches[-1][1]), 0.0
    for start, end in stretches:
        piece = (start + max(begun_s - passed, 0.0), start + min(done_s - passed, end - start))
        if piece[1] - piece[0] > longest[1] - longest[0]:
            longest = piece
        passed += end - start
        if passed >= done_s:
            break
    return round(float(longest[0]), 3), round(float(longest[1]), 3)


def _lines(path: Path) -> list[tuple[float, float, str]]:
    """Start, end and spoken text of each subtitle, in order of time."""
    import webvtt
    from webvtt.errors import MalformedCaptionError, MalformedFileError

    text = _text(path)
    if not _TIMING.search(text):
        raise SubtitleError(f"{path.name} is not a subtitle file: it has no times like 00:00:01,000 --> 00:00:02,500.")
    if not text.lstrip().startswith("WEBVTT"):
        text = "WEBVTT\n\n" + text
    text = _TIMING.sub(lambda timing: timing.group().replace(",", "."), text.lstrip())
    try:
        captions = webvtt.from_buffer(io.StringIO(text)).captions
        found = [
            (_seconds(each.start), _seconds(each.end), [_spoken(line) for line in each.raw_text.splitlines()])
            for each in captions
        ]
    except (MalformedCaptionError, MalformedFileError) as error:
        raise SubtitleError(f"{path.name} is a damaged subtitle file: {str(error)[:200]}.") from error
    except ValueError as error:
        raise SubtitleError(f"{path.name} is a damaged subtitle file: a number in it cannot be read.") from error

    spoken: list[tuple[float, float, str]] = []
    shown: set[str] = set()
    for start, end, lines in sorted(found, key=lambda each: each[0]):
        rolled_on = shown if spoken and start <= spoken[-1][1] + 0.1 else set()
        new = " ".join(line for line in lines if line and line not in rolled_on)
        shown = set(lines)
        if new and end > start:
            spoken.append((start, end, new))
    return spoken


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SubtitleError(f"{path.name} is too large for subtitles (more than 5 MiB).")
        data = path.read_bytes()
    except OSError as error:
        raise SubtitleError(f"{path.name} cannot be read: {error.strerror}.") from error
    if not data.strip():
        raise SubtitleError(f"{path.name} is empty.")
    for encoding in _encodings(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text.replace("\r\n", "\n").replace("\r", "\n")
    raise SubtitleError(f"{path.name} is not a text file.")


def _encodings(data: bytes) -> list[str]:
    marked = [encoding for mark, encoding in _BOMS.items() if data.startswith(mark)]
    if marked:
        return marked[:1]
    return ["utf-8", "utf-16-le", "utf-16-be"] if b"\0" in data[:200] else ["utf-8", "cp1252", "latin-1"]


def _spoken(line: str) -> str:
    """What is said of a line. Raises ``ValueError`` for the number of a character that has too many digits."""
    return " ".join(_SPEAKER.sub("", html.unescape(_without_brackets(line)).strip()).split())


def _without_brackets(line: str) -> str:
    """A line without what is in brackets and without notes; a bracket that nothing closes stays.

    No regular expression, which would look for the end of each of many open brackets in all that is left.
    """
    last = {beginning: line.rfind(end) for beginning, end in _NOT_SPOKEN.items()}
    kept, at = [], 0
    for beginning in _BEGINNING.finditer(line):
        if at <= beginning.start() <= last[beginning[0]]:
            kept.append(line[at : beginning.start()])
            at = line.index(_NOT_SPOKEN[beginning[0]], beginning.start()) + 1
    return " ".join([*kept, line[at:]])


def _seconds(stamp: str) -> float:
    seconds = 0.0
    for part in stamp.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds
