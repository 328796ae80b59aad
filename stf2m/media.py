"""Media files: what can be read of one, its pictures, its sound, and a form that browsers can play.

Seconds come from the container's own time stamps and start at 0 where the earliest stream starts, so variable frame
rates and sound that begins late keep their true times. Everything streams, and everything is decoded in another process
(:mod:`stf2m.sandbox`): whatever a file does to its decoder, the program that asked gets a sentence.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stf2m import decoding, playback, probing, sandbox
from stf2m.containers import MediaError
from stf2m.tracks import RATE_HZ, FloatArray
from stf2m.weights import Progress

__all__ = ["MediaError", "MediaInfo", "frames", "playable", "probe", "sound"]

_WRITING = sandbox.Limits(written_bytes=2**32)


@dataclass(frozen=True)
class MediaInfo:
    """What can be read of a file. ``duration_s`` is the true readable length, also of a file that is cut off.

    ``width`` and ``height`` are those of the upright picture, 0 without one; ``rotation_deg`` is how far the stored
    picture is turned anticlockwise to be upright. ``notes`` are plain sentences for people.
    """

    path: Path
    duration_s: float
    has_video: bool
    has_sound: bool
    width: int
    height: int
    rotation_deg: int
    notes: tuple[str, ...]


def probe(path: Path, *, max_seconds: float = 3600.0, max_bytes: int = 2**30) -> MediaInfo:
    """Find out what can be read of a file: all its packets are looked at, its beginning and its end are decoded.

    Raises :class:`MediaError`, in one plain sentence, for a file that is missing, empty, no video, damaged beyond
    use, longer than ``max_seconds``, larger than ``max_bytes``, or harmful to its decoder.
    """
    found = sandbox.call(probing.probe, path, max_seconds, max_bytes)
    return MediaInfo(path=path, **{**found, "notes": tuple(found["notes"])})


def frames(path: Path, rate_hz: float = RATE_HZ) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """The upright RGB picture ``(H, W, 3)`` nearest to each time ``i / rate_hz``, with that time in seconds.

    The long side has at most 640 pixels, square ones. A picture that stays for longer than one step is repeated as
    long as a viewer sees it, and pictures in a row that do not differ in any pixel are one and the same array; times
    before the first and after the last picture are left out.
    Raises :class:`MediaError` when the file is no media file.
    """
    with closing(sandbox.stream(decoding.frames, path, rate_hz)) as pictures:
        for time_s, picture in pictures:
            if picture is not None:
                yield time_s, picture


def sound(path: Path, rate: int = 16_000, chunk_s: float = 30.0) -> Iterator[tuple[float, FloatArray]]:
    """The sound as mono pieces of ``chunk_s`` seconds ``(N,)`` in −1..1, each with the second at which it starts.

    The pieces join without gaps from 0 s on: sound that starts late, or has holes, is padded with silence.
    Raises :class:`MediaError` when the file is no media file.
    """
    with closing(sandbox.stream(decoding.sound, path, rate, chunk_s)) as pieces:
        for time_s, piece in pieces:
            if piece is not None:
                yield time_s, piece


def playable(path: Path, folder: Path, progress: Progress | None = None, *, until_s: float = 86_400.0) -> Path:
    """The file itself where browsers play it as it is, else a copy in ``folder`` that they do, ``until_s`` seconds.

    The copy is H.264 and AAC in MP4, upright, at most 1280 pixels wide and high, with the clip's own times from 0 s
    on. It is written as a whole or not at all, and found again the next time.
    Raises :class:`MediaError` when the file is no media file.
    """
    if sandbox.call(playback.plays, path):
        return path
    stat = path.stat()
    mark = hashlib.sha256(f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}".encode()).hexdigest()[:12]
    copy = folder / f"{path.stem}.{mark}.mp4"
    if not copy.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        partial = copy.with_suffix(f".{os.getpid()}.partial.mp4")
        try:
            with closing(sandbox.stream(playback.write, path, partial.absolute(), until_s, limits=_WRITING)) as work:
                for time_s, _ in work:
                    if progress:
                        progress(min(time_s / until_s, 1.0), "Preparing playback")
            partial.replace(copy)
        finally:
            partial.unlink(missing_ok=True)
    return copy
