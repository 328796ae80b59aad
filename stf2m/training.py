"""Meta-training: episodes of the training speakers teach the encoder, the rules and the learner together.

Every step draws a few episodes, of one modality or of paired views (views of several modalities, of different people,
put together by their emotion). Fast weights are learned from the support, the loss is taken on the queries:
cross-entropy of the joint answer, of every source and stream alone and of every rule that fires; agreement of the rules
with the joint answer; classification of all emotions by auxiliary heads; sparse and evenly used rules. People who were
not trained on choose after how many steps to stop; with ``refit`` the model is then trained anew, so long, on them as
well. The same recipe gives the same model; a run that is killed goes on from its last state. Several processes
(:mod:`stf2m.processes`) draw episodes of their own and take every step together.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from stf2m import checkpoint
from stf2m.corpus import Corpus
from stf2m.drawing import Batch, Drawing, Drawn
from stf2m.fast_weights import contributions, learn, source_logits
from stf2m.finishing import choose, complete
from stf2m.fitting import fit, folds
from stf2m.model import STF2M
from stf2m.processes import ONE, Team, team
from stf2m.recipe import Gathered, Progress, Recipe, RecipeError, data_folder, gather
from stf2m.threads import one_thread
from stf2m.validation import validate

#: The states of a training, with and without the people who validate.
STATE, REFIT_STATE = "training.pt", "refit.pt"
#: Weights of the parts of the loss.
ALONE, STREAMS, FAITHFUL, EACH_RULE, CLASSES, SPARSE, EVEN = 0.5, 1.0, 4.0, 1.0, 1.0, 0.005, 0.05
#: Gates and terms of the rules move only when they cross a threshold, so they learn faster than the rest.
GATES_FASTER = 10.0
#: The averaged weights forget this much of the past at every step.
AVERAGE = 0.995


def meta_train(
    recipe: Path, out: Path, progress: Progress, data: Path | None = None, keep: Path | None = None
) -> STF2M:
    """Train the model of a recipe and write the checkpoint to ``out``; with a state in ``out`` it goes on from there.

    With ``keep``, the folder of a checkpoint, those who validate choose what a memory is worth as usual; then the
    weights of that checkpoint are taken, and only what has a closed form is fitted anew, where more is read now.

    ``data`` is the folder of the data sets (``STF2M_DATA`` unless given). A GPU is used where there is one; on a
    processor one thread, since the matrices are so small that a second one waits more than it works. Where torchrun
    started several processes they train together, in an ``out`` that all of them see; the first one alone writes there
    and reports progress. Raises :class:`stf2m.recipe.RecipeError`, :class:`stf2m.checkpoint.CheckpointError`, or what
    loading the data raises.
    """
    plan = Recipe.read(recipe)
    with team() as together:
        told: Progress = progress if together.leads else lambda share, stage: None
        with together.leader_before_others():
            found = gather(plan, data or data_folder(), lambda share, stage: told(0.3 * share, stage))
        return follow(plan, found, out, told, together, keep)


def follow(
    plan: Recipe, data: Gathered, out: Path, progress: Progress, together: Team = ONE, keep: Path | None = None
) -> STF2M:
    """Train on gathered data as :func:`meta_train` does."""
    out.mkdir(parents=True, exist_ok=True)
    with one_thread():
        return _follow(plan, data, out, progress, together, keep)


def _follow(plan: Recipe, data: Gathered, out: Path, progress: Progress, together: Team, keep: Path | None) -> STF2M:
    learned_from = data.everybody if plan.refit else data.train
    kept = _kept(keep, learned_from, plan) if keep else None
    refit = plan.refit and not kept
    trainer = Trainer(plan, data.train, data.validation, together)
    _train(trainer, plan.steps, out / STATE, lambda share, told: progress(share / (1 + refit), told))
    again = Trainer(plan, data.everybody, {}, together) if refit else None
    if again:
        steps = torch.tensor(trainer.chosen_step)
        together.share([steps])
        _train(again, int(steps), out / REFIT_STATE, lambda share, told: progress(0.5 + share / 2, f"refit, {told}"))
    if not together.leads:
        together.wait()
        return STF2M.load(out)
    model = trainer.best()
    chosen = choose(model, data.train, data.validation, plan)
    if kept:
        model, own = kept, {"temperature": float(kept.temperature), "familiar": kept.familiar.clone()}
        chosen = replace(chosen, lowered=torch.zeros_like(kept.trust), **own)
    elif again:
        model = again.averaged()
    complete(model, learned_from, chosen, plan)
    if keep:
        told = {"chosen_by": "the same recipe trained anew, of which validation is told, without those who validate"}
        told |= {"command": f"{model.card['command']} --keep CHECKPOINT"}
        model.card |= told | {"weights_kept_from": checkpoint.read(keep).card["sha256"]}
    model.save(out)
    together.wait()
    return model


def _kept(folder: Path, data: Mapping[str, Corpus], plan: Recipe) -> STF2M:
    """The trained weights of a checkpoint with what was fitted beside them, but for what has another shape now: that is
    fitted anew. Numbers that are read in addition come in by the discriminant, and by weights that are zero yet.

    Raises :class:`stf2m.checkpoint.CheckpointError` when it was trained in other sizes.
    """
    weights = checkpoint.read(folder).weights
    model = STF2M([corpus.modality for _, corpus in sorted_by_road(data)], plan.architecture)
    fit(model, dict(data), plan)
    fitted = model.state_dict()
    known = {name: value.shape for name, value in fitted.items()}
    same = {name: value for name, value in weights.items() if value.shape == known.get(name)}
    strange = [name for name, weight in model.named_parameters() if weight.any() and name not in same]
    if strange:
        raise checkpoint.CheckpointError(f"{folder} was trained in other sizes than the recipe's: {strange[0]}.")
    model.load_state_dict({**fitted, **same})
    return model.eval()


def _train(trainer: "Trainer", steps: int, state: Path, progress: Progress) -> None:
    """Go on from the ``state`` until so many steps are done; the leader validates and keeps the state on the way."""
    trainer.resume(state)
    together, check = trainer.together, trainer.recipe.check
    if not together.agree(trainer.step):
        raise RecipeError(f"The processes do not see the same {state}; they need one folder for all of them.")
    begun, already = time.perf_counter(), trainer.step
    while trainer.step < steps:
        loss = trainer.advance()
        if together.leads and (trainer.step % check == 0 or trainer.step == steps):
            trainer.check()
            trainer.keep(state)
        spent = (time.perf_counter() - begun) / (trainer.step - already)
        progress(
            trainer.step / steps, f"step {trainer.step} of {steps}, loss {loss:.3f}, {spent:.2f} s each{trainer.told}"
        )


class Trainer:
    """A model in training: its weights, their running average, the optimiser, and how far it has come. With several
    processes each has one, and all are the same after every step.
    """

    def __init__(
        self,
        recipe: Recipe,
        train: Mapping[str, Corpus],
        validation: Mapping[str, Corpus],
        together: Team = ONE,
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.validation, self.together = recipe, validation, together
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = STF2M([corpus.modality for _, corpus in sorted_by_road(train)], recipe.architecture)
        self.fitted = fit(self.model, dict(train), recipe)
        self.emotions = tuple(sorted({name for corpus in train.values() for name in corpus.emotion}))
        shape = recipe.architecture.streams, recipe.architecture.width
        self.heads = nn.Parameter(torch.zeros(len(train), *shape, len(self.emotions)))
        of_fold = {name: folds(corpus) for name, corpus in train.items()}
        self.drawing = Drawing(recipe, train, self.emotions, of_fold, self.fitted.own)
        self.model.to(self.device)
        self.heads.data = self.heads.data.to(self.device)
        together.share([*self.model.state_dict().values(), self.heads.data])
        self.average = {name: value.clone() for name, value in self.model.state_dict().items()}
        gates = [self.model.rules.gate_logits, self.model.rules.term_logits]
        rest = [weight for weight in self.model.parameters() if all(weight is not gate for gate in gates)]
        self.optimiser = torch.optim.AdamW(
            [
                {
                    "params": [*(each for each in rest if each.ndim > 1), self.heads],
                    "weight_decay": 0.02,
                    "faster": 1.0,
                },
                {"params": [each for each in rest if each.ndim < 2], "weight_decay": 0.0, "faster": 1.0},
                {"params": gates, "weight_decay": 0.0, "faster": GATES_FASTER},
            ],
            lr=recipe.rate,
        )
        self.step = 0
        self.history: list[dict[str, float]] = []
        self.chosen: dict[str, Tensor] = {}

    @property
    def told(self) -> str:
        """The last validation in a few words; nothing where there was none."""
        last = self.history[-1] if self.history else {}
        figures = " ".join(f"{name} {value:.3f}" for name, value in last.items() if name != "step")
        return f", validation {figures}" if figures else ""

    def advance(self) -> float:
        """One step; everything random in it depends only on the seed, the step's number and which process this is."""
        random = np.random.default_rng([self.recipe.seed, self.step, self.together.rank])
        torch.manual_seed(int(random.integers(2**31)))
        warm = min((self.step + 1) / 100, 1.0)
        rate = self.recipe.rate * warm * (0.02 + 0.49 * (1 + np.cos(np.pi * self.step / self.recipe.steps)))
        for group in self.optimiser.param_groups:
            group["lr"] = float(rate) * group["faster"]
        self.model.train()
        loss = self.loss(self.drawing.draw(random))
        self.optimiser.zero_grad()
        loss.backward()
        weights = [*self.model.parameters(), self.heads]
        self.together.average(weights)
        nn.utils.clip_grad_norm_(weights, 1.0)
        self.optimiser.step()
        self.step += 1
        keep = min(AVERAGE, self.step / (self.step + 10))
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                if value.is_floating_point():
                    self.average[name].lerp_(value, 1 - keep)
        return loss.item()

    def loss(self, batch: Batch) -> Tensor:
        """The loss of a batch of episodes.

        The streams learn from their own losses only: what is built on them gets their features without a way back. With
        one, streams learned to leave to the fixed discriminant what it knows, and were worse on new people.
        """
        pooled, cues = self._encode(batch)
        streams = self._streams_of(pooled)
        reading = self.model.read(pooled.detach(), batch.present.to(self.device), cues)
        total = self._classes(streams, batch)
        used = reading.firing.normalised.mean(dim=0).clamp(min=1e-6)
        total = total + SPARSE * self.model.rules.sparsity() - EVEN * torch.special.entr(used / used.sum()).sum()
        for episode in batch.episodes:
            support, query = reading.of(episode.support), reading.of(episode.query)
            degrees, target = episode.degrees.to(self.device), episode.target.to(self.device)
            fast = learn(self.model, support, degrees, torch.ones_like(degrees[:, 0]))
            evidence = self.model.evidence(query, fast.conditioning)
            joint = contributions(fast, evidence).sum(dim=1)
            alone = source_logits(fast, evidence)
            there = evidence.present.to(joint.dtype)
            each = -(target[:, None] * alone.log_softmax(dim=2)).sum(dim=2)
            spoken = alone[:, -1].log_softmax(dim=1)
            agreed = F.kl_div(spoken, joint.detach().softmax(dim=1), reduction="none").sum(dim=1) * there[:, -1]
            ruled = (query.answers - fast.centre[-1]) @ fast.weight[:, -1].T + fast.bias[:, -1]
            by_rule = -(target[:, None] * ruled.log_softmax(dim=2)).sum(dim=2)
            part = F.cross_entropy(joint, target) + ALONE * (each * there).sum() / there.sum().clamp(min=1)
            part = part + EACH_RULE * (query.firing.normalised * by_rule).sum(dim=1).mean()
            part = part + STREAMS * self._apart(streams, batch.present.to(self.device), episode)
            total = total + (part + FAITHFUL * agreed.mean()) / len(batch.episodes)
        return total

    def check(self) -> None:
        """Validate the averaged weights, where somebody is there to do it, and remember them when they are the best so
        far.
        """
        if not self.validation:
            return
        own = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.model.load_state_dict(self.average)
        self.model.cpu().eval()
        figures = validate(self.model, self.validation, self.recipe.seed, self.recipe.episodes)
        if not self.history or figures["score"] > max(each["score"] for each in self.history):
            self.chosen = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.history.append({"step": float(self.step), **figures})
        self.model.to(self.device).load_state_dict(own)

    @property
    def chosen_step(self) -> int:
        """After how many steps the weights were that validated best; 0 where none were validated here."""
        return int(max(self.history, key=lambda each: each["score"])["step"]) if self.history else 0

    def best(self) -> STF2M:
        """The model with the weights that validated best."""
        self.model.load_state_dict(self.chosen)
        return self.model.cpu().eval()

    def averaged(self) -> STF2M:
        """The model with the averaged weights of now."""
        self.model.load_state_dict(self.average)
        return self.model.cpu().eval()

    def keep(self, file: Path) -> None:
        """Write the state as a whole; a run killed at any moment leaves the one before or this one."""
        partial = file.with_suffix(".partial")
        torch.save(
            {
                "model": self.model.state_dict(),
                "average": self.average,
                "chosen": self.chosen,
                "heads": self.heads.data,
                "optimiser": self.optimiser.state_dict(),
                "step": self.step,
                "history": self.history,
                "recipe": repr(self.recipe),
            },
            partial,
        )
        partial.replace(file)

    def resume(self, file: Path) -> None:
        """Go on from a state, if there is one of the same recipe."""
        if not file.is_file():
            return
        state: dict[str, Any] = torch.load(file, map_location=self.device, weights_only=True)
        if state["recipe"] != repr(self.recipe):
            return
        self.model.load_state_dict(state["model"])
        self.average, self.chosen, self.heads.data = state["average"], state["chosen"], state["heads"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.history = state["step"], state["history"]

    def _encode(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Pooled features ``(n, M, P)`` and cues ``(n, Q)`` of a batch."""
        model = self.model
        pooled = torch.zeros(len(batch.labels), len(model.modalities), model.pooled, device=self.device)
        cues = torch.full((len(batch.labels), len(model.cues)), float("nan"), device=self.device)
        of_variable = torch.from_numpy(model.modality_of[: len(model.cues)]).to(self.device)
        for index, modality in enumerate(model.modalities):
            if modality.name in batch.views:
                rows, views, own, fold = batch.views[modality.name]
                rows = rows.to(self.device)
                views = type(views)(*(array.to(self.device) for array in views))
                fixed = self.fitted.discriminants[modality.name].to(self.device)[fold.to(self.device)]
                _, features = model.encoder(modality.name, views, own.to(self.device), fixed)
                pooled[rows, index] = features
                columns = (of_variable == index).nonzero().flatten()
                cues[rows[:, None], columns] = views.cues
        return pooled, cues

    def _streams_of(self, pooled: Tensor) -> Tensor:
        """The embeddings of every stream, ``(n, M, streams, d)``."""
        zero = self.model.trust.new_zeros(())
        return self.model.readout.by_stream(self.model.readout(pooled, zero, zero))

    def _apart(self, streams: Tensor, present: Tensor, episode: Drawn) -> Tensor:
        """Prototypical loss (Snell et al. 2017) of every stream by itself, so that none leans on the others."""
        degrees, target = episode.degrees.to(self.device), episode.target.to(self.device)
        support, query = streams[episode.support], streams[episode.query]
        there = present[episode.support].to(degrees.dtype)
        share = torch.einsum("nk,nm->km", degrees, there)
        prototypes = torch.einsum("nk,nm,nmsd->kmsd", degrees, there, support) / share.clamp(min=1e-6)[..., None, None]
        away = (query[:, None] - prototypes).square().sum(dim=-1) / query.shape[-1] ** 0.5
        spoken = (-away).masked_fill((share < 1e-3)[None, :, :, None], -1e4).log_softmax(dim=1)
        loss = -(target[:, :, None, None] * spoken).sum(dim=1).mean(dim=2)
        known = present[episode.query].to(loss.dtype)
        return (loss * known).sum() / known.sum().clamp(min=1)

    def _classes(self, streams: Tensor, batch: Batch) -> Tensor:
        """Auxiliary classification of every view among all emotions of the data, by every stream."""
        present = batch.present.to(self.device)
        spoken = torch.einsum("nmsd,msde->nmse", streams, self.heads)[present].flatten(0, 1)
        labels = batch.labels.to(self.device)[:, None, None].expand(-1, *self.heads.shape[:2], -1)[present]
        return CLASSES * F.cross_entropy(spoken, labels.flatten(0, 1), label_smoothing=0.1)


def sorted_by_road(corpora: Mapping[str, Corpus]) -> list[tuple[str, Corpus]]:
    """The corpora in the order of the modalities everywhere: face, voice, text, then any other by name."""
    road = {"face": 0, "voice": 1, "text": 2}
    return sorted(corpora.items(), key=lambda item: (road.get(item[0], 3), item[0]))
