"""The network of ST-F2M: encoder, fuzzy rules and meta-recurrent learner as one set of weights.

Sources of evidence J: the M modalities, each by its embedding, and the rules, by their semantic vector. An answer is a
sum over sources (see :mod:`stf2m.fast_weights`), so that a missing one is simply not in the sum and each one's share
is exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from stf2m.encoded import Encoded
from stf2m.encoder import ModalityEncoder, Readout, SpatioTemporalEncoder, Stream
from stf2m.fuzzy import Bells, Firing, FuzzyRules
from stf2m.recurrent import Conditioning, FastWeightCell, SupportReader
from stf2m.tracks import Cue, Modality

#: How much more than every modality the rules count at first, as attention's score: they are to carry the answer.
RULES_FIRST = 4.0
#: How fast the general features take over from what was learned of named emotions, as more emotions have no name there.
UNNAMED = 4.0
#: Numbers by which the reader knows an item's place among the labels; see ``fast_weights.label_features``.
LABEL_FEATURES = 6


@dataclass(frozen=True)
class Architecture:
    """The sizes of a model, and the switches of the ablations; part of every checkpoint's card.

    ``streams`` of every modality's encoder, their ``width`` d, ``blocks`` of temporal convolution and ``heads`` of
    attention pooling, ``classes`` numbers of the fixed discriminant, ``general`` numbers G in which performances differ
    whatever their emotion, ``rules`` R, ``factors`` learned fuzzy variables
    of each modality, ``state`` and ``reads`` of the support reader, ``cell`` state of the learned optimiser and its
    ``steps`` T.
    """

    streams: int = 3
    width: int = 48
    blocks: int = 2
    dilations: tuple[int, ...] = (1, 2, 4)
    dropout: float = 0.1
    heads: int = 4
    classes: int = 12
    general: int = 80
    rules: int = 16
    factors: int = 20
    state: int = 64
    reads: int = 3
    cell: int = 16
    steps: int = 5
    fuzzy: bool = True
    recurrent: bool = True
    temporal: bool = True
    spatial: bool = True
    mixing: bool = True

    @property
    def embedding(self) -> int:
        """D, the length of a view's embedding."""
        return self.streams * self.width + self.classes


class Reading(NamedTuple):
    """What is known of n segments before any task: ``pooled (n, M, P)``, ``present (n, M)``, fuzzy variables
    ``x (n, V)``, ``firing`` of the rules, their ``answers (n, R, D)`` and ``semantic`` vector ``(n, D)``.
    """

    pooled: Tensor
    present: Tensor
    x: Tensor
    firing: Firing
    answers: Tensor
    semantic: Tensor

    def of(self, rows: Tensor) -> "Reading":
        """What is known of some of the segments."""
        firing = Firing(*(each[rows] for each in self.firing))
        parts = self.pooled, self.present, self.x, self.answers, self.semantic
        pooled, present, x, answers, semantic = (each[rows] for each in parts)
        return Reading(pooled, present, x, firing, answers, semantic)


class Evidence(NamedTuple):
    """What the task's classifier sees: ``features (n, J, D)``, ``present (n, J)``, ``attention (n, J)`` over the
    sources that are present (rows sum to one, or are zero where there is none). ``general (n, M, G)`` are the general
    features of every modality, and ``unnamed (n, M)`` how much these count in the answer, see :func:`unnamed`.
    """

    features: Tensor
    present: Tensor
    attention: Tensor
    general: Tensor
    unnamed: Tensor

    @property
    def weight(self) -> Tensor:
        """How much every source counts beside the general features, ``(n, J)``."""
        return self.attention * (1 - self.unnamed.sum(dim=1, keepdim=True))


@dataclass(frozen=True, eq=False)
class Memory:
    """A few remembered segments of the training data: ``degrees (n, len(emotions))`` says what they were labelled.

    With it a study has suggestions before its first correction. It is a support set like any other, but of many people
    and recordings at once, hence with a ``temperature`` of its own for degrees that mean what they say.
    """

    encoded: Encoded
    emotions: tuple[str, ...]
    degrees: NDArray[np.float32]
    temperature: float = 1.0


