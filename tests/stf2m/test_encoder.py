from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stf2m.encoded import Encoded, collate
from stf2m.encoder import GatedTemporalConv, ModalityEncoder, SpatialConv, Stream, mean_and_deviation
from tests.stf2m import made

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


@pytest.fixture(scope="module")
def encoder() -> ModalityEncoder:
    torch.manual_seed(1)
    streams = [Stream(made.FACE, width=8, blocks=2, heads=2) for _ in range(2)]
    built = ModalityEncoder(made.FACE, streams, classes=3, general=4).eval()
    built.get_buffer("discriminant").normal_()
    built.get_buffer("general").normal_()
    return built.double()


def batch(frames: int, seed: int = 0):
    stacked = collate([made.view(made.FACE, np.random.default_rng(seed + each), frames) for each in range(2)])
    return stacked._replace(
        values=stacked.values.double(), embedding=stacked.embedding.double(), cues=stacked.cues.double()
    )


@settings(max_examples=25, deadline=None)
@given(frames=st.integers(2, 14), masked=st.sets(st.integers(1, 13)), seed=st.integers(0, 99))
def test_a_masked_frame_changes_nothing(encoder, frames: int, masked: set[int], seed: int) -> None:
    views = batch(frames, seed)
    valid = views.valid.clone()
    valid[:, [frame for frame in masked if frame < frames]] = False
    hidden = ~valid
    changed_values, changed_embedding = views.values.clone(), views.embedding.clone()
    changed_values[hidden] = 1e6
    changed_embedding[hidden] = -1e6
    with torch.inference_mode():
        frames_before, pooled_before = encoder(views._replace(valid=valid))
        frames_after, pooled_after = encoder(
            views._replace(values=changed_values, embedding=changed_embedding, valid=valid)
        )
    assert torch.equal(pooled_before, pooled_after)
    assert torch.equal(frames_before, frames_after)
    assert not frames_after[hidden].any()


def test_padding_changes_nothing(encoder) -> None:
    views = batch(5)
    padded = views._replace(
        values=torch.nn.functional.pad(views.values, (0, 0, 0, 0, 0, 7), value=3.0),
        embedding=torch.nn.functional.pad(views.embedding, (0, 0, 0, 7), value=3.0),
        valid=torch.nn.functional.pad(views.valid, (0, 7)),
    )
    with torch.inference_mode():
        torch.testing.assert_close(encoder(padded)[1], encoder(views)[1], rtol=1e-10, atol=1e-12)


def test_every_unmasked_frame_counts(encoder) -> None:
    views = batch(5)
    views.values.requires_grad_()
    encoder(views)[1].square().sum().backward()
    assert (views.values.grad.abs().amax(dim=(0, 2, 3)) > 1e-9).all()


def test_one_frame_is_enough(encoder) -> None:
    frames, pooled = encoder(batch(1))
    assert frames.shape == (2, 1, 8)
    assert pooled.shape == (2, 2 * 4 * 8 + 3 + 4), (
        "two streams of two heads, mean and deviation, and the fixed readings"
    )
    assert torch.isfinite(pooled).all()
    assert pooled[:, 24:32].abs().max() < 1e-3, "one frame has no deviation over time"


def test_temporal_convolution_is_the_mixture_of_its_dilated_kernels() -> None:
    torch.manual_seed(0)
    layer = GatedTemporalConv(width=4, dilations=(1, 2), dropout=0.0).double().eval()
    torch.nn.init.normal_(layer.bias)
    x, mask = torch.randn(3, 9, 4).double(), torch.ones(3, 9, 1).double()
    inner = layer.norm(x)
    weights = layer.dilation_weights(inner, mask)
    expected = layer.bias.expand(3, 9, 8).clone()
    for row in range(3):
        for time in range(9):
            for index, dilation in enumerate((1, 2)):
                for tap in (-1, 0, 1):
                    if 0 <= time + tap * dilation < 9:
                        there = inner[row, time + tap * dilation]
                        expected[row, time] += weights[row, index] * (layer.kernels[index, :, :, tap + 1] @ there)
    gated = torch.nn.functional.glu(expected, dim=-1)
    torch.testing.assert_close(layer(x, mask), x + layer.out(gated))


