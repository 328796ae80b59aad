"""Adaptation: corrections in, a model that has learned from them out, in a fraction of a second.

Only the fast weights are learned; encoder, rules and learner stay as they are. So an adapted model is a few
kilobytes, can be thrown away or taken back, and is the same bit for bit for the same corrections in the same order.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from stf2m import explanation
from stf2m.checkpoint import fingerprint
from stf2m.encoded import Encoded
from stf2m.explanation import Explanation, Rule
from stf2m.fast_weights import FastWeights, distances, learn, logits, nothing_learned
from stf2m.network import Evidence, Memory, Network, Reading
from stf2m.recurrent import Conditioning
from stf2m.rule_edits import NO_EDITS, RuleEdits, about, edits_in
from stf2m.rules_at_work import RulesAtWork
from stf2m.threads import one_thread
from stf2m.tracks import FloatArray
from stf2m.vocabulary import canonical

#: Segments are predicted so many at a time, which bounds the memory.
_ROWS = 1024

#: Unlabelled segments together count as so many times the corrections at most, and may take away so much of what the
#: corrections themselves are answered with that this share of it is kept.
COMPANY, KEPT = 5.0, 0.8


class SupportError(ValueError):
    """Corrections from which nothing can be learned; the message is one plain sentence for people."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """Answers for n segments.

    ``memberships`` ``(n, N)``: the degree of every emotion, in [0, 1]; the degrees of one segment sum to one (they are
    a temperature-calibrated softmax), so equal degrees mean that the model cannot tell.
    ``uncertainty`` ``(n,)`` in [0, 1]: near 1 when the degrees are alike, or when the segment is unlike anything the
    model has support for. ``shares`` ``(n, M)``: each modality's part of the evidence, rows sum to one (zero where no
    modality is present). ``firing`` ``(n, R)``: each rule's share of all firing, ``strength`` ``(n, R)``: how well its
    conditions hold, in [0, 1].
    """

    memberships: FloatArray
    uncertainty: FloatArray
    shares: FloatArray
    firing: FloatArray
    strength: FloatArray


class AdaptedModel:
    """A model that answers for the emotions of one study. Made by :func:`adapt`; ``edits`` are a person's.

    ``in_company`` says whether unlabelled segments had a say in it; :meth:`to_bytes` does not keep that.
    """

    def __init__(
        self,
        network: Network,
        emotions: Sequence[str],
        fast: FastWeights,
        encoder: str,
        edits: RuleEdits = NO_EDITS,
        in_company: bool = False,
    ) -> None:
        self.network, self.emotions, self.fast, self.encoder = network, tuple(emotions), fast, encoder
        self.edits, self.work, self.in_company = edits, RulesAtWork(network, fast, emotions, edits), in_company

    def with_edits(self, edits: RuleEdits) -> "AdaptedModel":
        """The same model with a person's edits of its rules in place of those it had."""
        return AdaptedModel(self.network, self.emotions, self.fast, self.encoder, edits, self.in_company)

    def named(self, emotions: Sequence[str]) -> "AdaptedModel":
        """The same model, its answers under other names."""
        names = dict(zip(self.emotions, emotions, strict=True))
        edits = self.edits.renamed(lambda name: names.get(name, name))
        return AdaptedModel(self.network, emotions, self.fast, self.encoder, edits, self.in_company)

    @property
    def taught(self) -> bool:
        """Whether it knows two emotions at least; if not, every answer has equal degrees and full uncertainty."""
        return int(self.fast.known.sum()) >= 2

    @one_thread()
    @torch.inference_mode()
    def predict(self, encoded: Encoded) -> Prediction:
        """Degrees, uncertainty, shares and firing of every segment.

        Raises ``ValueError`` when the segments were encoded by another model.
        """
        if encoded.encoder != self.encoder:
            raise ValueError("These segments were encoded by another model; encode them again with this one.")
        parts = [self._predict(encoded[start : start + _ROWS]) for start in range(0, len(encoded), _ROWS)]
        parts = parts or [self._predict(encoded)]
        return Prediction(*(np.concatenate(arrays).astype(np.float32) for arrays in zip(*parts, strict=True)))

    @one_thread()
    @torch.inference_mode()
    def explain(self, encoded: Encoded) -> Explanation:
        """Why the one segment of ``encoded`` gets its answer. Raises ``ValueError`` unless it is one."""
        if len(encoded) != 1:
            raise ValueError(f"One segment can be explained at a time, not {len(encoded)}.")
        prediction = self.predict(encoded)
        reading, evidence = self._see(encoded)
        degrees = prediction.memberships[0]
        names = [modality.name for modality in self.network.modalities]
        rules = explanation.fired_rules(self.work, reading, float(evidence.weight[0, -1]), int(degrees.argmax()))
        there = encoded.present[0]
        return explanation.explain(
            dict(zip(self.emotions, degrees.tolist(), strict=True)),
            float(prediction.uncertainty[0]),
            {name: float(share) for name, share, seen in zip(names, prediction.shares[0], there, strict=True) if seen},
            rules,
            tuple(name for name, seen in zip(names, there, strict=True) if not seen),
        )

    @one_thread()
    @torch.inference_mode()
    def rules(self) -> list[Rule]:
        """Every rule in words with what it says of this study's emotions; pinned and written ones, then the weightiest
        first.
        """
        return explanation.list_rules(self.work)

    def membership_curves(
        self, cue: str, points: int = 200
    ) -> tuple[explanation.Floats, dict[str, explanation.Floats]]:
        """See :func:`stf2m.explanation.membership_curves`; the terms are called as a person calls them."""
        x, curves = explanation.membership_curves(self.network, cue, points)
        return x, {self.work.called(cue, term): curve for term, curve in curves.items()}

    @one_thread()
    @torch.inference_mode()
    def rule_answers(self, encoded: Encoded, most: int | None = None) -> FloatArray:
        """Degrees ``(n, N)`` by the rules alone, or by each segment's ``most`` strongest rules: what the sentences can
        account for, to compare with :meth:`predict`.
        """
        reading, evidence = self._see(encoded)
        firing = reading.firing.normalised
        if most is not None:
            least = firing.topk(min(most, firing.shape[1]), dim=1).values[:, -1:]
            firing = firing * (firing >= least)
            firing = firing / firing.sum(dim=1, keepdim=True).clamp(min=1e-9)
        spoken = torch.einsum("nr,nrk->nk", firing, self.work.spoken(reading.answers)) * evidence.present[:, -1:]
        return self.work.degrees(spoken).numpy()

    @one_thread()
    @torch.inference_mode()
    def parts(self, encoded: Encoded) -> FloatArray:
        """What every modality and then every rule adds to the log degree of each emotion, ``(n, M + R, N)``, beyond the
        mean of the emotions that the model knows.

        The sum over the parts, one emotion's less another's, is the logarithm of the ratio of their degrees.
        """
        reading, evidence = self._see(encoded)
        added = self.work.added(reading, evidence)[:, :-1]
        by_rules = evidence.weight[:, -1:, None] * reading.firing.normalised[:, :, None]
        added = torch.cat([added, by_rules * self.work.spoken(reading.answers)], dim=1) / self.fast.temperature
        return (added - added[:, :, self.fast.known].mean(dim=2, keepdim=True)).numpy()

    @one_thread()
    @torch.inference_mode()
    def trust(self, encoded: Encoded) -> FloatArray:
        """How much every modality, and the rules last, weigh in the answers, ``(n, M + 1)``; rows sum to one, or are
        zero where nothing is there.
        """
        evidence = self._see(encoded)[1]
        return (evidence.weight + torch.nn.functional.pad(evidence.unnamed, (0, 1))).numpy()

    def to_bytes(self) -> bytes:
        """The fast weights and a person's edits as safetensors, with emotions and the model's fingerprint in the
        metadata.
        """
        fast = self.fast._asdict()
        tensors: dict[str, Tensor] = {name: fast[name] for name in fast if name != "conditioning"}
        tensors |= {f"conditioning.{name}": value for name, value in self.fast.conditioning._asdict().items()}
        # One entry only: safetensors writes several in no fixed order, and the same weights must give the same bytes.
        told = {"emotions": self.emotions, "model": self.encoder}
        told |= {"edits": self.edits.as_json()} if self.edits else {}
        tensors |= self.edits.tensors()
        contiguous = {name: value.contiguous() for name, value in tensors.items()}
        return safetensors.torch.save(contiguous, {"about": json.dumps(told)})

    @classmethod
    def from_bytes(cls, data: bytes, network: Network) -> "AdaptedModel":
        """Read what :meth:`to_bytes` wrote, for the same model.

        Raises ``ValueError`` when the data are damaged or belong to another model.
        """
        try:
            told = about(data)
            tensors = safetensors.torch.load(data)
            conditioning = Conditioning(*(tensors[f"conditioning.{name}"] for name in Conditioning._fields))
            learned = {name: tensors[name] for name in FastWeights._fields if name != "conditioning"}
            fast = FastWeights(**learned, conditioning=conditioning)
            emotions, model = told["emotions"], told["model"]
        except (KeyError, ValueError, safetensors.SafetensorError) as error:
            raise ValueError("These are not the fast weights of an adapted model.") from error
        if model != fingerprint(network):
            raise ValueError("These fast weights belong to another model.")
        return cls(network, emotions, fast, model, edits_in(data))

    def _see(self, encoded: Encoded) -> tuple[Reading, Evidence]:
        reading = self.network.reading(encoded)
        reading = reading._replace(firing=self.work.fire(reading))
        return reading, self.network.evidence(reading, self.fast.conditioning)

    def _predict(self, encoded: Encoded) -> tuple[NDArray[np.floating], ...]:
        reading, evidence = self._see(encoded)
        added = self.work.added(reading, evidence)
        spoken = added.sum(dim=1).masked_fill(~self.fast.known, -1e4)
        memberships = (spoken / self.fast.temperature).softmax(dim=1)
        shares = _shares(self.work, reading, added[:, :, self.fast.known], evidence)
        doubt = _uncertainty(self.network, self.fast, evidence, memberships)
        strength = reading.firing.log_strength.exp()
        return tuple(array.numpy() for array in (memberships, doubt, shares, reading.firing.normalised, strength))


