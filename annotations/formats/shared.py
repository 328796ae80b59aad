"""What several formats share: counting what is lost, reading text, and labels in lanes that do not overlap."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from annotations.interchange import FileClip, FileLabel, FileSuggestion, StudyFile
from annotations.records import AnnotationError

Label = TypeVar("Label")

#: The most values or elements that are read at once, of a file or of all files of an archive; and the most labels.
MOST_PARTS = 10_000_000
MOST_LABELS = 500_000

#: What can be lost, as sentences: ``{format}`` is the format's name, ``{n}`` how many.
_SENTENCES: Mapping[str, tuple[str, str]] = {
    "degrees": ("cannot hold degrees", "values dropped"),
    "intensities": ("cannot hold intensities", "values dropped"),
    "notes": ("cannot hold notes", "dropped"),
    "times": ("keeps times in milliseconds", "times rounded"),
    "emotions": ("cannot hold emotions that nobody used", "dropped"),
    "clips": ("cannot hold clips without labels", "dropped"),
    "names": ("cannot hold a clip's name and content hash", "clip is known by the name of its file only"),
    "characters": ("cannot hold some characters", "replaced by �"),
    "suggestions": ("cannot hold suggestions of a model", "dropped"),
}
_LATER_TIER = re.compile(r"(.+) #[0-9]+", re.DOTALL)


def parts(data: bytes) -> int:
    """How many values, elements or lines a file of text can have in it at most; a line may end in CR and LF."""
    return sum(data.count(sign) for sign in b",<=[{\n\r") - data.count(b"\r\n")


def check_parts(number: int) -> None:
    """Raise ``AnnotationError`` where a file has too many values in it."""
    if number > MOST_PARTS:
        raise AnnotationError(f"The file has more than {MOST_PARTS // 10**6} million values in it.")


def check_labels(number: int) -> None:
    """Raise ``AnnotationError`` where a file has too many labels in it."""
    if number > MOST_LABELS:
        raise AnnotationError(f"The file has more than {MOST_LABELS} labels in it, the most that come in at once.")


def few_enough(labels: Iterable[FileLabel]) -> Iterator[FileLabel]:
    """The same labels, one after another. Raises ``AnnotationError`` at the first that is too many.

    They are counted while they are read, for a small file can unpack to more of them than there is memory for; and so
    are the emotions that they name, for many labels can share one long list of them.
    """
    degrees = 0
    for number, label in enumerate(labels, start=1):
        degrees += len(label.degrees)
        check_labels(number)
        check_parts(degrees)
        yield label


class Losses:
    """What a format could not hold of a study, counted by kind."""

    def __init__(self, form: str) -> None:
        self.form = form
        self.counts: Counter[str] = Counter()

    def add(self, kind: str, number: int = 1) -> None:
        """So many more of a kind, one of those that have a sentence."""
        self.counts[kind] += number

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was lost in plain words, such as "TextGrid cannot hold degrees: 41 values dropped."."""
        return tuple(
            f"{self.form} {why}: {number} {_few(what, number)}."
            for kind, (why, what) in _SENTENCES.items()
            if (number := self.counts[kind])
        )


def _few(what: str, number: int) -> str:
    """``"1 value dropped"``, but ``"2 values dropped"``."""
    return re.sub(r"^(value|time)s\b", r"\1", what) if number == 1 else what


def left_out(number: int, what: str) -> str:
    """``"1 tier was left out"``, ``"2 tiers were left out"``: ``what`` in the singular, its noun the first word."""
    noun, _, rest = what.partition(" ")
    verb = "was" if number == 1 else "were"
    return f"{number} {noun}{'' if number == 1 else 's'}{' ' if rest else ''}{rest} {verb} left out"


def tiers_left_out(names: Sequence[str], why: str) -> str:
    """One sentence about all tiers that were left out: ``"2 tiers of points were left out: 'a', 'b'."``."""
    return f"{left_out(len(names), f'tier {why}')}: {', '.join(map(repr, names[:5]))}{' …' if len(names) > 5 else ''}."


def drop_all_but_emotion(labels: Iterable[FileLabel], losses: Losses) -> None:
    """Count what is lost of labels where only the strongest emotion of each is written."""
    for label in labels:
        losses.add("degrees", len(label.degrees.items() - {(label.emotion, 1.0)}))
        losses.add("intensities", label.intensity is not None)
        losses.add("notes", bool(label.note))


def milliseconds(label: FileLabel, losses: Losses) -> tuple[int, int]:
    """Start and end in whole milliseconds, one apart at least; what that changes is counted."""
    start = round(label.start_s * 1000)
    end = max(round(label.end_s * 1000), start + 1)
    losses.add("times", (start / 1000 != label.start_s) + (end / 1000 != label.end_s))
    return start, end


def by_clip(study: StudyFile) -> dict[FileClip, StudyFile]:
    """A study as one file for each of its clips."""
    labels: dict[FileClip, list[FileLabel]] = {clip: [] for clip in study.clips}
    suggestions: dict[FileClip, list[FileSuggestion]] = {clip: [] for clip in study.clips}
    for label in study.labels:
        labels[label.clip].append(label)
    for each in study.suggestions:
        suggestions[each.clip].append(each)
    return {
        clip: StudyFile(study.emotions, (clip,), tuple(labels[clip]), tuple(suggestions[clip])) for clip in study.clips
    }


def by_annotator(labels: Iterable[FileLabel]) -> dict[str, list[FileLabel]]:
    """The labels of each annotator, by time."""
    people: dict[str, list[FileLabel]] = {}
    for label in labels:
        people.setdefault(label.annotator, []).append(label)
    return {name: sorted(own, key=lambda each: (each.start_s, each.end_s)) for name, own in people.items()}


def lanes(labels: Iterable[Label], times: Callable[[Label], tuple[float, float]]) -> list[list[Label]]:
    """Labels that come by their start, spread over as few lanes as it takes for none to overlap another."""
    made: list[list[Label]] = []
    for label in labels:
        start, _ = times(label)
        free = next((lane for lane in made if times(lane[-1])[1] <= start), None)
        if free is None:
            made.append([label])
        else:
            free.append(label)
    return made


def tier_name(annotator: str, number: int) -> str:
    """What an annotator's tier is called: their name, and for a second one "Ana #2".

    Someone who is called "Ana #2" has a number at once, so that :func:`annotator_of` can tell.
    """
    return f"{annotator} #{number}" if number > 1 or _LATER_TIER.fullmatch(annotator) else annotator


def annotator_of(tier: str, tiers: Collection[str]) -> str:
    """Whose a tier is, among all tiers of a file."""
    numbered = _LATER_TIER.fullmatch(tier)
    if numbered and (numbered[1] in tiers or _LATER_TIER.fullmatch(numbered[1])):
        return numbered[1]
    return tier


def text(data: bytes, form: str) -> str:
    """The text of a file in UTF-8, or in UTF-16 that says so. Raises ``AnnotationError`` for anything else."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise AnnotationError(f"The {form} file is not UTF-8 text.") from error


def file_of(address: str) -> str:
    """The name of the file that a path or an address ends in."""
    return address.replace("\\", "/").rpartition("/")[2]


def of_one_clip(clip: FileClip, labels: Sequence[FileLabel], emotions: Iterable[str] = ()) -> StudyFile:
    """A file about one clip; emotions that it does not list are those of its labels."""
    used = dict.fromkeys([*emotions, *(emotion for label in labels for emotion in label.degrees)])
    return StudyFile(tuple(used), (clip,), tuple(labels))
