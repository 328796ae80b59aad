"""Small files of labels that would be gigabytes of memory: rows of one value, and what many labels share."""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from functools import cache

import pyarrow
from pyarrow import parquet

_HEADER, _ROW = b"clip,annotator,start_s,end_s,emotion\n", b"c,a,0,1,h\n"
_SLOTS = (
    b"<TIME_ORDER><TIME_SLOT TIME_SLOT_ID='a' TIME_VALUE='0'/><TIME_SLOT TIME_SLOT_ID='b' TIME_VALUE='1'/></TIME_ORDER>"
)
_ANNOTATION = (
    b"<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID='1' TIME_SLOT_REF1='a' TIME_SLOT_REF2='b' CVE_REF='e'>"
    b"<ANNOTATION_VALUE>x</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>"
)


def archive(files: Mapping[str, bytes], way: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP file, compressed in some way."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", way) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return buffer.getvalue()


@cache
def equal_rows() -> bytes:
    """Twenty million rows of equal values, which are few bytes also by what the file says of itself."""
    return _parquet(20_000_000, [])


@cache
def empty_columns() -> bytes:
    """As many rows as come in, with five hundred columns of nothing."""
    return _parquet(490_000, [f"degree of {number}" for number in range(500)])


@cache
def archive_of_rows() -> bytes:
    """Eleven million rows in an archive, no more than may be in each of its files."""
    return archive(dict.fromkeys((f"{number}.csv" for number in range(6)), _HEADER + _ROW * 1_900_000))


@cache
def archive_of_labels() -> bytes:
    """A million and a half labels in an archive: each of its files, and all its values, are few enough."""
    return archive(dict.fromkeys((f"{number}.csv" for number in range(3)), _HEADER + _ROW * 490_000))


@cache
def rows() -> bytes:
    """Two million labels."""
    return archive({"a.csv": _HEADER + _ROW * 1_990_000})


@cache
def short_rows() -> bytes:
    """Rows that leave out most of a hundred thousand columns."""
    columns = b"".join(b",x%d" % number for number in range(100_000))
    return archive({"a.csv": _HEADER[:-1] + columns + b"\n" + _ROW * 400_000})


@cache
def lone_returns() -> bytes:
    """Lines that end as those of old Macintoshes do."""
    return archive({"a.vtt": b"WEBVTT\n\n" + b"NOTE\r\r" * 20_000_000})


@cache
def shared_note() -> bytes:
    """A note of a megabyte that a hundred thousand labels have."""
    return _tasks({"text": ["n" * 500_000] * 2})


@cache
def shared_degrees() -> bytes:
    """A thousand emotions that a hundred thousand labels have."""
    degrees = {"sad": 1.0, **{f"e{number}": 0.5 for number in range(1000)}}
    return _tasks({"stf2m": {"degrees": degrees}})


@cache
def shared_emotion() -> bytes:
    """An emotion whose name of a megabyte forty thousand labels have."""
    entry = b"<CV_ENTRY_ML CVE_ID='e'><CVE_VALUE>" + b"a b " * 250_000 + b"</CVE_VALUE></CV_ENTRY_ML>"
    about = b"<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID='t' CONTROLLED_VOCABULARY_REF='c'/>"
    return _eaf(about + b"<CONTROLLED_VOCABULARY CV_ID='c'>" + entry + b"</CONTROLLED_VOCABULARY>")


@cache
def shared_details() -> bytes:
    """Ten thousand degrees that are those of forty thousand labels of one id."""
    degrees = json.dumps({f"e{number}": 0.5 for number in range(10_000)}).encode()
    return _eaf(
        b"<TIER PARENT_REF='T' LINGUISTIC_TYPE_REF='degrees'><ANNOTATION><REF_ANNOTATION ANNOTATION_REF='1'>"
        b"<ANNOTATION_VALUE>" + degrees + b"</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION></TIER>"
    )


@cache
def intervals() -> bytes:
    """Five million intervals in a line."""
    head = b'"ooTextFile" "TextGrid" 0 5 <exists> 1 "IntervalTier" "a" 0 5 5000000 '
    return archive({"a.TextGrid": head + b'0 1"x"' * 5_000_000})


@cache
def many_cues() -> bytes:
    """Two million cues."""
    return archive({"a.vtt": b"WEBVTT\n\n" + b"00:00.000 --> 00:00.100\na\n\n" * 2_000_000})


#: By the suffix that such a file has.
BOMBS: tuple[tuple[str, Callable[[], bytes]], ...] = (
    (".parquet", equal_rows),
    (".parquet", empty_columns),
    (".zip", archive_of_rows),
    (".zip", archive_of_labels),
    (".zip", rows),
    (".zip", short_rows),
    (".zip", lone_returns),
    (".json", shared_note),
    (".json", shared_degrees),
    (".eaf", shared_emotion),
    (".eaf", shared_details),
    (".zip", intervals),
    (".zip", many_cues),
)


def _parquet(rows: int, empty: list[str]) -> bytes:
    columns = {"clip": "x", "annotator": "Ana", "start_s": 0.0, "end_s": 1.0, "emotion": "sad"}
    part = pyarrow.table({name: [value] * 10_000 for name, value in columns.items()})
    for name in empty:
        part = part.append_column(name, pyarrow.nulls(len(part), pyarrow.bool_()))
    sink = io.BytesIO()
    parquet.write_table(pyarrow.concat_tables([part] * (rows // len(part))), sink, row_group_size=rows)
    return sink.getvalue()


def _tasks(meta: object) -> bytes:
    """A hundred thousand ranges of one result of Label Studio."""
    value = {"timelinelabels": ["sad"], "ranges": [{"start": 1, "end": 2}] * 100_000}
    result = {"type": "timelinelabels", "value": value, "meta": meta}
    return json.dumps([{"data": {"video": "x.mp4"}, "annotations": [{"result": [result]}]}]).encode()


def _eaf(more: bytes) -> bytes:
    """Forty thousand annotations of one id, and something that they share."""
    tier = b"<TIER TIER_ID='T' LINGUISTIC_TYPE_REF='t'>" + _ANNOTATION * 40_000 + b"</TIER>"
    return b"<ANNOTATION_DOCUMENT>" + _SLOTS + more + tier + b"</ANNOTATION_DOCUMENT>"
