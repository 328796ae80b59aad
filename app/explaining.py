"""Why the model answers as it does: the reasons of a stretch, what would have changed them, and what if."""

from collections.abc import Mapping
from typing import Any

from annotations.store import Store
from annotations.turns import Turns
from app import why_not
from app.adapting import Adapting
from app.predictions import Predictions
from stf2m.adaptation import AdaptedModel
from stf2m.counterfactual import smallest_flip, with_cues
from stf2m.encoded import Encoded
from stf2m.explanation import Explanation
from stf2m.segments import Segment

UNTAUGHT = "The model knows none of these emotions yet; it learns them from corrections."
#: So many of the rules that fired are told for a segment, the most helpful first; of so many cues one can ask what if.
MOST_RULES = 6
MOST_CUES = 6


class Explaining:
    """The reasons of a studio's models. Stretches of a clip are in seconds."""

    def __init__(self, store: Store, predictions: Predictions, adapting: Adapting) -> None:
        self._store = store
        self._predictions = predictions
        self._adapting = adapting
        #: One at a time: computed by many threads at once, reasons come later, and corrections of others wait for them.
        self._turns = Turns()

    def explain(
        self, clip_id: int, start_s: float, end_s: float, values: Mapping[str, float] | None = None
    ) -> dict[str, Any]:
        """Why the active model answers as it does between two moments: degrees, shares, and the rules that fired, in
        words. With ``values``: what it would answer if some cues had other values.
        """
        clip = self._store.clip(clip_id)
        tracks = self._predictions.tracks(clip)
        with self._turns:
            adapted, encoded = self._at(clip_id, start_s, end_s)
            explanation = adapted.explain(with_cues(adapted, encoded, values) if values else encoded)
        missing = {
            name: tracks[name].note or f"Nothing of the {name} can be measured here." for name in explanation.missing
        }
        return {
            "text": explanation.text if adapted.taught else UNTAUGHT,
            "sentence": explanation.sentence if adapted.taught else UNTAUGHT,
            "memberships": {name: round(degree, 4) for name, degree in explanation.memberships.items()},
            "uncertainty": round(explanation.uncertainty, 4),
            "shares": {name: round(share, 4) for name, share in explanation.shares.items()},
            "rules": [rule.as_dict() for rule in explanation.rules[:MOST_RULES]],
            "cues": _cues(adapted, encoded, explanation),
            "present": list(explanation.shares),
            "missing": missing,
        }

    def why_not(self, clip_id: int, start_s: float, end_s: float, wanted: str | None = None) -> str:
        """What would have changed the answer between two moments, to ``wanted`` or to anything else, in a sentence."""
        with self._turns:
            adapted, encoded = self._at(clip_id, start_s, end_s)
            if not adapted.taught:
                return UNTAUGHT
            if wanted is not None and wanted not in adapted.emotions:
                return f"The model does not know {wanted} yet; it learns it from corrections."
            explanation = adapted.explain(encoded)
            flip = smallest_flip(adapted, encoded, wanted)
        return why_not.sentence(flip, explanation.memberships, explanation.shares, wanted)

    def _at(self, clip_id: int, start_s: float, end_s: float) -> tuple[AdaptedModel, Encoded]:
        clip = self._store.clip(clip_id)
        adapted = self._predictions.adapted(self._adapting.active(clip.study_id))
        return adapted, self._predictions.encode(clip, [Segment(max(start_s, 0.0), min(end_s, clip.duration_s))])


def _cues(adapted: AdaptedModel, encoded: Encoded, explanation: Explanation) -> list[dict[str, Any]]:
    """The cues of which the fired rules speak, the most helpful rules' first, each with its value and usual range."""
    named = dict.fromkeys(condition.cue for rule in explanation.rules for condition in rule.conditions)
    by_name = {cue.name: (cue, float(value)) for cue, value in zip(adapted.network.cues, encoded.cues[0], strict=True)}
    return [
        {
            "name": name,
            "unit": cue.unit,
            "value": value,
            "low": min(cue.typical[0], value),
            "high": max(cue.typical[1], value),
        }
        for name in named
        if name in by_name
        for cue, value in [by_name[name]]
    ][:MOST_CUES]
