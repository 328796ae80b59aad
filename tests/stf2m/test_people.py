from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stf2m import people
from stf2m.people import CAUTION, Baseline, balanced, left_over

EMOTIONS = ("angry", "calm", "happy", "sad")
SIZE = 12


class Crowd:
    """Made people: each has an own part, every emotion the same mean for all, and content is noise."""

    def __init__(self, people: int = 14, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        self.typical = 2.0 * np.linalg.qr(random.normal(size=(SIZE, len(EMOTIONS))))[0].T
        self.own = 0.4 * random.normal(size=(people, SIZE))
        self.random = random

    def speak(self, person: int, emotions: Sequence[str]) -> torch.Tensor:
        means = [self.own[person] + self.typical[EMOTIONS.index(name)] for name in emotions]
        return torch.from_numpy(np.array(means) + 0.3 * self.random.normal(size=(len(emotions), SIZE))).float()


@pytest.fixture(scope="module")
def crowd() -> Crowd:
    return Crowd()


@pytest.fixture(scope="module")
def baseline(crowd: Crowd) -> Baseline:
    emotion, speaker, means = [], [], []
    for person in range(10):
        shown = [name for name in EMOTIONS for _ in range(6)]
        emotion += shown
        speaker += [f"person {person}"] * len(shown)
        means.append(crowd.speak(person, shown))
    joined = torch.cat(means)
    person, table = balanced(joined, emotion, speaker)
    fitted = Baseline(SIZE, classes=6)
    content = 0.3 * torch.randn(200, SIZE, generator=torch.Generator().manual_seed(0))
    fitted.fit(joined, content, emotion, person, table)
    return fitted


def mean_error(baseline: Baseline, crowd: Crowd, emotions: Sequence[str]) -> float:
    """How far the estimate of new people's own part is from the truth, over how large it is."""
    errors, sizes = [], []
    for person in range(10, 14):
        true = torch.from_numpy(crowd.own[person]).float() - baseline.middle + crowd.typical.mean(axis=0).astype("f4")
        found = baseline.own(crowd.speak(person, emotions))
        errors.append((found - true).norm())
        sizes.append(true.norm())
    return float(torch.stack(errors).mean() / torch.stack(sizes).mean())


def test_somebody_with_all_emotions_is_known_well(baseline, crowd) -> None:
    assert mean_error(baseline, crowd, list(EMOTIONS) * 5) < 0.25


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_one_emotion_of_a_person_is_not_taken_for_their_own(baseline, crowd, emotion: str) -> None:
    found, plain = [], []
    for person in range(10, 14):
        means = crowd.speak(person, [emotion] * 10)
        true = torch.from_numpy(crowd.own[person] + crowd.typical.mean(axis=0)).float() - baseline.middle
        found.append((baseline.own(means) - true).norm())
        plain.append((means.mean(dim=0) - baseline.middle - true).norm())
    assert sum(found) < 0.6 * sum(plain)


def test_an_unfitted_baseline_takes_nothing_off() -> None:
    nobody = Baseline(SIZE, classes=3)
    assert not nobody.own(torch.randn(5, SIZE)).any()
    assert not nobody.of_each(torch.randn(5, SIZE), ["a"] * 5).any()


def test_nobody_has_nothing_of_their_own(baseline) -> None:
    assert not baseline.own(torch.zeros(0, SIZE)).any()


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(8)))
def test_the_order_of_segments_does_not_matter(baseline, crowd, order: list[int]) -> None:
    means = Crowd(seed=3).speak(0, list(EMOTIONS) * 2)
    torch.testing.assert_close(baseline.own(means[order]), baseline.own(means), rtol=1e-4, atol=1e-5)


def test_people_are_estimated_apart_and_strangers_each_alone(baseline, crowd) -> None:
    means = torch.cat([crowd.speak(11, list(EMOTIONS)), crowd.speak(12, list(EMOTIONS))])
    found = baseline.of_each(means, ["a"] * 4 + ["b"] * 4)
    torch.testing.assert_close(found[0], baseline.own(means[:4]))
    torch.testing.assert_close(found[7], baseline.own(means[4:]))
    alone = baseline.of_each(means, [""] * 8)
    torch.testing.assert_close(alone[2], baseline.own(means[2:3]))


def test_only_people_with_many_performances_of_several_emotions_are_learned_from() -> None:
    emotion = list(EMOTIONS) * 6 + list(EMOTIONS) + ["sad"] * 30
    speaker = ["many"] * 24 + ["few"] * 4 + ["one emotion"] * 30
    person, table = balanced(torch.randn(58, SIZE), emotion, speaker)
    assert len(table) == 1
    assert (person[:24] == 0).all()
    assert (person[24:] == -1).all()


def test_a_persons_mean_counts_every_emotion_alike() -> None:
    emotion = ["sad"] * 21 + ["happy", "angry", "calm"]
    means = torch.zeros(24, SIZE)
    means[21:] = 1.0
    _, table = balanced(means, emotion, ["somebody"] * 24)
    torch.testing.assert_close(table[0], torch.full((SIZE,), 0.75))


def test_the_variety_of_what_somebody_shows_is_counted_and_no_more_than_their_segments(
    baseline, crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    def variety(emotions: Sequence[str]) -> float:
        means = crowd.speak(12, emotions)
        return float(baseline.variety(means - baseline.own(means)))

    assert variety(list(EMOTIONS) * 5) == 0, "four emotions are too few"
    monkeypatch.setattr(people, "SOME", 3.0)
    monkeypatch.setattr(people, "MOST", 4.0)
    assert variety(["sad"] * 20) == 0
    assert variety(["sad", "happy"] * 10) == 0
    assert variety(list(EMOTIONS) * 5) > 0.6
    assert variety(["sad", "happy", "calm"]) == 0, "three segments have three emotions at most"
    assert Baseline(SIZE, classes=3).variety(torch.randn(9, SIZE)) == 0
    assert baseline.variety(torch.zeros(0, SIZE)) == 0


def test_what_is_left_over_is_the_mean_about_the_level_as_far_as_variety_allows() -> None:
    read, level = torch.tensor([[3.0, 0.0], [5.0, 2.0], [4.0, 1.0]]), torch.tensor([1.0, 1.0])
    torch.testing.assert_close(left_over(read, level, torch.tensor(1.0)), torch.tensor([9.0, 0.0]) / (3 + CAUTION))
    torch.testing.assert_close(left_over(read, level, torch.tensor(0.5)), torch.tensor([4.5, 0.0]) / (3 + CAUTION))
    assert not left_over(read, level, torch.tensor(0.0)).any()
