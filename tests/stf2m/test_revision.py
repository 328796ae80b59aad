import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from stf2m.revision import Evidence, Prior, revise


def evidence(random: np.random.Generator, count: int) -> Evidence:
    return Evidence(random.normal(size=(count, 2)), random.normal(size=(count, 3)), np.arange(float(count)))


def prior(**changed: float) -> Prior:
    return Prior(**{"weight": np.ones(2), "doubt": np.full(2, 0.5), "shift": 1, "detail": 1, "drift": 0, **changed})


def test_the_answer_is_that_of_regression_with_a_gaussian_prior():
    random = np.random.default_rng(0)
    support, query = evidence(random, 10), evidence(random, 5)
    degrees = random.uniform(size=10).round(1)
    spread = np.array([0.5, 0.5, 1, 1, 1, 1])

    def columns(found: Evidence) -> np.ndarray:
        return np.column_stack([found.logits, np.ones(len(found)), found.features])

    def cost(change: np.ndarray) -> float:
        logits = prior().mean(support) + columns(support) @ change
        return float(np.logaddexp(0, logits).sum() - degrees @ logits + np.square(change / spread).sum() / 2)

    change = minimize(cost, np.zeros(6), tol=1e-12).x
    expected = prior().mean(query) + columns(query) @ change
    np.testing.assert_allclose(revise(prior(), support, degrees, query), expected, atol=1e-4)


def test_without_corrections_or_without_doubt_nothing_is_revised():
    random = np.random.default_rng(1)
    support, query = evidence(random, 10), evidence(random, 5)
    known = query.logits.sum(axis=1)
    np.testing.assert_allclose(revise(prior(), support[:0], np.zeros(0), query), known)
    certain = prior(doubt=np.zeros(2), shift=0, detail=0)
    np.testing.assert_allclose(revise(certain, support, np.ones(10), query), known)


def test_a_mood_reaches_the_neighbours_only():
    quiet = Evidence(np.zeros((101, 1)), np.zeros((101, 1)), np.arange(101.0))
    moody = Prior(np.ones(1), np.zeros(1), shift=0, detail=0, drift=2)
    found = revise(moody, quiet[50:51], np.ones(1), quiet)
    assert found[50] > found[52] > found[60] > 0
    assert found[50] > 0.5
    assert found[0] == pytest.approx(0, abs=1e-4)


def test_a_modality_that_the_corrections_contradict_loses_trust():
    random = np.random.default_rng(2)
    truth = random.choice([-1.0, 1.0], 10)
    support = Evidence(np.column_stack([truth, -truth]), np.zeros((10, 1)), np.arange(10.0))
    one_says_yes = Evidence(np.eye(2), np.zeros((2, 1)), np.zeros(2))
    yes, no = revise(prior(shift=0, detail=0), support, (truth > 0).astype(float), one_says_yes)
    assert yes > 1 > no


def test_it_settles_on_extreme_evidence_and_refuses_what_is_no_degree():
    random = np.random.default_rng(3)
    support = evidence(random, 10)
    extreme = Evidence(100 * support.logits, 10 * support.features, support.place)
    answer = revise(prior(doubt=np.full(2, 2.0), detail=2), extreme, (support.logits[:, 0] > 0).astype(float), extreme)
    assert np.isfinite(answer).all()
    assert ((expit(answer) > 0.5) == (support.logits[:, 0] > 0)).all()
    for wrong in (np.ones(9), np.full(10, 1.5)):
        with pytest.raises(ValueError, match="degrees from 0 to 1"):
            revise(prior(), support, wrong, support)
