"""How well a study's model has learned, tested honestly: on corrections that it has not seen."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.support import Support
from app.unlabelled import Unlabelled
from stf2m.adaptation import AdaptedModel, SupportError
from stf2m.encoded import Encoded
from stf2m.model import STF2M
from stf2m.tracks import FloatArray

#: Up to this many corrections each one is left out in turn; beyond, they are left out in this many groups.
MOST_FOLDS = 10


@dataclass(frozen=True)
class HeldOut:
    """How often the strongest emotion is the corrected one, on corrections the model had not seen.

    ``before`` is the shipped model, which never saw any; ``after`` is adapted to all corrections but those tested on,
    left out in ``folds`` groups (each on its own where there are few).
    """

    corrections: int
    folds: int
    before: float
    after: float


def held_out(
    model: STF2M, base: AdaptedModel, support: Support, emotions: Sequence[str], others: Unlabelled | None = None
) -> HeldOut | None:
    """Leave corrections out in turn, adapt to the others and test on those left out; None with fewer than two.

    The unlabelled segments are the same every time: none of them lies in a correction.
    """
    owners = np.unique(support.owner)
    if len(owners) < 2:
        return None
    folds = [owners[start::MOST_FOLDS] for start in range(min(MOST_FOLDS, len(owners)))]
    right_before = right_after = 0
    for fold in folds:
        kept = ~np.isin(np.arange(owners.max() + 1), fold)
        left_out = support.only(~kept)
        right_before += right(base, left_out, emotions) if base.taught else 0
        try:
            after, _ = learned(model, support.only(kept), emotions, others)
        except SupportError:
            continue  # without these corrections there is nothing to tell apart: none of them can be answered
        right_after += right(after, left_out, emotions)
    return HeldOut(len(owners), len(folds), right_before / len(owners), right_after / len(owners))


def learned(
    model: STF2M, support: Support, emotions: Sequence[str], others: Unlabelled | None
) -> tuple[AdaptedModel, float]:
    """Adapt the shipped model to a support set; returns the adapted model and the seconds it took."""
    unlabelled: Encoded | None = others.encoded if others and len(others.encoded) else None
    started = time.perf_counter()
    adapted = model.adapt(
        support.encoded, support.degrees, list(emotions), weights=support.weights, unlabelled=unlabelled
    )
    return adapted, time.perf_counter() - started


def right(adapted: AdaptedModel, test: Support, emotions: Sequence[str]) -> int:
    """How many corrections a model answers with their emotion; ``emotions`` are the columns of ``test.degrees``."""
    return as_corrected(adapted.predict(test.encoded).memberships, adapted.emotions, test, emotions)


def as_corrected(memberships: FloatArray, names: Sequence[str], test: Support, emotions: Sequence[str]) -> int:
    """For how many corrections the mean over their segments' ``memberships (n, len(names))`` has the corrected emotion
    as its strongest.
    """
    answered = 0
    for owner in np.unique(test.owner):
        rows = test.owner == owner
        said = names[int(memberships[rows].mean(axis=0).argmax())]
        answered += said == emotions[int(test.degrees[rows][0].argmax())]
    return answered
