"""The order of the queue: the reasons take turns, each as often as the study's mix says."""

from collections.abc import Mapping, Sequence

from app.queue.reasons import Kind, Reason

#: How often each reason has its turn unless the study says otherwise.
USUAL: Mapping[Kind, float] = {
    "new": 1.0,
    "disagreement": 1.0,
    "contradiction": 1.0,
    "unsure": 1.0,
    "change": 0.5,
    "check": 0.25,
}


def weights(mix: Mapping[str, float]) -> dict[Kind, float]:
    """The weight of every reason; what a study's mix leaves out has its usual one."""
    return {kind: mix.get(kind, usual) for kind, usual in USUAL.items()}


def arrange(reasons: Mapping[int, Sequence[Reason]], mix: Mapping[str, float]) -> list[tuple[int, Kind | None]]:
    """Every clip once, with the reason whose turn brought it up; None where no reason with a weight speaks for it.

    The turns go round smoothly by weight: of two reasons with weights 1 and 0.5, the first has two turns of three.
    Each takes its strongest clip that is not in the order yet. The same reasons and mix give the same order.
    """
    share: dict[Kind, float] = {kind: weight for kind, weight in weights(mix).items() if weight > 0}
    waiting: dict[Kind, list[int]] = {}
    for kind in share:
        strength = {clip: each.strength for clip, found in reasons.items() for each in found if each.kind == kind}
        waiting[kind] = sorted(strength, key=lambda clip: (strength[clip], -clip))
    credit: dict[Kind, float] = dict.fromkeys(share, 0.0)
    order: dict[int, Kind | None] = {}
    while True:
        turns: list[Kind] = [kind for kind, left in waiting.items() if left]
        if not turns:
            break
        for kind in turns:
            credit[kind] += share[kind]
        turn = max(turns, key=lambda kind: credit[kind])
        credit[turn] -= sum(share[kind] for kind in turns)
        while waiting[turn]:
            clip = waiting[turn].pop()
            if clip not in order:
                order[clip] = turn
                break
    return [*order.items(), *((clip, None) for clip in sorted(reasons) if clip not in order)]
