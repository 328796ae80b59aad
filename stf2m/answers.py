"""What a model says about one analysed clip: segment by segment, as a timeline, with reasons, and as JSON."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from stf2m.adaptation import AdaptedModel, Prediction
from stf2m.clips import Clip
from stf2m.encoded import Encoded
from stf2m.explanation import Explanation
from stf2m.model import STF2M
from stf2m.segments import Segment, cut, views
from stf2m.timeline import Stretch, join, over_time, within

#: Rules told for each segment, the most helpful to its answer first.
_RULES = 3


@dataclass(frozen=True, eq=False)
class Answers:
    """A model's answers for a clip.

    ``stretches`` is the timeline: neighbouring moments of one emotion joined, nothing where nothing is known.
    """

    clip: Clip
    model: AdaptedModel
    segments: tuple[Segment, ...]
    encoded: Encoded
    prediction: Prediction
    stretches: tuple[Stretch, ...]

    @property
    def missing(self) -> dict[str, str]:
        """Why each modality that is not there at all is missing, one sentence each."""
        there = self.clip.modalities
        return {name: track.note for name, track in self.clip.tracks.items() if name not in there}

    def explain(self, segment: int) -> Explanation:
        """Why a segment, by its number, has its answer."""
        return self.model.explain(self.encoded[segment])

    def reason(self, stretch: Stretch) -> Explanation:
        """Why a stretch has its emotion: the reasons of the segment inside it that shows it most."""
        rows = within(self.segments, self.encoded.present.max(axis=1), stretch.start_s, stretch.end_s)
        degrees = self.prediction.memberships[rows, self.model.emotions.index(stretch.emotion)]
        return self.explain(int(rows[degrees.argmax()]))

    def words(self, start_s: float, end_s: float) -> str:
        """The words whose middle lies in a stretch of time."""
        said = self.clip.tracks["text"].words if "text" in self.clip.tracks else ()
        return " ".join(word.text for word in said if start_s <= (word.start_s + word.end_s) / 2 < end_s)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON of the whole clip; a segment in which no modality is there has no memberships."""
        return {
            "clip": str(self.clip.path),
            "duration_s": round(self.clip.info.duration_s, 3),
            "modalities": list(self.clip.modalities),
            "missing": self.missing,
            "notes": list(self.clip.notes),
            "segments": [self._segment(number) for number in range(len(self.segments))],
            "words": [_rounded_all(asdict(word)) for word in self.clip.tracks["text"].words],
        }

    def _segment(self, number: int) -> dict[str, Any]:
        segment, known = self.segments[number], bool(self.encoded.present[number].any())
        why = self.explain(number)
        rules = [asdict(rule) for rule in why.rules[:_RULES] if rule.contribution > 0]
        return {
            "start_s": round(segment.start_s, 3),
            "end_s": round(segment.end_s, 3),
            "memberships": _rounded(why.memberships) if known else {},
            "uncertainty": round(why.uncertainty, 4) if known else 1.0,
            "shares": _rounded(why.shares),
            "rules": [_rounded_all(rule) for rule in rules] if known else [],
            "text": why.sentence,
        }


def unadapted(model: STF2M) -> AdaptedModel:
    """A model that no correction has changed, for every emotion that it remembers.

    Raises :class:`stf2m.adaptation.SupportError` when it remembers none.
    """
    emotions = model.memory.emotions if model.memory else ()
    return model.adapt(model.encode([]), np.zeros((0, len(emotions))), emotions)


def answer(clip: Clip, model: STF2M) -> Answers:
    """What a model says of a clip before any correction; the clip is taken to show one person.

    Raises as :func:`unadapted`.
    """
    adapted = unadapted(model)
    segments = tuple(cut(clip.info.duration_s))
    seen = [views(clip.tracks, segment) for segment in segments]
    encoded = model.encode(seen, people=["the one person"] * len(seen))
    prediction = adapted.predict(encoded)
    moments = over_time(
        segments, encoded.present.max(axis=1), prediction.memberships, prediction.uncertainty, prediction.shares
    )
    return Answers(clip, adapted, segments, encoded, prediction, tuple(join(moments, adapted.emotions)))


def _rounded(numbers: dict[str, float]) -> dict[str, float]:
    return {name: round(number, 4) for name, number in numbers.items()}


def _rounded_all(value: Any) -> Any:
    match value:
        case float():
            return round(value, 4)
        case dict():
            return {name: _rounded_all(each) for name, each in value.items()}
        case list() | tuple():
            return [_rounded_all(each) for each in value]
    return value
