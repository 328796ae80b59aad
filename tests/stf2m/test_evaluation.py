import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stf2m.comparison import prepare
from stf2m.datasets import Selection
from stf2m.evaluation import Setting, evaluate
from stf2m.methods import METHODS, Adapting, UnknownMethodError, method
from stf2m.network import Memory
from stf2m.tasks import Example, TooFewExamplesError
from tests.stf2m.made import MODALITIES, model, view

EMOTIONS = ("angry", "calm", "happy")


class Guess:
    """Knows each example's emotion by its row, and is right about a share of them."""

    origin = "the answers"

    def __init__(self, examples: Sequence[Example], right: float, seed: int = 0) -> None:
        self.name = f"right {right}"
        random = np.random.default_rng(seed)
        self.known = [
            example.emotion if random.random() < right else str(random.choice(EMOTIONS)) for example in examples
        ]

    def fit(self, train: Sequence[Example]) -> None:
        raise AssertionError("Nothing to fit.")

    def encode(self, examples: Sequence[Example]) -> np.ndarray:
        return np.arange(len(examples))

    def adapt(self, support: np.ndarray, degrees: np.ndarray, emotions: Sequence[str]) -> "Guess":
        self.emotions = emotions
        return self

    def predict(self, query: np.ndarray) -> np.ndarray:
        return np.array([[self.known[row] == emotion for emotion in self.emotions] for row in query], np.float32)


@pytest.fixture
def pool() -> list[Example]:
    return [Example({}, {emotion: 1.0}, str(who)) for who in range(6) for emotion in EMOTIONS for _ in range(10)]


CROSS = Setting(ways=3, shots=1, episodes=50)


def test_a_method_that_knows_is_right_and_one_that_guesses_is_at_chance(pool):
    knows = evaluate(Guess(pool, 1.0), pool, CROSS)
    assert (knows.accuracy, knows.ci95, knows.macro_recall) == (1.0, 0.0, 1.0)
    assert knows.recall == dict.fromkeys(EMOTIONS, 1.0)
    assert (knows.quality.ece, knows.quality.brier, knows.quality.aurc) == (0, 0, 0)
    guesses = evaluate(Guess(pool, 0.0), pool, replace(CROSS, episodes=200))
    assert abs(guesses.accuracy - 1 / 3) < 0.08
    assert 0.005 < guesses.ci95 < 0.03
    assert guesses.quality.ece == pytest.approx(1 - guesses.accuracy, abs=0.01)
    assert guesses.quality.aurc == pytest.approx(1 - guesses.accuracy, abs=0.01)


def test_the_interval_is_the_normal_one_of_the_episodes_means(pool):
    few, many = (evaluate(Guess(pool, 0.5), pool, replace(CROSS, episodes=count)) for count in (30, 270))
    assert few.ci95 / many.ci95 == pytest.approx(3, rel=0.3)


def test_a_seed_gives_the_same_result(pool):
    personal = Setting(ways=2, shots=5, protocol="personal", episodes=40)
    first, again, other = (evaluate(Guess(pool, 0.5), pool, replace(personal, seed=seed)) for seed in (7, 7, 8))
    assert first.accuracy == again.accuracy
    assert first.recall == again.recall
    assert first.accuracy != other.accuracy


def test_episodes_that_cannot_be_are_refused(pool):
    with pytest.raises(TooFewExamplesError, match="No speaker has 3 emotions"):
        evaluate(Guess(pool, 1.0), pool, Setting(ways=3, shots=10, protocol="personal"))


class Notes(Guess):
    """Writes down what it was given; its confidence is its own."""

    transductive = True

    def __init__(self, examples: Sequence[Example]) -> None:
        super().__init__(examples, 0.5)
        self.given: list[tuple] = []

    def adapt(self, support, degrees, emotions, unlabelled=None) -> "Notes":
        self.given.append((support, degrees, emotions, unlabelled))
        return super().adapt(support, degrees, emotions)

    def confidence(self, query: np.ndarray) -> np.ndarray:
        return (self.predict(query).argmax(axis=1) == [self.emotions.index(pool_emotion(row)) for row in query]).astype(
            float
        )


