"""Real media files for tests, written with PyAV: every container, odd clocks, odd sound, and every kind of damage."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.codec.context import Flags
from numpy.typing import NDArray

Timed = tuple[float, NDArray[np.uint8]]

#: Picture and sound codecs that belong in each container.
CODECS = {
    ".mp4": ("libx264", "aac"),
    ".mov": ("libx264", "aac"),
    ".mkv": ("libx264", "libopus"),
    ".webm": ("libvpx-vp9", "libopus"),
    ".avi": ("mjpeg", "pcm_s16le"),
}
LEVELS_PER_S = 50.0


@dataclass(frozen=True)
class Tone:
    """A sine tone of 440 Hz: silent for the first half, loud for the second; ``starts_s`` after the picture."""

    seconds: float = 2.0
    rate: int = 48_000
    layout: str = "mono"
    starts_s: float = 0.0
    codec: str = ""


def clock(seconds: float = 2.0, fps: float = 25.0, size: tuple[int, int] = (160, 120)) -> Iterator[Timed]:
    """Pictures whose grey says what time it is (:func:`told`), with a red square at the top left."""
    for index in range(round(seconds * fps)):
        yield index / fps, clock_face(index / fps, size)


def clock_face(at: float, size: tuple[int, int] = (160, 120)) -> NDArray[np.uint8]:
    width, height = size
    picture = np.full((height, width, 3), round(20 + LEVELS_PER_S * at), np.uint8)
    picture[: height // 4, : width // 4] = (255, 0, 0)
    return picture


def told(picture: NDArray[np.uint8]) -> float:
    """The time that a picture of :func:`clock` shows, read at its centre."""
    height, width = picture.shape[:2]
    return (float(picture[height // 2, width // 2].mean()) - 20) / LEVELS_PER_S


def red_corner(picture: NDArray[np.uint8]) -> str:
    """In which corner the red square is."""
    redness = picture[..., 0].astype(int) - picture[..., 1]
    rows, columns = np.nonzero(redness > 100)
    height, width = picture.shape[:2]
    return ("top" if rows.mean() < height / 2 else "bottom") + (" left" if columns.mean() < width / 2 else " right")


def write(
    path: Path,
    pictures: Iterable[Timed] | None = None,
    tone: Tone | None = None,
    *,
    codec: str = "",
    pix_fmt: str = "yuv420p",
    rotation: float | None = None,
    mirrored: bool = False,
    faststart: bool = False,
    key_every: int = 12,
    aspect: Fraction | None = None,
) -> Path:
    """Write a media file with pictures at their own times, a tone, or both."""
    usual_picture, usual_sound = CODECS.get(path.suffix, ("libx264", "aac"))
    options = {"movflags": "+faststart"} if faststart else {}
    timed = sorted(pictures, key=lambda each: each[0]) if pictures is not None else []
    with av.open(str(path), "w", options=options) as out:
        video = audio = None
        if timed:
            video = out.add_stream(codec or usual_picture, rate=25, options={"g": str(key_every)})
            video.height, video.width = timed[0][1].shape[:2]
            video.pix_fmt = "yuvj420p" if video.codec_context.name == "mjpeg" else pix_fmt
            video.codec_context.time_base = Fraction(1, 25 if path.suffix == ".avi" else 1000)
            video.codec_context.flags |= Flags.frame_duration
            if aspect:
                video.codec_context.sample_aspect_ratio = aspect
            if rotation is not None:
                video.set_display_rotation(rotation, hflip=mirrored)
        if tone:
            audio = out.add_stream(tone.codec or usual_sound, rate=tone.rate, layout=tone.layout)
        step = timed[1][0] - timed[0][0] if len(timed) > 1 else 0.04
        for index, (at, picture) in enumerate(timed):
            end = timed[index + 1][0] if index + 1 < len(timed) else at + step
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.time_base = video.codec_context.time_base
            frame.pts = round(at / frame.time_base)
            frame.duration = round((end - at) / frame.time_base)
            out.mux(video.encode(frame))
        if audio:
            _add_tone(out, audio, tone)
        for stream in out.streams:
            out.mux(stream.encode(None))
    return path


def _add_tone(out, stream, tone: Tone) -> None:
    times = np.arange(round(tone.seconds * tone.rate)) / tone.rate
    wave = (0.5 * np.sin(2 * np.pi * 440 * times) * (times >= tone.seconds / 2)).astype(np.float32)
    channels = stream.codec_context.layout.nb_channels
    into = av.AudioResampler(format=stream.codec_context.format, layout=tone.layout, rate=tone.rate)
    for begin in range(0, len(wave), 960):
        piece = np.repeat(wave[None, begin : begin + 960], channels, axis=0)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece), format="fltp", layout=tone.layout)
        frame.sample_rate, frame.time_base = tone.rate, Fraction(1, tone.rate)
        frame.pts = begin + round(tone.starts_s * tone.rate)
        for ready in into.resample(frame):
            out.mux(stream.encode(ready))


def repeated(source: Path, path: Path, times: int, gap_s: float = 0.1) -> Path:
    """The packets of a file again and again, later and later: a long file without the work of encoding one."""
    with av.open(str(path), "w") as out, av.open(str(source)) as probe:
        outs = [out.add_stream_from_template(stream) for stream in probe.streams]
        length = probe.duration / 1_000_000 + gap_s
        for turn in range(times):
            with av.open(str(source)) as container:
                for packet in container.demux():
                    if packet.dts is None:
                        continue
                    shift = round(turn * length / packet.time_base)
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = outs[packet.stream_index]
                    out.mux(packet)
    return path


def cut(source: Path, path: Path, share: float) -> Path:
    """The first part of a file, as a broken upload leaves it."""
    content = source.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def zeroed(source: Path, path: Path, begin: float, end: float) -> Path:
    """A file whose bytes between two shares of its length are zeros."""
    content = bytearray(source.read_bytes())
    first, last = int(len(content) * begin), int(len(content) * end)
    content[first:last] = bytes(last - first)
    path.write_bytes(content)
    return path
