import time

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stf2m.adaptation import AdaptedModel, SupportError
from stf2m.checkpoint import CheckpointError
from stf2m.encoded import Encoded
from stf2m.fast_weights import contributions, logits, shared
from stf2m.model import STF2M
from stf2m.network import Memory
from stf2m.threads import one_thread
from tests.stf2m import made

untrained = made.untrained


def same_weights(one: AdaptedModel, other: AdaptedModel) -> bool:
    return one.to_bytes() == other.to_bytes()


@pytest.mark.parametrize(("ways", "shots"), [(2, 1), (5, 3), (12, 2)])
def test_any_number_of_emotions_is_learned_from_few(untrained, ways: int, shots: int) -> None:
    support, degrees = made.emotional(untrained, shots, ways)
    query, truth = made.emotional(untrained, 4, ways, seed=1)
    names = [f"feeling {number}" for number in range(ways)]
    prediction = untrained.adapt(support, degrees, names).predict(query)
    assert prediction.memberships.shape == (4 * ways, ways)
    np.testing.assert_allclose(prediction.memberships.sum(axis=1), 1, atol=1e-5)
    assert (prediction.memberships.argmax(axis=1) == truth.argmax(axis=1)).mean() > 1.4 / ways
    assert ((prediction.uncertainty >= 0) & (prediction.uncertainty <= 1)).all()
    np.testing.assert_allclose(prediction.shares.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(prediction.firing.sum(axis=1), 1, atol=1e-5)


def test_the_same_corrections_in_the_same_order_give_the_same_bits(untrained) -> None:
    support, degrees = made.emotional(untrained, 3, 3)
    first = untrained.adapt(support, degrees, ["a", "b", "c"])
    assert same_weights(first, untrained.adapt(support, degrees, ["a", "b", "c"]))
    degrees = degrees.copy()
    degrees[0] = [0, 1, 0]
    assert not same_weights(first, untrained.adapt(support, degrees, ["a", "b", "c"]))


def test_the_number_of_threads_changes_no_bit(untrained) -> None:
    support, degrees = made.emotional(untrained, 3, 3)
    before = torch.get_num_threads()
    found = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        found.append(untrained.adapt(support, degrees, ["a", "b", "c"]).to_bytes())
        assert torch.get_num_threads() == threads, "the caller's setting is left as it was"
    torch.set_num_threads(before)
    assert len(set(found)) == 1


def test_the_order_of_the_corrections_does_not_matter(untrained) -> None:
    support, degrees = made.emotional(untrained, 4, 3)
    query, _ = made.emotional(untrained, 3, 3, seed=1)
    shuffled = np.random.default_rng(0).permutation(len(support))
    one = untrained.adapt(support, degrees, ["a", "b", "c"]).predict(query)
    other = untrained.adapt(support[shuffled], degrees[shuffled], ["a", "b", "c"]).predict(query)
    np.testing.assert_allclose(one.memberships, other.memberships, atol=1e-4)
    np.testing.assert_allclose(one.uncertainty, other.uncertainty, atol=1e-4)


def test_the_emotions_are_treated_alike_whatever_their_names_and_order(untrained) -> None:
    support, degrees = made.emotional(untrained, 3, 4)
    query, _ = made.emotional(untrained, 3, 4, seed=1)
    order = [2, 0, 3, 1]
    one = untrained.adapt(support, degrees, ["a", "b", "c", "d"]).predict(query)
    other = untrained.adapt(support, degrees[:, order], ["w", "x", "y", "z"]).predict(query)
    np.testing.assert_allclose(one.memberships[:, order], other.memberships, atol=1e-4)


def test_weights_count_like_repetitions_and_zero_like_absence(untrained) -> None:
    support, degrees = made.emotional(untrained, 2, 2)
    twice = np.array([0, 0, 1, 2, 3])
    query, _ = made.emotional(untrained, 3, 2, seed=1)
    weighted = untrained.adapt(support, degrees, ["a", "b"], weights=np.array([2.0, 1, 1, 1])).predict(query)
    repeated = untrained.adapt(support[twice], degrees[twice], ["a", "b"]).predict(query)
    np.testing.assert_allclose(weighted.memberships, repeated.memberships, atol=1e-4)
    without = untrained.adapt(support, degrees, ["a", "b"], weights=np.array([0.0, 1, 1, 1]))
    assert same_weights(without, untrained.adapt(support[1:], degrees[1:], ["a", "b"]))


def test_degrees_of_several_emotions_move_the_answer_between_them(untrained) -> None:
    support, degrees = made.emotional(untrained, 3, 2)
    soft = degrees * 0.2 + 0.4
    hard_answer = untrained.adapt(support, degrees, ["a", "b"]).predict(support).memberships
    soft_answer = untrained.adapt(support, soft, ["a", "b"]).predict(support).memberships
    assert np.abs(soft_answer - 0.5).mean() < np.abs(hard_answer - 0.5).mean()


def without(encoded: Encoded, modalities: list[int]) -> Encoded:
    pooled, present, cues = encoded.pooled.copy(), encoded.present.copy(), encoded.cues.copy()
    pooled[:, modalities], present[:, modalities] = 0, False
    for modality in modalities:
        first, last = [(0, 2), (2, 5), (5, 6)][modality]
        cues[:, first:last] = np.nan
    return Encoded(pooled, present, cues, encoded.encoder)


@pytest.mark.parametrize("gone", [[0], [1, 2], [0, 1, 2]])
def test_a_missing_modality_has_no_share_and_no_say(untrained, gone: list[int]) -> None:
    support, degrees = made.emotional(untrained, 3, 3)
    query = without(made.emotional(untrained, 2, 3, seed=1)[0], gone)
    adapted = untrained.adapt(support, degrees, ["a", "b", "c"])
    prediction = adapted.predict(query)
    assert not prediction.shares[:, gone].any()
    assert np.isfinite(prediction.memberships).all()
    if len(gone) == 3:
        np.testing.assert_allclose(prediction.memberships, 1 / 3, atol=1e-5)
        np.testing.assert_allclose(prediction.uncertainty, 1, atol=1e-5)
        assert not prediction.firing.any()
    loud = Encoded(query.pooled.copy(), query.present, query.cues, query.encoder)
    loud.pooled[:, gone] = 5.0
    np.testing.assert_allclose(adapted.predict(loud).memberships, prediction.memberships, atol=1e-6)


def test_corrections_of_one_modality_answer_segments_of_that_modality(untrained) -> None:
    support, degrees = made.emotional(untrained, 3, 2)
    voice = without(support, [0, 2])
    prediction = untrained.adapt(voice, degrees, ["a", "b"]).predict(
        without(made.emotional(untrained, 3, 2, 1)[0], [0, 2])
    )
    assert (prediction.memberships.argmax(axis=1) == [0, 0, 0, 1, 1, 1]).mean() > 0.6


def test_the_answer_is_the_sum_of_what_the_sources_add(untrained) -> None:
    support, degrees = made.emotional(untrained, 2, 3)
    adapted = untrained.adapt(support, degrees, ["a", "b", "c"])
    with torch.inference_mode():
        _, evidence = adapted._see(support)
        total = contributions(adapted.fast, evidence).sum(dim=1)
        torch.testing.assert_close(total, logits(adapted.fast, evidence))
        degrees_again = (total / untrained.temperature).softmax(dim=1)
    np.testing.assert_allclose(adapted.predict(support).memberships, degrees_again.numpy(), atol=1e-6)


def elsewhere(encoded: Encoded) -> Encoded:
    """The same segments recorded in another room: every feature is moved alike."""
    moved = encoded.pooled + 1.5 * np.random.default_rng(7).normal(size=encoded.pooled.shape[1:]).astype(np.float32)
    return Encoded(moved * encoded.present[:, :, None], encoded.present, encoded.cues, encoded.encoder)


def test_unlabelled_segments_of_another_room_tell_where_the_emotions_are_there(untrained) -> None:
    """The prototypes come nearer to the means of emotions that no label has told."""
    names = ["happy", "neutral", "sad"]
    for seed in range(3):
        support, degrees = made.emotional(untrained, 2, 3, seed=seed)
        query, truth = made.emotional(untrained, 12, 3, seed=seed + 50)
        query = elsewhere(query)

        def away(adapted: AdaptedModel, query: Encoded = query, truth: np.ndarray = truth) -> float:
            _, evidence = adapted._see(query)
            means = torch.einsum("nk,njd->kjd", torch.from_numpy(truth).float(), evidence.features) / 12
            return (adapted.fast.prototypes + adapted.fast.centre - means)[:, :3].norm().item()

        alone = untrained.adapt(support, degrees, names)
        assert away(untrained.adapt(support, degrees, names, unlabelled=query)) < 0.6 * away(alone)


def test_unlabelled_segments_of_one_emotion_are_not_shared_out_over_all(untrained) -> None:
    names = ["happy", "neutral", "sad"]
    support, degrees = made.emotional(untrained, 4, 3)
    query, truth = made.emotional(untrained, 10, 3, seed=1)
    one = query[truth[:, 0] == 1]
    before = untrained.adapt(support, degrees, names).predict(one).memberships[:, 0].mean()
    after = untrained.adapt(support, degrees, names, unlabelled=one).predict(one).memberships[:, 0].mean()
    assert after > before - 0.05


@given(seed=st.integers(0, 10**6), count=st.integers(1, 60), emotions=st.integers(2, 7), unknown=st.integers(0, 2))
def test_unlabelled_segments_are_shared_out_among_known_emotions_only(seed, count, emotions, unknown) -> None:
    generator = torch.Generator().manual_seed(seed)
    spoken = 3 * torch.randn(count, emotions + unknown, generator=generator)
    known = torch.arange(emotions + unknown) < emotions
    degrees = shared(spoken.masked_fill(~known, -1e4), known)
    assert torch.allclose(degrees.sum(dim=1), torch.ones(count), atol=1e-5)
    assert not degrees[:, ~known].any()
    plain = spoken.masked_fill(~known, -1e4).softmax(dim=1).mean(dim=0)
    apart = (degrees.mean(dim=0) - 1 / emotions)[known].abs().sum()
    assert apart <= (plain - 1 / emotions)[known].abs().sum() + 0.02, "never further from even shares than they seemed"


def test_few_segments_in_about_even_shares_are_taken_as_even_and_many_uneven_ones_are_not() -> None:
    known = torch.ones(3, dtype=torch.bool)
    nearly = torch.eye(3)[[0, 0, 0, 0, 1, 1, 1, 2, 2]]
    few = shared(4 * nearly + 0.3 * torch.randn(9, 3, generator=torch.Generator().manual_seed(0)), known)
    assert few.mean(dim=0).max() < 0.37
    uneven = torch.eye(3)[[0] * 60 + [1] * 20 + [2] * 20]
    np.testing.assert_allclose(
        shared(6 * uneven, known).mean(dim=0), (6 * uneven).softmax(dim=1).mean(dim=0), atol=1e-3
    )


def test_no_unlabelled_segment_changes_nothing_and_their_order_neither(untrained) -> None:
    names = ["happy", "neutral", "sad"]
    support, degrees = made.emotional(untrained, 2, 3)
    query, _ = made.emotional(untrained, 5, 3, seed=1)
    plain = untrained.adapt(support, degrees, names)
    assert same_weights(plain, untrained.adapt(support, degrees, names, unlabelled=query[:0]))
    one, other = (untrained.adapt(support, degrees, names, unlabelled=each) for each in (query, query[::-1]))
    np.testing.assert_allclose(one.predict(query).memberships, other.predict(query).memberships, atol=1e-4)
    nowhere = Encoded(query.pooled, query.present, query.cues, "another")
    with pytest.raises(SupportError, match="another model"):
        untrained.adapt(support, degrees, names, unlabelled=nowhere)


def test_an_emotion_without_any_correction_gets_no_degree(untrained) -> None:
    support, degrees = made.emotional(untrained, 2, 2)
    three = np.column_stack([degrees, np.zeros(len(degrees))])
    prediction = untrained.adapt(support, three, ["a", "b", "never shown"]).predict(support)
    assert not prediction.memberships[:, 2].any()


def test_what_cannot_be_learned_from_is_refused_in_one_sentence(untrained) -> None:
    support, degrees = made.emotional(untrained, 2, 2)
    for wrong, match in [
        (lambda: untrained.adapt(support, degrees, ["a"]), "two different"),
        (lambda: untrained.adapt(support, degrees, ["a", "a"]), "two different"),
        (lambda: untrained.adapt(support, degrees[:2], ["a", "b"]), "shape"),
        (lambda: untrained.adapt(support, -degrees, ["a", "b"]), "from 0 up"),
        (lambda: untrained.adapt(support[:2], degrees[:2], ["a", "b"]), "only 'a'"),
    ]:
        with pytest.raises(SupportError, match=match):
            wrong()
    with pytest.raises(SupportError, match="another model"):
        made.model(seed=5).adapt(support, degrees, ["a", "b"])
    with pytest.raises(ValueError, match="another model"):
        untrained.adapt(support, degrees, ["a", "b"]).predict(made.emotional(made.model(seed=5), 1, 2)[0])


@pytest.fixture
def remembering() -> STF2M:
    model = made.model()
    encoded, degrees = made.emotional(model, 4, 3)
    model.memory = Memory(encoded, ("happy", "neutral", "sad"), degrees.astype(np.float32))
    return model


def test_memory_suggests_before_the_first_correction(remembering) -> None:
    query, truth = made.emotional(remembering, 5, 3, seed=1)
    none = remembering.encode([])
    adapted = remembering.adapt(none, np.zeros((0, 3)), ["Happiness", "bored", "sad"])
    memberships = adapted.predict(query).memberships
    assert not memberships[:, 1].any(), "an emotion nobody has shown cannot be suggested"
    there = truth[:, 1] == 0
    assert (memberships[there].argmax(axis=1) == truth[there].argmax(axis=1)).mean() > 0.6
    untaught = remembering.adapt(none, np.zeros((0, 2)), ["happy", "sad"], prior=False)
    assert not untaught.taught
    np.testing.assert_allclose(untaught.predict(query).memberships, 0.5)
    np.testing.assert_allclose(untaught.predict(query).uncertainty, 1)


def test_emotions_without_a_name_in_training_are_told_apart_by_plain_distances(remembering) -> None:
    """Wholly new ones by one part of what was learned and four parts of plain distances, in every modality."""
    support, degrees = made.emotional(remembering, 3, 3)
    query, _ = made.emotional(remembering, 4, 3, seed=3)
    known = remembering.adapt(support, degrees, ["happy", "neutral", "sad"], prior=False)
    new = remembering.adapt(support, degrees, ["awed", "bored", "smug"], prior=False)
    with torch.inference_mode():
        (_, before), (_, after) = known._see(query), new._see(query)
        learned = contributions(known.fast, before).sum(dim=1).numpy()
        answer = logits(new.fast, after).numpy()
    share = before.attention[:, :-1].numpy()
    share /= share.sum(axis=1, keepdims=True)
    general = remembering.pooled - remembering.architecture.general
    centre = support.pooled.mean(axis=0)[:, general:]
    means = np.einsum("nk,nmg->kmg", degrees, support.pooled[:, :, general:] - centre) / degrees.sum(axis=0)[0]
    off = query.pooled[:, None, :, general:] - centre - means
    near = np.square(off + means).mean(axis=-1) - np.square(off).mean(axis=-1)
    wanted = 0.2 * learned + 0.8 * 16 * np.einsum("nkm,nm->nk", near, share)
    np.testing.assert_allclose(answer, wanted, rtol=1e-3, atol=1e-3)
    trust = new.trust(query)
    np.testing.assert_allclose(trust.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(trust[:, -1], 0.2 * known.trust(query)[:, -1], rtol=1e-5)


def test_what_an_emotion_is_new_to_is_each_modality_by_itself(remembering) -> None:
    assert remembering.memory is not None
    encoded, degrees = remembering.memory.encoded, remembering.memory.degrees
    happy = without(encoded[degrees[:, 0] > 0], [0])
    heard = Encoded.concatenate([happy, encoded[degrees[:, 0] == 0]])
    labels = np.concatenate([degrees[degrees[:, 0] > 0], degrees[degrees[:, 0] == 0]])
    remembering.memory = Memory(heard, remembering.memory.emotions, labels)
    support, given = made.emotional(remembering, 1, 4)
    for names, unfamiliar in (
        (["neutral", "happiness", "sad", "awed"], [0.5, 0.25, 0.25]),
        (["neutral", "sad", "awed", "bored"], [0.5, 0.5, 0.5]),
    ):
        adapted = remembering.adapt(support, given, names, prior=False)
        np.testing.assert_allclose(adapted.fast.conditioning.unfamiliar, unfamiliar)
    given[:, 3] = 0
    only = remembering.adapt(support, given, ["neutral", "sad", "happy", "never corrected"], prior=False)
    np.testing.assert_allclose(only.fast.conditioning.unfamiliar, [1 / 3, 0, 0])


def test_corrections_outweigh_memory(remembering) -> None:
    remembering.memory_weight.fill_(0.5)
    assert remembering.memory is not None
    memory = remembering.memory
    same = Encoded(memory.encoded.pooled, memory.encoded.present, memory.encoded.cues, remembering.fingerprint())
    remembering.memory = Memory(same, memory.emotions, memory.degrees)
    support, degrees = made.emotional(remembering, 8, 3, seed=2)
    swapped = degrees[:, [2, 1, 0]]
    names = ["happy", "neutral", "sad"]
    answer = remembering.adapt(support, swapped, names).predict(support).memberships.argmax(axis=1)
    assert (answer == swapped.argmax(axis=1)).mean() > 0.6


def test_adapted_models_survive_the_disk(untrained) -> None:
    support, degrees = made.emotional(untrained, 2, 2)
    adapted = untrained.adapt(support, degrees, ["a", "b"])
    back = AdaptedModel.from_bytes(adapted.to_bytes(), untrained)
    assert back.emotions == ("a", "b")
    assert np.array_equal(back.predict(support).memberships, adapted.predict(support).memberships)
    with pytest.raises(ValueError, match="another model"):
        AdaptedModel.from_bytes(adapted.to_bytes(), made.model(seed=5))
    with pytest.raises(ValueError, match="not the fast weights"):
        AdaptedModel.from_bytes(b"nonsense of some length", untrained)


def test_a_checkpoint_survives_the_disk(remembering, tmp_path) -> None:
    remembering.card = {"about": "a test"}
    remembering.save(tmp_path)
    back = STF2M.load(tmp_path)
    assert back is STF2M.load(tmp_path), "one copy is shared"
    assert back.fingerprint() == remembering.fingerprint()
    assert back.card["about"] == "a test"
    query, _ = made.emotional(remembering, 2, 3, seed=1)
    names = ["happy", "neutral", "sad"]
    one, other = (model.adapt(query[:0], np.zeros((0, 3)), names).predict(query) for model in (remembering, back))
    np.testing.assert_allclose(one.memberships, other.memberships, atol=2e-3)
    (tmp_path / "stf2m.safetensors").write_bytes(b"damaged")
    (tmp_path / "copy").mkdir()
    for name in ("stf2m.safetensors", "stf2m.json"):
        (tmp_path / "copy" / name).write_bytes((tmp_path / name).read_bytes())
    with pytest.raises(CheckpointError, match="not the file that its card"):
        STF2M.load(tmp_path / "copy")
    with pytest.raises(CheckpointError, match="missing"):
        STF2M.load(tmp_path / "nowhere")


def test_adapting_to_25_corrections_takes_a_fraction_of_a_second(untrained) -> None:
    support, degrees = made.emotional(untrained, 5, 5)
    with one_thread():
        start = time.thread_time()
        untrained.adapt(support, degrees, list("abcde"))
        assert time.thread_time() - start < 0.5
