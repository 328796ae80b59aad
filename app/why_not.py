"""Why not something else: what would have changed an answer, in one sentence of everyday words."""

from collections.abc import Mapping

from stf2m.counterfactual import CueChange, Flip
from stf2m.explanation import with_unit


def sentence(
    flip: Flip | None, memberships: Mapping[str, float], shares: Mapping[str, float], wanted: str | None
) -> str:
    """What would change the answer (to ``wanted``, or to anything), or that no change of one or two signs would.

    ``memberships`` and the modalities' ``shares`` are those of the answer as it is.
    """
    answer = max(memberships, key=lambda name: memberships[name])
    if wanted == answer:
        return f"It is {answer} already."
    if flip is not None and flip.onwards:
        [change] = flip.changes
        side = "below" if change.after < change.before else "above"
        here = with_unit(change.before, change.unit)
        limit = with_unit(change.after, change.unit)
        return f"It would be {flip.emotion} if {change.cue} were {side} {limit} ({here} here)."
    if flip is not None:
        return f"It would be {flip.emotion} ({flip.degree:.2f}) if {' and '.join(map(_changed, flip.changes))}."
    if not shares:
        return "Nothing could be seen or heard here."
    most = max(shares, key=lambda name: shares[name])
    decides = f"what is learned from the {'words' if most == 'text' else most} as a whole decides it"
    if wanted is None:
        return f"No change of one or two signs would change this answer: {decides}."
    return f"No change of one or two signs would make it {wanted} ({memberships.get(wanted, 0.0):.2f} now): {decides}."


def _changed(change: CueChange) -> str:
    return (
        f"{change.cue} were {with_unit(change.after, change.unit)} instead of {with_unit(change.before, change.unit)}"
    )