class Network(nn.Module):
    """All weights and what they compute. ``modalities`` fix the shapes of the views it reads; ``cues`` are all their
    cues side by side.

    Raises ``ValueError`` when two modalities share a cue's name.
    """

    def __init__(self, modalities: Sequence[Modality], architecture: Architecture | None = None) -> None:
        super().__init__()
        size = architecture or Architecture()
        self.modalities, self.architecture = tuple(modalities), size
        self.cues: tuple[Cue, ...] = tuple(cue for modality in modalities for cue in modality.cues)
        if len({cue.name for cue in self.cues}) < len(self.cues):
            raise ValueError("Every cue needs a name of its own.")
        encoders = {
            modality.name: ModalityEncoder(
                modality,
                [
                    Stream(
                        modality, size.width, size.blocks, size.heads, size.dilations, size.dropout,
                        temporal=size.temporal, spatial=size.spatial, mixing=size.mixing,
                    )
                    for _ in range(size.streams)
                ],
                size.classes,
                size.general,
            )
            for modality in modalities
        }  # fmt: skip
        each, count = (size.heads + 2) * size.width, len(modalities)
        self.pooled = size.streams * each + size.classes + size.general
        self.encoder = SpatioTemporalEncoder(encoders)
        self.readout = Readout(count, size.streams, each, size.width, size.classes, size.dropout)
        self.factor_weight = nn.Parameter(torch.randn(count, size.embedding, size.factors) / size.embedding**0.5)
        self.rules = FuzzyRules(Bells(len(self.modality_of)), size.rules, size.embedding, self.modality_of.tolist())
        item = 2 * size.embedding + count + LABEL_FEATURES
        self.reader = SupportReader(item, size.state, size.reads, count, size.embedding - size.classes, count + 1)
        self.cell = FastWeightCell(size.cell)
        self.attention = nn.Parameter(torch.zeros(count, size.embedding))
        self.trust = nn.Parameter(torch.tensor([0.0] * count + [RULES_FIRST]))
        self.log_sharpness = nn.Parameter(torch.full((count + 1,), -2.0))
        self.raw_agreement = nn.Parameter(torch.tensor(0.0))
        self.raw_shrinkage = nn.Parameter(torch.full((count + 1,), -2.0))
        self.temperature: Tensor
        self.familiar: Tensor
        self.memory_weight: Tensor
        self.rule_values: Tensor
        self.rule_weight: Tensor
        self.rule_support: Tensor
        self.register_buffer("temperature", torch.tensor(1.0))
        self.register_buffer("familiar", torch.full((count + 1,), 10.0))
        self.register_buffer("memory_weight", torch.full((count,), 2.0))
        self.register_buffer("rule_values", torch.zeros(size.rules, len(self.rules.bells.lowest)))
        self.register_buffer("rule_weight", torch.full((size.rules,), 1 / size.rules))
        self.register_buffer("rule_support", torch.zeros(size.rules))
        #: The weights' versions and their fingerprint, see :func:`stf2m.checkpoint.fingerprint`.
        self.printed: tuple[object, str] | None = None
        self._start_rules()

    @property
    def variables(self) -> tuple[Cue, ...]:
        """The fuzzy variables: every cue, then the learned factors of every modality."""
        return self.cues + tuple(
            Cue(f"{modality.name} pattern {number}", "−2–2", (-2.0, 2.0), "A pattern the model has learned to see.")
            for modality in self.modalities
            for number in range(1, self.architecture.factors + 1)
        )

    @property
    def modality_of(self) -> NDArray[np.intp]:
        """The index of each fuzzy variable's modality, ``(V,)``."""
        of_cues = [index for index, modality in enumerate(self.modalities) for _ in modality.cues]
        return np.array(of_cues + [m for m in range(len(self.modalities)) for _ in range(self.architecture.factors)])

    def read(self, pooled: Tensor, present: Tensor, cues: Tensor) -> Reading:
        """Fuzzy variables, firing and semantics of n segments.

        ``pooled (n, M, P)``, ``present (n, M)``, ``cues (n, Q)`` in natural units with NaN.
        """
        size, flat = self.architecture, self.trust.new_zeros(())
        base = self.readout(pooled, flat, flat)
        factors = 2 * torch.tanh(torch.einsum("nmd,mdf->nmf", base, self.factor_weight) / 2)
        factors = factors.masked_fill(~present[:, :, None], float("nan")).flatten(1)
        x = self.rules.bells.standardise(torch.cat([cues, factors], dim=1))
        firing, answers = self.rules.fire(x), self.rules.answers(x)
        semantic = torch.einsum("nr,nrd->nd", firing.normalised, answers)
        if not size.fuzzy:
            firing = Firing(torch.full_like(firing.log_strength, float("-inf")), torch.zeros_like(firing.normalised))
            semantic = torch.zeros_like(semantic)
        return Reading(pooled, present, x, firing, answers, semantic)

    def reading(self, encoded: Encoded) -> Reading:
        """:meth:`read` encoded segments, from copies in torch's own aligned memory: so the same numbers take the same
        way through the processor.
        """
        return self.read(*(torch.tensor(array) for array in (encoded.pooled, encoded.present, encoded.cues)))

    def evidence(self, reading: Reading, task: Conditioning | None = None) -> Evidence:
        """Features of every source, given what the support reader said of the task (nothing: unconditioned)."""
        zero = self.trust.new_zeros(())
        embedded = self.readout(reading.pooled, task.scale if task else zero, task.shift if task else zero)
        fires = reading.firing.normalised.detach().sum(dim=1, keepdim=True) > 0
        present = torch.cat([reading.present, fires], dim=1)
        features = torch.cat([embedded, reading.semantic[:, None]], dim=1) * present[:, :, None]
        clear = torch.einsum("nmd,md->nm", embedded.tanh(), self.attention)
        score = torch.cat([clear, torch.zeros_like(clear[:, :1])], dim=1) + self.trust + (task.trust if task else 0)
        some = present.any(dim=1, keepdim=True)
        score = torch.where(some, score.masked_fill(~present, float("-inf")), torch.zeros_like(score))
        attention = score.softmax(dim=1) * present
        general = reading.pooled[..., self.pooled - self.architecture.general :]
        counts = unnamed(attention[:, :-1], task.unfamiliar if task else torch.zeros_like(self.trust[:-1]))
        return Evidence(features, present, attention, general, counts)

    def _start_rules(self) -> None:
        """Begin with three cues of one modality in every rule, the modalities in turn; or with two and a factor."""
        of_variable = torch.from_numpy(self.modality_of)
        with torch.no_grad():
            for rule, gates in enumerate(self.rules.gate_logits):
                mine = (of_variable == rule % len(self.modalities)).nonzero().flatten()
                is_cue = mine < len(self.cues)
                cues = 2 if rule // len(self.modalities) % 3 == 2 else 3
                for kind, wanted in ((mine[is_cue], cues), (mine[~is_cue], 3 - cues)):
                    gates[kind[torch.randperm(len(kind))[:wanted]]] = 0.5


def unnamed(attention: Tensor, unfamiliar: Tensor) -> Tensor:
    """How much of an answer the general features of every modality give, ``(n, M)``, by the ``attention (n, M)`` to the
    modalities and the shares ``unfamiliar (M,)`` of the emotions asked for that no training example of the modality
    had.

    Streams and rules learn what tells the emotions of the training data apart, and by and by nothing else: on emotions
    held out they were far worse than plain distances in the directions in which voices differ, on those trained far
    better. With c = :data:`UNNAMED` a modality's part is ``c u / (1 + c u)``. Faces are no better for it, so a recipe
    names the modalities that have general features.
    """
    part = UNNAMED * unfamiliar / (1 + UNNAMED * unfamiliar)
    return attention / attention.sum(dim=1, keepdim=True).clamp(min=1e-9) * part
