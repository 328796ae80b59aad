"""Hostile video files: small clips with one thing or a few made wrong on purpose, and some built to do harm."""

import itertools
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np

from app.demo import DEMOS
from stf2m import decoding
from tests import media_files
from tests.hostile.bombs import huge_png, picture_bomb, zipped_bomb
from tests.hostile.boxes import Place, box, ebml, mp4
from tests.media_files import Tone

Made = Callable[[Random], tuple[str, bytes]]

#: Numbers that break what does not expect them.
NUMBERS = (0, 1, 7, 8, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 10**6, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
_TIMES = (b"mvhd", b"mdhd", b"tkhd", b"elst", b"stts", b"ctts")
#: Duration, TimecodeScale, DefaultDuration, a cluster's Timecode, BlockDuration.
_EBML_TIMES = (0x4489, 0x2AD7B1, 0x23E383, 0xE7, 0x9B)
_TABLES = (b"stsz", b"stco", b"stsc", b"stss", b"stsd", b"hdlr", b"dref")


@cache
def clip(suffix: str, kind: str = "face") -> bytes:
    """A small good clip: half a second with a face and a tone, a ``still`` of one picture, or a ``dot`` of sound."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"clip{suffix}"
        if kind == "dot":
            return media_files.write(path, tone=Tone(0.02)).read_bytes()
        pictures = list(itertools.islice(_faces(), 1 if kind == "still" else 5))
        return media_files.write(path, pictures, None if kind == "still" else Tone(0.5)).read_bytes()


@cache
def _pictures() -> list[media_files.Timed]:
    return list(itertools.islice(decoding.frames(DEMOS[-1].path), 10))


def _faces() -> list[media_files.Timed]:
    return [(at, np.ascontiguousarray(picture[::2, ::2])) for at, picture in _pictures()]


def _any(random: Random) -> tuple[str, bytes]:
    suffix = random.choice([".mp4", ".mov", ".webm", ".mkv", ".avi"])
    return suffix, clip(suffix)


def header(random: Random) -> tuple[str, bytes]:
    suffix, data = _any(random)
    changed = bytearray(data)
    for _ in range(random.randint(1, 8)):
        changed[random.randrange(min(1024, len(changed)))] = random.randrange(256)
    return suffix, bytes(changed)


def anywhere(random: Random) -> tuple[str, bytes]:
    suffix, data = _any(random)
    changed = bytearray(data)
    for _ in range(random.choice([1, 10, 100, 1000])):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return suffix, bytes(changed)


def lost(random: Random) -> tuple[str, bytes]:
    """Bytes cut off, taken out, doubled or zeroed."""
    suffix, data = _any(random)
    at, end = sorted(random.randrange(len(data)) for _ in range(2))
    part = random.choice([b"", data[at:end] * 2, bytes(end - at)])
    return suffix, random.choice([data[:end], data[:at] + part + data[end:], data[at:]])


def spliced(random: Random) -> tuple[str, bytes]:
    """The beginning of one container and the end of another."""
    (suffix, one), (_, other) = _any(random), _any(random)
    return suffix, one[: random.randrange(len(one))] + other[random.randrange(len(other)) :]


def box_sizes(random: Random) -> tuple[str, bytes]:
    data = bytearray(clip(".mp4"))
    for place in random.sample(mp4(bytes(data)), 2):
        struct.pack_into(">I", data, place.start, random.choice(NUMBERS))
    return ".mp4", bytes(data)


def box_times(random: Random) -> tuple[str, bytes]:
    """Lengths that lie, time scales of 0 and of a million: no picture a second, or a million."""
    return ".mp4", _fields(random, _TIMES)


def box_tables(random: Random) -> tuple[str, bytes]:
    return ".mp4", _fields(random, _TABLES)


def _fields(random: Random, names: tuple[bytes, ...]) -> bytes:
    data = bytearray(clip(".mp4"))
    places = [place for place in mp4(bytes(data)) if place.name in names]
    for place in random.sample(places, min(len(places), random.randint(1, 3))):
        for _ in range(random.randint(1, 3)):
            at = random.randrange(place.content, max(place.end - 3, place.content + 1))
            struct.pack_into(">I", data, at - (at - place.content) % 4, random.choice(NUMBERS))
    return bytes(data)


def no_rate(random: Random) -> tuple[str, bytes]:
    """Pictures that last no time at all."""
    return ".mp4", _delta(0)


def million_rate(random: Random) -> tuple[str, bytes]:
    """A million pictures a second."""
    data = bytearray(_delta(1))
    for place in mp4(bytes(data)):
        if place.name == b"mdhd":
            struct.pack_into(">I", data, place.content + 12, 10**6)
    return ".mp4", bytes(data)


def _delta(ticks: int) -> bytes:
    data = bytearray(clip(".mp4"))
    for place in mp4(bytes(data)):
        if place.name == b"stts":
            for entry in range(struct.unpack_from(">I", data, place.content + 4)[0]):
                struct.pack_into(">I", data, place.content + 12 + 8 * entry, ticks)
    return bytes(data)


def ebml_sizes(random: Random) -> tuple[str, bytes]:
    """Sizes unknown, nothing, or far beyond the end; names of other elements."""
    suffix = random.choice([".webm", ".mkv"])
    data = bytearray(clip(suffix))
    for place in random.sample(ebml(bytes(data)), 3):
        size = range(place.start + 1, place.content)
        if random.random() < 0.3:
            data[place.start] = random.randrange(1, 256)
        else:
            data[random.choice(size)] = random.choice([0x00, 0x01, 0x80, 0x81, 0xFE, 0xFF])
    return suffix, bytes(data)


def ebml_values(random: Random) -> tuple[str, bytes]:
    suffix = random.choice([".webm", ".mkv"])
    data = bytearray(clip(suffix))
    small = [place for place in ebml(bytes(data)) if 0 < place.end - place.content <= 8]
    for place in random.sample(small, 3):
        data[place.content : place.end] = bytes(random.choice([0x00, 0x7F, 0xFF, 0x41]) for _ in range(_length(place)))
    return suffix, bytes(data)


def ebml_times(random: Random) -> tuple[str, bytes]:
    """Lengths, tick lengths, picture lengths and times of clusters that lie."""
    suffix = random.choice([".webm", ".mkv"])
    data = bytearray(clip(suffix))
    for place in ebml(bytes(data)):
        if place.name in _EBML_TIMES and random.random() < 0.7:
            most = 256 ** _length(place) - 1
            data[place.content : place.end] = min(random.choice(NUMBERS), most).to_bytes(_length(place))
    return suffix, bytes(data)


def _length(place: Place) -> int:
    return place.end - place.content


def huge_pictures(random: Random) -> tuple[str, bytes]:
    """16384 × 16384 pixels: so says the container, or so says the picture in it when it comes to be decoded."""
    suffix = random.choice([".mp4", ".mkv", ".png.mkv"])
    if suffix == ".png.mkv":
        return suffix, huge_png()
    data = bytearray(clip(suffix))
    if suffix == ".mp4":
        at = data.index(b"avc1", data.index(b"stsd")) + 4 + 24
        struct.pack_into(">HH", data, at, 16384, 16384)
    else:
        for place in ebml(bytes(data)):
            if place.name in (0xB0, 0xBA):
                data[place.content : place.end] = min(16384, 256 ** _length(place) - 1).to_bytes(_length(place))
    return suffix, bytes(data)


def thousand_streams(random: Random) -> tuple[str, bytes]:
    data = clip(".mp4")
    places = mp4(data)
    moov, mvhd = (next(each for each in places if each.name == name) for name in (b"moov", b"mvhd"))
    tracks = [data[each.start : each.end] for each in places if each.name == b"trak"]
    many = [random.choice(tracks) for _ in range(1000)]
    return ".mp4", data[: moov.start] + box(b"moov", data[mvhd.start : mvhd.end], *many)


def short(random: Random) -> tuple[str, bytes]:
    suffix = random.choice([".mp4", ".mov", ".mkv"])
    return suffix, clip(suffix, random.choice(["still", "dot"]))


def bomb(random: Random) -> tuple[str, bytes]:
    if random.random() < 0.5:
        return ".mp4", picture_bomb()
    return ".mkv", zipped_bomb()


def other(random: Random) -> tuple[str, bytes]:
    """What is no video: lists that name other files, scripts, pictures, programs, noise."""
    contents = [
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10.0,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        b"#EXTM3U\n#EXTINF:10.0,\nconcat:http://127.0.0.1:1/a|file:///etc/passwd\n",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
        b'<?xml version="1.0"?><MPD><BaseURL>file:///etc/passwd</BaseURL></MPD>',
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 2**31 - 1, 2**31 - 1),
        b"\x7fELF" + bytes(200),
        b"PK\3\4" + bytes(100),
        b"",
        bytes(5000),
        random.randbytes(5000),
        b"RIFF\xff\xff\xff\xffAVI " + random.randbytes(200),
        b"\x1aE\xdf\xa3" + random.randbytes(300),
        b"\0\0\0\x18ftypmp42" + random.randbytes(300),
    ]
    return random.choice([".mp4", ".webm", ".mkv", ".avi", ".m3u8", ""]), random.choice(contents)


#: What is done to video files, by what it is called in the report.
KINDS: dict[str, Made] = {
    "header bytes": header,
    "bytes anywhere": anywhere,
    "bytes lost or doubled": lost,
    "two files in one": spliced,
    "MP4 box sizes": box_sizes,
    "lying MP4 times": box_times,
    "MP4 tables": box_tables,
    "0 pictures a second": no_rate,
    "10⁶ pictures a second": million_rate,
    "EBML sizes": ebml_sizes,
    "EBML values": ebml_values,
    "lying EBML times": ebml_times,
    "16k × 16k pictures": huge_pictures,
    "1000 streams": thousand_streams,
    "under a second": short,
    "bombs": bomb,
    "no video at all": other,
}
#: Of these there are few different ones, and they cost much.
RARE = ("0 pictures a second", "10⁶ pictures a second", "1000 streams", "16k × 16k pictures", "bombs")