def pool_emotion(row: int) -> str:
    """The emotion of a row of the pool."""
    return EMOTIONS[row // 10 % 3]


def test_unlabelled_queries_go_to_methods_that_have_a_use_for_them_and_only_if_they_are_to(pool):
    with_them, without, guess = Notes(pool), Notes(pool), Guess(pool, 0.5)
    told = evaluate(with_them, pool, replace(CROSS, transductive=True))
    assert told.setting.transductive
    episodes = [episode for episode, _ in CROSS.tasks(pool)]
    assert all(
        np.array_equal(given[3], episode.query) for given, episode in zip(with_them.given, episodes, strict=True)
    )
    assert not evaluate(without, pool, CROSS).setting.transductive
    assert all(given[3] is None for given in without.given)
    assert not evaluate(guess, pool, replace(CROSS, transductive=True)).setting.transductive


def test_wrong_labels_are_the_same_for_every_method_and_change_nothing_else(pool):
    first, second, right = Notes(pool), Notes(pool), Notes(pool)
    wrong = replace(CROSS, shots=5, wrong=0.2)
    for each, setting in ((first, wrong), (second, wrong), (right, replace(wrong, wrong=0.0))):
        evaluate(each, pool, setting)
    for one, other, plain in zip(first.given, second.given, right.given, strict=True):
        assert np.array_equal(one[0], plain[0])
        assert one[2] == plain[2]
        assert np.array_equal(one[1], other[1])
        assert (one[1].argmax(axis=1) != plain[1].argmax(axis=1)).sum() == 3


def test_degrees_of_several_emotions_are_learned_from_and_answers_are_compared_with_them():
    soft = [
        Example({}, {emotion: 0.7, EMOTIONS[place - 1]: 0.3}, f"{who}")
        for who in range(4)
        for place, emotion in enumerate(EMOTIONS)
        for _ in range(6)
    ]
    learns, top = Notes(soft), Notes(soft)
    told = evaluate(learns, soft, CROSS)
    assert all(np.allclose(np.sort(given[1], axis=1), [0, 0.3, 0.7]) for given in learns.given)
    hard = evaluate(top, soft, replace(CROSS, soft=False))
    assert all(np.array_equal(np.sort(given[1], axis=1), [[0, 0, 1]] * 3) for given in top.given)
    assert told.accuracy == hard.accuracy
    knows = evaluate(Guess(soft, 1.0), soft, CROSS).quality
    assert knows.jensen_shannon == pytest.approx(1 - (1.7 * np.log2(1.7) - 0.7 * np.log2(0.7)) / 2)
    assert knows.cross_entropy == pytest.approx(-0.3 * np.log(1e-7))
    assert told.quality.jensen_shannon is not None
    assert knows.jensen_shannon < told.quality.jensen_shannon


def test_confidence_of_its_own_is_judged_apart_from_the_top_degree(pool):
    quality = evaluate(Notes(pool), pool, CROSS).quality
    assert quality.aurc < 0.7 * quality.aurc_softmax
    assert evaluate(Guess(pool, 0.5), pool, CROSS).quality.ece_before is None


class Doubts(Guess):
    """Knows everything but strangers, whom it doubts although its top degree is as high."""

    def predict(self, query: np.ndarray) -> np.ndarray:
        return np.where(
            super().predict(query).any(axis=1)[:, None], super().predict(query), np.eye(2)[[0] * len(query)]
        )

    def confidence(self, query: np.ndarray) -> np.ndarray:
        return super().predict(query).max(axis=1)


def test_strangers_are_wrong_answers_that_a_method_should_doubt(pool):
    setting = replace(CROSS, ways=2, strangers=3)
    told = evaluate(Doubts(pool, 1.0), pool, setting).quality
    assert (told.auroc_strangers, told.auroc_strangers_softmax) == (1.0, 0.5)
    assert told.aurc == pytest.approx(np.maximum(1 - 10 / np.arange(1, 14), 0).mean(), abs=0.01)
    assert told.aurc_softmax == pytest.approx(3 / 13, abs=0.01)
    without = evaluate(Doubts(pool, 1.0), pool, replace(setting, strangers=0))
    assert (without.quality.aurc, without.quality.auroc_strangers) == (0, None)
    assert evaluate(Doubts(pool, 1.0), pool, setting).accuracy == without.accuracy == 1.0
    with pytest.raises(TooFewExamplesError, match="no other emotion"):
        evaluate(Guess(pool, 1.0), pool, replace(CROSS, strangers=1))


@pytest.mark.data
def test_the_shipped_model_doubts_emotions_that_nobody_told_it_of_more_than_its_degrees_say(data_dir: Path):
    voices = prepare(data_dir / "ravdess_speech", Selection(speakers="15-18"), learning=False)
    setting = Setting(shots=5, episodes=60, strangers=5)
    told = evaluate(Adapting(memory=False), voices.test, setting).quality
    assert told.auroc_strangers is not None
    assert told.auroc_strangers_softmax is not None
    assert told.auroc_strangers > told.auroc_strangers_softmax + 0.02
    assert told.aurc < told.aurc_softmax


def test_a_checkpoint_answers_before_it_adapts_as_far_as_it_remembers_and_tells_its_own_uncertainty():
    random = np.random.default_rng(0)
    test = [
        Example({each.name: view(each, random, shift=shift) for each in MODALITIES}, {emotion: 1.0}, f"{who}")
        for who in range(4)
        for shift, emotion in zip((-1.0, 0.0, 1.0), EMOTIONS, strict=True)
        for _ in range(3)
    ]
    network = model()
    few = replace(CROSS, episodes=3)
    plain = evaluate(Adapting(network), test, few)
    assert plain.modalities == ("face", "text", "voice")
    assert plain.quality.aurc != plain.quality.aurc_softmax
    encoded = network.encode([example.views for example in test[:9]])
    for known, answers in ((EMOTIONS[:1], False), (EMOTIONS[:2], True)):
        network.memory = Memory(encoded, known, np.ones((9, len(known)), np.float32) / len(known))
        assert (Adapting(network).unadapted(EMOTIONS) is not None) == answers
        assert (evaluate(Adapting(network), test, few).quality.ece_before is not None) == answers
        assert evaluate(Adapting(network, memory=False), test, few).quality.ece_before is None
    assert plain.quality.ece_before is None


def test_a_result_is_one_flat_json_object(pool):
    told = evaluate(Guess(pool, 1.0), pool, Setting(ways=2, shots=(1, 3), alpha=2.0, episodes=5, wrong=0.1)).as_json()
    assert json.loads(json.dumps(told)) == {**told, "modalities": list(told["modalities"])}
    assert told.keys() >= {"accuracy", "ci95", "episodes", "seconds", "ece", "nll", "brier", "aurc", "aurc_softmax"}
    assert (told["shots"], told["balance"], told["wrong"], told["transductive"]) == ("1-3", 2.0, 0.1, False)
    assert told["answers"] == 5 * 2 * 5
    assert told["ece_before"] is told["cross_entropy"] is told["jensen_shannon"] is None


def test_methods_have_names_and_an_unknown_one_is_told():
    assert {"stf2m", "prototype", "logistic"} <= METHODS.keys()
    assert method("prototype-speaker").name == "prototype-speaker"
    with pytest.raises(UnknownMethodError, match="no method magic; there are stf2m"):
        method("magic")


class Looking(Guess):
    """Remembers how many numbers of an embedding it was shown."""

    def encode(self, examples: Sequence[Example]) -> np.ndarray:
        self.seen = {example.views["face"].embedding.shape[1] for example in examples}
        return super().encode(examples)


def test_only_a_method_that_comes_trained_sees_what_our_own_model_has_learned():
    pool = [
        Example({"face": replace(view(MODALITIES[0], np.random.default_rng(who)), learned=1)}, {emotion: 1.0}, str(who))
        for who in range(4)
        for emotion in EMOTIONS
    ]
    width = MODALITIES[0].embedding
    for origin, seen in (("the answers", width), ("", width - 1)):
        looking = Looking(pool, 1.0)
        looking.origin = origin
        evaluate(looking, pool, replace(CROSS, episodes=2))
        assert looking.seen == {seen}
