"""Validation, and what is settled when the weights are: temperature, familiar distances, rule figures, memory, card."""

import datetime
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from stf2m.adaptation import adapt
from stf2m.corpus import Corpus
from stf2m.encoded import Encoded
from stf2m.fast_weights import contributions, learn
from stf2m.model import STF2M
from stf2m.network import Memory, Reading
from stf2m.recipe import Recipe
from stf2m.tasks import Episode, Protocol, Sampler, TooFewExamplesError, episodes
from stf2m.tracks import FloatArray

#: Validation episodes of each kind, and the kinds: ways, shots and protocol.
EPISODES = 60
KINDS: tuple[tuple[int, Protocol], ...] = ((1, "cross"), (5, "cross"), (1, "personal"), (5, "personal"))
WAYS = 5
#: How much each modality counts in the choice of the best weights.
IMPORTANCE: Mapping[str, float] = {"voice": 2.0}
#: Remembered segments of each emotion and modality.
REMEMBERED = 16

_LICENCES = {
    "ravdess_speech": "CC BY-NC-SA 4.0 (Livingstone & Russo 2018)",
    "emodb": "free to use (Burkhardt et al. 2005)",
    "ck48": "CK+ agreement: research only (Lucey et al. 2010)",
    "fer2013": "unclear, research only (Goodfellow et al. 2013)",
    "meld": "GPL-3.0 (Poria et al. 2019)",
}


