"""Several processes that train one model: each draws episodes of its own, and all take the same step.

``torchrun --nproc_per_node 2 -m stf2m meta-train RECIPE.toml --out DIR`` starts them. A step runs the encoder several
times, so gradients are not averaged while they are made but once, all together, just before the step.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed

#: The others wait while the first process extracts a corpus; where one dies, torchrun ends all of them at once.
_PATIENCE = timedelta(days=2)


@dataclass(frozen=True)
class Team:
    """The processes of one training, and which of them this is: ``rank`` from 0 up to ``size`` - 1. One by default."""

    rank: int = 0
    size: int = 1

    @property
    def alone(self) -> bool:
        """Whether this is the only process."""
        return self.size == 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that validates, writes and reports."""
        return self.rank == 0

    def share(self, weights: Sequence[Tensor]) -> None:
        """Give the first process's numbers to all the others, in place."""
        if not self.alone:
            for weight in weights:
                distributed.broadcast(weight, 0)

    def average(self, weights: Sequence[Tensor]) -> None:
        """Make each weight's gradient the mean over all processes; a process that has none of a weight counts as zero.

        A weight of which no process has one stays without, so that the optimiser leaves it alone.
        """
        if self.alone:
            return
        found = [weight.grad is not None for weight in weights]
        own = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in weights]
        flat = torch.cat([torch.tensor(found, dtype=torch.float32), *(each.cpu().flatten() for each in own)])
        distributed.all_reduce(flat)
        known, means = flat[: len(found)], (flat[len(found) :] / self.size).split([each.numel() for each in own])
        for weight, count, mean in zip(weights, known, means, strict=True):
            weight.grad = mean.view_as(weight).to(weight.device) if count else None

    def agree(self, number: int) -> bool:
        """Whether a number is the same in all processes."""
        least = torch.tensor([number, -number])
        if not self.alone:
            distributed.all_reduce(least, distributed.ReduceOp.MIN)
        return bool(least[0] == -least[1])

    def wait(self) -> None:
        """Go on when all have come here."""
        if not self.alone:
            distributed.barrier()

    @contextmanager
    def leader_before_others(self) -> Iterator[None]:
        """The first process goes through the block alone, then all the others: what it leaves on the disk they find."""
        if not self.leads:
            self.wait()
        yield
        if self.leads:
            self.wait()


#: This process by itself.
ONE = Team()


def first() -> bool:
    """Whether this is the first of the processes that torchrun started, or the only one."""
    return int(os.environ.get("RANK", "0")) == 0


@contextmanager
def team() -> Iterator[Team]:
    """The processes that torchrun started, or this one alone; they part at the end, whatever happens inside.

    Each takes a GPU of its own where there are any.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield ONE
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
    distributed.init_process_group("gloo", timeout=_PATIENCE)
    try:
        yield Team(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()