@one_thread()
@torch.inference_mode()
def adapt(
    network: Network,
    memory: Memory | None,
    support: Encoded,
    degrees: NDArray[np.floating],
    emotions: Sequence[str],
    weights: NDArray[np.floating] | None = None,
    unlabelled: Encoded | None = None,
    named: Memory | None = None,
) -> AdaptedModel:
    """Learn from corrections; see :meth:`stf2m.model.STF2M.adapt`. ``memory`` joins the support where its emotions
    match; with neither corrections nor two remembered emotions, the model that comes back is not
    :attr:`~AdaptedModel.taught`. ``named`` tells which emotions the training data had, by their names.

    Raises :class:`SupportError`.
    """
    own = fingerprint(network)
    degrees = np.asarray(degrees, np.float32).reshape(-1, len(emotions)) if len(support) == 0 else np.asarray(degrees)
    weights = np.ones(len(support), np.float32) if weights is None else np.asarray(weights, np.float32)
    _check(support, degrees, emotions, weights, own)
    used = (degrees.sum(axis=1) > 0) & (weights > 0) & support.present.any(axis=1)
    parts = [support[used]]
    labels, counts = [degrees[used].astype(np.float32)], [weights[used]]
    if memory is not None:
        remembered, their_degrees, their_weights = recall(memory, emotions, network.memory_weight.numpy())
        parts, labels, counts = [*parts, remembered], [*labels, their_degrees], [*counts, their_weights]
    joined, target, count = Encoded.concatenate(parts), np.concatenate(labels), np.concatenate(counts)
    if (target.sum(axis=0) > 0).sum() < 2:
        if not used.any():
            return AdaptedModel(network, emotions, nothing_learned(network, len(emotions)), own)
        known = [name for name, total in zip(emotions, target.sum(axis=0), strict=True) if total > 0]
        what = f"only {known[0]!r} has any" if known else "none of them has any"
        raise SupportError(f"Two emotions need a correction at least, and {what}.")
    reading = network.reading(joined)
    unfamiliar = _unfamiliar(
        network, named, [name for name, total in zip(emotions, target.sum(axis=0), strict=True) if total]
    )
    alone = fast = learn(network, reading, torch.from_numpy(target), torch.from_numpy(count), unfamiliar=unfamiliar)
    if unlabelled is not None and used.any():
        if unlabelled.encoder != own:
            raise SupportError("These segments were encoded by another model; encode them again with this one.")
        others = unlabelled[np.flatnonzero(unlabelled.present.any(axis=1))]
        fast = _in_company(network, alone, reading, target, count, int(used.sum()), others)
    in_company = fast is not alone
    if memory is not None:
        fast = fast._replace(temperature=torch.tensor(memory.temperature))
    return AdaptedModel(network, emotions, fast, own, in_company=in_company)


