"""Interchange formats, one file each; a new format is a new file and one line here.

``write`` says what a format cannot hold, exactly counted; ``read`` finds out the format by the content of a file.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

from annotations.formats import csv, elan, json, label_studio, parquet, shared, subtitles, textgrid, zipped
from annotations.formats.shared import Losses
from annotations.interchange import StudyFile
from annotations.records import AnnotationError

#: The largest file that is read, bytes.
LARGEST = 128 * 2**20


@dataclass(frozen=True)
class Format:
    """How a study is written and read: ``write`` counts what is lost, ``read`` is given the name of the file, too.

    ``one_clip`` says that a file holds one clip only, ``names_only`` that it holds nothing of it but labels with their
    strongest emotion, ``has_suggestions`` that it can hold the model's suggestions.
    """

    title: str
    suffix: str
    write: Callable[[StudyFile, Losses], bytes]
    read: Callable[[bytes, str], StudyFile]
    one_clip: bool = False
    names_only: bool = False
    has_suggestions: bool = False


FORMATS = {
    "csv": Format("CSV", ".csv", csv.write, csv.read),
    "json": Format("JSON", ".json", json.write, json.read),
    "parquet": Format("Parquet", ".parquet", parquet.write, parquet.read),
    "label-studio": Format(
        "Label Studio", ".label-studio.json", label_studio.write, label_studio.read, has_suggestions=True
    ),
    "elan": Format("ELAN", ".eaf", elan.write, elan.read, one_clip=True),
    "textgrid": Format("TextGrid", ".TextGrid", textgrid.write, textgrid.read, one_clip=True, names_only=True),
    "webvtt": Format("WebVTT", ".vtt", subtitles.write_vtt, subtitles.read_vtt, one_clip=True, names_only=True),
    "srt": Format("SRT", ".srt", subtitles.write_srt, subtitles.read_srt, one_clip=True, names_only=True),
}


@dataclass(frozen=True)
class Written:
    """A file that was written, how its name should end, how many labels are in it, and what of the study is not."""

    data: bytes
    suffix: str
    labels: int
    losses: Losses


def named(name: str) -> Format:
    """The format of that name. Raises ``AnnotationError``, which lists those that there are."""
    if name not in FORMATS:
        raise AnnotationError(f"There is no format {name!r}; there are {', '.join(FORMATS)}.")
    return FORMATS[name]


def write(study: StudyFile, name: str) -> Written:
    """A study in the format of that name; several clips in a format of one clip a file become an archive.

    Raises ``AnnotationError`` where there is no such format.
    """
    form = named(name)
    losses = Losses(form.title)
    if not form.has_suggestions:
        losses.add("suggestions", len(study.suggestions))
    suffix = form.suffix
    if form.one_clip and len(study.clips) != 1:
        suffix = ".zip"
        data = zipped.write(study, form.suffix, lambda clip: form.write(clip, losses))
    else:
        data = form.write(study, losses)
        if form.names_only:
            losses.add("names")
            losses.add("emotions", len(set(study.emotions) - {label.emotion for label in study.labels}))
    return Written(data, suffix, len(study.labels), losses)


def read(data: bytes, name: str) -> StudyFile:
    """The labels in a file called ``name``, in whichever format it is.

    Raises ``AnnotationError`` with one sentence where it is in none, is damaged, or is too large.
    """
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        _check_size(data)
        return zipped.read(data, _read_one)
    return _read_one(data, name)


def _read_one(data: bytes, name: str) -> StudyFile:
    _check_size(data)
    return _of_content(data, name).read(data, _without_suffix(name))


def _check_size(data: bytes) -> None:
    if not data.strip():
        raise AnnotationError("The file is empty.")
    if len(data) > LARGEST:
        raise AnnotationError(f"The file is larger than {LARGEST >> 20} MiB.")
    shared.check_parts(shared.parts(data))


def _of_content(data: bytes, name: str) -> Format:
    """The format of a file by how it begins; by its name only where that does not tell."""
    if data.startswith(b"PAR1"):
        return FORMATS["parquet"]
    start = data[:2000].decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "ignore").lstrip()
    if start.startswith("<"):
        return FORMATS["elan"]
    if start.startswith("WEBVTT"):
        return FORMATS["webvtt"]
    if "ooTextFile" in start[:200]:
        return FORMATS["textgrid"]
    if re.match(r"\d++[^\S\n]*+\n\s*+\d++:\d++:\d", start):
        return FORMATS["srt"]
    if start.startswith(("[", "{")):
        own = start.startswith("{") and json.FORMAT in start
        return FORMATS["json" if own or not _is_task(start) else "label-studio"]
    by_suffix = [form for form in FORMATS.values() if name.lower().endswith(form.suffix.lower())]
    if not by_suffix and not re.match(r"(?>[^\n]*?\bclip\b)[^\n]*,", start):
        suffixes = ", ".join(form.suffix for form in FORMATS.values())
        raise AnnotationError(f"The file is of no format that can be imported; there are {suffixes} and .zip.")
    return by_suffix[-1] if by_suffix else FORMATS["csv"]


def _is_task(start: str) -> bool:
    """Whether JSON is of Label Studio: a list of tasks, or one task."""
    return start.startswith("[") or re.search(r'"(data|annotations|predictions)"\s*:', start) is not None


def _without_suffix(name: str) -> str:
    """What a clip may be called by the name of a file about it."""
    name = PurePath(name.replace("\\", "/")).name
    for form in FORMATS.values():
        if name.lower().endswith(form.suffix.lower()) and len(name) > len(form.suffix):
            return name[: -len(form.suffix)]
    return name