def encode(model: STF2M, corpus: Corpus, random: np.random.Generator | None = None, most: int = 10**9) -> Encoded:
    """The performances of a corpus (``most`` of them, spread evenly) as encoded segments."""
    chosen = np.unique(np.linspace(0, len(corpus) - 1, min(most, len(corpus))).round().astype(int))
    column = [modality.name for modality in model.modalities].index(corpus.modality.name)
    pooled = np.zeros((len(chosen), len(model.modalities), model.readout.gate_weight.shape[1]), np.float32)
    present = np.zeros(pooled.shape[:2], bool)
    cues = np.full((len(chosen), len(model.cues)), np.nan, np.float32)
    present[:, column] = True
    here = np.flatnonzero(model.modality_of[: len(model.cues)] == column)
    for rows in np.array_split(np.arange(len(chosen)), max(len(chosen) // 128, 1)):
        views = corpus.views(chosen[rows], random)
        with torch.inference_mode():
            pooled[rows, column] = model.encoder(corpus.modality.name, views)[1].numpy()
        cues[rows[:, None], here] = views.cues.numpy()
    return Encoded(pooled, present, cues, model.fingerprint())


def validate(model: STF2M, validation: Mapping[str, Corpus], seed: int) -> dict[str, float]:
    """Accuracy by data set, shots and protocol on episodes of the validation speakers, and a ``score`` over all."""
    figures: dict[str, float] = {}
    scores, weights = [], []
    for corpus, reading, drawn in _validation(model, validation, seed):
        for name, some in drawn.items():
            right = [
                _logits(model, reading, episode)[0].argmax(dim=1).numpy() == episode.query_labels for episode in some
            ]
            figures[name] = float(np.mean([each.mean() for each in right]))
            scores.append(figures[name])
            weights.append(IMPORTANCE.get(corpus.modality.name, 1.0))
    return {"score": float(np.average(scores, weights=weights)), **figures}


def finish(
    model: STF2M,
    train: Mapping[str, Corpus],
    validation: Mapping[str, Corpus],
    recipe: Recipe,
    history: list[dict[str, float]],
) -> None:
    """Settle everything that is not learned by gradients, and write the card; only training and validation data are used."""
    _calibrate(model, validation, recipe.seed)
    _rule_figures(model, train, recipe.seed)
    memory = _remember(model, train)
    with_memory = _weigh_memory(model, memory, validation, recipe.seed)
    own = model.fingerprint()
    model.memory = Memory(_owned(memory.encoded, own), memory.emotions, memory.degrees)
    sources = sorted({source for corpus in train.values() for source in corpus.source})
    model.card = {
        "name": f"ST-F2M {recipe.name}",
        "about": "Fine-grained emotion recognition from a few corrections: encoder, fuzzy rules and meta-recurrent learner.",
        "licence": "CC BY-NC-SA 4.0, for research only",
        "licence_why": "It was trained on RAVDESS (CC BY-NC-SA 4.0), and on CK+ and FER2013, which are for research only.",
        "data": {source: _LICENCES.get(source, "see its authors") for source in sources},
        "trained_on": {
            name: {"performances": len(corpus), "speakers": len(set(corpus.speaker) - {""})}
            for name, corpus in train.items()
        },
        "seed": recipe.seed,
        "steps": recipe.steps,
        "command": f"python -m stf2m meta-train stf2m/recipes/{recipe.name}.toml --out stf2m/checkpoints",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "validation": max(history, key=lambda each: each["score"]),
        "validation_with_memory": with_memory,
        "rules_alone": _fidelity(model, validation, recipe.seed),
        "limits": "Emotion recognition is fallible; it must not be used to judge people.",
    }


def _validation(model: STF2M, validation: Mapping[str, Corpus], seed: int):
    """For every modality and data set: its corpus, its reading, and episodes by the name of their kind."""
    for corpus in validation.values():
        encoded = encode(model, corpus)
        reading = _read(model, encoded)
        for source in sorted(set(corpus.source)):
            rows = np.array([row for row, name in enumerate(corpus.source) if name == source])
            drawn: dict[str, list[Episode]] = {}
            for shots, protocol in KINDS:
                try:
                    ways = min(WAYS, len({corpus.emotion[row] for row in rows}))
                    sampler = Sampler(corpus.examples(rows.tolist()), ways=ways, shots=shots, protocol=protocol)
                    found = [_shifted(episode, rows) for episode in episodes(sampler, EPISODES, seed)]
                except TooFewExamplesError:
                    continue
                if not (protocol == "personal" and corpus.modality.name != "voice"):
                    drawn[f"{source} {shots}-shot {protocol}"] = found
            yield corpus, reading, drawn


def _shifted(episode: Episode, rows: NDArray[np.int64]) -> Episode:
    support, query = rows[episode.support], rows[episode.query]
    return Episode(episode.emotions, support, episode.support_labels, query, episode.query_labels)


@torch.inference_mode()
def _read(model: STF2M, encoded: Encoded) -> Reading:
    return model.read(*(torch.tensor(array) for array in (encoded.pooled, encoded.present, encoded.cues)))


@torch.inference_mode()
def _logits(model: STF2M, reading: Reading, episode: Episode) -> tuple[Tensor, Tensor]:
    """Logits of the queries ``(n, N)``, and sharpened squared distances to their own prototypes by source ``(n, J)``,
    NaN where a source is absent.
    """
    degrees = torch.from_numpy(episode.degrees())
    support, query = (_rows(reading, torch.from_numpy(rows)) for rows in (episode.support, episode.query))
    fast = learn(model, support, degrees, torch.ones(len(degrees)))
    evidence = model.evidence(query, fast.conditioning)
    own = fast.prototypes[torch.from_numpy(episode.query_labels)]
    away = (evidence.features - fast.centre - own).square().sum(dim=-1) * model.log_sharpness.exp()
    return contributions(fast, evidence).sum(dim=1), away.masked_fill(~evidence.present, float("nan"))


def _calibrate(model: STF2M, validation: Mapping[str, Corpus], seed: int) -> None:
    """The temperature of least negative log-likelihood, and the 95th percentile of distances to one's own prototype."""
    logits, labels, distances = [], [], []
    for _, reading, drawn in _validation(model, validation, seed + 1):
        for some in drawn.values():
            for episode in some:
                spoken, away = _logits(model, reading, episode)
                logits.append(spoken)
                labels.append(torch.from_numpy(episode.query_labels))
                distances.append(away)
    grid = torch.logspace(-1, 1, 41)
    losses = [
        sum(float(F.cross_entropy(each / value, label)) for each, label in zip(logits, labels, strict=True))
        for value in grid
    ]
    model.temperature.fill_(float(grid[int(np.argmin(losses))]))
    model.familiar.copy_(torch.nanquantile(torch.cat(distances), 0.95, dim=0).nan_to_num(10.0).clamp(min=0.1))


def _rule_figures(model: STF2M, train: Mapping[str, Corpus], seed: int) -> None:
    """At which values each rule usually fires, its mean share of all firing, and how often its strength is above 1/2."""
    random = np.random.default_rng(seed)
    readings = [_read(model, encode(model, corpus, random, 1500)) for corpus in train.values()]
    share = torch.cat([reading.firing.normalised for reading in readings])
    x = torch.nan_to_num(torch.cat([reading.x for reading in readings]))
    known = torch.cat([~reading.x.isnan() for reading in readings]).float()
    model.rule_values.copy_((share.T @ x) / (share.T @ known).clamp(min=1e-6))
    model.rule_weight.copy_(share.mean(dim=0))
    strength = torch.cat([reading.firing.log_strength for reading in readings]).exp()
    model.rule_support.copy_((strength > 0.5).float().mean(dim=0))


@torch.inference_mode()
def _remember(model: STF2M, train: Mapping[str, Corpus]) -> Memory:
    """Choose what to remember by herding (Welling 2009): of each emotion and modality, one after the other the
    performance that brings the mean embedding of those chosen nearest to the mean of all.
    """
    emotions = tuple(sorted({name for corpus in train.values() for name in corpus.emotion}))
    parts, degrees = [], []
    for corpus in train.values():
        encoded = encode(model, corpus)
        zero = model.trust.new_zeros(())
        column = int(encoded.present[0].argmax())
        embedded = model.readout(torch.from_numpy(encoded.pooled), zero, zero)[:, column].numpy()
        for number, emotion in enumerate(emotions):
            rows = np.flatnonzero([name == emotion for name in corpus.emotion])
            if len(rows):
                chosen = rows[_herd(embedded[rows], min(REMEMBERED, len(rows)))]
                parts.append(encoded[chosen])
                degrees.append(np.eye(len(emotions), dtype=np.float32)[np.full(len(chosen), number)])
    together = Encoded.concatenate(parts)
    rounded = Encoded(
        together.pooled.astype(np.float16).astype(np.float32), together.present, together.cues, together.encoder
    )
    return Memory(rounded, emotions, np.concatenate(degrees))


def _herd(points: FloatArray, count: int) -> list[int]:
    mean, total, chosen = points.mean(axis=0), np.zeros(points.shape[1]), []
    for _ in range(count):
        away = np.square((total + points) / (len(chosen) + 1) - mean).sum(axis=1)
        away[chosen] = np.inf
        chosen.append(int(away.argmin()))
        total += points[chosen[-1]]
    return chosen


def _weigh_memory(model: STF2M, memory: Memory, validation: Mapping[str, Corpus], seed: int) -> dict[str, float]:
    """Choose how many corrections the memory is worth: best accuracy over none, one and five shots."""
    best: dict[str, float] = {}
    for weight in (0.5, 1.0, 2.0, 4.0, 8.0):
        model.memory_weight.fill_(weight)
        own = model.fingerprint()
        owned = Memory(_owned(memory.encoded, own), memory.emotions, memory.degrees)
        figures: dict[str, list[float]] = {"no corrections": []}
        for corpus in validation.values():
            encoded = _owned(encode(model, corpus), own)
            for source in sorted(set(corpus.source)):
                rows = np.array([row for row, name in enumerate(corpus.source) if name == source])
                ways = min(WAYS, len({corpus.emotion[row] for row in rows}))
                for shots in (1, 5):
                    try:
                        sampler = Sampler(corpus.examples(rows.tolist()), ways=ways, shots=shots, protocol="cross")
                        drawn = [_shifted(episode, rows) for episode in episodes(sampler, 20, seed)]
                    except TooFewExamplesError:
                        continue
                    for episode in drawn:
                        for support in (episode.support[:0], episode.support) if shots == 1 else (episode.support,):
                            degrees = episode.degrees()[: len(support)]
                            adapted = adapt(model, owned, encoded[support], degrees, episode.emotions)
                            said = adapted.predict(encoded[episode.query]).memberships.argmax(axis=1)
                            name = f"{shots}-shot" if len(support) else "no corrections"
                            figures.setdefault(name, []).append(float((said == episode.query_labels).mean()))
        means = {name: float(np.mean(values)) for name, values in figures.items()}
        score = float(np.mean(list(means.values())))
        if not best or score > best["score"]:
            best = {"score": score, "memory_weight": weight, **means}
    model.memory_weight.fill_(best["memory_weight"])
    return best


def _fidelity(model: STF2M, validation: Mapping[str, Corpus], seed: int) -> dict[str, float]:
    """How often the rules alone, all or the three strongest, give the model's answer on 5-shot validation episodes."""
    same: dict[str, list[float]] = {"all rules agree": [], "three rules agree": [], "three rules right": []}
    for corpus in validation.values():
        encoded = encode(model, corpus)
        sampler = Sampler(corpus.examples(range(len(corpus))), ways=WAYS, shots=5, protocol="cross")
        for episode in episodes(sampler, EPISODES, seed):
            adapted = adapt(model, None, encoded[episode.support], episode.degrees(), episode.emotions)
            query = encoded[episode.query]
            answer = adapted.predict(query).memberships.argmax(axis=1)
            three = adapted.rule_answers(query, most=3).argmax(axis=1)
            same["all rules agree"].append(float((adapted.rule_answers(query).argmax(axis=1) == answer).mean()))
            same["three rules agree"].append(float((three == answer).mean()))
            same["three rules right"].append(float((three == episode.query_labels).mean()))
    return {name: round(float(np.mean(values)), 4) for name, values in same.items()}


def _owned(encoded: Encoded, fingerprint: str) -> Encoded:
    """The same arrays under the model's present fingerprint (settling buffers changes it, not what it encodes)."""
    return Encoded(encoded.pooled, encoded.present, encoded.cues, fingerprint)


def _rows(value: Reading, rows: Tensor) -> Reading:
    firing = type(value.firing)(*(each[rows] for each in value.firing))
    return Reading(
        value.pooled[rows], value.present[rows], value.x[rows], firing, value.answers[rows], value.semantic[rows]
    )