def _in_company(
    network: Network,
    alone: FastWeights,
    reading: Reading,
    target: FloatArray,
    count: FloatArray,
    corrections: int,
    others: Encoded,
) -> FastWeights:
    """Fast weights that unlabelled segments have moved, as far as the first ``corrections`` rows of ``reading`` allow:
    corrections come first, so where they would be answered much less as they say, the others count for less.
    """
    if len(others) == 0:
        return alone
    degrees, weights = torch.from_numpy(target), torch.from_numpy(count)
    company = network.reading(others)
    most = min(COMPANY * float(count[:corrections].sum()) / len(others), 1.0)

    def kept(fast: FastWeights) -> float:
        spoken = logits(fast, network.evidence(reading, fast.conditioning))[:corrections] / fast.temperature
        told = degrees[:corrections] / degrees[:corrections].sum(dim=1, keepdim=True)
        return float((torch.minimum(spoken.softmax(dim=1), told).sum(dim=1) * weights[:corrections]).sum())

    needed = KEPT * kept(alone)
    for part in (1.0, 0.3, 0.1, 0.03):
        fast = learn(network, reading, degrees, weights, company, part * most, alone.conditioning.unfamiliar)
        if kept(fast) >= needed:
            return fast
    return alone


def _check(
    support: Encoded, degrees: NDArray[np.floating], emotions: Sequence[str], weights: FloatArray, own: str
) -> None:
    if len(emotions) < 2 or len(set(emotions)) < len(emotions):
        raise SupportError("A study needs two different emotions at least.")
    if degrees.shape != (len(support), len(emotions)) or weights.shape != (len(support),):
        raise SupportError(
            f"{len(support)} corrections and {len(emotions)} emotions need degrees of that shape, not {degrees.shape}."
        )
    if not (
        np.isfinite(degrees).all() and np.isfinite(weights).all() and (degrees >= 0).all() and (weights >= 0).all()
    ):
        raise SupportError("Degrees and weights of corrections must be numbers from 0 up.")
    if support.encoder != own:
        raise SupportError("These segments were encoded by another model; encode them again with this one.")


