"""What goes wrong in practice, made on purpose and by a seed: wrong labels, missing modalities."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from stf2m.tasks import Example, TooFewExamplesError
from stf2m.tracks import FloatArray

#: Draws of wrong labels before it is given up that two emotions keep an example.
_TRIES = 1000


def mislabelled(degrees: FloatArray, share: float, random: np.random.Generator) -> FloatArray:
    """A support's degrees ``(n, N)`` with ``share`` of the rows, rounded to the nearest number, labelled wrongly: the
    degree of the top emotion and that of another one, all equally likely, change places.

    Two emotions at least stay the top of some row, for with one there is nothing to tell apart. Raises
    :class:`stf2m.tasks.TooFewExamplesError` where that cannot be, ``ValueError`` for a share outside [0, 1].
    """
    if not 0 <= share <= 1:
        raise ValueError("The share of wrong labels is a number from 0 to 1.")
    rows, ways = degrees.shape
    count = int(share * rows + 0.5)
    if not count:
        return degrees
    top = degrees.argmax(axis=1)
    for _ in range(_TRIES):
        wrong = random.choice(rows, count, replace=False)
        other = (top[wrong] + random.integers(1, ways, count)) % ways
        told = top.copy()
        told[wrong] = other
        if len(set(told.tolist())) > 1:
            changed = degrees.copy()
            changed[wrong, other], changed[wrong, top[wrong]] = degrees[wrong, top[wrong]], degrees[wrong, other]
            return changed
    raise TooFewExamplesError(
        f"With {count} of {rows} support labels wrong only one emotion is left; take more shots or fewer wrong labels."
    )


def showing(examples: Sequence[Example], modalities: Collection[str]) -> list[Example]:
    """The examples with the views of some modalities only; those that then have none are left out."""
    shown = (
        replace(each, views={name: view for name, view in each.views.items() if name in modalities})
        for each in examples
    )
    return [each for each in shown if each.views]
