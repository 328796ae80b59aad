"""Why the model answers as it does: the reasons of a stretch, the corrections that pulled it there, what would have
changed it, and what if.

What the model says of a stretch is the mean over its segments. The reasons are those of one of them, the one that shows
the answer most, so that they are the reasons of something the model did say.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from annotations.records import ModelVersionRecord
from annotations.store import Store
from annotations.turns import Turns
from app import label_set, situation, why_not
from app.adapting import Adapting, Lessons
from app.predictions import Predictions
from stf2m.adaptation import AdaptedModel
from stf2m.counterfactual import smallest_flip, with_cues
from stf2m.encoded import Encoded
from stf2m.explanation import Explanation
from stf2m.pull import pulls
from stf2m.segments import Segment
from stf2m.timeline import within
from stf2m.tracks import Track

UNTAUGHT = "The model knows none of these emotions yet; it learns them from corrections."
#: So many of the rules that fired are told for a segment, the most helpful first; of so many cues one can ask what if.
MOST_RULES = 6
MOST_CUES = 6
#: So many corrections are told that pulled a segment to its answer; of so many versions what they learned from is kept.
MOST_PULLED, MOST_VERSIONS = 3, 8
#: From this share of the evidence on one modality decided it above all.
ABOVE_ALL = 0.5


class _Asked(NamedTuple):
    """The ``segment`` that tells why a stretch has its answer, ``encoded`` alone, and the model that answers."""

    version: ModelVersionRecord
    adapted: AdaptedModel
    segment: Segment
    encoded: Encoded


class Explaining:
    """The reasons of a studio's models. Stretches of a clip are in seconds."""

    def __init__(self, store: Store, predictions: Predictions, adapting: Adapting) -> None:
        self._store = store
        self._predictions = predictions
        self._adapting = adapting
        #: One at a time: computed by many threads at once, reasons come later, and corrections of others wait for them.
        self._turns = Turns()
        self._lessons: dict[int, Lessons] = {}

    def explain(
        self, clip_id: int, start_s: float, end_s: float, values: Mapping[str, float] | None = None
    ) -> dict[str, Any]:
        """Why the active model answers as it does between two moments: degrees, shares, and the rules that fired, in
        words. With ``values``: what it would answer if some cues had other values. ``start_s`` and ``end_s`` are those
        of the segment that was read.
        """
        clip = self._store.clip(clip_id)
        tracks = self._predictions.tracks(clip)
        with self._turns:
            _, adapted, segment, encoded = self._asked(clip_id, start_s, end_s)
            explanation = adapted.explain(with_cues(adapted, encoded, values) if values else encoded)
        return {
            "start_s": segment.start_s,
            "end_s": min(segment.end_s, clip.duration_s),
            "text": explanation.text if adapted.taught else UNTAUGHT,
            "sentence": explanation.sentence if adapted.taught else UNTAUGHT,
            "told": _told(explanation) if adapted.taught else UNTAUGHT,
            "situation": [
                *situation.told(
                    _mattering(adapted, explanation, tracks), segment.start_s, min(segment.end_s, clip.duration_s)
                ),
                *_new_to_it(adapted, explanation),
            ],
            "memberships": {name: round(degree, 4) for name, degree in explanation.memberships.items()},
            "uncertainty": round(explanation.uncertainty, 4),
            "shares": {name: round(share, 4) for name, share in explanation.shares.items()},
            "rules": [rule.as_dict() for rule in explanation.rules[:MOST_RULES]],
            "cues": _cues(adapted, encoded, explanation),
            "present": list(explanation.shares),
            "missing": {name: situation.missing(tracks[name]) for name in explanation.missing},
        }

    def pulled(self, clip_id: int, start_s: float, end_s: float) -> dict[str, Any]:
        """The corrections that pulled the answer between two moments to where it is, those with most pull first, each
        with its share of all that pulls there; the share of what the model ``remembered`` from its training; and in
        ``changed`` the smallest change that would give another answer, in a sentence.
        """
        with self._turns:
            version, adapted, _, encoded = self._asked(clip_id, start_s, end_s)
            if not adapted.taught or not encoded.present.any():
                return {"emotion": "", "corrections": [], "learned_from": 0, "remembered": 0.0, "changed": ""}
            explanation = adapted.explain(encoded)
            found = self._pulled(version, adapted, encoded)
            flip = smallest_flip(adapted, encoded)
        return {**found, "changed": why_not.sentence(flip, explanation.memberships, explanation.shares, None)}

    def why_not(self, clip_id: int, start_s: float, end_s: float, wanted: str | None = None) -> str:
        """What would have changed the answer between two moments, to ``wanted`` or to anything else, in a sentence."""
        with self._turns:
            _, adapted, _, encoded = self._asked(clip_id, start_s, end_s)
            if not adapted.taught:
                return UNTAUGHT
            if wanted is not None and wanted not in adapted.emotions:
                return f"The model does not know {wanted} yet; it learns it from corrections."
            explanation = adapted.explain(encoded)
            flip = smallest_flip(adapted, encoded, wanted)
        return why_not.sentence(flip, explanation.memberships, explanation.shares, wanted)

    def _asked(self, clip_id: int, start_s: float, end_s: float) -> _Asked:
        clip = self._store.clip(clip_id)
        version = self._adapting.active(clip.study_id)
        adapted, encoded = self._predictions.adapted(version), self._predictions.encoded(clip)
        segments = self._predictions.segments(clip)
        rows = within(segments, encoded.present.max(axis=1), start_s, end_s)
        if adapted.taught and len(rows) > 1:
            said = self._predictions.between(clip, version, start_s, end_s)
            degrees = adapted.predict(encoded[rows]).memberships
            answer = adapted.emotions.index(max(said, key=said.__getitem__)) if said else degrees.mean(axis=0).argmax()
            rows = rows[degrees[:, answer].argmax() :]
        row = int(rows[0])
        return _Asked(version, adapted, segments[row], encoded[row])

    def _pulled(self, version: ModelVersionRecord, adapted: AdaptedModel, encoded: Encoded) -> dict[str, Any]:
        """The corrections of which a version learned, by how far each pulled one segment to its answer."""
        lessons = self.learned(version)
        answer = int(adapted.predict(encoded).memberships[0].argmax())
        meaning = label_set.meanings(self._store.study(version.study_id))
        meanings = [meaning.get(name, name) for name in adapted.emotions]
        given = lessons.support
        found = pulls(adapted, encoded, answer, given.encoded, given.degrees, given.weights, meanings)
        each = np.bincount(given.owner, found.corrections, len(lessons.corrections))
        remembered = max(found.remembered, 0.0)
        whole = float(np.maximum(each, 0).sum()) + remembered
        most = [int(at) for at in np.argsort(-each, kind="stable")[:MOST_PULLED] if each[at] > 0]
        return {
            "emotion": adapted.emotions[answer],
            "corrections": [
                {
                    "clip": lessons.corrections[at].clip_id,
                    "clip_name": self._store.clip(lessons.corrections[at].clip_id).name,
                    "start_s": lessons.corrections[at].start_s,
                    "end_s": lessons.corrections[at].end_s,
                    "emotion": lessons.corrections[at].emotion,
                    "annotator": lessons.corrections[at].annotator,
                    "share": round(float(each[at]) / whole, 4),
                }
                for at in most
            ],
            "learned_from": len(lessons.corrections),
            "remembered": round(remembered / whole, 4) if whole else 0.0,
        }

    def learned(self, version: ModelVersionRecord) -> Lessons:
        """What a version learned from, encoded once; corrections of clips that were taken out since are left out."""
        known = self._lessons.get(version.id)
        there = {clip.id for clip in self._store.clips(version.study_id)}
        if known is None or not {each.clip_id for each in known.corrections} <= there:
            known = self._lessons[version.id] = self._adapting.lessons(version)
            for oldest in list(self._lessons)[:-MOST_VERSIONS]:
                del self._lessons[oldest]
        return known


