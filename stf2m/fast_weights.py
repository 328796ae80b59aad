"""Learning from a support set: prototypes, reader, learned optimiser. Differentiable, so that it can be meta-trained.

The classifier is linear in every source of evidence j and additive over sources: with features f_j, attention α_j
over the sources that are present and the support's mean feature g_j,

    ``logit_k = (1 - Σ_m u_m) Σ_j α_j (W_kj · (f_j - g_j) + b_kj) + Σ_m u_m λ (2 q_km · (r_m - s_m) - |q_km|²) / G``.

The second sum is a plain distance of general features r_m to their prototypes q_km about the mean s_m, for emotions
whose names the training data did not have (:func:`stf2m.network.unnamed` gives u); for others it is zero.

It starts as nearest prototype (``W = 2 τ (p - g)``, ``b = -τ |p - g|²``: the squared distance to p less what all
emotions share; Snell et al. 2017) and is then refined by T steps of the recurrent cell on the soft-label cross-entropy
of the support. Shapes: n segments, N emotions, J sources, M modalities, D embedding width, G general features, R rules.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from stf2m.network import Evidence, Network, Reading
from stf2m.recurrent import Conditioning


class FastWeights(NamedTuple):
    """What one task has learned: ``weight (N, J, D)``, ``bias (N, J)``, ``centre (J, D)`` = g, ``prototypes (N, J, D)``
    (centred), ``general (N, M, G)`` prototypes of the general features, about ``general_centre (M, G)``,
    ``known (N,)``: whether any support speaks for the emotion, the ``temperature`` () by which logits are divided to
    become calibrated degrees, and the reader's ``conditioning``.
    """

    weight: Tensor
    bias: Tensor
    centre: Tensor
    prototypes: Tensor
    general: Tensor
    general_centre: Tensor
    known: Tensor
    temperature: Tensor
    conditioning: Conditioning


#: λ: as much as this a mean squared difference of general features counts.
GENERAL = 16.0
#: Rounds of learning from unlabelled segments, and of fitting their degrees to the emotions' shares.
ROUNDS, FITTING = 6, 20
#: So many unlabelled segments' worth of evidence says that they are not recorded otherwise than the corrected ones.
ALIKE = 10.0


def learn(
    network: Network,
    reading: Reading,
    degrees: Tensor,
    weights: Tensor,
    unlabelled: Reading | None = None,
    count: float = 1.0,
    unfamiliar: Tensor | None = None,
) -> FastWeights:
    """Fast weights from a support set: its ``reading`` of n segments, ``degrees (n, N)`` and ``weights (n,)`` > 0; and
    from ``unlabelled`` segments of which each counts as ``count`` corrections. ``unfamiliar (M,)``: the share of the
    emotions that each modality's training data did not have, none unless given.

    Every sum over the support is a matrix product or a reduction over n: the order of the corrections does not
    matter (to rounding), and the same order gives the same bits.
    """
    base = network.evidence(reading)
    if network.architecture.recurrent:
        items, item_weights = _items(network, reading, base, degrees, weights)
        conditioning = network.reader(items, item_weights)
    else:
        conditioning = _unconditioned(network)
    if unfamiliar is not None:
        conditioning = conditioning._replace(unfamiliar=unfamiliar)
    evidence = network.evidence(reading, conditioning)
    start = _prototypes(network, evidence, reading.firing.normalised, degrees, weights)
    fast = start._replace(conditioning=conditioning)
    if unlabelled is not None and len(unlabelled.present):
        fast, evidence = _with_company(network, fast, reading, evidence, unlabelled, degrees, weights, count)
    return _refined(network, fast, evidence, degrees, weights) if network.architecture.recurrent else fast


def nothing_learned(network: Network, emotions: int) -> FastWeights:
    """Fast weights that know none of N emotions: every answer has equal degrees and full uncertainty."""
    sources, width = len(network.modalities) + 1, network.architecture.embedding
    return FastWeights(
        weight=torch.zeros(emotions, sources, width),
        bias=torch.zeros(emotions, sources),
        centre=torch.zeros(sources, width),
        prototypes=torch.zeros(emotions, sources, width),
        general=torch.zeros(emotions, sources - 1, network.architecture.general),
        general_centre=torch.zeros(sources - 1, network.architecture.general),
        known=torch.zeros(emotions, dtype=torch.bool),
        temperature=network.temperature.clone(),
        conditioning=Conditioning(*(each.clone() for each in _unconditioned(network))),
    )


def contributions(fast: FastWeights, evidence: Evidence) -> Tensor:
    """What every source adds to every emotion's logit, ``(n, J, N)``; their sum over J is the logit. What the general
    features of a modality add is the modality's.
    """
    centred = (evidence.features - fast.centre) * evidence.present[:, :, None]
    added = evidence.weight[:, :, None] * source_logits(fast, evidence, centred)
    if not evidence.unnamed.any():
        return added
    by_general = evidence.unnamed[:, :, None] * general_logits(fast, evidence)
    return added + torch.cat([by_general, torch.zeros_like(added[:, -1:])], dim=1)


def general_logits(fast: FastWeights, evidence: Evidence) -> Tensor:
    """The answer by every modality's general features alone, ``(n, M, N)``; see the module."""
    centred = evidence.general - fast.general_centre
    near = 2 * torch.einsum("nmg,kmg->nmk", centred, fast.general) - fast.general.square().sum(dim=-1).T
    return GENERAL * near / max(fast.general.shape[-1], 1)


