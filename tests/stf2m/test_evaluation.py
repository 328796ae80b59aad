from collections.abc import Sequence

import numpy as np
import pytest

from stf2m.evaluation import evaluate
from stf2m.methods import METHODS, UnknownMethodError, method
from stf2m.tasks import Example, TooFewExamplesError

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


def test_a_method_that_knows_is_right_and_one_that_guesses_is_at_chance(pool):
    knows = evaluate(Guess(pool, 1.0), pool, ways=3, shots=1, protocol="cross", count=50)
    assert (knows.accuracy, knows.ci95, knows.macro_recall) == (1.0, 0.0, 1.0)
    assert knows.recall == dict.fromkeys(EMOTIONS, 1.0)
    guesses = evaluate(Guess(pool, 0.0), pool, ways=3, shots=1, protocol="cross", count=300)
    assert abs(guesses.accuracy - 1 / 3) < 0.08
    assert 0.005 < guesses.ci95 < 0.03


def test_the_interval_is_the_normal_one_of_the_episodes_means(pool):
    few, many = (evaluate(Guess(pool, 0.5), pool, ways=3, shots=1, protocol="cross", count=n) for n in (50, 450))
    assert few.ci95 / many.ci95 == pytest.approx(3, rel=0.3)


def test_a_seed_gives_the_same_result(pool):
    first, again, other = (
        evaluate(Guess(pool, 0.5), pool, ways=2, shots=5, protocol="personal", count=40, seed=seed)
        for seed in (7, 7, 8)
    )
    assert first.accuracy == again.accuracy
    assert first.recall == again.recall
    assert first.accuracy != other.accuracy


def test_episodes_that_cannot_be_are_refused(pool):
    with pytest.raises(TooFewExamplesError, match="No speaker has 3 emotions"):
        evaluate(Guess(pool, 1.0), pool, ways=3, shots=10, protocol="personal")


def test_methods_have_names_and_an_unknown_one_is_told():
    assert {"stf2m", "prototype", "logistic"} <= METHODS.keys()
    assert method("prototype-speaker").name == "prototype-speaker"
    with pytest.raises(UnknownMethodError, match="no method magic; there are stf2m"):
        method("magic")
