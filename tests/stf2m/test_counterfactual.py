import numpy as np
import pytest

from stf2m.counterfactual import smallest_flip, with_cues
from stf2m.encoded import Encoded
from stf2m.explanation import with_unit
from stf2m.tracks import FloatArray
from tests.stf2m import made

untrained = made.untrained


@pytest.fixture(scope="module")
def adapted(untrained):
    support, degrees = made.emotional(untrained, 4, 3)
    return untrained.adapt(support, degrees, ["happy", "sad", "bored"])


def undecided(model, one: Encoded, other: Encoded) -> Encoded:
    """A segment between two of different answers, where the model changes its mind: the rules can turn the scale."""
    near, far = 0.0, 1.0
    for _ in range(12):
        middle = (near + far) / 2
        pooled = (1 - middle) * one.pooled + middle * other.pooled
        between = Encoded(pooled, one.present, one.cues, one.encoder)
        if degrees(model, between).argmax() == degrees(model, one).argmax():
            near = middle
        else:
            far = middle
    return Encoded((1 - near) * one.pooled + near * other.pooled, one.present, one.cues, one.encoder)


def degrees(model, encoded: Encoded) -> FloatArray:
    return model.predict(encoded).memberships[0]


@pytest.mark.parametrize("ask", [False, True])
def test_a_flip_is_verified_by_the_model_and_nothing_smaller_of_its_kind_does_it(untrained, adapted, ask) -> None:
    query, _ = made.emotional(untrained, 3, 3, seed=3)
    found = 0
    for row in range(len(query)):
        one, other = query[row], query[(row + 4) % len(query)]
        if degrees(adapted, one).argmax() == degrees(adapted, other).argmax():
            continue
        one = undecided(adapted, one, other)
        now = adapted.emotions[int(degrees(adapted, one).argmax())]
        wanted = adapted.emotions[int(degrees(adapted, other).argmax())] if ask else None
        flip = smallest_flip(adapted, one, wanted)
        if flip is None:
            continue
        found += 1
        assert 1 <= len(flip.changes) <= 2
        assert flip.emotion == (wanted or flip.emotion) != now
        changed = with_cues(adapted, one, {each.cue: each.after for each in flip.changes})
        after = degrees(adapted, changed)
        assert adapted.emotions[int(after.argmax())] == flip.emotion
        assert after.max() == pytest.approx(flip.degree, abs=1e-5)
        names = [cue.name for cue in adapted.network.cues]
        for each in flip.changes:
            assert each.before == pytest.approx(float(one.cues[0, names.index(each.cue)]))
        # The last digit that is told is rounded away from the value as it is.
        digits = [len(with_unit(each.after, each.unit).split()[0].partition(".")[2]) for each in flip.changes]
        less = {
            each.cue: 0.9 * (each.after - each.before) - np.sign(each.after - each.before) * 10.0**-places
            for each, places in zip(flip.changes, digits, strict=True)
        }
        nearly = {each.cue: each.before + less[each.cue] for each in flip.changes}
        if len(flip.changes) == 1:
            still = adapted.emotions[int(degrees(adapted, with_cues(adapted, one, nearly)).argmax())]
            assert still != flip.emotion
        if flip.onwards:
            [change] = flip.changes
            low, high = next(cue.typical for cue in adapted.network.cues if cue.name == change.cue)
            for share in (0.1, 0.5, 1.0):
                further = change.after + share * ((low if change.after < change.before else high) - change.after)
                there = degrees(adapted, with_cues(adapted, one, {change.cue: further}))
                assert adapted.emotions[int(there.argmax())] == flip.emotion
    assert found > 2


def test_where_no_cue_is_measured_nothing_can_flip(adapted, untrained) -> None:
    query, _ = made.emotional(untrained, 1, 3, seed=3)
    blank = Encoded(query.pooled, query.present, np.full_like(query.cues, np.nan), query.encoder)
    assert smallest_flip(adapted, blank[0]) is None


def test_what_cannot_be_asked_is_refused(adapted, untrained) -> None:
    query, _ = made.emotional(untrained, 1, 3)
    with pytest.raises(ValueError, match="One segment"):
        smallest_flip(adapted, query)
    with pytest.raises(ValueError, match="'calm'"):
        smallest_flip(adapted, query[0], "calm")
    with pytest.raises(KeyError, match="no cue called 'aura'"):
        with_cues(adapted, query, {"aura": 1.0})