def source_logits(fast: FastWeights, evidence: Evidence, centred: Tensor | None = None) -> Tensor:
    """Every source's own answer, as if it were alone, ``(n, J, N)``; zero where it is absent."""
    if centred is None:
        centred = (evidence.features - fast.centre) * evidence.present[:, :, None]
    return (torch.einsum("njd,kjd->njk", centred, fast.weight) + fast.bias.T) * evidence.present[:, :, None]


def logits(fast: FastWeights, evidence: Evidence) -> Tensor:
    """``(n, N)``; an emotion that nothing speaks for has -1e4, hence degree 0."""
    return contributions(fast, evidence).sum(dim=1).masked_fill(~fast.known, -1e4)


def distances(network: Network, fast: FastWeights, evidence: Evidence) -> Tensor:
    """Sharpness times squared distance to the nearest known prototype in every source, ``(n, J)``."""
    centred = evidence.features - fast.centre
    squared = (centred[:, None] - fast.prototypes[None]).square().sum(dim=-1)
    nearest = squared.masked_fill(~fast.known[None, :, None], float("inf")).amin(dim=1)
    return network.log_sharpness.exp() * nearest


def label_features(distance: Tensor, degrees: Tensor, shots: Tensor) -> Tensor:
    """How an item stands to the labels, without saying which label is which, ``(n, 6)``.

    ``distance (n, N)`` to each emotion's prototype, ``degrees (n, N)``, ``shots (N,)`` how many speak for each. The
    numbers: distance to its own prototype and to the nearest other one, degree its own would get, how sure its label
    is, log of its own shots, log of N. All are the same after any renaming of the emotions.
    """
    own = (distance * degrees).sum(dim=1) / degrees.sum(dim=1).clamp(min=1e-6)
    other = (distance + 1e3 * (degrees > 0.5)).amin(dim=1).clamp(max=20)
    agreed = ((-distance).softmax(dim=1) * degrees).sum(dim=1)
    sure = degrees.square().sum(dim=1)
    count = torch.log1p((degrees * shots).sum(dim=1))
    ways = torch.full_like(own, degrees.shape[1]).log()
    return torch.stack([own.clamp(max=20) / 5, other / 5, agreed, sure, count, ways], dim=1)


