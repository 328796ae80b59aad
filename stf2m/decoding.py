"""Pictures and sound of a media file as arrays on one time axis, streaming: nothing grows with the length of the clip.

Seconds come from the container's own time stamps, 0 being the start of the earliest stream.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from stf2m.containers import chosen, decoded, length_s, open_media, orientation, packets, stamp_s, start_s, upright
from stf2m.tracks import RATE_HZ, FloatArray

#: Pictures are handed out with at most this many pixels on their long side.
LONG_SIDE = 640
_GAP_S = 0.05  # sound whose time stamps are off by more than this is moved to where they say


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as it is stored: on screen from ``start_s`` to ``end_s``, pixels ``aspect`` times as wide as high."""

    start_s: float
    end_s: float
    frame: VideoFrame
    aspect: float

    @property
    def size(self) -> tuple[float, float]:
        """Width and height before it is turned upright, in square pixels."""
        return self.frame.width * self.aspect, float(self.frame.height)

    def rgb(self, shrink: VideoReformatter, long_side: int, multiple: int = 1) -> NDArray[np.uint8]:
        """The upright picture ``(H, W, 3)``, at most ``long_side`` wide and high, sides a multiple of ``multiple``."""
        scale = min(1.0, long_side / max(self.size)) / multiple
        width, height = (max(1, round(side * scale)) * multiple for side in self.size)
        small = shrink.reformat(self.frame, width, height, format="rgb24", interpolation=Interpolation.AREA)
        return upright(np.asarray(small.to_ndarray(), np.uint8), orientation(self.frame))


def pictures(path: Path) -> Iterator[Picture]:
    """All pictures of a file in the order of time; damaged ones and those without a place in time are left out.

    Raises :class:`~stf2m.containers.MediaError` when the file is no media file.
    """
    with open_media(path) as container:
        stream, _ = chosen(container)
        if stream is None:
            return
        stream.thread_type = "AUTO"
        zero, last = start_s(container), -1.0
        usual_s = float(1 / (stream.average_rate or 25))
        aspect = float(stream.sample_aspect_ratio or 1)
        for packet in packets(container, stream):
            for frame in decoded(packet):
                if not isinstance(frame, VideoFrame):
                    continue
                stamp = stamp_s(frame)
                at = stamp - zero if stamp is not None else max(last + usual_s, 0.0)
                if at > last:
                    yield Picture(at, at + (length_s(frame) or usual_s), frame, aspect)
                    last = at


def frames(path: Path, rate_hz: float = RATE_HZ) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """The upright RGB picture ``(H, W, 3)`` nearest to each time ``i / rate_hz``, with that time in seconds.

    The long side has at most 640 pixels, square ones. A picture that stays for longer than one step is repeated as
    long as a viewer sees it, and pictures in a row that do not differ in any pixel are one and the same array; times
    before the first and after the last picture are left out.
    Raises :class:`~stf2m.containers.MediaError` when the file is no media file.
    """
    last: NDArray[np.uint8] | None = None
    for at, rgb in _timed(path, rate_hz):
        if last is None or (rgb is not last and not np.array_equal(rgb, last)):
            last = rgb
        yield at, last


def _timed(path: Path, rate_hz: float) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    shrink, half = VideoReformatter(), 0.5 / rate_hz
    shown: Picture | None = None
    index = 0
    for picture in pictures(path):
        if shown is None:
            index = max(0, int(np.ceil((picture.start_s - half) * rate_hz - 1e-6)))
        else:
            turn = picture.start_s - min((picture.start_s - shown.start_s) / 2, half)
            yield from _steps(shown, index, turn, rate_hz, shrink)
            index = max(index, int(np.ceil(turn * rate_hz - 1e-9)))
        shown = picture
    if shown is not None:
        yield from _steps(shown, index, shown.end_s, rate_hz, shrink)


def _steps(
    picture: Picture, index: int, until_s: float, rate_hz: float, shrink: VideoReformatter
) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """One picture at every step from ``index`` on that lies before ``until_s``; converted only if there is one."""
    stop = int(np.ceil(until_s * rate_hz - 1e-9))
    if index < stop:
        rgb = picture.rgb(shrink, LONG_SIDE)
        for step in range(index, stop):
            yield step / rate_hz, rgb


