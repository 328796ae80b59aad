"""One process of a team in training, for ``test_processes.py``; writes what it has seen to ``RANK.pt`` in a folder."""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from stf2m.corpus import Corpus
from stf2m.processes import Team, team
from stf2m.recipe import Recipe
from stf2m.threads import one_thread
from stf2m.training import STATE, Trainer
from tests.stf2m import made
from tests.stf2m.test_training import RECIPE, corpus

STEPS, EVERY = 16, 4
#: Not paired, so that a process often has no gradient of what another one has learned from.
ALONE = dataclasses.replace(RECIPE, modalities={"face": 0.5, "voice": 0.5}, tasks=2, rate=0.05, steps=STEPS)
TOGETHER = dataclasses.replace(ALONE, tasks=1)


class Observed(Team):
    """A team that remembers the gradients before and after they are averaged."""

    def average(self, weights: Sequence[Tensor]) -> None:
        """As any team."""
        before = [None if weight.grad is None else weight.grad.clone() for weight in weights]
        super().average(weights)
        after = [None if weight.grad is None else weight.grad.clone() for weight in weights]
        self.__dict__.setdefault("seen", []).append((before, after))


def trainer(recipe: Recipe, together: Team) -> Trainer:
    """A trainer on two modalities of made people."""
    train = {"face": corpus(made.FACE, range(6), 0), "voice": corpus(made.VOICE, range(6), 1)}
    validation: dict[str, Corpus] = {"face": corpus(made.FACE, range(6, 10), 2)}
    return Trainer(recipe, train, validation, together)


def weights(of: Trainer) -> dict[str, Tensor]:
    """A copy of all that a step changes."""
    found = {**of.model.state_dict(), "heads": of.heads.data}
    found |= {f"average {name}": value for name, value in of.average.items()}
    return {name: value.clone() for name, value in found.items()}


def follow(of: Trainer, until: int) -> list[dict[str, Tensor]]:
    """Train, and copy the weights on the way."""
    copies = []
    while of.step < until:
        if of.step % EVERY == 0:
            copies.append(weights(of))
        of.advance()
    return copies


def main(folder: Path) -> None:
    """Train together for half the steps, go on from what the first process kept, and write down what was seen."""
    with team() as found, one_thread():
        together = Observed(found.rank, found.size)
        torch.manual_seed(together.rank)
        first = trainer(TOGETHER, together)
        copies = follow(first, STEPS // 2)
        if together.leads:
            first.check()
            first.keep(folder / STATE)
        together.wait()
        again = trainer(TOGETHER, together)
        again.resume(folder / STATE)
        resumed = weights(again)
        copies += [*follow(again, STEPS), weights(again)]
        told = {
            "halfway": weights(first),
            "resumed": resumed,
            "copies": copies,
            "gradients": together.__dict__["seen"][:4],
            "same step": together.agree(again.step),
            "same rank": together.agree(together.rank),
        }
        torch.save(told, folder / f"{together.rank}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
