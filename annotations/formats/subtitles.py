"""WebVTT and SRT, one clip a file: a cue per label, so that any player shows labels over the video.

A cue says the strongest emotion and who says so: WebVTT as a voice, SRT in brackets on a second line. Times are whole
milliseconds. Both are read by webvtt-py.
"""

import io
import re
from collections.abc import Callable, Iterable, Sequence
from html import escape, unescape

import webvtt
from webvtt.errors import MalformedCaptionError, MalformedFileError

from annotations.formats import shared
from annotations.formats.shared import Losses
from annotations.interchange import FileClip, FileLabel, StudyFile
from annotations.records import AnnotationError

#: A voice, or what begins like one up to where it turns out to be none.
_VOICE = re.compile(r"<v(?:\.[^\s>]*+)?+(?:\s++([^>]*+)>)?")
_TAG = re.compile(r"<[^>]*>")
_BRACKETS = re.compile(r"\((.*)\)")


def write_vtt(study: StudyFile, losses: Losses) -> bytes:
    """A study of one clip as WebVTT."""

    def cue(number: int, label: FileLabel) -> Iterable[str]:
        yield _times(label, losses, ".")
        yield f"<v {escape(label.annotator, quote=False)}>{escape(label.emotion, quote=False)}</v>"

    return _write(study, losses, ["WEBVTT", ""], cue)


def write_srt(study: StudyFile, losses: Losses) -> bytes:
    """A study of one clip as SubRip."""

    def cue(number: int, label: FileLabel) -> Iterable[str]:
        yield str(number)
        yield _times(label, losses, ",")
        yield _without_arrow(label.emotion, losses)
        yield f"({_without_arrow(label.annotator, losses)})"

    return _write(study, losses, [], cue)


def read_vtt(data: bytes, name: str) -> StudyFile:
    """The labels in a WebVTT file about the clip called ``name``. Raises ``AnnotationError`` in one sentence."""
    return _read(data, name, "WebVTT", "vtt", _of_vtt)


def read_srt(data: bytes, name: str) -> StudyFile:
    """The labels in an SRT file about the clip called ``name``. Raises ``AnnotationError`` in one sentence."""
    return _read(data, name, "SRT", "srt", _of_srt)


def _write(
    study: StudyFile, losses: Losses, head: Sequence[str], cue: Callable[[int, FileLabel], Iterable[str]]
) -> bytes:
    shared.drop_all_but_emotion(study.labels, losses)
    lines = list(head)
    for number, label in enumerate(sorted(study.labels, key=lambda each: (each.start_s, each.end_s)), start=1):
        lines += [*cue(number, label), ""]
    return "\n".join(lines).encode()


def _times(label: FileLabel, losses: Losses, point: str) -> str:
    def clock(milliseconds: int) -> str:
        seconds, rest = divmod(milliseconds, 1000)
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{rest:03}"

    start, end = shared.milliseconds(label, losses)
    return f"{clock(start)} --> {clock(end)}"


def _read(data: bytes, name: str, form: str, kind: str, of: Callable[[str], tuple[str, str]]) -> StudyFile:
    text = shared.text(data, form)
    shared.check_labels(text.count("-->"))
    try:
        cues = webvtt.from_buffer(io.StringIO(text, newline=None), format=kind, strict=kind == "vtt").captions
    except (MalformedFileError, MalformedCaptionError) as error:
        raise AnnotationError(f"The {form} file is damaged: {str(error)[:200].rstrip('.')}.") from error
    if lost := text.count("-->") - len(cues):
        raise AnnotationError(f"The {form} file is damaged: {lost} of its cues cannot be read.")
    clip = FileClip(name)
    labels = []
    for cue in cues:
        try:
            emotion, annotator = of(cue.raw_text)
        except ValueError as error:
            raise AnnotationError(f"The {form} file is damaged: a number in it stands for no character.") from error
        labels.append(FileLabel(clip, annotator or form, _seconds(cue.start), _seconds(cue.end), {emotion: 1.0}))
    return shared.of_one_clip(clip, labels)


def _seconds(clock: str) -> float:
    """``"01:00:02.500"`` as 3602.5, exactly as it would be from whole milliseconds."""
    hours, minutes, seconds = clock.split(":")
    return ((int(hours) * 60 + int(minutes)) * 60_000 + int(seconds.replace(".", ""))) / 1000


def _of_vtt(text: str) -> tuple[str, str]:
    """What a cue says, and whose voice says so. Raises ``ValueError`` for a character's number of too many digits."""
    tagged, end, rest = text.rpartition(">")  # so that every search for the end of a tag finds one
    tagged += end
    voice = next((found[1] for found in _VOICE.finditer(tagged) if found[1] is not None), "")
    return _line(unescape(_TAG.sub("", tagged) + rest)), _line(unescape(voice))


def _of_srt(text: str) -> tuple[str, str]:
    emotion, _, last = text.rpartition("\n")
    annotator = _BRACKETS.fullmatch(last.strip())
    return (_line(emotion), annotator[1]) if emotion and annotator else (_line(text), "")


def _without_arrow(text: str, losses: Losses) -> str:
    """SRT has no way to write the arrow between its times anywhere else."""
    losses.add("characters", text.count("-->"))
    return text.replace("-->", "\ufffd")


def _line(text: str) -> str:
    return " ".join(text.split())
