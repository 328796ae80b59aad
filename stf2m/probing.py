"""What can be read of a media file: its packets are looked at, its beginning and its end are decoded.

The work of :func:`stf2m.media.probe`, in the process that calls it.
"""

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container.input import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from stf2m.containers import (
    MAX_PIXELS,
    MediaError,
    chosen,
    decoded,
    length_s,
    open_media,
    orientation,
    packets,
    stamp_s,
    start_s,
)
from stf2m.decoding import Picture

_TAIL_PACKETS = 300  # the most packets kept since the last key frame, to see whether the end can be decoded
_TAIL_BYTES = 64 * 2**20
_TRUE_LENGTH = ("mov", "matroska", "avi")  # containers whose header states the length instead of guessing it


def probe(path: Path, max_seconds: float, max_bytes: int) -> dict[str, Any]:
    """The fields of :class:`stf2m.media.MediaInfo` but the path, as plain values. Raises :class:`MediaError`."""
    _check_file(path, max_bytes)
    with open_media(path) as container:
        streams = [stream for stream in chosen(container) if stream is not None]
        _check_pictures(path, streams)
        reaches = [_Reach(stream, start_s(container)) for stream in streams]
        _look_through(path, container, reaches, max_seconds)
        ends = {type(reach.first): reach.true_end_s(path) for reach in reaches if reach.first is not None}
        duration_s = max(ends.values(), default=0.0)
        if duration_s <= 0:
            raise MediaError(f"{path.name} {_NOTHING if reaches else _EMPTY}.")
        aspect = float(next((s.sample_aspect_ratio or 1 for s in streams if isinstance(s, VideoStream)), 1))
        first = next((reach.first for reach in reaches if isinstance(reach.first, VideoFrame)), None)
        width, height = _upright_size(first, aspect) if first else (0, 0)
        return {
            "duration_s": duration_s,
            "has_video": VideoFrame in ends,
            "has_sound": AudioFrame in ends,
            "width": width,
            "height": height,
            "rotation_deg": int(first.rotation) % 360 if first else 0,
            "notes": [
                *_odd_container(path, container.format.name),
                *_turned(path, first),
                *_notes(path, duration_s, _claimed_s(container), VideoFrame in ends, AudioFrame in ends),
            ],
        }


_NOTHING = "is cut off or damaged so badly that nothing of it can be read"
_EMPTY = "has neither a picture nor sound that can be read here"


def _check_file(path: Path, max_bytes: int) -> None:
    if not path.exists():
        raise MediaError(f"{path.name} does not exist.")
    if not path.is_file():
        raise MediaError(f"{path.name} is not a file.")
    size = path.stat().st_size
    if not size:
        raise MediaError(f"{path.name} is empty: it has zero bytes.")
    if size > max_bytes:
        raise MediaError(
            f"{path.name} is too large: {size / 2**20:,.1f} MiB, and at most {max_bytes / 2**20:,.1f} MiB are accepted."
        )


def _check_pictures(path: Path, streams: Sequence[VideoStream | AudioStream]) -> None:
    for stream in streams:
        if isinstance(stream, VideoStream) and stream.width * stream.height > MAX_PIXELS:
            raise MediaError(f"{path.name} has pictures of {stream.width} × {stream.height} pixels, too large to read.")


def _look_through(path: Path, container: InputContainer, reaches: "list[_Reach]", max_seconds: float) -> None:
    by_index = {reach.stream.index: reach for reach in reaches}
    for packet in packets(container, *(reach.stream for reach in reaches)) if reaches else ():
        reach = by_index[packet.stream_index]
        reach.see(packet)
        if reach.end_s > max_seconds + 0.5:
            most = f"{max_seconds / 60:g} minutes" if max_seconds >= 60 else f"{max_seconds:g} seconds"
            raise MediaError(f"{path.name} is too long: at most {most} are accepted.")


