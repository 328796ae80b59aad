"""Which corrections pulled a segment to its answer."""

import numpy as np
import pytest
import torch

from stf2m.fast_weights import GENERAL, learn, prototype_pulls
from stf2m.network import Memory
from stf2m.pull import pulls
from tests.stf2m import made

NAMES = ["happy", "sad", "bored"]


@pytest.mark.parametrize("unfamiliar", [(0.0, 0.0, 0.0), (1.0, 0.3, 0.0)])
def test_the_pulls_add_up_to_what_the_prototypes_say(unfamiliar: tuple[float, ...]) -> None:
    """Without the learned optimiser the prototypes are all there is, so nothing may be left over."""
    network = made.model(recurrent=False)
    support, degrees = made.emotional(network, 3, 3)
    query, _ = made.emotional(network, 2, 3, seed=5)
    degrees = (0.8 * degrees + 0.1).astype(np.float32)
    given, asked = (
        network.read(*map(torch.tensor, (each.pooled, each.present, each.cues))) for each in (support, query)
    )
    weights = torch.linspace(0.5, 1.5, len(degrees))
    with torch.inference_mode():
        fast = learn(network, given, torch.from_numpy(degrees), weights, unfamiliar=torch.tensor(unfamiliar))
        found = prototype_pulls(network, fast, given, torch.from_numpy(degrees) * weights[:, None], asked)
        evidence = network.evidence(asked, fast.conditioning)
        centred = (evidence.features - fast.centre) * evidence.present[:, :, None]
        spoken = torch.einsum("njd,kjd,nj->nk", centred, fast.weight, evidence.weight)
        general = evidence.general - fast.general_centre
        spoken += 2 * GENERAL / 5 * torch.einsum("nmg,kmg,nm->nk", general, fast.general, evidence.unnamed)
    assert torch.allclose(found.sum(dim=1), spoken, atol=1e-4)


def test_a_correction_pulls_towards_its_own_emotion_where_a_segment_is_like_it() -> None:
    network = made.model()
    support, degrees = made.emotional(network, 3, 3)
    weights = np.ones(len(degrees), np.float32)
    adapted = network.adapt(support, degrees, NAMES)
    found = [pulls(adapted, support[row], row // 3, support, degrees, weights) for row in range(9)]
    assert all(each.corrections.argmax() // 3 == row // 3 for row, each in enumerate(found))
    others = found[0].corrections[3:]
    assert not others.any()
    assert found[0].remembered == 0
    with pytest.raises(ValueError, match="One segment"):
        pulls(adapted, support, 0, support, degrees, weights)


def test_what_is_remembered_pulls_beside_the_corrections_also_under_another_name() -> None:
    network = made.model()
    remembered, degrees = made.emotional(network, 2, 3, seed=1)
    network.memory = Memory(remembered, ("bored", "happy", "sad"), degrees[:, [2, 0, 1]].astype(np.float32))
    support, given = made.emotional(network, 1, 3)
    weights = np.ones(3, np.float32)
    adapted = network.adapt(support, given, NAMES)
    told = pulls(adapted, remembered[0], 0, support, given, weights)
    assert told.remembered > 0
    adapted.emotions = ("merry", "sad", "bored")
    assert pulls(adapted, remembered[0], 0, support, given, weights, NAMES).remembered == pytest.approx(told.remembered)
    assert pulls(adapted, remembered[0], 0, support[[]], given[:0], weights[:0], NAMES).corrections.size == 0
