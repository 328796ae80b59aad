"""Whether the figures of trust tell a faithful model from one whose sentences are beside the point."""

import numpy as np
import pytest
import torch

from stf2m import trust
from stf2m.encoded import Encoded
from stf2m.evaluation import Setting, evaluate
from stf2m.explanation import Explanation, Measured
from stf2m.methods import Adapting
from stf2m.tasks import Example
from tests.stf2m import made

untrained = made.untrained


@pytest.fixture(scope="module")
def adapted(untrained):
    support, degrees = made.emotional(untrained, 4, 3)
    return untrained.adapt(support, degrees, ["happy", "sad", "bored"])


@pytest.fixture(scope="module")
def query(untrained) -> Encoded:
    return made.emotional(untrained, 5, 3, seed=3)[0]


def naming(model, encoded: Encoded, cues: list[list[str]]) -> list[Explanation]:
    """Explanations that name given cues, whatever the model would say."""
    told = [model.explain(encoded[row]) for row in range(len(encoded))]
    return [
        Explanation(**{**vars(each), "named": tuple(Measured(cue, "high", "", 0.0, 1.0) for cue in named)})
        for each, named in zip(told, cues, strict=True)
    ]


def strongest_cue(model, encoded: Encoded, row: int) -> tuple[int, int]:
    """The cue without which the answer's degree falls furthest, and the one without which it rises most."""
    one = encoded[row]
    degrees = model.predict(one).memberships[0]
    falls = []
    for cue in range(encoded.cues.shape[1]):
        cues = one.cues.copy()
        cues[:, cue] = np.nan
        after = model.predict(Encoded(one.pooled, one.present, cues, one.encoder)).memberships[0]
        falls.append(degrees.max() - after[degrees.argmax()])
    return int(np.argmax(falls)), int(np.argmin(falls))


def test_naming_what_counts_is_told_from_naming_what_does_not(adapted, query):
    names = [cue.name for cue in adapted.network.cues]
    pairs = [strongest_cue(adapted, query, row) for row in range(len(query))]
    for place, better in ((0, np.greater_equal), (1, np.less_equal)):
        told = naming(adapted, query, [[names[pair[place]]] for pair in pairs])
        erased = trust.erase(adapted, query, told, np.random.default_rng(0))
        assert better(erased.without_named, erased.without_random).all()
        assert (erased.without_named != erased.without_random).any()


def test_only_the_named_cues_are_kept_and_only_they_are_removed(adapted, query):
    """Beside the model's own answer to a segment changed by hand."""
    one, names = query[0], [cue.name for cue in adapted.network.cues]
    [explanation] = told = naming(adapted, one, [[names[1], names[4]]])
    erased = trust.erase(adapted, one, told, np.random.default_rng(0))
    before = max(explanation.memberships.values())
    answer = max(explanation.memberships, key=explanation.memberships.get)
    column = adapted.emotions.index(answer)
    without = one.cues.copy()
    without[0, [1, 4]] = np.nan
    removed = adapted.predict(Encoded(one.pooled, one.present, without, one.encoder)).memberships[0, column]
    assert erased.without_named[0] == pytest.approx(before - removed, abs=1e-5)
    kept = np.full_like(one.cues, np.nan)
    kept[0, [1, 4]] = one.cues[0, [1, 4]]
    nothing = Encoded(np.zeros_like(one.pooled), np.zeros_like(one.present), kept, one.encoder)
    alone = adapted.rule_answers(nothing)[0, column]
    assert erased.only_named[0] == pytest.approx(before - alone, abs=1e-5)


def test_a_sentence_without_cues_or_without_others_is_left_out(adapted, query):
    every = [cue.name for cue in adapted.network.cues]
    told = naming(adapted, query[:3], [[], every, every[:1]])
    erased = trust.erase(adapted, query[:3], told, np.random.default_rng(0))
    for falls in erased:
        assert np.isfinite(falls).tolist() == [False, False, True]


def test_noise_is_small_and_adds_nothing_where_nothing_is(untrained, query):
    present = query.present.copy()
    present[0, 1] = False
    pooled, cues = query.pooled * present[:, :, None], query.cues.copy()
    cues[0, 2:5] = np.nan
    encoded = Encoded(pooled, present, cues, query.encoder)
    noisy = trust.with_noise(untrained, encoded, trust.spread(encoded), np.random.default_rng(0))
    assert not noisy.pooled[0, 1].any()
    assert np.isnan(noisy.cues[0, 2:5]).all()
    ranges = np.array([cue.typical[1] - cue.typical[0] for cue in untrained.cues])
    moved = ((noisy.cues - cues) / ranges)[1:]
    assert 0.5 * trust.NOISE < moved.std() < 2 * trust.NOISE


def test_terms_out_of_order_are_found():
    broken = made.model()
    assert trust.terms_in_order(broken).all()
    with torch.no_grad():
        broken.rules.bells.raw_gaps[2, 0] = float("nan")
    assert trust.terms_in_order(broken).tolist() == [place != 2 for place in range(len(broken.variables))]


def test_all_figures_are_summed_up_over_models_and_repeat_by_their_seed(adapted, query):
    told = []
    for _ in range(2):
        watch = trust.Watch(2, seed=5)
        watch.see(adapted, query)
        watch.see(adapted, query[:6])
        told.append(watch.trust())
    first, again = told
    assert first == again
    assert (first.segments, first.sentences) == (21, 21)
    degrees = adapted.predict(query).memberships.argmax(axis=1)
    same = adapted.rule_answers(query, trust.STRONGEST).argmax(axis=1) == degrees
    assert first.fidelity == pytest.approx((same.sum() + same[:6].sum()) / 21)
    assert first.most_conditions == max(len(rule.conditions) for rule in adapted.rules()) <= 4
    assert 0 <= first.stability <= first.same_answer <= 1
    assert [each.name for each in trust.figures(first)][:2] == ["fidelity", "comprehensiveness"]
    assert trust.Watch(2, 0).trust() is None


def test_sentences_are_spread_evenly_over_many_models(adapted, query):
    watch = trust.Watch(4, seed=0, sentences=2)
    for _ in range(4):
        watch.see(adapted, query[:2])
    found = watch.trust()
    assert (found.segments, found.sentences) == (8, 2)


def test_evaluation_looks_at_the_reasons_where_asked_and_answers_the_same():
    random = np.random.default_rng(0)
    pool = [
        Example(
            {each.name: made.view(each, random, shift=float(place)) for each in made.MODALITIES}, {name: 1.0}, str(who)
        )
        for who in range(4)
        for place, name in enumerate(("angry", "calm", "happy"))
        for _ in range(3)
    ]
    setting = Setting(ways=3, shots=2, episodes=2, queries=2)
    plain, looked = (
        evaluate(Adapting(made.model(), memory=False), pool, setting, explain=explain) for explain in (False, True)
    )
    assert plain.accuracy == looked.accuracy
    assert plain.trust is None
    assert "trust" not in plain.as_json()
    assert looked.as_json()["trust"]["segments"] == looked.answers
    assert 0 <= looked.trust.fidelity <= 1