class _Reach:
    """How far one stream can be read, learned from its packets as they pass by.

    ``first`` is the first frame that can be decoded, ``end_s`` where the last packet says that it ends.
    """

    def __init__(self, stream: VideoStream | AudioStream, zero_s: float) -> None:
        stream.codec_context.thread_type = "AUTO"
        self.stream = stream
        self.first: VideoFrame | AudioFrame | None = None
        self.end_s = 0.0
        self._zero_s = zero_s
        self._tail: deque[Packet] = deque(maxlen=_TAIL_PACKETS if isinstance(stream, VideoStream) else 50)
        self._tail_bytes = 0

    def see(self, packet: Packet) -> None:
        """Take note of a packet; packets are decoded until the first one gives a frame."""
        if self.first is None:
            self.first = next(iter(decoded(packet)), None)
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None or not packet.size or packet.is_corrupt:
            return
        length = packet.duration or 0
        self.end_s = max(self.end_s, float((stamp + length) * packet.time_base) - self._zero_s)
        if (packet.is_keyframe and isinstance(self.stream, VideoStream)) or self._tail_bytes > _TAIL_BYTES:
            self._tail.clear()
            self._tail_bytes = 0
        self._tail.append(packet)
        self._tail_bytes += packet.size

    def true_end_s(self, path: Path) -> float:
        """Where the last frame ends that can really be decoded.

        The packets since the last key frame are decoded; only where that fails is the whole stream decoded. Where
        key frames are too rare for that, the time stamps are believed.
        """
        if not self._tail or not self._tail[0].is_keyframe:
            return self.end_s
        self.stream.codec_context.flush_buffers()
        ends = [self._end_s(frame) for packet in (*self._tail, Packet()) for frame in self._decode(packet)]
        return min(self.end_s, max(ends) if ends else self._decode_all(path))

    def _decode(self, packet: Packet) -> Sequence[VideoFrame | AudioFrame]:
        if packet.size:
            return decoded(packet)
        try:
            return self.stream.decode(None)
        except (OSError, ValueError):
            return []

    def _decode_all(self, path: Path) -> float:
        """Where the last frame ends that can be decoded, by decoding everything: of the picture, its key frames."""
        end_s = 0.0
        with open_media(path) as container:
            stream = next(stream for stream in chosen(container) if stream and stream.index == self.stream.index)
            stream.codec_context.skip_frame = "NONKEY"
            for packet in packets(container, stream):
                end_s = max([end_s, *(self._end_s(frame) for frame in decoded(packet))])
        return end_s

    def _end_s(self, frame: VideoFrame | AudioFrame) -> float:
        stamp = stamp_s(frame)
        if stamp is None:
            return self.end_s
        sounds = isinstance(frame, AudioFrame)
        return stamp - self._zero_s + (frame.samples / frame.sample_rate if sounds else length_s(frame) or 0.04)


def _upright_size(frame: VideoFrame, aspect: float) -> tuple[int, int]:
    width, height = (round(side) for side in Picture(0.0, 0.0, frame, aspect).size)
    return (height, width) if orientation(frame)[0] else (width, height)


def _claimed_s(container: InputContainer) -> float:
    """The length that the header states, also of a file that ends before it; 0 where it states none."""
    if not any(name in container.format.name for name in _TRUE_LENGTH):
        return 0.0
    counted = (float(video.frames / video.average_rate) for video in container.streams.video if video.average_rate)
    return max((container.duration or 0) / 1e6, *counted, 0.0)


#: What FFmpeg calls a container, the extensions it goes by, and its name for people.
_CONTAINERS = {
    "mov": ({".mp4", ".mov", ".m4v", ".m4a", ".3gp", ".3g2", ".qt"}, "MP4 or MOV"),
    "matroska": ({".mkv", ".webm", ".mka"}, "Matroska or WebM"),
    "avi": ({".avi"}, "AVI"),
}
#: All of these extensions.
CONTAINER_FILES = frozenset[str]().union(*(extensions for extensions, _ in _CONTAINERS.values()))


def _odd_container(path: Path, format_name: str) -> list[str]:
    extensions, name = _CONTAINERS.get(format_name.split(",")[0], (set(), ""))
    if not extensions or path.suffix.lower() in extensions:
        return []
    return [f"{path.name} is really a {name} file; it was read as that."]


def _turned(path: Path, first: VideoFrame | None) -> list[str]:
    turn = int(first.rotation) % 360 if first else 0
    return [f"{path.name} is stored turned by {min(turn, 360 - turn)}°; it is shown upright."] if turn else []


def _notes(path: Path, duration_s: float, claimed_s: float, has_video: bool, has_sound: bool) -> tuple[str, ...]:
    notes: list[str] = []
    if claimed_s - duration_s > max(0.5, 0.02 * claimed_s):
        notes.append(f"{path.name} is cut off: {duration_s:.1f} of {claimed_s:.1f} s could be read.")
    if not has_video:
        notes.append(f"{path.name} has no picture: only voice and words can be analysed.")
    if not has_sound:
        notes.append(f"{path.name} has no sound: only the face can be analysed.")
    if duration_s < 1:
        notes.append(f"{path.name} is only {max(duration_s, 0.01):.2f} s long.")
    return tuple(notes)
