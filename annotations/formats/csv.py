"""CSV for spreadsheets: UTF-8, a row per annotation, a column of degrees per emotion.

Columns: ``clip, sha256, duration_s, has_video, has_sound, annotator, start_s, end_s, emotion, intensity, note``, and
``degree of NAME`` for each emotion of the study, empty where the emotion is not meant. ``emotion`` is the strongest
one, for readers; a file without degree columns is read by it. Only ``clip, annotator, start_s, end_s`` must be there,
and ``emotion`` or degrees.

A cell that a spreadsheet would take for a formula is written with an apostrophe in front, which reading takes off.
"""

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest

from annotations.formats import shared
from annotations.formats.shared import Losses
from annotations.interchange import FileClip, FileLabel, StudyFile
from annotations.records import AnnotationError

DEGREE = "degree of "
NEEDED = ("clip", "annotator", "start_s", "end_s")
COLUMNS = (
    "clip", "sha256", "duration_s", "has_video", "has_sound", "annotator", "start_s", "end_s", "emotion", "intensity",
    "note",
)  # fmt: skip
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")


def write(study: StudyFile, losses: Losses) -> bytes:
    """The labels of a study as CSV. Clips without labels are not in it."""
    losses.add("clips", len(set(study.clips) - {label.clip for label in study.labels}))
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([*COLUMNS, *(DEGREE + emotion for emotion in study.emotions)])
    writer.writerows(_row(label, study.emotions) for label in study.labels)
    return text.getvalue().encode()


def read(data: bytes, name: str) -> StudyFile:
    """The labels in a CSV file, whatever its ``name``.

    Raises ``AnnotationError`` with the number of the row that cannot be read.
    """
    try:
        lines = csv.reader(io.StringIO(shared.text(data, "CSV"), newline=""), strict=True)
        header = [cell.strip() for cell in next(lines, [])]
        _check_header(header)
        emotions = [column.removeprefix(DEGREE) for column in header if column.startswith(DEGREE)]
        labels = tuple(shared.few_enough(_labels(lines, header, emotions)))
    except csv.Error as error:
        raise AnnotationError(f"The CSV file is damaged: {error}.") from error
    used = dict.fromkeys([*emotions, *(emotion for label in labels for emotion in label.degrees)])
    return StudyFile(tuple(used), tuple(dict.fromkeys(label.clip for label in labels)), labels)


def guard(text: str) -> str:
    """Text that no spreadsheet takes for a formula: ``guard("=1+1") == "'=1+1"``."""
    return "'" + text if _FORMULA.match(text) else text


def unguard(text: str) -> str:
    """What :func:`guard` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def _row(label: FileLabel, emotions: Sequence[str]) -> list[str]:
    return [
        guard(label.clip.name),
        label.clip.sha256,
        _number(label.clip.duration_s),
        _yes(label.clip.has_video),
        _yes(label.clip.has_sound),
        guard(label.annotator),
        _number(label.start_s),
        _number(label.end_s),
        guard(label.emotion),
        _number(label.intensity),
        guard(label.note),
        *(_number(label.degrees.get(emotion)) for emotion in emotions),
    ]


def _check_header(header: Sequence[str]) -> None:
    missing = [column for column in NEEDED if column not in header]
    if missing:
        raise AnnotationError(f"The first row of the CSV file must name its columns; {missing[0]!r} is not among them.")
    if "emotion" not in header and not any(column.startswith(DEGREE) for column in header):
        raise AnnotationError("The CSV file needs a column 'emotion', or columns of degrees such as 'degree of happy'.")
    if len(set(header)) < len(header):
        raise AnnotationError("The CSV file has two columns of one name.")


def _labels(lines: Iterable[Sequence[str]], header: Sequence[str], emotions: Sequence[str]) -> Iterator[FileLabel]:
    for number, row in enumerate(lines, start=2):
        shared.check_parts(number * len(header))  # a row that is short in the file has all the cells
        if any(row):
            yield _label(_cells(header, row, number), emotions, number)


def _cells(header: Sequence[str], row: Sequence[str], number: int) -> dict[str, str]:
    if len(row) > len(header):
        raise AnnotationError(f"Row {number} of the CSV file has more cells than there are columns.")
    return dict(zip_longest(header, row, fillvalue=""))


def _label(row: Mapping[str, str], emotions: Sequence[str], number: int) -> FileLabel:
    def value(column: str) -> float | None:
        cell = row.get(column, "").strip()
        if not cell:
            return None
        try:
            parsed = float(cell)
        except ValueError:
            parsed = math.nan
        if not math.isfinite(parsed):
            raise AnnotationError(f"Row {number}: {column} must be a number, not {cell!r}.")
        return parsed

    start_s, end_s = value("start_s"), value("end_s")
    if start_s is None or end_s is None:
        raise AnnotationError(f"Row {number}: an annotation needs a start and an end in seconds.")
    degrees = {emotion: degree for emotion in emotions if (degree := value(DEGREE + emotion)) is not None}
    chosen = unguard(row.get("emotion", "")).strip()
    if not degrees and not chosen:
        raise AnnotationError(f"Row {number}: an annotation needs an emotion.")
    return FileLabel(
        clip=FileClip(
            name=unguard(row["clip"]),
            sha256=row.get("sha256", "").strip(),
            duration_s=value("duration_s"),
            has_video=row.get("has_video", "yes").strip().lower() != "no",
            has_sound=row.get("has_sound", "yes").strip().lower() != "no",
        ),
        annotator=unguard(row["annotator"]),
        start_s=start_s,
        end_s=end_s,
        degrees=degrees or {chosen: 1.0},
        intensity=value("intensity"),
        note=unguard(row.get("note", "")),
    )


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)


def _yes(value: bool) -> str:
    return "yes" if value else "no"