def _told(explanation: Explanation) -> str:
    """``Happy, above all by the voice. Rules that speak for it: pitch is high (212 Hz).``"""
    if not explanation.shares:
        return explanation.sentence
    answer = max(explanation.memberships, key=lambda name: explanation.memberships[name])
    most = max(explanation.shares, key=lambda name: explanation.shares[name])
    decided = len(explanation.shares) > 1 and explanation.shares[most] >= ABOVE_ALL
    by = f", above all by the {'words' if most == 'text' else most}" if decided else ""
    reasons = (
        f"Rules that speak for it: {explanation.text}." if explanation.named else f"{explanation.text.capitalize()}."
    )
    return f"{answer.capitalize()}{by}. {reasons}"


def _new_to_it(adapted: AdaptedModel, explanation: Explanation) -> list[str]:
    """That a modality with some say compares with the corrections rather than by rules, where emotions have no name in
    its training data.
    """
    shares = zip(adapted.network.modalities, adapted.fast.conditioning.unfamiliar.tolist(), strict=True)
    return [
        f"{'These' if new == 1 else 'Some of these'} emotions are new to the model, so the {modality.name} counts more "
        "by how much it is like that of the corrections than by rules."
        for modality, new in shares
        if new > 0 and explanation.shares.get(modality.name, 0.0) >= situation.MATTERS
    ]


def _mattering(adapted: AdaptedModel, explanation: Explanation, tracks: Mapping[str, Track]) -> dict[str, Track]:
    """The tracks of the modalities that had some say, or of which the sentence names a cue."""
    cues = {condition.cue for condition in explanation.named}
    of = {each.name for each in adapted.network.modalities if cues & {cue.name for cue in each.cues}}
    return {
        name: tracks[name] for name, share in explanation.shares.items() if share >= situation.MATTERS or name in of
    }


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
