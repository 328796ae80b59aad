"""The order of work: one card per clip, with the reason to look at it."""

from dataclasses import dataclass

import numpy as np

from annotations.records import ClipRecord
from stf2m.timeline import Moments

#: Uncertainty from which a moment needs a person.
UNSURE = 0.6


@dataclass(frozen=True)
class ClipCard:
    """A clip as the queue shows it. ``unsure_s``: for how many seconds the model is unsure."""

    id: int
    name: str
    duration_s: float
    notes: tuple[str, ...]
    has_video: bool
    mine: int
    corrections: int
    unsure_s: float
    reason: str
    priority: float


def card(clip: ClipRecord, timeline: Moments, mine: int, corrections: int) -> ClipCard:
    """The card of a clip: clips nobody has looked at come first, and among them those the model is least sure of."""
    lengths = np.diff(timeline.edges)
    unsure_s = float(lengths[np.nan_to_num(timeline.uncertainty, nan=0.0) > UNSURE].sum())
    share = unsure_s / clip.duration_s
    if mine:
        reason = f"{mine} of yours" if mine > 1 else "1 of yours"
    elif share > 0.25:
        reason = f"model unsure for {unsure_s:.0f} s"
    elif not corrections:
        reason = "never looked at"
    else:
        reason = f"{corrections} by others"
    return ClipCard(
        id=clip.id,
        name=clip.name,
        duration_s=clip.duration_s,
        notes=clip.notes,
        has_video=clip.has_video,
        mine=mine,
        corrections=corrections,
        unsure_s=unsure_s,
        reason=reason,
        priority=(0.0 if mine else 2.0) + (0.0 if corrections else 1.0) + share,
    )