def sound(path: Path, rate: int = 16_000, chunk_s: float = 30.0) -> Iterator[tuple[float, FloatArray]]:
    """The sound as mono pieces of ``chunk_s`` seconds ``(N,)`` in −1..1, each with the second at which it starts.

    The pieces join without gaps from 0 s on: sound that starts late, or has holes, is padded with silence.
    Raises :class:`~stf2m.containers.MediaError` when the file is no media file.
    """
    size = round(chunk_s * rate)
    held: list[FloatArray] = []
    count = sent = 0
    for wave in _waves(path, rate):
        held.append(wave)
        count += len(wave)
        if count >= size:
            joined = np.concatenate(held)
            while len(joined) >= size:
                yield sent / rate, joined[:size]
                sent, joined = sent + size, joined[size:]
            held, count = [joined], len(joined)
    if count:
        yield sent / rate, np.concatenate(held)


def _waves(path: Path, rate: int) -> Iterator[FloatArray]:
    """Mono waves of any length that follow each other without a gap from 0 s on."""
    with open_media(path) as container:
        _, stream = chosen(container)
        if stream is None:
            return
        zero, written = start_s(container), 0
        run: _Run | None = None
        for packet in packets(container, stream):
            for frame in decoded(packet):
                if not isinstance(frame, AudioFrame) or not frame.samples:
                    continue
                stamp = stamp_s(frame)
                at = None if stamp is None else stamp - zero
                if run is None or not run.continues(frame, at):
                    for wave in run.finish() if run else ():
                        written += len(wave)
                        yield wave
                    run = _Run(frame, rate, written / rate if at is None else at)
                    for wave in _silence(round(run.start_s * rate) - written, rate):
                        written += len(wave)
                        yield wave
                    run.drop = max(0, written - round(run.start_s * rate))
                for wave in run.add(frame):
                    written += len(wave)
                    yield wave
        yield from run.finish() if run else ()


def _silence(samples: int, most: int) -> Iterator[FloatArray]:
    for begin in range(0, samples, most):
        yield np.zeros(min(most, samples - begin), np.float32)


class _Run:
    """Decoded sound of one kind without a hole in it, on its way to mono at another rate.

    ``drop`` output samples are thrown away first: sound that says it begins before the last piece has ended.
    """

    def __init__(self, frame: AudioFrame, rate: int, start_s: float) -> None:
        self.start_s = start_s
        self.drop = 0
        self._kind = self._kind_of(frame)
        self._read_s = 0.0
        # To whole numbers, because only then are the channels mixed so that their sum cannot exceed 1.
        self._resampler = AudioResampler(format="s32", layout="mono", rate=rate)

    @staticmethod
    def _kind_of(frame: AudioFrame) -> tuple[str, str, int]:
        return frame.format.name, frame.layout.name, frame.sample_rate

    def continues(self, frame: AudioFrame, at: float | None) -> bool:
        """Whether a frame is of the same kind and begins where the last one has ended."""
        near = at is None or abs(at - self.start_s - self._read_s) <= _GAP_S
        return near and self._kind_of(frame) == self._kind

    def add(self, frame: AudioFrame) -> list[FloatArray]:
        """Take in a frame, give out what is ready."""
        self._read_s += frame.samples / frame.sample_rate
        return self._given(self._resampler.resample(frame))

    def finish(self) -> list[FloatArray]:
        """Give out what is left."""
        return self._given(self._resampler.resample(None))

    def _given(self, ready: Sequence[AudioFrame | None]) -> list[FloatArray]:
        waves: list[FloatArray] = []
        for frame in ready:
            if frame is None:
                continue
            wave = (frame.to_ndarray().reshape(-1) / 2.0**31).astype(np.float32)
            dropped = min(self.drop, len(wave))
            self.drop -= dropped
            if dropped < len(wave):
                waves.append(wave[dropped:])
        return waves
