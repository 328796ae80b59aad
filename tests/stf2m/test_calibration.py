import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stf2m import calibration

confident = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40)


def answers(count: int, emotions: int = 4, seed: int = 0, sharpness: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Degrees and labels drawn from them: a perfectly calibrated answer."""
    random = np.random.default_rng(seed)
    degrees = np.exp(sharpness * random.normal(size=(count, emotions)))
    degrees /= degrees.sum(axis=1, keepdims=True)
    labels = (degrees.cumsum(axis=1) < random.random((count, 1))).sum(axis=1)
    return degrees, labels


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 8))
def test_a_perfectly_calibrated_answer_has_next_to_no_error_and_an_overconfident_one_has_much(seed, emotions):
    degrees, labels = answers(20000, emotions, seed)
    right = degrees.argmax(axis=1) == labels
    assert calibration.expected_calibration_error(degrees.max(axis=1), right) < 0.02
    assert calibration.expected_calibration_error(np.ones(20000), right) == pytest.approx(1 - right.mean())
    sharpened = calibration.distribution(degrees**3)
    assert calibration.expected_calibration_error(sharpened.max(axis=1), right) > 0.05


def test_the_calibration_error_by_hand():
    confidence, right = np.array([0.05, 0.06, 0.72, 0.73]), np.array([False, False, True, False])
    assert calibration.expected_calibration_error(confidence, right) == pytest.approx((0.11 + 0.45) / 4)
    assert calibration.expected_calibration_error(confidence, right, bins=1) == pytest.approx(1.56 / 4 - 0.25)
    assert calibration.expected_calibration_error(np.array([0.0, 1.0]), np.array([False, True])) == 0


@given(confident, st.randoms())
def test_the_area_under_risk_and_coverage_depends_on_no_order_and_lies_between_best_and_worst(pairs, random):
    shuffled = random.sample(pairs, len(pairs))
    area, again = (
        calibration.risk_coverage(*(np.array(each) for each in zip(*some, strict=True))) for some in (pairs, shuffled)
    )
    assert area == pytest.approx(again, abs=1e-12)
    right = np.array([known for _, known in pairs])
    best, worst = (calibration.risk_coverage(sign * right, right) for sign in (1.0, -1.0))
    assert best - 1e-12 <= area <= worst + 1e-12


def test_the_area_under_risk_and_coverage_by_hand():
    right = np.array([True, False, True])
    assert calibration.risk_coverage(np.array([0.9, 0.8, 0.7]), right) == pytest.approx((0 + 1 / 2 + 1 / 3) / 3)
    assert calibration.risk_coverage(np.array([0.9, 0.1, 0.7]), right) == pytest.approx((0 + 0 + 1 / 3) / 3)
    assert calibration.risk_coverage(np.full(3, 0.5), right) == pytest.approx(1 / 3)


def test_the_scores_by_hand():
    degrees, labels = np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]]), np.array([0, 1])
    assert calibration.negative_log_likelihood(degrees, labels) == pytest.approx(np.log(2) / 2)
    assert calibration.brier(degrees, labels) == pytest.approx((0.25 + 2 * 0.0625) / 2)
    assert np.isfinite(calibration.negative_log_likelihood(degrees, np.array([0, 2])))


@pytest.mark.parametrize("score", [calibration.negative_log_likelihood, calibration.brier])
def test_a_proper_score_is_best_for_what_is_true(score):
    degrees, labels = answers(5000)
    for sharpness in (0.3, 3.0):
        assert score(degrees, labels) < score(calibration.distribution(degrees**sharpness), labels)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000))
def test_distances_to_given_degrees(seed):
    degrees, _ = answers(30, seed=seed)
    truth, _ = answers(30, seed=seed + 1)
    assert calibration.jensen_shannon(degrees, degrees) == pytest.approx(0, abs=1e-9)
    assert 0 < calibration.jensen_shannon(degrees, truth) < 1
    assert calibration.jensen_shannon(degrees, truth) == pytest.approx(calibration.jensen_shannon(truth, degrees))
    assert calibration.cross_entropy(truth, truth) < calibration.cross_entropy(degrees, truth)
    labels = truth.argmax(axis=1)
    hard = np.eye(4)[labels]
    assert calibration.cross_entropy(degrees, hard) == pytest.approx(
        calibration.negative_log_likelihood(degrees, labels)
    )
    assert calibration.jensen_shannon(np.eye(4), np.roll(np.eye(4), 1, axis=1)) == pytest.approx(1)


def test_degrees_become_distributions_and_no_answers_have_no_score():
    made = calibration.distribution(np.array([[2.0, 6.0], [0.0, 0.0]]))
    np.testing.assert_allclose(made, [[0.25, 0.75], [0.5, 0.5]])
    with pytest.raises(ValueError, match="nothing to measure"):
        calibration.brier(np.zeros((0, 3)), np.zeros(0, int))
