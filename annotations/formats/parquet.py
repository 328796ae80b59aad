"""Parquet for data frames: a row per annotation, columns as in CSV, and a column of degrees per emotion.

Numbers are numbers, and nothing is guarded: no spreadsheet opens it. The emotions and the clips, also those without a
row, are in the metadata of the schema, as JSON. A file without that, of one's own making, is read by its columns.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow
from pyarrow import parquet

from annotations.formats import json as own_json
from annotations.formats import shared
from annotations.formats.csv import COLUMNS, DEGREE, NEEDED
from annotations.formats.shared import Losses
from annotations.interchange import FileClip, FileLabel, StudyFile
from annotations.records import AnnotationError

_ABOUT = b"stf2m"
_NUMBERS = ("start_s", "end_s", "duration_s", "intensity")
_FLAGS = ("has_video", "has_sound")
_BATCH = 4096
#: So many bytes are read of a file when it is unpacked.
MOST_BYTES = 256 * 2**20


def write(study: StudyFile, losses: Losses) -> bytes:
    """The labels of a study as Parquet; nothing is lost."""
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for label in study.labels:
        row = {**vars(label), **vars(label.clip), "clip": label.clip.name, "emotion": label.emotion}
        for name, values in columns.items():
            values.append(row[name])
    arrays = {name: pyarrow.array(values, type=_type(name)) for name, values in columns.items()}
    for emotion in study.emotions:
        arrays[DEGREE + emotion] = pyarrow.array(
            [each.degrees.get(emotion) for each in study.labels], pyarrow.float64()
        )
    about = json.dumps({"emotions": study.emotions, "clips": [vars(clip) for clip in study.clips]})
    table = pyarrow.table(arrays).replace_schema_metadata({_ABOUT: about.encode()})
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(table, sink)
    return sink.getvalue().to_pybytes()


def read(data: bytes, name: str) -> StudyFile:
    """The labels in a Parquet file, whatever its ``name``. Raises ``AnnotationError`` in one sentence."""
    try:
        about_file = parquet.read_metadata(pyarrow.BufferReader(data))
        size = sum(about_file.row_group(group).total_byte_size for group in range(about_file.num_row_groups))
        if size > MOST_BYTES:
            raise AnnotationError(f"The Parquet file unpacks to more than {MOST_BYTES >> 20} MiB.")
        shared.check_labels(about_file.num_rows)
        schema = about_file.schema.to_arrow_schema()
        texts = [each.name for each in schema if pyarrow.types.is_string(each.type)]
        file = parquet.ParquetFile(pyarrow.BufferReader(data), read_dictionary=texts)
        wanted = [each for each in schema.names if each in COLUMNS or each.startswith(DEGREE)]
        _check(schema.names, wanted)
        shared.check_parts(about_file.num_rows * len(wanted))
        told = (schema.metadata or {}).get(_ABOUT, b"{}")
        shared.check_parts(shared.parts(told))
        about = own_json.parse(told)
        clips = {clip: clip for clip in map(_clip, _objects(about, "clips"))}
        labels = tuple(shared.few_enough(_labels(file, wanted, clips)))
    except AnnotationError:
        raise
    except (pyarrow.ArrowException, OSError, NotImplementedError, ValueError) as error:
        raise AnnotationError("The Parquet file is damaged or not one.") from error
    emotions = [each for each in about.get("emotions", []) if isinstance(each, str)] if isinstance(about, dict) else []
    used = [*emotions, *(emotion for label in labels for emotion in label.degrees)]
    return StudyFile(tuple(dict.fromkeys(used)), tuple(clips), labels)


def _type(column: str) -> pyarrow.DataType:
    if column in _NUMBERS:
        return pyarrow.float64()
    return pyarrow.bool_() if column in _FLAGS else pyarrow.string()


def _check(names: Sequence[str], wanted: Sequence[str]) -> None:
    missing = [column for column in NEEDED if column not in names]
    if missing:
        raise AnnotationError(f"The Parquet file has no column {missing[0]!r}.")
    if "emotion" not in names and not any(name.startswith(DEGREE) for name in wanted):
        raise AnnotationError("The Parquet file needs a column 'emotion', or columns such as 'degree of happy'.")
    if len(set(names)) < len(names):
        raise AnnotationError("The Parquet file has two columns of one name.")


def _labels(file: parquet.ParquetFile, wanted: Sequence[str], clips: dict[FileClip, FileClip]) -> Iterator[FileLabel]:
    rows = (row for batch in file.iter_batches(_BATCH, columns=wanted) for row in _rows(batch))
    for number, row in enumerate(rows, start=1):
        yield _label(row, f"Row {number} of the Parquet file", clips)


def _rows(batch: pyarrow.RecordBatch) -> list[dict[str, Any]]:
    """The rows of a batch. A text that many rows share is one object, so that a small file cannot fill the memory.

    Raises ``pyarrow.ArrowInvalid`` where a row has a text that is not there.
    """
    batch.validate(full=True)
    columns: dict[str, list[Any]] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if isinstance(column, pyarrow.DictionaryArray):
            texts = [*column.dictionary.to_pylist(), None]
            columns[name] = [texts[-1 if index is None else index] for index in column.indices.to_pylist()]
        else:
            columns[name] = column.to_pylist()
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _objects(about: Any, name: str) -> list[Mapping[str, Any]]:
    found = about.get(name, []) if isinstance(about, dict) else []
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _clip(row: Mapping[str, Any]) -> FileClip:
    return FileClip(
        name=_text(row, "name"),
        sha256=_text(row, "sha256"),
        duration_s=own_json.number(row.get("duration_s")),
        has_video=row.get("has_video") is not False,
        has_sound=row.get("has_sound") is not False,
    )


def _label(row: Mapping[str, Any], where: str, clips: dict[FileClip, FileClip]) -> FileLabel:
    clip = _clip({**row, "name": row.get("clip")})
    start_s, end_s = own_json.number(row["start_s"]), own_json.number(row["end_s"])
    if start_s is None or end_s is None:
        raise AnnotationError(f"{where}: an annotation needs a start and an end in seconds.")
    told = {name.removeprefix(DEGREE): value for name, value in row.items() if name.startswith(DEGREE)}
    degrees = {emotion: value for emotion, each in told.items() if (value := own_json.number(each)) is not None}
    chosen = _text(row, "emotion").strip()
    if not degrees and not chosen:
        raise AnnotationError(f"{where}: an annotation needs an emotion.")
    return FileLabel(
        clip=clips.setdefault(clip, clip),
        annotator=_text(row, "annotator"),
        start_s=start_s,
        end_s=end_s,
        degrees=degrees or {chosen: 1.0},
        intensity=own_json.number(row.get("intensity")),
        note=_text(row, "note"),
    )


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""
