"""The two kinds of boxes that media files are made of, taken apart and put together again: MP4's and EBML's."""

import struct
from dataclasses import dataclass

_PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"udta", b"meta")
#: EBML elements that hold others: Segment, Info, Tracks, TrackEntry, Video, Audio, Cluster, Cues.
_MASTERS = (0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0, 0xE1, 0x1F43B675, 0x1C53BB6B)


@dataclass(frozen=True)
class Place:
    """A box in a file: what it is called, where it begins, where its content begins, and where it ends."""

    name: bytes | int
    start: int
    content: int
    end: int


def box(name: bytes, *content: bytes) -> bytes:
    """An MP4 box."""
    inside = b"".join(content)
    return struct.pack(">I4s", 8 + len(inside), name) + inside


def mp4(data: bytes, start: int = 0, end: int | None = None) -> list[Place]:
    """All boxes of an MP4 file, outer ones first."""
    found: list[Place] = []
    end = len(data) if end is None else end
    while start + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, start)
        stop = start + size if size >= 8 else end
        found.append(Place(name, start, start + 8, min(stop, end)))
        if name in _PARENTS:
            found += mp4(data, start + 8, min(stop, end))
        start = stop
    return found


def element(name: int, *content: bytes) -> bytes:
    """An EBML element, its size in eight bytes."""
    inside = b"".join(content)
    return name.to_bytes((name.bit_length() + 7) // 8) + (len(inside) | 1 << 56).to_bytes(8) + inside


def ebml(data: bytes, start: int = 0, end: int | None = None) -> list[Place]:
    """All elements of a Matroska file, outer ones first."""
    found: list[Place] = []
    end = len(data) if end is None else end
    while start < end and data[start]:
        width = 9 - data[start].bit_length()
        name, at = int.from_bytes(data[start : start + width]), start + width
        if at >= end or not data[at]:
            break
        length = 9 - data[at].bit_length()
        size = int.from_bytes(data[at : at + length]) & ((1 << 7 * length) - 1)
        unknown = size == (1 << 7 * length) - 1
        stop = end if unknown else min(at + length + size, end)
        found.append(Place(name, start, at + length, stop))
        if name in _MASTERS:
            found += ebml(data, at + length, stop)
        start = stop
    return found
