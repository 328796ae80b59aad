"""A study of several clips in a format of one clip a file: a ZIP archive of such files and a table of them.

The table, ``clips.json``, has what such files cannot hold of a clip. An archive of somebody else's files has none and
is read file by file. Nothing is ever unpacked to the disk.
"""

import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from annotations.formats import json as own_json
from annotations.formats import shared
from annotations.interchange import FileClip, FileLabel, StudyFile
from annotations.records import AnnotationError

TABLE = "clips.json"
FORMAT = "stf2m clips 1"
#: So many files, and so many bytes of them together, are read from an archive.
MOST_FILES = 10_000
MOST_BYTES = 128 * 2**20
#: So many entries are listed at all, with the folders and what some systems put beside every file.
_MOST_ENTRIES = 5 * MOST_FILES
#: The other ways to compress are unpacked whole before any of it can be counted.
_WAYS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DATE = (1980, 1, 1, 0, 0, 0)


def write(study: StudyFile, suffix: str, write_clip: Callable[[StudyFile], bytes]) -> bytes:
    """All clips of a study, each by ``write_clip``, in one archive."""
    names: dict[str, FileClip] = {}
    for clip in study.clips:
        names[_free(file_name(clip.name), suffix, names)] = clip
    table = {
        "format": FORMAT,
        "emotions": study.emotions,
        "clips": [{"file": name, **vars(clip)} for name, clip in names.items()],
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(TABLE, _DATE), json.dumps(table, indent=1))
        for name, each in zip(names, shared.by_clip(study).values(), strict=True):
            archive.writestr(zipfile.ZipInfo(name, _DATE), write_clip(each), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def read(data: bytes, read_file: Callable[[bytes, str], StudyFile]) -> StudyFile:
    """The labels of all files of an archive, each by ``read_file``. Raises ``AnnotationError`` in one sentence."""
    files = dict(_files(data))
    if not files:
        raise AnnotationError("The archive has no files in it.")
    emotions, clips = _table(files.pop(TABLE, None))
    shared.check_parts(sum(map(shared.parts, files.values())))
    found: list[StudyFile] = []

    def labels() -> Iterator[FileLabel]:
        for name, content in files.items():
            if not content and name in clips:
                continue
            try:
                each = read_file(content, PurePosixPath(name).name)
            except AnnotationError as error:
                raise AnnotationError(f"{name}: {error}") from error
            found.append(_about(each, clips[name]) if name in clips else each)
            yield from found[-1].labels

    together = tuple(shared.few_enough(labels()))
    used = [*emotions, *(emotion for each in found for emotion in each.emotions)]
    return StudyFile(
        tuple(dict.fromkeys(used)),
        tuple(dict.fromkeys([*clips.values(), *(clip for each in found for clip in each.clips)])),
        together,
        left_out=tuple(sentence for each in found for sentence in each.left_out),
    )


def file_name(clip: str) -> str:
    """The name of a clip without what no file system holds and without its suffix: "speech" for "speech.mp4"."""
    return re.sub(r"[^\w \-.,()\[\]]+", "_", PurePosixPath(clip.replace("\\", "/")).stem).strip(" .")[:80] or "clip"


def _files(data: bytes) -> Iterator[tuple[str, bytes]]:
    left = MOST_BYTES
    try:
        if data.count(b"PK\1\2") > _MOST_ENTRIES:
            raise AnnotationError(f"The archive has too many files in it; {MOST_FILES} at most are read.")
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            named = [each for each in archive.infolist() if each.filename]
            entries = [each for each in named if not each.is_dir() and not _ignored(each.filename)]
            if len(entries) > MOST_FILES:
                raise AnnotationError(f"The archive has {len(entries)} files in it; {MOST_FILES} at most are read.")
            for entry in entries:
                if ".." in PurePosixPath(entry.filename).parts or entry.filename.startswith("/"):
                    raise AnnotationError("The archive has a file in it that leads out of it.")
                if entry.flag_bits & 1:
                    raise AnnotationError("The archive is encrypted; save it without a password.")
                if entry.compress_type not in _WAYS:
                    raise AnnotationError("The archive is compressed in an unusual way; save it as a plain ZIP file.")
                with archive.open(entry) as file:
                    content = file.read(left + 1)
                left -= len(content)
                if left < 0:
                    raise AnnotationError(f"The archive unpacks to more than {MOST_BYTES >> 20} MiB.")
                yield entry.filename, content
    except AnnotationError:
        raise
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError, ValueError) as error:
        raise AnnotationError("The archive is damaged.") from error


def _ignored(name: str) -> bool:
    """What the systems of some people put into every archive."""
    return name.startswith("__MACOSX/") or PurePosixPath(name).name in (".DS_Store", "Thumbs.db")


def _table(content: bytes | None) -> tuple[list[str], dict[str, FileClip]]:
    if content is None:
        return [], {}
    table = own_json.parse(content)
    clips: Any = table.get("clips") if isinstance(table, dict) and table.get("format") == FORMAT else None
    if not isinstance(clips, list):
        raise AnnotationError(f"{TABLE} in the archive is no table of its clips.")
    there = [each for each in clips if isinstance(each, dict) and isinstance(each.get("file"), str)]
    emotions = table.get("emotions")
    names = [each for each in emotions if isinstance(each, str)] if isinstance(emotions, list) else []
    return names, {each["file"]: own_json.clip(each, f"{TABLE} in the archive") for each in there}


def _about(study: StudyFile, clip: FileClip) -> StudyFile:
    """A file about one clip, of which more is known."""
    return replace(study, clips=(clip,), labels=tuple(replace(label, clip=clip) for label in study.labels))


def _free(name: str, suffix: str, taken: Mapping[str, FileClip]) -> str:
    used = {each.casefold() for each in taken}
    numbered = (f"{name} {number}" if number > 1 else name for number in range(1, len(taken) + 2))
    return next(each + suffix for each in numbered if (each + suffix).casefold() not in used)
