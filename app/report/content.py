"""What a report of a clip tells, gathered from a studio or from the library's answers; times are seconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.figures.firing import RuleName
from app.figures.ribbon import Array
from stf2m.timeline import Moments
from stf2m.tracks import Track


@dataclass(frozen=True)
class Reason:
    """Why a stretch has its emotion: the sentence, the rules that helped most, and what was said meanwhile.

    ``picture`` is a small JPEG of its middle, where pictures were asked for.
    """

    start_s: float
    end_s: float
    emotion: str
    degree: float
    uncertainty: float
    sentence: str
    rules: tuple[str, ...] = ()
    words: str = ""
    picture: bytes | None = None


@dataclass(frozen=True)
class Said:
    """What a person says of a stretch: degrees of emotions in (0, 1], the strongest ``emotion`` of them, how intense it
    is in [0, 1], and a note.
    """

    who: str
    start_s: float
    end_s: float
    emotion: str
    degrees: Mapping[str, float]
    intensity: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of text under their heads."""

    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]] = ()


@dataclass(frozen=True, eq=False)
class Content:
    """A report's clip, the model that answers (``model`` in words, ``version`` its number) and all that is told.

    ``emotions`` maps the N emotions to their colours, in the order of ``moments.memberships (P, N)``; ``sources`` names
    the M modalities in the order of ``moments.shares (P, M)``; from ``unsure`` on a stretch is hatched. ``firing``
    ``(P, R)`` is each rule's share of all firing between ``edges (P + 1,)``, ``rules`` their R names.
    """

    clip: str
    duration_s: float
    version: int
    model: str
    emotions: Mapping[str, str]
    sources: Sequence[str]
    moments: Moments
    unsure: float
    reasons: Sequence[Reason]
    tracks: Mapping[str, Track]
    edges: Array
    firing: Array
    rules: Sequence[RuleName]
    facts: Mapping[str, str]
    notes: Sequence[str] = ()
    said: Sequence[Said] = ()
    versions: Table = field(default_factory=lambda: Table(()))
    history: Table = field(default_factory=lambda: Table(()))
