import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch.func import functional_call

from stf2m.baselines.anil import ANIL
from stf2m.baselines.finetune import FineTuning
from stf2m.baselines.finetune_whole import WholeFineTuning
from stf2m.baselines.logistic import Logistic
from stf2m.baselines.maml import MAML, Learner
from stf2m.baselines.pooling import Pooled, Standard, pooled, statistics
from stf2m.baselines.protonet import ProtoNet
from stf2m.baselines.prototype import Prototype
from stf2m.baselines.small_network import class_loss
from stf2m.segments import View
from stf2m.tasks import Example

EMOTIONS = ("angry", "happy", "sad")


def plain(features: np.ndarray) -> Pooled:
    return Pooled(features.astype(np.float32), np.ones(features.shape[1], np.float32))


def view(
    random: np.random.Generator, emotion: float = 0.0, shift: float = 0.0, frames: int = 12, modality: str = "voice"
) -> View:
    values = random.normal(shift, 1, (frames, 2, 3)).astype(np.float32)
    embedding = random.normal(emotion + shift, 1, (frames, 5)).astype(np.float32)
    return View(modality, values, embedding, np.ones(frames, bool), np.array([shift, np.nan], np.float32))


def people(random: np.random.Generator, speakers: int, takes: int = 5, spread: float = 0.6) -> list[Example]:
    """An emotion moves the embedding, a speaker's own shift moves everything."""
    return [
        Example({"voice": view(random, spread * label, shift)}, {emotion: 1.0}, f"{speaker}")
        for speaker, shift in enumerate(random.normal(0, 1, speakers))
        for label, emotion in enumerate(EMOTIONS)
        for _ in range(takes)
    ]


def one_hot(examples: list[Example]) -> np.ndarray:
    return np.array([[each.emotion == emotion for emotion in EMOTIONS] for each in examples], np.float32)


def accuracy(method, train: list[Example], support: list[Example], query: list[Example]) -> float:
    method.fit(train)
    encoded = method.encode([*support, *query])
    adapted = method.adapt(encoded[: len(support)], one_hot(support), EMOTIONS)
    degrees = adapted.predict(encoded[len(support) :])
    np.testing.assert_allclose(degrees.sum(axis=1), 1, rtol=1e-5)
    return float((degrees.argmax(axis=1) == one_hot(query).argmax(axis=1)).mean())


