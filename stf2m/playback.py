"""A form of a clip that browsers can play: the file itself where they can, else a small copy with the same times."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.codec.context import Flags
from av.container.input import InputContainer
from av.container.output import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from stf2m.containers import MediaError, chosen, open_media, start_s
from stf2m.decoding import Picture, pictures, sound
from stf2m.tracks import FloatArray

_PICTURES = {"h264", "vp8", "vp9", "av1"}
_SOUNDS = {"aac", "mp3", "opus", "vorbis"}
_TICKS = Fraction(1, 90_000)
_SOUND_RATE = 48_000
_LONG_SIDE = 1280


def plays(path: Path) -> bool:
    """Whether browsers play a file and find every moment of it: right formats, complete, times that begin at 0.

    Raises :class:`~stf2m.containers.MediaError` when the file is no media file.
    """
    with open_media(path) as container:
        return _plays(path, container)


def _plays(path: Path, container: InputContainer) -> bool:
    video, audio = chosen(container)
    codecs_fit = (
        video is None or (video.codec_context.codec.canonical_name in _PICTURES and video.pix_fmt == "yuv420p")
    ) and (audio is None or audio.codec_context.codec.canonical_name in _SOUNDS)
    main = video or audio
    if main is None or not codecs_fit or abs(start_s(container)) > 0.1:
        return False
    with path.open("rb") as file:
        head = file.read(64)
    if b"webm" in head:
        return bool(container.duration) and len(main.index_entries) > 0
    if container.format.name.startswith("mov") and container.metadata.get("major_brand", "").strip() != "qt":
        last = max((entry.pos + entry.size for entry in main.index_entries), default=0)
        return last <= path.stat().st_size
    return False


def write(path: Path, target: Path, until_s: float) -> Iterator[tuple[float, None]]:
    """Encode a file anew, pictures and sound in step so that a browser can play it while it loads.

    Yields how far it is, in seconds, and ends at ``until_s`` whatever the file goes on to say. Raises as :func:`plays`.
    """
    seen, heard = pictures(path), sound(path, _SOUND_RATE, chunk_s=1.0)
    first_seen, first_heard = next(seen, None), next(heard, None)
    if first_seen is None and first_heard is None:
        raise MediaError(f"{path.name} has neither a picture nor sound that can be read here.")
    with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as out:
        to_screen = _screen(out, first_seen) if first_seen else None
        to_speaker = _speaker(out) if first_heard else None
        waves = chain([first_heard] if first_heard else [], heard)
        wave = next(waves, None)
        for picture in chain([first_seen] if first_seen else [], seen):
            if picture.start_s >= until_s:
                break
            while to_speaker and wave and wave[0] <= picture.start_s:
                to_speaker(wave)
                wave = next(waves, None)
            if to_screen:
                to_screen(picture)
            yield picture.start_s, None
        while to_speaker and wave and wave[0] < until_s:
            to_speaker(wave)
            yield wave[0], None
            wave = next(waves, None)
        for stream in out.streams:
            out.mux(stream.encode(None))  # pyright: ignore[reportAttributeAccessIssue]


def _screen(out: OutputContainer, first: Picture) -> Callable[[Picture], None]:
    """A new picture stream; the function adds a picture to it."""
    shrink, last = VideoReformatter(), [-1]
    height, width = first.rgb(shrink, _LONG_SIDE, multiple=2).shape[:2]
    stream = out.add_stream("libx264", rate=30, options={"preset": "veryfast", "crf": "26", "g": "60"})
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.codec_context.time_base = _TICKS
    stream.codec_context.flags |= Flags.frame_duration

    def add(picture: Picture) -> None:
        pts = round(picture.start_s / _TICKS)
        if pts <= last[0]:
            return
        frame = VideoFrame.from_ndarray(picture.rgb(shrink, _LONG_SIDE, multiple=2), "rgb24")
        frame = shrink.reformat(frame, width, height, "yuv420p")
        frame.pts, frame.time_base = pts, _TICKS
        frame.duration = max(1, round((picture.end_s - picture.start_s) / _TICKS))
        out.mux(stream.encode(frame))
        last[0] = pts

    return add


def _speaker(out: OutputContainer) -> Callable[[tuple[float, FloatArray]], None]:
    """A new sound stream; the function adds a piece of sound to it."""
    stream = out.add_stream("aac", rate=_SOUND_RATE, layout="mono", bit_rate=96_000)

    def add(piece: tuple[float, FloatArray]) -> None:
        frame = AudioFrame.from_ndarray(piece[1][None], format="fltp", layout="mono")
        frame.sample_rate, frame.time_base = _SOUND_RATE, Fraction(1, _SOUND_RATE)
        frame.pts = round(piece[0] * _SOUND_RATE)
        out.mux(stream.encode(frame))

    return add
