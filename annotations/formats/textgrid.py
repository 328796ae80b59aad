"""Praat's TextGrid, one clip a file: an interval tier per annotator, a second one for labels that overlap.

A label is its strongest emotion. Reading takes the numbers, texts in quotes and flags of a file in their order, as
Praat itself does, so that its long and its short form are read alike.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from annotations.formats import shared
from annotations.formats.shared import Losses
from annotations.interchange import FileClip, FileLabel, StudyFile
from annotations.records import AnnotationError

#: A comment, a text in quotes (a quote in it is doubled), or anything else between spaces.
_TOKEN = re.compile(r'"([^"]*+(?:""[^"]*+)*+)"|!.*|[^\s"!]+')
_NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?")
#: More than any file has of anything, for a count that is infinite.
_UNCOUNTED = 1e18


def write(study: StudyFile, losses: Losses) -> bytes:
    """A study of one clip as a TextGrid."""
    shared.drop_all_but_emotion(study.labels, losses)
    end_s = max([study.clips[0].duration_s or 0.0, *(label.end_s for label in study.labels)])
    tiers = [
        _tier(shared.tier_name(person, number), lane, end_s)
        for person, labels in shared.by_annotator(study.labels).items()
        for number, lane in enumerate(shared.lanes(labels, lambda each: (each.start_s, each.end_s)), start=1)
    ]
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {end_s!r}"]
    lines += ["tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for number, tier in enumerate(tiers, start=1):
        lines += [f"    item [{number}]:", *(f"        {line}" for line in tier)]
    return ("\n".join(lines) + "\n").encode()


def read(data: bytes, name: str) -> StudyFile:
    """The labels in a TextGrid about the clip called ``name``. Raises ``AnnotationError`` in one sentence."""
    tokens = _Tokens(shared.text(data, "TextGrid"))
    if not tokens.text().startswith("ooTextFile") or tokens.text() != "TextGrid":
        raise AnnotationError("The file is no TextGrid of Praat.")
    tokens.skip_numbers(1)
    clip = FileClip(name, duration_s=tokens.number())
    names: set[str] = set()
    found: list[tuple[str, float, float, str]] = []
    points: list[str] = []
    for _ in range(tokens.count() if tokens.exists() else 0):
        kind, tier = tokens.text(), tokens.text()
        tokens.skip_numbers(2)
        if kind == "IntervalTier":
            names.add(tier)
            for _ in range(tokens.count()):
                start_s, end_s, told = tokens.number(), tokens.number(), tokens.text()
                if emotion := " ".join(told.split()):
                    found.append((tier, start_s, end_s, emotion))
                    shared.check_labels(len(found))
        else:
            for _ in range(tokens.count()):
                tokens.skip_numbers(1)
                tokens.text()
            points.append(tier)
    people = {name: shared.annotator_of(name, names) for name in names}
    labels = [FileLabel(clip, people[tier], start_s, end_s, {emotion: 1.0}) for tier, start_s, end_s, emotion in found]
    left_out = (shared.tiers_left_out(points, "of points without a length"),) if points else ()
    return replace(shared.of_one_clip(clip, labels), left_out=left_out)


def _tier(name: str, labels: Sequence[FileLabel], end_s: float) -> Iterator[str]:
    """The lines of a tier: its labels, and empty intervals where there is none."""
    intervals: list[tuple[float, float, str]] = []
    since = 0.0
    for label in labels:
        if label.start_s > since:
            intervals.append((since, label.start_s, ""))
        intervals.append((label.start_s, label.end_s, label.emotion))
        since = label.end_s
    if since < end_s:
        intervals.append((since, end_s, ""))
    yield from ('class = "IntervalTier"', f"name = {_quoted(name)}", "xmin = 0", f"xmax = {end_s!r}")
    yield f"intervals: size = {len(intervals)}"
    for number, (start, end, text) in enumerate(intervals, start=1):
        yield from (
            f"intervals [{number}]:",
            f"    xmin = {start!r}",
            f"    xmax = {end!r}",
            f"    text = {_quoted(text)}",
        )


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


class _Tokens:
    """The values of a TextGrid in their order. Raises ``AnnotationError`` where another one should come."""

    def __init__(self, text: str) -> None:
        self._found = _TOKEN.finditer(text)

    def text(self) -> str:
        for token in self._found:
            if token[1] is not None:
                return token[1].replace('""', '"')
            if self._is_value(token[0]):
                break
        raise AnnotationError("The TextGrid is damaged, or ends too early.")

    def number(self) -> float:
        for token in self._found:
            if _NUMBER.fullmatch(token[0]):
                return float(token[0])
            if self._is_value(token[0]):
                break
        raise AnnotationError("The TextGrid is damaged, or ends too early.")

    def skip_numbers(self, number: int) -> None:
        for _ in range(number):
            self.number()

    def count(self) -> int:
        return int(min(self.number(), _UNCOUNTED))

    def exists(self) -> bool:
        flag = next((token[0] for token in self._found if token[0] in ("<exists>", "<absent>")), "<absent>")
        return flag == "<exists>"

    @staticmethod
    def _is_value(token: str) -> bool:
        return token.startswith(('"', "<")) or _NUMBER.fullmatch(token) is not None