def test_statistics_are_what_they_say_and_ignore_frames_that_are_not_valid():
    each = view(np.random.default_rng(0))
    valid = np.arange(12) < 8
    values = np.where(valid[:, None, None], each.values, 99.0)
    spoilt = View("voice", values, np.where(valid[:, None], each.embedding, 99.0), valid, each.cues)
    cut = View("voice", each.values[:8], each.embedding[:8], valid[:8], each.cues)
    for one, other in zip(statistics(spoilt), statistics(cut), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    flat, (values, embedding, cues) = cut.values.reshape(8, 6), statistics(cut)
    np.testing.assert_allclose(values[:6], flat.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(values[6:12], flat.std(axis=0), rtol=1e-5)
    np.testing.assert_allclose(values[12:], np.abs(np.diff(flat, axis=0)).mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(embedding[:5], cut.embedding.mean(axis=0), rtol=1e-5)
    np.testing.assert_array_equal(cues, cut.cues)


def test_a_missing_modality_is_unknown_and_an_unknown_number_counts_for_nothing():
    random = np.random.default_rng(1)
    voice, face = view(random), view(random, modality="face")
    rows = pooled([Example({"voice": voice, "face": face}, {}), Example({"voice": voice}, {})])
    width = sum(map(len, statistics(face)))
    assert np.isnan(rows.features[1, :width]).all()
    assert not np.isnan(rows.features[0, : width - 1]).any()
    standard = Standard.of(rows)
    assert not np.isnan(standard(rows)).any()
    assert not standard(rows)[1, :width].any()


def test_every_kind_of_statistic_counts_as_much_as_any_other():
    random = np.random.default_rng(2)
    rows = pooled([Example({"voice": view(random, shift=shift)}, {}) for shift in random.normal(size=500)])
    spread = Standard.of(rows)(rows).var(axis=0)
    sizes = [len(kind) for kind in statistics(view(random))]
    values, embedding, cues = (part.sum() for part in np.split(spread, np.cumsum(sizes)[:-1]))
    assert values == pytest.approx(embedding, rel=1e-3)
    assert cues == pytest.approx(embedding / 2, rel=1e-3)  # one of the two cues is never known


def test_one_frame_has_statistics_too():
    values, embedding, _ = statistics(view(np.random.default_rng(2), frames=1))
    assert np.isfinite([*values, *embedding]).all()


def test_the_untrained_prototype_is_the_nearest_mean_of_the_standardised_support():
    random = np.random.default_rng(3)
    support, query = random.normal(size=(6, 4)), random.normal(size=(9, 4))
    degrees = np.eye(3, dtype=np.float32)[[0, 0, 1, 1, 2, 2]]
    got = Prototype().adapt(plain(support), degrees, EMOTIONS).predict(plain(query)).argmax(axis=1)
    scaled = (query - support.mean(axis=0)) / support.std(axis=0)
    means = ((support - support.mean(axis=0)) / support.std(axis=0)).reshape(3, 2, 4).mean(axis=1)
    assert np.array_equal(got, [np.linalg.norm(row - means, axis=1).argmin() for row in scaled])


def test_degrees_move_a_prototype_as_far_as_they_say():
    support = plain(np.array([[0.0, 0], [4, 0], [0, 4]]))
    means = Prototype().adapt(support, np.array([[1, 0], [1, 0], [0.5, 0.5]], np.float32), EMOTIONS[:2]).means
    standard = Standard.of(support)(support)
    np.testing.assert_allclose(means[0], (standard[0] + standard[1] + standard[2] / 2) / 2.5, rtol=1e-5)
    np.testing.assert_allclose(means[1], standard[2], rtol=1e-5)


LEARNED = pytest.mark.parametrize(
    "make", [ProtoNet, MAML, ANIL, FineTuning, WholeFineTuning], ids=lambda make: make.name
)


@pytest.mark.parametrize(
    "method",
    [
        Prototype(),
        Prototype(per_speaker=True),
        Logistic(),
        ProtoNet(steps=60),
        MAML(steps=60),
        MAML(steps=120, first_order=True),
        ANIL(steps=60),
        FineTuning(steps=60),
        WholeFineTuning(steps=60),
    ],
    ids=lambda method: method.name,
)
def test_every_baseline_recognises_new_people_far_above_chance(method):
    random = np.random.default_rng(4)
    train, test = people(random, 12), people(random, 4, spread=1.2)
    assert accuracy(method, train, test[: len(test) // 2], test[len(test) // 2 :]) > 0.55
    assert accuracy(method, [], test[: len(test) // 2], test[len(test) // 2 :]) > 0.4


def test_the_discriminant_and_the_speakers_own_mean_each_help_new_people():
    random = np.random.default_rng(5)
    train, test = people(random, 20), people(random, 8)
    support = [test[0], test[5], test[10]]
    query = test[15:]
    plain, trained = accuracy(Prototype(), [], support, query), accuracy(Prototype(), train, support, query)
    assert trained > plain
    assert accuracy(Prototype(per_speaker=True), train, support, query) > trained


def test_unlabelled_examples_draw_the_means_to_where_the_emotions_are():
    random = np.random.default_rng(8)
    labels, degrees = np.arange(60) % 3, np.eye(3, dtype=np.float32)
    right = []
    for _ in range(20):
        everything = 3 * np.eye(3)[labels] + random.normal(scale=0.8, size=(60, 3))
        support, unlabelled = plain(everything[:3] + random.normal(size=(3, 3))), plain(everything[3:])
        alone, helped = (Prototype().adapt(support, degrees, EMOTIONS, more) for more in (None, unlabelled))
        right.append([(each.predict(unlabelled).argmax(axis=1) == labels[3:]).mean() for each in (alone, helped)])
    without, within = np.mean(right, axis=0)
    assert within > without + 0.04
    none = Prototype().adapt(support, degrees, EMOTIONS, unlabelled[:0])
    np.testing.assert_array_equal(none.means, alone.means)


def test_looking_only_where_the_support_is_finds_the_same_regression():
    random = np.random.default_rng(6)
    support, query = plain(random.normal(size=(9, 40))), plain(random.normal(size=(20, 40)))
    labels = np.arange(9) % 3
    standard = Standard.of(support)
    whole = LogisticRegression(max_iter=5000, tol=1e-8).fit(standard(support), labels)
    got = Logistic().adapt(support, np.eye(3, dtype=np.float32)[labels], EMOTIONS).predict(query)
    np.testing.assert_allclose(got, whole.predict_proba(standard(query)), atol=2e-3)


def test_an_emotion_without_support_gets_no_degree():
    support = plain(np.random.default_rng(7).normal(size=(4, 6)))
    degrees = np.eye(3, dtype=np.float32)[[0, 0, 2, 2]]
    assert not Logistic().adapt(support, degrees, EMOTIONS).predict(support)[:, 1].any()
    assert not Prototype().adapt(support, degrees, EMOTIONS).predict(support)[:, 1].any()


@LEARNED
def test_the_same_seed_gives_the_same_answers_and_progress_is_told(make):
    train, test = people(np.random.default_rng(8), 6), people(np.random.default_rng(9), 3)
    told: list[float] = []
    methods = [make(steps=3, progress=lambda share, _: told.append(share)), make(steps=3), make(steps=3, seed=1)]
    answers = []
    for each in methods:
        each.fit(train)
        encoded = each.encode(test)
        answers.append(each.adapt(encoded[:15], one_hot(test[:15]), EMOTIONS, encoded[15:]).predict(encoded[15:]))
    assert told == pytest.approx([1 / 3, 2 / 3, 1])
    np.testing.assert_array_equal(answers[0], answers[1])
    assert not np.allclose(answers[0], answers[2])


@LEARNED
def test_what_is_learned_takes_any_modalities_degrees_and_numbers_of_emotions(make):
    random = np.random.default_rng(10)
    both = [
        Example({**each.views, "face": view(random, modality="face", frames=1)}, each.degrees, each.speaker)
        for each in people(random, 4)
    ]
    mixed = [*both, *people(random, 4)]
    method = make(steps=3)
    method.fit(mixed)
    test = [*both[:4], *people(random, 1)[:3], Example({"face": view(random, modality="face")}, {"sad": 1.0})]
    encoded = method.encode(test)
    degrees = np.array([[1, 0, 0, 0], [0, 0.5, 0.5, 0], [0.2, 0.8, 0, 0]], np.float32)
    answer = method.adapt(encoded[:3], degrees, ("tired", "calm", "sad", "proud")).predict(encoded[3:])
    assert answer.shape == (5, 4)
    np.testing.assert_allclose(answer.sum(axis=1), 1, rtol=1e-5)
    assert not answer[:, 3].any()


def test_only_the_head_moves_in_anil_and_everything_in_maml():
    train = people(np.random.default_rng(11), 6)
    for make, moved in (
        (ANIL, {"head"}),
        (MAML, {"head", "first.weight", "first.bias", "second.weight", "second.bias"}),
    ):
        method = make(steps=3)
        method.fit(train)
        adapted = method.adapt(method.encode(train)[:15], one_hot(train[:15]), EMOTIONS)
        start = dict(adapted.learner.start.named_parameters())
        assert {
            name for name, value in adapted.weights.items() if not torch.equal(value, start[name].expand_as(value))
        } == moved


def test_second_order_gradients_are_those_of_the_adapted_loss():
    torch.manual_seed(0)
    learner = Learner(4, ["head", "first.weight", "first.bias", "second.weight", "second.bias"]).double()
    points, degrees = torch.randn(6, 4, dtype=torch.float64), torch.eye(3, dtype=torch.float64).repeat(2, 1)

    def adapted_loss(second_order: bool = True) -> torch.Tensor:
        weights = learner.adapt(points[:3], degrees[:3], second_order)
        return class_loss(functional_call(learner.start, dict(weights), (points[3:],)), degrees[3:])

    slopes = {order: torch.autograd.grad(adapted_loss(order), learner.start.first.weight)[0] for order in (True, False)}
    with torch.no_grad():
        learner.start.first.weight[0, 0] += 1e-6
        more = adapted_loss()
        learner.start.first.weight[0, 0] -= 2e-6
        less = adapted_loss()
    assert slopes[True][0, 0].item() == pytest.approx((more - less).item() / 2e-6, rel=1e-4)
    assert not torch.allclose(slopes[True], slopes[False], rtol=1e-3)