def _items(
    network: Network, reading: Reading, base: Evidence, degrees: Tensor, weights: Tensor
) -> tuple[Tensor, Tensor]:
    """One item for the reader for every view of the support: embedding, semantics, modality, label features."""
    count = base.features.shape[1] - 1
    start = _prototypes(network, base, reading.firing.normalised, degrees, weights)
    centred = base.features - start.centre
    squared = (centred[:, None] - start.prototypes[None]).square().sum(dim=-1) * network.log_sharpness.exp()
    shots = (degrees * weights[:, None]).sum(dim=0)
    parts = []
    for modality in range(count):
        which = F.one_hot(torch.tensor(modality, device=degrees.device), count).to(degrees.dtype)
        known = label_features(squared[:, :, modality], degrees, shots)
        parts.append(torch.cat([centred[:, modality], centred[:, count], which.expand(len(degrees), -1), known], dim=1))
    items = torch.stack(parts, dim=1)
    used = reading.present
    return items[used], weights[:, None].expand(-1, count)[used]


def fuzzy_mass(network: Network, firing: Tensor, mass: Tensor) -> Tensor:
    """How much each of n corrections counts in the prototype of each emotion, ``(n, N)``: its ``mass`` (degree times
    weight), and how far the rules that fire for it are those that fire for the emotion. ``firing (n, R)``.
    """
    profile = (mass.T @ firing) / mass.sum(dim=0).clamp(min=1e-6)[:, None]
    overlap = torch.minimum(firing[:, None], profile[None]).sum(dim=-1)
    overlap = torch.where(firing.sum(dim=1, keepdim=True) > 0, overlap, torch.ones_like(overlap))
    return mass * (overlap + 0.05) ** F.softplus(network.raw_agreement)


def prototype_pulls(network: Network, fast: FastWeights, support: Reading, mass: Tensor, asked: Reading) -> Tensor:
    """What each of n corrections adds to the logits of m segments through the emotions' prototypes, ``(m, n, N)``.

    A logit's start is ``Σ_j α_j (2 τ_j p_kj · (f_j - g_j) - τ_j |p_kj|²)``, and a prototype is a weighted sum over the
    corrections, so the first term is a sum over them: ``Σ_j α_j 2 τ_j w_nk (f_nj - g_j)·(f_j - g_j) / (Σ_n w_nk + s)``
    with w their :func:`fuzzy_mass` and s the shrinkage; general features likewise. This is so before unlabelled
    segments move the prototypes and the learned optimiser refines the weights. ``mass (n, N)`` is degree times weight
    of all that was learned from.
    """
    given, query = (network.evidence(each, fast.conditioning) for each in (support, asked))
    present = given.present.to(mass.dtype)
    fuzzy = fuzzy_mass(network, support.firing.normalised, mass)
    share = torch.einsum("nk,nj->kj", fuzzy, present) + F.softplus(network.raw_shrinkage)
    theirs = (given.features - fast.centre) * present[:, :, None]
    here = (query.features - fast.centre) * query.present[:, :, None]
    alike = torch.einsum("mjd,njd->mnj", here, theirs) * (2 * network.log_sharpness.exp() * query.weight)[:, None]
    pulls = torch.einsum("mnj,nk,kj->mnk", alike, fuzzy, 1 / share)
    if not query.unnamed.any():
        return pulls
    there = present[:, :-1]
    theirs = (given.general - fast.general_centre) * there[:, :, None]
    here = (query.general - fast.general_centre) * query.present[:, :-1, None]
    alike = torch.einsum("mjg,njg->mnj", here, theirs) * (2 * GENERAL / here.shape[-1] * query.unnamed)[:, None]
    total = torch.einsum("nk,nj->kj", mass, there).clamp(min=1e-6)
    return pulls + torch.einsum("mnj,nk,kj->mnk", alike, mass, 1 / total)