def test_the_dilations_depend_on_the_view_only_when_they_are_to() -> None:
    torch.manual_seed(0)
    x, mask = torch.randn(2, 9, 4), torch.ones(2, 9, 1)
    mixing = GatedTemporalConv(4, (1, 2), 0.0).dilation_weights(x, mask)
    fixed = GatedTemporalConv(4, (1, 2), 0.0, mixing=False).dilation_weights(x, mask)
    assert not torch.allclose(mixing[0], mixing[1])
    assert torch.equal(fixed[0], fixed[1])
    torch.testing.assert_close(mixing.sum(dim=1), torch.ones(2))


def test_what_is_somebodys_own_is_taken_off_every_frame(encoder) -> None:
    views = batch(5)
    own = torch.randn(2, encoder.values_mean.numel() + encoder.embedding_mean.numel()).double()
    of_values, of_embedding = own.split([encoder.values_mean.numel(), encoder.embedding_mean.numel()], dim=1)
    moved = views._replace(
        values=views.values + of_values.unflatten(1, encoder.values_mean.shape)[:, None],
        embedding=views.embedding + of_embedding[:, None],
    )
    with torch.inference_mode():
        torch.testing.assert_close(encoder(moved, own)[1], encoder(views)[1], rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(encoder.means(moved) - own, encoder.means(views), rtol=1e-9, atol=1e-9)


def test_gradients_are_those_of_the_equations() -> None:
    torch.manual_seed(0)
    stream = Stream(made.TEXT, width=4, blocks=1, heads=1, dilations=(1,)).double().eval()
    values = torch.randn(1, 3, 1, 2, dtype=torch.double, requires_grad=True)
    embedding = torch.randn(1, 3, 4, dtype=torch.double, requires_grad=True)
    mask = torch.tensor([[1.0, 1.0, 0.0]]).double()
    assert torch.autograd.gradcheck(lambda v, e: stream(v, e, mask)[1], (values, embedding))


def test_every_view_bends_the_graph_of_sites() -> None:
    torch.manual_seed(0)
    layer = SpatialConv(sites=3, width=4, dropout=0.0)
    graph = layer.graph(torch.randn(2, 5, 3, 4), torch.ones(2, 5, 1, 1))
    torch.testing.assert_close(graph.sum(dim=-1), torch.ones(2, 3))
    assert not torch.allclose(graph[0], graph[1])


def test_mean_and_deviation_skip_masked_frames() -> None:
    frames = torch.tensor([[[1.0], [3.0], [100.0]]])
    mean, deviation = mean_and_deviation(frames, torch.tensor([[1.0, 1.0, 0.0]]))
    assert mean.item() == 2.0
    assert deviation.item() == pytest.approx(1.0, abs=1e-3)


def test_encode_gives_one_row_per_segment_and_says_what_is_missing(untrained) -> None:
    random = np.random.default_rng(0)
    views = [
        {"face": made.view(made.FACE, random, 3)},
        {},
        {each.name: made.view(each, random) for each in made.MODALITIES},
    ]
    encoded = untrained.encode(views)
    assert encoded.present.tolist() == [[True, False, False], [False] * 3, [True] * 3]
    assert not encoded.pooled[0, 1:].any()
    assert np.isnan(encoded.cues[0, 2:]).all()
    assert np.array_equal(encoded.cues[2, :2], views[2]["face"].cues)
    alone = untrained.encode(views[2:])
    np.testing.assert_allclose(alone.pooled[0], encoded.pooled[2], atol=1e-5)


def test_encode_refuses_a_view_of_another_shape(untrained) -> None:
    wrong = replace(made.view(made.FACE, np.random.default_rng(0)), cues=np.zeros(5, np.float32))
    with pytest.raises(ValueError, match="face"):
        untrained.encode([{"face": wrong}])


def test_encoded_segments_survive_the_disk(untrained, tmp_path) -> None:
    encoded, _ = made.emotional(untrained, 2, 2)
    encoded.save(tmp_path / "clip.npz")
    back = Encoded.load(tmp_path / "clip.npz")
    assert back.encoder == encoded.encoder == untrained.fingerprint()
    for name in ("pooled", "present", "cues"):
        assert np.array_equal(getattr(back, name), getattr(encoded, name), equal_nan=name == "cues")
    assert np.array_equal(Encoded.concatenate([encoded[:1], encoded[1:]]).pooled, encoded.pooled)
    assert len(encoded[-1]) == 1
    (tmp_path / "broken.npz").write_bytes(b"not an archive")
    with pytest.raises(ValueError, match=r"broken\.npz"):
        Encoded.load(tmp_path / "broken.npz")


untrained = made.untrained
