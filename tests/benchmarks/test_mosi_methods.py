from dataclasses import replace

import numpy as np
import pytest

from benchmarks.mosi_methods import Alone, Known, Majority, Network, Revising, Training, Utterances, trials
from stf2m.baselines.fusion import Fusion
from stf2m.baselines.misa import MISA

TOLD, NOISE = "words", "sound"


def utterances(seed: int, videos: int, size: int = 24) -> Utterances:
    """What the words say is shifted in every video, so that ten corrections are worth something; sound is noise."""
    random = np.random.default_rng(seed)
    degrees = random.integers(0, 2, videos * size).astype(float)
    video = np.repeat([f"video {number}" for number in range(videos)], size)
    shift = np.repeat(random.normal(0, 2, videos), size)
    words = random.normal(size=(videos * size, 4)) + (2 * degrees - 1 + shift)[:, None] * [1, 0, 0, 0]
    features = {TOLD: words.astype(np.float32), NOISE: random.normal(size=words.shape).astype(np.float32)}
    return Utterances(features, degrees, video, np.tile(np.arange(float(size)), videos))


def right(method, test: Utterances) -> float:
    method.meet(test)
    answers = [
        ((method.answer(trial, test.degrees[trial.support]) > 0) == test.degrees[trial.query]).mean()
        for trial in trials(test, 5, np.random.default_rng(0))
    ]
    return float(np.mean(answers))


@pytest.fixture(scope="module")
def training() -> Training:
    return Training(utterances(0, 12))


def test_an_episode_is_ten_of_a_video_and_all_its_others():
    known = utterances(1, 5)
    drawn = trials(known, 3, np.random.default_rng(0))
    assert len(drawn) == 15
    for each in drawn:
        assert known.degrees[each.support].sum() == 5
        assert len(each.support) == 10
        assert (
            sorted([*each.support, *each.query]) == np.flatnonzero(known.video == known.video[each.query[0]]).tolist()
        )


def test_revising_beats_what_it_revises_and_what_the_ten_tell_alone(training):
    test, figures = utterances(2, 10), {}
    for method in (Majority(), Known([TOLD, NOISE]), Alone([TOLD, NOISE]), Revising("ours", [TOLD, NOISE])):
        method.fit(training)
        figures[method.name] = right(method, test)
    assert figures["ours"] > max(figures["global model, unadapted"], figures["fitted on the ten alone"]) + 0.02
    assert figures["majority"] < 0.6


def test_no_answer_depends_on_the_query_labels(training):
    test = utterances(3, 3)
    network = Network(MISA, "MISA", [TOLD, NOISE])
    network._fusion = Fusion(MISA, steps=5)
    for method in (
        network,
        Known([TOLD], "threshold", threshold=True),
        Revising("ours", [TOLD], [NOISE], company=True),
    ):
        method.fit(training)
        for trial in trials(test, 1, np.random.default_rng(0)):
            other = test.degrees.copy()
            other[trial.query] = 1 - other[trial.query]
            answers = []
            for each in (test, replace(test, degrees=other)):
                method.meet(each)
                answers.append(method.answer(trial, each.degrees[trial.support]))
            np.testing.assert_array_equal(*answers)


def test_features_that_have_seen_labels_are_trusted_little_until_the_ten_bear_them_out():
    known, new = utterances(4, 12), utterances(5, 10)
    memory = (5 * known.degrees + np.zeros((1, 1))).T.astype(np.float32)
    blank = np.random.default_rng(0).normal(size=(len(new), 1)).astype(np.float32)
    training = Training(replace(known, features={**known.features, "memory": memory}))
    test = replace(new, features={**new.features, "memory": blank})
    figures = []
    for method in (Revising("ours", [TOLD], ["memory"]), Known([TOLD, "memory"])):
        method.fit(training)
        figures.append(right(method, test))
    assert figures[0] > 0.7
    assert figures[0] > figures[1]
