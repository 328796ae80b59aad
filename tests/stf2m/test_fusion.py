import numpy as np
import pytest
import torch

from stf2m.baselines.fusion import Fusion
from stf2m.baselines.jmt import JMT
from stf2m.baselines.misa import MISA, discrepancy, overlap

NETWORKS = pytest.mark.parametrize("network", [MISA, JMT])


def utterances(seed: int, count: int = 300) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The sentiment is in the product of what two modalities say, and alone in neither; a third is noise."""
    random = np.random.default_rng(seed)
    one, other = random.choice([-1.0, 1.0], (2, count))
    noise = 0.3 * random.normal(size=(3, count, 4))
    parts = {"text": noise[0] + one[:, None], "audio": noise[1] + other[:, None], "video": noise[2]}
    return {name: part.astype(np.float32) for name, part in parts.items()}, (one * other > 0).astype(np.float32)


def test_the_moments_of_equal_samples_agree_and_those_of_others_differ_as_computed_by_hand():
    sample = torch.rand(50, 3)
    assert discrepancy(sample, sample[torch.randperm(50)]).item() == pytest.approx(0, abs=1e-5)
    ends, middle = torch.tensor([[0.0], [1.0]]), torch.tensor([[0.5], [0.5]])
    # Means agree, odd moments vanish; the second is 1/4 and the fourth 1/16 of the one, zero of the other.
    assert discrepancy(ends, middle).item() == pytest.approx(1 / 4 + 1 / 16, abs=1e-4)
    assert discrepancy(middle, middle + 0.25).item() == pytest.approx(0.25, abs=1e-4)


def test_representations_overlap_as_far_as_they_vary_together():
    wave = torch.linspace(0, 2 * torch.pi, 101)[:-1, None]
    sines, cosines = torch.cat([wave.sin(), (2 * wave).sin()], 1), torch.cat([wave.cos(), (2 * wave).cos()], 1)
    assert overlap(sines, cosines + 7).item() == pytest.approx(0, abs=1e-6)
    assert overlap(sines, 3 * sines + 7).item() == pytest.approx(0.5, abs=1e-5)  # two of four correlations are one


@NETWORKS
def test_a_modality_that_is_not_there_changes_nothing(network):
    torch.manual_seed(0)
    made = network([4, 5, 6]).eval()
    features = [torch.randn(3, size) for size in (4, 5, 6)]
    present = torch.tensor([[True, True, True], [True, False, True], [False, False, False]])
    other = [part + 100 * ~present[:, [place]] for place, part in enumerate(features)]
    with torch.no_grad():
        first, second = made(features, present), made(other, present)
        torch.testing.assert_close(first.logits, second.logits)
        torch.testing.assert_close(first.penalty, second.penalty)
        assert not torch.allclose(first.logits[1], made(features, torch.ones_like(present)).logits[1], atol=1e-4)
        assert first.logits.isfinite().all()


@NETWORKS
def test_the_answer_is_linear_in_the_features_that_are_given_out(network):
    torch.manual_seed(1)
    made = network([4, 5]).eval()
    fused = made([torch.randn(6, 4), torch.randn(6, 5)], torch.ones(6, 2, dtype=torch.bool))
    torch.testing.assert_close(fused.logits, made.answer(fused.features).squeeze(1))


@NETWORKS
def test_a_network_learns_what_only_two_modalities_together_tell(network):
    (known, truth), (new, unseen) = utterances(0), utterances(1)
    fusion = Fusion(network, steps=100)
    fusion.fit(known, truth)
    logits, _ = fusion.predict(new)
    assert ((logits > 0) == unseen).mean() > 0.9
    silent = {**new, "audio": np.full_like(new["audio"], np.nan)}
    assert np.isfinite(fusion.predict(silent)[0]).all()


@NETWORKS
def test_learning_again_leads_to_the_same_network(network):
    (known, truth), (new, _) = utterances(0, count=60), utterances(1, count=20)
    both = []
    for _ in range(2):
        fusion = Fusion(network, steps=5)
        fusion.fit(known, truth)
        both.append(fusion.predict(new)[0])
    np.testing.assert_array_equal(*both)
