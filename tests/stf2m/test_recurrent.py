import math

import torch

from stf2m.fast_weights import label_features
from stf2m.recurrent import FastWeightCell, SupportReader


def reader() -> SupportReader:
    torch.manual_seed(0)
    made = SupportReader(item=5, state=6, steps=3, modalities=2, hidden=4, sources=3).double()
    for layer in (made.film, made.trust):
        torch.nn.init.normal_(layer.weight)
    return made


def test_the_reader_reads_a_set() -> None:
    items, weights = torch.randn(7, 5).double(), torch.rand(7).double() + 0.1
    order = torch.randperm(7)
    for one, other in zip(reader()(items, weights), reader()(items[order], weights[order]), strict=True):
        torch.testing.assert_close(one, other)


def test_an_item_of_weight_zero_is_not_there_and_weight_two_is_two_items() -> None:
    items = torch.randn(4, 5).double()
    without = reader()(items[1:], torch.ones(3).double())
    for one, other in zip(reader()(items, torch.tensor([0.0, 1, 1, 1]).double()), without, strict=True):
        torch.testing.assert_close(one, other)
    twice = reader()(items[[1, 1, 2, 3]], torch.ones(4).double())
    for one, other in zip(reader()(items[1:], torch.tensor([2.0, 1, 1]).double()), twice, strict=True):
        torch.testing.assert_close(one, other)


def test_label_features_do_not_know_the_names_of_the_labels() -> None:
    distance, degrees, shots = torch.rand(6, 3), torch.rand(6, 3), torch.tensor([1.0, 2.0, 3.0])
    order = [2, 0, 1]
    renamed = label_features(distance[:, order], degrees[:, order], shots[order])
    torch.testing.assert_close(label_features(distance, degrees, shots), renamed)
    assert label_features(distance, degrees, shots)[0, -1].item() == torch.tensor(3.0).log().item()


def test_the_cell_keeps_and_steps_as_its_gates_say() -> None:
    cell = FastWeightCell(state=4)
    with torch.no_grad():
        cell.gates.weight.zero_()
        cell.gates.bias.copy_(torch.tensor([2.0, -1.0]))
    theta, gradient = torch.tensor([1.0, -2.0]), torch.tensor([0.5, 0.0])
    new, state = cell(theta, gradient, torch.tensor(0.7), torch.zeros(2), cell.begin(2))
    keep, step = 1 / (1 + math.exp(-2.0)), 4 * math.log1p(math.exp(-1.0))
    torch.testing.assert_close(new, torch.tensor([keep - step * 0.5, -2 * keep]))
    assert state.shape == (2, 4)


def test_the_cell_moves_every_coordinate_by_the_same_law() -> None:
    torch.manual_seed(0)
    cell = FastWeightCell(state=4)
    theta, gradient, shots = torch.randn(5), torch.randn(5), torch.rand(5)
    order = torch.randperm(5)
    new, state = cell(theta, gradient, torch.tensor(1.0), shots, cell.begin(5))
    other, other_state = cell(theta[order], gradient[order], torch.tensor(1.0), shots[order], cell.begin(5))
    torch.testing.assert_close(new[order], other)
    torch.testing.assert_close(state[order], other_state)