def _prototypes(network: Network, evidence: Evidence, firing: Tensor, degrees: Tensor, weights: Tensor) -> FastWeights:
    """Fuzzy-weighted prototypes: a correction counts by its degree, its weight, and how far the rules that fire for it
    are those that fire for its emotion; each is drawn a little to the mean of all.
    """
    mass = degrees * weights[:, None]
    fuzzy = fuzzy_mass(network, firing, mass)
    present = evidence.present.to(mass.dtype)
    everything = weights[:, None] * present
    centre = torch.einsum("nj,njd->jd", everything, evidence.features) / everything.sum(dim=0).clamp(min=1e-6)[:, None]
    centred = (evidence.features - centre) * present[:, :, None]
    share = torch.einsum("nk,nj->kj", fuzzy, present)
    shrinkage = F.softplus(network.raw_shrinkage)
    prototypes = torch.einsum("nk,njd->kjd", fuzzy, centred) / (share + shrinkage)[:, :, None]
    sharpness = network.log_sharpness.exp()
    weight = 2 * sharpness[None, :, None] * prototypes
    bias = -sharpness * prototypes.square().sum(dim=-1)
    known = mass.sum(dim=0) > 0
    general, general_centre = _general_prototypes(evidence, mass, everything[:, :-1])
    return FastWeights(
        weight, bias, centre, prototypes, general, general_centre, known, network.temperature, _unconditioned(network)
    )


def _general_prototypes(evidence: Evidence, mass: Tensor, everything: Tensor) -> tuple[Tensor, Tensor]:
    """Plain means of the general features, ``(N, M, G)``, about that of all, ``(M, G)``; ``mass (n, N)``,
    ``everything (n, M)``.
    """
    centre = torch.einsum("nm,nmg->mg", everything, evidence.general)
    centre = centre / everything.sum(dim=0).clamp(min=1e-6)[:, None]
    present = evidence.present[:, :-1].to(mass.dtype)
    total = torch.einsum("nk,nm->km", mass, present).clamp(min=1e-6)
    centred = (evidence.general - centre) * present[:, :, None]
    return torch.einsum("nk,nmg->kmg", mass, centred) / total[:, :, None], centre


def _refined(network: Network, fast: FastWeights, evidence: Evidence, degrees: Tensor, weights: Tensor) -> FastWeights:
    """T updates by the recurrent cell. The loss is half that of the joint answer, half that of every source alone,
    so that each source stays usable where the others are missing.
    """
    emotions, sources, width = fast.weight.shape
    target = degrees / degrees.sum(dim=1, keepdim=True).clamp(min=1e-6)
    portion = (weights / weights.sum())[:, None]
    centred = (evidence.features - fast.centre) * evidence.present[:, :, None]
    shots = torch.log1p((degrees * weights[:, None]).sum(dim=0))
    shots = torch.cat([shots[:, None, None].expand(-1, sources, width).flatten(), shots.repeat_interleave(sources)])
    theta = torch.cat([fast.weight.flatten(), fast.bias.flatten()])
    state = network.cell.begin(len(theta))
    evidence = evidence._replace(unnamed=torch.zeros_like(evidence.unnamed))
    present = evidence.present.to(theta.dtype)
    for _ in range(network.architecture.steps):
        weight = theta[: fast.weight.numel()].view(emotions, sources, width)
        bias = theta[fast.weight.numel() :].view(emotions, sources)
        current = fast._replace(weight=weight, bias=bias)
        alone = source_logits(current, evidence, centred).masked_fill(~fast.known, -1e4)
        joint = logits(current, evidence)
        loss = -(portion * target * joint.log_softmax(dim=1)).sum()
        residual = (portion * (joint.softmax(dim=1) - target))[:, None, :] * evidence.attention[:, :, None]
        residual = residual + (portion[:, None] * (alone.softmax(dim=2) - target[:, None, :])) * present[:, :, None]
        gradient = torch.cat(
            [torch.einsum("njk,njd->kjd", residual, centred).flatten(), residual.sum(dim=0).T.flatten()]
        )
        theta, state = network.cell(theta, gradient / 2, loss.detach(), shots, state)
    weight = theta[: fast.weight.numel()].view(emotions, sources, width)
    return fast._replace(weight=weight, bias=theta[fast.weight.numel() :].view(emotions, sources))


