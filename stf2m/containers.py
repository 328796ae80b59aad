"""Media containers, opened safely and read in spite of damage: the ground that reading and playing stand on.

Only real media formats are recognised, never playlists or scripts that point at other files, and pictures of absurd
size are refused before any memory is taken for them, and files of a thousand tracks before any is looked into.
"""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container.input import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

#: The most pixels a picture may have: 8192 × 5120, beyond any camera people use.
MAX_PIXELS = 8192 * 5120
_FORMATS = "mov,matroska,avi,mpegts,mpeg,flv,ogg,asf,wav,mp3,aac,flac"
_MOST_STREAMS = 64
_PATIENCE = 50  # read errors in a row after which the rest of a file counts as unreadable

Streams = tuple[VideoStream | None, AudioStream | None]


class MediaError(ValueError):
    """A file that cannot be used; the message is one plain sentence with its name and the reason."""


def open_media(path: Path) -> InputContainer:
    """Open a media file for reading. Raises :class:`MediaError` when it is none, or is cut off before its index."""
    options = {
        "format_whitelist": _FORMATS,
        "protocol_whitelist": "file",
        "max_pixels": str(MAX_PIXELS),
        "max_streams": str(_MOST_STREAMS),
    }
    try:
        container = av.open(str(path.resolve()), "r", options=options, metadata_errors="replace")
    except MemoryError as error:
        # What FFmpeg says where there is one stream too many, before it looks into any of them.
        raise MediaError(f"{path.name} has more than {_MOST_STREAMS} tracks, or needs too much memory.") from error
    except (FFmpegError, OSError, ValueError) as error:
        raise MediaError(f"{path.name} {_reason(path)}.") from error
    for stream in (*container.streams.video, *container.streams.audio):
        if stream.codec_context is not None:
            stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    return container


def _reason(path: Path) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except FileNotFoundError:
        return "does not exist"
    except OSError:
        return "cannot be opened"
    pictures = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")
    if head.startswith(pictures) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return "is a still picture, not a video"
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide") or head[:4] == b"\x1aE\xdf\xa3" or head[8:12] == b"AVI ":
        return "is cut off or damaged so badly that nothing of it can be read"
    return "is not a video: its content is none of mp4, mov, webm, mkv or avi"


def chosen(container: InputContainer) -> Streams:
    """The picture and the sound to use: the first real ones that can be decoded (cover art is no picture)."""
    video = next(
        (
            stream
            for stream in container.streams.video
            if stream.codec_context is not None and not stream.disposition & Disposition.attached_pic
        ),
        None,
    )
    audio = next((stream for stream in container.streams.audio if stream.codec_context is not None), None)
    return video, audio


def start_s(container: InputContainer) -> float:
    """Where the time axis begins: the start of the earliest stream in use, in the container's own seconds."""
    starts = [
        float(stream.start_time * stream.time_base)
        for stream in chosen(container)
        if stream is not None and stream.start_time is not None and stream.time_base is not None
    ]
    return min(starts, default=0.0)


def packets(container: InputContainer, *streams: VideoStream | AudioStream) -> Iterator[Packet]:
    """All packets that can be read, damaged places skipped; at the end one empty packet a stream to flush it."""
    wanted = {stream.index for stream in streams}
    failures = 0
    while True:
        try:
            for packet in container.demux(*streams):
                failures = 0
                if packet.stream_index in wanted:
                    yield packet
            return
        except FFmpegError:
            failures += 1
            if failures > _PATIENCE:
                return


def decoded(packet: Packet) -> list[VideoFrame] | list[AudioFrame]:
    """The frames that a packet completes; none where it is damaged."""
    try:
        return [] if packet.is_corrupt else packet.decode()
    except (FFmpegError, ValueError):
        return []


def stamp_s(frame: VideoFrame | AudioFrame) -> float | None:
    """The time stamp of a frame in the container's own seconds, None where it has none."""
    if frame.pts is None or frame.time_base is None:
        return None
    return float(frame.pts * frame.time_base)


def length_s(frame: VideoFrame) -> float | None:
    """How long a picture stays, where the container says so."""
    return float(frame.duration * frame.time_base) if frame.duration and frame.time_base else None


def orientation(frame: VideoFrame) -> tuple[bool, bool, bool]:
    """How to set a stored picture upright: (transpose, then flip rows, then flip columns).

    Read from the display matrix, so mirrored pictures come out right too; its rows map a stored point to the
    screen: ``x' = a·x + c·y, y' = b·x + d·y`` (ISO/IEC 14496-12, 8.3.2).
    """
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return False, False, False
    a, b, _, c, d = np.frombuffer(bytes(matrix), "<i4")[:5]
    return (True, bool(b < 0), bool(c < 0)) if abs(b) > abs(a) else (False, bool(d < 0), bool(a < 0))


def upright(picture: NDArray[np.uint8], turn: tuple[bool, bool, bool]) -> NDArray[np.uint8]:
    """Apply :func:`orientation` to an ``(H, W, 3)`` picture."""
    transpose, flip_rows, flip_columns = turn
    picture = picture.swapaxes(0, 1) if transpose else picture
    return np.ascontiguousarray(picture[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1])
