"""Where two people's notions of the emotions differ: what their models, each adapted to one's corrections, answer."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotations.records import AnnotationRecord, ClipRecord
from app import label_set, rule_changes, side_by_side
from app.adapting import NotEnoughCorrections
from app.rule_changes import RuleChange
from app.studio import Studio
from app.support import per_emotion
from stf2m.adaptation import AdaptedModel
from stf2m.weights import Progress

#: So many comparisons are kept in memory.
MOST_KEPT = 8


@dataclass(frozen=True)
class Difference:
    """A stretch of a clip that the two models answer differently."""

    clip_id: int
    clip: str
    start_s: float
    end_s: float
    one: str
    other: str


@dataclass(frozen=True, eq=False)
class Comparison:
    """What the models of two annotators say about the N emotions of a study's clips.

    ``seconds`` ``(N, N)``: how long the one answered the row's emotion while the other answered the column's.
    ``differences`` are the longest first. ``corrections`` are how many each model learned from. ``rules`` are those
    that say something else in the other's model, those furthest apart first.
    """

    names: tuple[str, str]
    corrections: tuple[int, int]
    emotions: tuple[str, ...]
    seconds: NDArray[np.float64]
    differences: tuple[Difference, ...]
    rules: tuple[RuleChange, ...]

    @property
    def same(self) -> float:
        """The share of the time on which both answer the same; NaN where nobody is seen or heard."""
        total = self.seconds.sum()
        return float(np.trace(self.seconds) / total) if total else float("nan")


class Comparing:
    """Compares two annotators of a study; what was compared is kept until either labels something new."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._kept: OrderedDict[tuple[object, ...], Comparison] = OrderedDict()
        self._lock = threading.Lock()

    def compare(self, study_id: int, one_id: int, other_id: int, progress: Progress) -> Comparison:
        """The models of two annotators, made from the same shipped model and each one's corrections alone.

        They are no versions of the study and never answer in it. Raises :class:`.NotEnoughCorrections`.
        """
        study = self._studio.study(study_id)
        clips = sorted((clip for clip in self._studio.store.clips(study_id) if clip.status == "ready"), key=_id)
        ready = {clip.id for clip in clips}
        said = [each for each in self._studio.corrections(study_id) if each.clip_id in ready]
        both = [[each for each in said if each.annotator_id == who] for who in (one_id, other_id)]
        if one_id == other_id:
            raise NotEnoughCorrections("Choose two different people to compare.")
        meanings = label_set.meanings(study)
        known = self._studio.predictions.known_emotions
        labelled = per_emotion(said)
        emotions = tuple(name for name in study.emotion_names if meanings[name] in known or name in labelled)
        key = (study_id, emotions, tuple(sorted(ready)), one_id, other_id, *(_versions(each) for each in both))
        with self._lock:
            if key not in self._kept:
                models = [self._studio.personal(study_id, who, emotions) for who in (one_id, other_id)]
                names = [str(next(each.annotator for each in of)) for of in both]
                self._kept[key] = self._compare(names, [len(of) for of in both], clips, models, emotions, progress)
                while len(self._kept) > MOST_KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]

    def _compare(
        self,
        names: Sequence[str],
        corrections: Sequence[int],
        clips: Sequence[ClipRecord],
        models: Sequence[AdaptedModel],
        emotions: tuple[str, ...],
        progress: Progress,
    ) -> Comparison:
        seconds = np.zeros((len(emotions), len(emotions)))
        found: list[Difference] = []
        for number, clip in enumerate(clips):
            progress(number / len(clips), f"Looking through {clip.name}")
            edges, (one, other) = side_by_side.answers(self._studio.predictions, clip, models)
            lengths, known = np.diff(edges), one >= 0
            np.add.at(seconds, (one[known], other[known]), lengths[known])
            found += [
                Difference(clip.id, clip.name, start_s, end_s, emotions[here], emotions[there])
                for start_s, end_s, here, there in side_by_side.stretches(edges, one, other)
            ]
        return Comparison(
            names=(names[0], names[1]),
            corrections=(corrections[0], corrections[1]),
            emotions=emotions,
            seconds=seconds,
            differences=tuple(sorted(found, key=lambda each: each.start_s - each.end_s)),
            rules=tuple(rule_changes.between(models[0], models[1])),
        )


def _versions(annotations: Sequence[AnnotationRecord]) -> tuple[tuple[int, int], ...]:
    return tuple((each.id, each.version) for each in annotations)


def _id(clip: ClipRecord) -> int:
    return clip.id