def _with_company(
    network: Network,
    fast: FastWeights,
    reading: Reading,
    evidence: Evidence,
    unlabelled: Reading,
    degrees: Tensor,
    weights: Tensor,
    count: float,
) -> tuple[FastWeights, Evidence]:
    """Prototypes and corrections that unlabelled segments have moved: soft k-means (Ren et al. 2018).

    In every round each unlabelled segment gets the degrees that the present prototypes give it, as far as they fit the
    emotions' :func:`shared` occurrence, and counts with them beside the corrections. What they all are away from what
    explains them (other people, another room) moves the corrections to where they are, for they are what will be
    answered.
    """
    theirs = network.evidence(unlabelled, fast.conditioning)
    firing = torch.cat([reading.firing.normalised, unlabelled.firing.normalised])
    present = theirs.present.to(degrees.dtype)
    seen = present.sum(dim=0)[:, None]
    mass = torch.cat([weights, torch.full_like(present[:, 0], count)])
    corrected = evidence
    for _ in range(ROUNDS):
        guessed = shared(logits(fast, theirs) / fast.temperature, fast.known)
        explained = torch.einsum("nk,kjd->njd", guessed, fast.prototypes) + fast.centre
        away = ((theirs.features - explained) * present[:, :, None]).sum(dim=0) / (seen + ALIKE)
        corrected = corrected._replace(features=corrected.features + away * corrected.present[:, :, None])
        explained = torch.einsum("nk,kmg->nmg", guessed, fast.general) + fast.general_centre
        away = ((theirs.general - explained) * present[:, :-1, None]).sum(dim=0) / (seen[:-1] + ALIKE)
        corrected = corrected._replace(general=corrected.general + away * corrected.present[:, :-1, None])
        both = Evidence(*(torch.cat(pair) for pair in zip(corrected, theirs, strict=True)))
        moved = _prototypes(network, both, firing, torch.cat([degrees, guessed]), mass)
        fast = moved._replace(conditioning=fast.conditioning, known=fast.known)
    return fast, corrected


def shared(spoken: Tensor, known: Tensor) -> Tensor:
    """Degrees ``(n, N)`` of unlabelled segments by their logits ``spoken (n, N)``, of the ``known (N,)`` emotions.

    The mean p of their softmax says in which shares the emotions occur, roughly: errors make it uneven where the shares
    are even. So p is drawn to even shares u by how likely it is that they are even, ``L = exp(-n KL(p ‖ u))``, the
    likelihood of u over that of p: a few segments in about even shares are taken as even, many or very uneven ones
    speak for themselves. The degrees are those nearest to the softmax whose mean is ``(1 - L) p + L u``, by iterative
    proportional fitting (Sinkhorn 1967). Taking shares for even whatever is there does harm where they are not
    (Veilleux et al. 2021).
    """
    degrees = spoken.softmax(dim=1)
    even = known / known.sum()
    share = degrees.mean(dim=0)
    apart = (share * torch.where(known, share / even.clamp(min=1e-9), 1.0).clamp(min=1e-9).log()).sum()
    likely = torch.exp(-len(spoken) * apart)
    wanted = (1 - likely) * share + likely * even
    drawn = torch.zeros_like(share)
    for _ in range(FITTING):
        step = torch.where(known, wanted.clamp(min=1e-6) / degrees.mean(dim=0).clamp(min=1e-6), 1.0)
        drawn = drawn + step.log()
        degrees = (spoken + drawn).softmax(dim=1)
    return degrees


def _unconditioned(network: Network) -> Conditioning:
    shape = network.reader.shape
    zero = network.trust.new_zeros(shape)
    return Conditioning(zero, zero, torch.zeros_like(network.trust), zero[:, 0])
