"""Whether the rules of a study's model can be trusted in this study: its own segments, its own corrections."""

from dataclasses import dataclass

import numpy as np

from app import inspection
from app.held_out import as_corrected, right
from app.studio import Studio
from stf2m.trust import STRONGEST, Trust, Watch
from stf2m.weights import Progress

#: So many sentences are looked at closely, drawn by a fixed seed and spread over the clips.
SENTENCES, SEED = 120, 0
#: With fewer sentences than this the figures are a hint at most.
FEW = 30


@dataclass(frozen=True)
class TrustHere:
    """The figures of one model version in one study.

    ``trust`` over the segments of ``clips`` clips, None where none shows anybody. Of the ``corrections`` that the
    version learned from, ``right`` are answered as corrected, and ``right_by_rules`` by the strongest rules alone.
    """

    trust: Trust | None
    version: str
    clips: int
    corrections: int
    right: int
    right_by_rules: int


def look(studio: Studio, study_id: int, progress: Progress) -> TrustHere:
    """Look through a study with its active model, clip by clip."""
    version = studio.version(study_id)
    adapted = studio.predictions.adapted(version)
    shown = [(clip, studio.predictions.encoded(clip)) for clip in inspection.ready_clips(studio, study_id)]
    shown = [(clip, encoded) for clip, encoded in shown if encoded.present.any()] if adapted.taught else []
    watch = Watch(len(shown), SEED, SENTENCES)
    for done, (clip, encoded) in enumerate(shown):
        progress(done / (len(shown) + 1), f"Asking the rules about {clip.name}")
        watch.see(adapted, encoded)
    progress(len(shown) / (len(shown) + 1), "Asking the rules about the corrections")
    lessons = studio.reasons.learned(version)
    support, names = lessons.support, adapted.emotions
    answered = by_rules = 0
    if len(support.owner) and adapted.taught:
        answered = right(adapted, support, names)
        by_rules = as_corrected(adapted.rule_answers(support.encoded, STRONGEST), names, support, names)
    corrections = len(np.unique(support.owner))
    return TrustHere(watch.trust(), f"model {version.number}", len(shown), corrections, answered, by_rules)
