"""Video files that are built, not changed: pictures and blocks that unpack to far more than they are."""

import struct
import zlib
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests import media_files
from tests.hostile.boxes import Place, box, element, mp4


@cache
def huge_png() -> bytes:
    """Matroska of 64 × 64 pixels, whose pictures are PNGs of 16384 × 16384 in 33 kB each."""
    side = 16384
    picture = b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _part(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)),
            _part(b"IDAT", zlib.compress(bytes(side * (1 + side // 8)), 9)),
            _part(b"IEND", b""),
        )
    )
    form = struct.pack("<IiiHH4sIiiII", 40, 64, 64, 1, 24, b"MPNG", 0, 0, 0, 0, 0)
    return _matroska([element(0x86, b"V_MS/VFW/FOURCC"), element(0x63A2, form)], (64, 64), [picture] * 3)


def _part(name: bytes, content: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


@cache
def picture_bomb() -> bytes:
    """A picture of 4096 × 4096 pixels in a few kilobytes, which its container shows two hundred times."""
    with TemporaryDirectory() as folder:
        path = media_files.write(Path(folder) / "a.mp4", [(0.0, np.zeros((4096, 4096, 3), np.uint8))])
        data = path.read_bytes()
    count, places = 200, {each.name: each for each in mp4(data)}
    chunk = struct.unpack_from(">I", data, places[b"stco"].content + 8)[0]
    size = struct.unpack_from(">I", data, places[b"stsz"].content + 4)[0]
    size = size or struct.unpack_from(">I", data, places[b"stsz"].content + 12)[0]
    new = {
        b"stts": box(b"stts", struct.pack(">IIII", 0, 1, count, 5)),
        b"stsz": box(b"stsz", struct.pack(">III", 0, size, count)),
        b"stsc": box(b"stsc", struct.pack(">IIIII", 0, 1, 1, 1, 1)),
        b"stco": box(b"stco", struct.pack(f">II{count}I", 0, count, *[chunk] * count)),
        b"stss": b"",
        b"edts": b"",
    }
    return data[: places[b"moov"].start] + _rebuilt(data, places[b"moov"], new)


def _rebuilt(data: bytes, place: Place, new: dict[bytes, bytes]) -> bytes:
    """A box with some of the boxes in it replaced, and all sizes right."""
    name = place.name if isinstance(place.name, bytes) else b""
    if name in new:
        return new[name]
    inside = mp4(data, place.content, place.end) if name in (b"moov", b"trak", b"mdia", b"minf", b"stbl") else []
    direct = [each for each in inside if not any(o.content <= each.start < o.end for o in inside if o is not each)]
    parts = [_rebuilt(data, each, new) for each in direct] or [data[place.content : place.end]]
    return box(name, *parts)


@cache
def zipped_bomb() -> bytes:
    """Matroska that compresses its blocks: 64 MiB of nothing in one of 65 kB."""
    packed = zlib.compress(bytes(2**26), 9)
    encoding = element(0x6D80, element(0x6240, element(0x5034, element(0x4254, bytes(4)))))
    return _matroska([element(0x86, b"V_UNCOMPRESSED"), encoding], (4096, 4096), [packed] * 2)


def _matroska(codec: list[bytes], size: tuple[int, int], pictures: list[bytes]) -> bytes:
    """A file of one track: pictures of a codec, told by elements of the track, ten a second."""
    width, height = (side.to_bytes(4) for side in size)
    video = element(0xE0, element(0xB0, width), element(0xBA, height))
    track = element(0xAE, element(0xD7, b"\1"), element(0x73C5, b"\1"), element(0x83, b"\1"), *codec, video)
    blocks = [element(0xA3, struct.pack(">BhB", 0x81, 100 * at, 0x80) + each) for at, each in enumerate(pictures)]
    return b"".join(
        (
            element(0x1A45DFA3, element(0x4282, b"matroska")),
            element(
                0x18538067,
                element(0x1549A966, element(0x2AD7B1, (10**6).to_bytes(4))),
                element(0x1654AE6B, track),
                element(0x1F43B675, element(0xE7, b"\0"), *blocks),
            ),
        )
    )