def recall(memory: Memory, emotions: Sequence[str], weight: FloatArray) -> tuple[Encoded, FloatArray, FloatArray]:
    """The remembered segments of the emotions asked for, with degrees and weights: all of one emotion and modality m
    together count as much as ``weight[m]`` corrections; ``weight (M,)``.
    """
    names = [canonical(name) for name in emotions]
    column = np.zeros((len(memory.emotions), len(names)), np.float32)
    for place, name in enumerate(names):
        if name in memory.emotions:
            column[memory.emotions.index(name), place] = 1
    degrees = memory.degrees @ column
    asked = degrees.sum(axis=1) > 0
    present, mass = memory.encoded.present[asked].astype(np.float32), degrees[asked]
    together = mass.T @ present
    rows = (mass @ together) * present
    weights = present @ weight / np.maximum(rows.sum(axis=1), 1e-6)
    return memory.encoded[asked], mass, weights.astype(np.float32)


def _unfamiliar(network: Network, named: Memory | None, emotions: Sequence[str]) -> torch.Tensor | None:
    """The share ``(M,)`` of these emotions that ``named`` remembers nothing of in a modality, zero for a modality
    without general features; None without a memory.
    """
    if named is None:
        return None
    able = torch.stack([network.encoder[modality.name].general.any() for modality in network.modalities])
    names = [canonical(name) for name in emotions]
    there = (named.degrees.T > 0).astype(np.float32) @ named.encoded.present.astype(np.float32) > 0
    seen = [there[named.emotions.index(name)] if name in named.emotions else there[0] & False for name in names]
    return torch.from_numpy(1 - np.mean(seen, axis=0)).float() * able


def _shares(work: RulesAtWork, reading: Reading, added: Tensor, evidence: Evidence) -> Tensor:
    """Each modality's part of the evidence, ``(n, M)``: its own contribution plus that of the rules that speak of it, a
    rule of several modalities divided by its measured conditions; size is the sum over emotions of what it
    moves a logit away from the mean. ``added (n, J, N)``.
    """
    moved = added - added.mean(dim=2, keepdim=True)
    known = (~reading.x.isnan()).to(moved.dtype)
    network = work.network
    groups = torch.nn.functional.one_hot(torch.tensor(network.rules.groups), len(network.modalities)).to(moved.dtype)
    measured = torch.einsum("rv,nv,vm->nrm", work.gates(), known, groups)
    part = measured / measured.sum(dim=2, keepdim=True).clamp(min=1e-9)
    by_rules = torch.einsum("nr,nrm->nm", reading.firing.normalised, part)
    moved = moved[:, :-1] + by_rules[:, :, None] * moved[:, -1:]
    size = moved.abs().sum(dim=2) * evidence.present[:, :-1]
    alone = evidence.present[:, :-1].to(size.dtype)
    size = torch.where(size.sum(dim=1, keepdim=True) > 1e-9, size, alone)
    return size / size.sum(dim=1, keepdim=True).clamp(min=1e-9)


def _uncertainty(network: Network, fast: FastWeights, evidence: Evidence, memberships: Tensor) -> Tensor:
    """``1 - (1 - H)(1 - novelty)``: H the entropy of the degrees over that of even ones, novelty how far beyond the
    distance familiar from training (95th percentile of a view to its own prototype) the nearest prototype is.
    """
    entropy = torch.special.entr(memberships).sum(dim=1) / np.log(max(int(fast.known.sum()), 2))
    beyond = (distances(network, fast, evidence) / network.familiar - 1).clamp(0, 1)
    novelty = (beyond * evidence.attention).sum(dim=1)
    return (1 - (1 - entropy.clamp(0, 1)) * (1 - novelty)).clamp(0, 1)
