"""Hostile files of labels and of subtitles, and hostile names."""

import io
import stat
import struct
import zipfile
from functools import cache
from random import Random

from annotations import formats
from annotations.interchange import StudyFile
from tests.annotations.study_files import KNOWN
from tests.hostile.label_bombs import BOMBS

_ONE = StudyFile(KNOWN.emotions, KNOWN.clips[:1], KNOWN.labels[:4])
_PARTS = (
    b"",
    b"-1",
    b"1e999",
    b"nan",
    b"\xff",
    b'"',
    b"<",
    b"&",
    b"[",
    b"\0",
    b"=1+1",
    b"../",
    b"\xe2\x80\xae",
    b"9" * 400,
)
_ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><ANNOTATION_DOCUMENT>&x;'
    b"</ANNOTATION_DOCUMENT>",
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c '
    b'"&b;&b;&b;&b;&b;&b;&b;&b;">]><ANNOTATION_DOCUMENT>&c;</ANNOTATION_DOCUMENT>',
    b'<?xml version="1.0"?><!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><ANNOTATION_DOCUMENT/>',
)
_SUBTITLES = (
    b"1\n00:00:00,100 --> 00:00:00,900\nI am so happy\n",
    b"WEBVTT\n\n00:00.100 --> 00:00.900\n<v Ana><b>I am so happy</b>\n",
)

#: What people, systems and attackers call files.
NAMES = (
    "../../../../etc/passwd",
    "..\\..\\studio.sqlite3",
    "/etc/shadow",
    "a\0b.mp4",
    "\0",
    "x" * 4000 + ".mp4",
    "\N{RIGHT-TO-LEFT OVERRIDE}4pm.exe",
    "🎭🙂🏽‍♀️.mp4",
    "<img src=x onerror=alert(1)>.mp4",
    "=cmd|' /C calc'!A0.mp4",
    "CON.mp4",
    ".mp4",
    "..",
    "-rf.mp4",
    "a\r\nSet-Cookie: b=c.mp4",
    "%2e%2e%2fstudio.sqlite3",
    "\ud800.mp4",
    "clip.mp4/../../clip.mp4",
    "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data",
    " ",
)


@cache
def whole(name: str, clips: int) -> bytes:
    """A good file of labels in a format."""
    return formats.write(KNOWN if clips > 1 else _ONE, name).data


def mutated(random: Random, data: bytes) -> bytes:
    """Bytes lost, put in, doubled or cut off anywhere."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        at, end = sorted(random.choices(range(len(changed) + 1), k=2))
        part = random.choice([*_PARTS, bytes(changed[at:end])])
        changed[at : random.choice([at, at + 1, end])] = part
    return bytes(changed)


def labels(random: Random) -> tuple[str, bytes]:
    name = random.choice(list(formats.FORMATS))
    return formats.FORMATS[name].suffix, mutated(random, whole(name, random.choice([1, 2])))


def built(random: Random) -> tuple[str, bytes]:
    """Files that are made to do harm: entities, depth, archives that lead out, link, nest or unpack to much."""
    if random.random() < 0.1:
        suffix, bomb = random.choice(BOMBS)
        return suffix, bomb()
    return random.choice(
        [
            *((".eaf", each) for each in _ENTITIES),
            (".json", b"[" * 100_000),
            (".json", b'{"format": "stf2m annotations 1", "emotions": ' + b'{"a":' * 5000),
            (".csv", b"clip,annotator,start_s,end_s,emotion\n" + b'"' * 100_000),
            (".TextGrid", b'"ooTextFile"\n"TextGrid"\n0 5 <exists> 4294967295 "IntervalTier" "a" 0 5 4294967295'),
            (".srt", b"1\n" + b"9" * 5000 + b":00:00,000 --> 00:00:01,000\nsad\n"),
            (".parquet", b"PAR1" + random.randbytes(500) + b"PAR1"),
            (".zip", _archive({"../../a.vtt": b"WEBVTT"})),
            (".zip", _archive({"a.vtt": b"/etc/passwd"}, link=True)),
            (".zip", _archive({"a.vtt": bytes(2**24)})),
            (".zip", _archive({"a.zip": _archive({"b.vtt": b"WEBVTT"})})),
            (".zip", _archive({f"{number}.vtt": b"" for number in range(3000)})),
            (".zip", _lying(_archive({"a.vtt": b"WEBVTT\n" * 99}))),
        ]
    )


def _archive(files: dict[str, bytes], *, link: bool = False) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFLNK | 0o777) << 16 if link else 0
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _lying(archive: bytes) -> bytes:
    """An archive that says its files are small and large at once."""
    changed, at = bytearray(archive), archive.rindex(b"PK\1\2")
    struct.pack_into("<I", changed, at + 24, 3)
    return bytes(changed)


def subtitles(random: Random) -> tuple[str, str]:
    """The name and the text of a subtitle file."""
    suffix, text = random.choice([".srt", ".vtt"]), random.choice(_SUBTITLES)
    return f"words{suffix}", mutated(random, text).decode("utf-8", "replace")
