"""Find an emotion: its clearest moments over all clips of a study, by the model's degrees or by people's labels."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from annotations.records import AnnotationRecord, ClipRecord
from app.queue.looking import Found

#: Below this degree nothing counts as a moment of an emotion.
LEAST = 0.2
#: A moment lasts while the degree stays above this share of the clip's highest.
FALLOFF = 0.5
#: So many moments are shown, the clearest of all.
MOST = 200


@dataclass(frozen=True)
class Moment:
    """A stretch of a clip that shows an emotion to a ``degree``. ``who`` labelled it, empty where the model did."""

    clip_id: int
    clip: str
    has_video: bool
    start_s: float
    end_s: float
    degree: float
    who: str = ""


def by_model(clips: Sequence[ClipRecord], found: Mapping[int, Found], emotion: str) -> list[Moment]:
    """The moments of an emotion as the model sees them; clips that it has not looked through are left out."""
    moments: list[Moment] = []
    for clip in clips:
        here = found.get(clip.id)
        if here is None or not here.taught or emotion not in here.emotions:
            continue
        degrees = np.nan_to_num(here.moments.memberships[:, here.emotions.index(emotion)])
        inside = degrees >= max(LEAST, FALLOFF * float(degrees.max(initial=0.0)))
        bounds = np.flatnonzero(np.diff(inside, prepend=False, append=False))
        edges = here.moments.edges
        for first, last in zip(bounds[::2], bounds[1::2], strict=True):
            degree = float(np.average(degrees[first:last], weights=np.diff(edges[first : last + 1])))
            moments.append(_moment(clip, float(edges[first]), float(edges[last]), degree))
    return _clearest(moments)


def by_people(clips: Sequence[ClipRecord], annotations: Iterable[AnnotationRecord], emotion: str) -> list[Moment]:
    """The moments that people have labelled with an emotion, if only to a degree."""
    by_id = {clip.id: clip for clip in clips}
    return _clearest(
        _moment(by_id[each.clip_id], each.start_s, each.end_s, each.degrees[emotion], each.annotator)
        for each in annotations
        if each.degrees.get(emotion, 0.0) > 0 and each.clip_id in by_id
    )


def _moment(clip: ClipRecord, start_s: float, end_s: float, degree: float, who: str = "") -> Moment:
    return Moment(clip.id, clip.name, clip.has_video, round(start_s, 3), round(end_s, 3), round(degree, 3), who)


def _clearest(moments: Iterable[Moment]) -> list[Moment]:
    return sorted(moments, key=lambda each: (-each.degree, each.clip_id, each.start_s))[:MOST]
