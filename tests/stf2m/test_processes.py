"""Two real processes, as torchrun starts them, train one model."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from stf2m.processes import ONE, team
from stf2m.threads import one_thread
from tests.stf2m.member import ALONE, STEPS, follow, trainer, weights

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """What each of two processes saw."""
    folder = tmp_path_factory.mktemp("team")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    done = subprocess.run(
        [*command, "-m", "tests.stf2m.member", str(folder)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


def test_all_processes_hold_the_same_weights_throughout(members) -> None:
    first, second = members
    assert len(first["copies"]) > 3
    for one, other in zip(first["copies"], second["copies"], strict=True):
        for name, value in one.items():
            assert torch.equal(value, other[name]), name
    begun, ended = first["copies"][0], first["copies"][-1]
    assert not torch.equal(begun["heads"], ended["heads"])


def test_a_step_takes_the_mean_of_the_gradients_and_no_gradient_counts_as_zero(members) -> None:
    own, others = (each["gradients"] for each in members)
    lacking = different = 0
    for (mine, mean), (theirs, same) in zip(own, others, strict=True):
        for one, other, found, again in zip(mine, theirs, mean, same, strict=True):
            if one is None and other is None:
                assert found is None
                assert again is None
                continue
            lacking += one is None or other is None
            different += one is not None and other is not None and not torch.equal(one, other)
            zero = torch.zeros_like(found)
            expected = ((zero if one is None else one) + (zero if other is None else other)) / 2
            assert torch.equal(found, again)
            assert torch.equal(found, expected)
    assert lacking, "one process saw faces while the other heard voices"
    assert different, "they drew episodes of their own"


def test_all_go_on_from_the_state_of_the_first(members) -> None:
    for each in members:
        for name, value in each["halfway"].items():
            assert torch.equal(value, each["resumed"][name]), name
        assert each["same step"]
        assert not each["same rank"]


def test_two_processes_learn_as_one_with_twice_the_tasks(members) -> None:
    with one_thread():
        alone = trainer(ALONE, ONE)
        single = [*follow(alone, STEPS), weights(alone)]
        curves = [[_loss(alone, copy) for copy in copies] for copies in (single, members[0]["copies"])]
    one, two = map(np.array, curves)
    assert one[0] == two[0]
    assert min(one[0] - one[-1], two[0] - two[-1]) > 0.1
    assert (np.abs(one - two) / one).max() < 0.06, "their episodes are others, so they differ by chance"


def test_without_torchrun_a_process_is_alone() -> None:
    with team() as found:
        assert found is ONE
        assert found.leads
        assert found.agree(3)


def _loss(of, copy) -> float:
    """The loss of weights on the same batches of everybody's."""
    of.model.load_state_dict({name: copy[name] for name in of.model.state_dict()})
    of.heads.data = copy["heads"]
    found = []
    for seed in range(6):
        torch.manual_seed(seed)
        found.append(of.loss(of.drawing.draw(np.random.default_rng([1000, seed]))).item())
    return float(np.mean(found))
