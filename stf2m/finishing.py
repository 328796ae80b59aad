"""What is settled when the weights are: temperature, familiar distances, rule figures, memory, card."""

import datetime
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from stf2m.adaptation import adapt
from stf2m.corpus import Corpus
from stf2m.encoded import Encoded
from stf2m.model import STF2M
from stf2m.network import Memory
from stf2m.recipe import Recipe
from stf2m.tasks import Sampler, TooFewExamplesError, episodes
from stf2m.tracks import FloatArray
from stf2m.validation import KINDS, WAYS, answer, encode, material, read, shifted

#: Remembered segments of each emotion and modality.
REMEMBERED = 16

_LICENCES = {
    "ravdess_speech": "CC BY-NC-SA 4.0 (Livingstone & Russo 2018)",
    "emodb": "free to use (Burkhardt et al. 2005)",
    "ck48": "CK+ agreement: research only (Lucey et al. 2010)",
    "fer2013": "unclear, research only (Goodfellow et al. 2013)",
    "meld": "GPL-3.0 (Poria et al. 2019)",
}


def finish(
    model: STF2M,
    train: Mapping[str, Corpus],
    validation: Mapping[str, Corpus],
    recipe: Recipe,
    history: list[dict[str, float]],
) -> None:
    """Settle everything that is not learned by gradients, and write the card, by training and validation data only."""
    for weight in model.parameters():
        weight.data = weight.data.half().float()
    _calibrate(model, validation, recipe)
    _rule_figures(model, train, recipe.seed)
    seen = {name: encode(model, corpus) for name, corpus in train.items()}
    memory = _remember(model, train, seen)
    with_memory = _weigh_memory(model, train, seen, validation, recipe)
    encoded = _owned(memory.encoded, model.fingerprint())
    model.memory = Memory(encoded, memory.emotions, memory.degrees, with_memory["temperature"])
    sources = sorted({source for corpus in train.values() for source in corpus.source})
    model.card = {
        "name": f"ST-F2M {recipe.name}",
        "about": "Emotions from a few corrections: spatio-temporal encoder, fuzzy rules, meta-recurrent learner.",
        "licence": "CC BY-NC-SA 4.0, for research only",
        "licence_why": "Trained on RAVDESS (CC BY-NC-SA 4.0), and on CK+ and FER2013, which are for research only.",
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
        "rules_alone": _fidelity(model, validation, recipe),
        "limits": "Emotion recognition is fallible; it must not be used to judge people.",
    }


def _calibrate(model: STF2M, validation: Mapping[str, Corpus], recipe: Recipe) -> None:
    """The temperature of least negative log-likelihood, and the 95th percentile of distances to one's own prototype."""
    logits, labels, distances = [], [], []
    for _, reading, drawn in material(model, validation, recipe.seed + 1, recipe.episodes):
        for some in drawn.values():
            for episode in some:
                spoken, away = answer(model, reading, episode)
                logits.append(spoken)
                labels.append(torch.from_numpy(episode.query_labels))
                distances.append(away)
    model.temperature.fill_(_temperature(logits, labels))
    model.familiar.copy_(torch.nanquantile(torch.cat(distances), 0.95, dim=0).nan_to_num(10.0).clamp(min=0.1))


def _temperature(logits: Sequence[Tensor], labels: Sequence[Tensor]) -> float:
    """By what to divide logits ``(n, N)`` so that all labels ``(n,)`` are likeliest (Guo et al. 2017)."""
    grid = torch.logspace(-2, 1, 61)
    losses = [
        sum(float(F.cross_entropy(each / value, label)) for each, label in zip(logits, labels, strict=True))
        for value in grid
    ]
    return float(grid[int(np.argmin(losses))])


def _rule_figures(model: STF2M, train: Mapping[str, Corpus], seed: int) -> None:
    """The values at which each rule usually fires, its mean share of all firing, how often it fires above 1/2."""
    random = np.random.default_rng(seed)
    readings = [read(model, encode(model, corpus, random, 1500)) for corpus in train.values()]
    share = torch.cat([reading.firing.normalised for reading in readings])
    x = torch.nan_to_num(torch.cat([reading.x for reading in readings]))
    known = torch.cat([~reading.x.isnan() for reading in readings]).float()
    model.rule_values.copy_((share.T @ x) / (share.T @ known).clamp(min=1e-6))
    model.rule_weight.copy_(share.mean(dim=0))
    strength = torch.cat([reading.firing.log_strength for reading in readings]).exp()
    model.rule_support.copy_((strength > 0.5).float().mean(dim=0))


@torch.inference_mode()
def _remember(model: STF2M, train: Mapping[str, Corpus], seen: Mapping[str, Encoded], without: str = "") -> Memory:
    """Choose what to remember by herding (Welling 2009): of each emotion and modality, one after the other the
    performance that brings the mean embedding of those chosen nearest to the mean of all. ``seen`` are the corpora
    encoded; performances of the data set ``without`` are left out.
    """
    emotions = tuple(sorted({name for corpus in train.values() for name in corpus.emotion}))
    parts, degrees = [], []
    for name, corpus in train.items():
        encoded = seen[name]
        zero = model.trust.new_zeros(())
        column = int(encoded.present[0].argmax())
        embedded = model.readout(torch.from_numpy(encoded.pooled), zero, zero)[:, column].numpy()
        for number, emotion in enumerate(emotions):
            rows = np.flatnonzero(
                [
                    each == emotion and source != without
                    for each, source in zip(corpus.emotion, corpus.source, strict=True)
                ]
            )
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


def _weigh_memory(
    model: STF2M,
    train: Mapping[str, Corpus],
    seen: Mapping[str, Encoded],
    validation: Mapping[str, Corpus],
    recipe: Recipe,
) -> dict[str, float]:
    """Choose how many corrections the memory is worth: best accuracy over none, one and five shots; with it goes the
    temperature that makes the degrees of these answers likely.

    Each data set is answered with what is remembered of the *other* sets of its modality: a study's recordings are
    those of no data set either, and a memory of the very same recordings would be trusted too much.
    """
    best: dict[str, float] = {}
    sources = {name: sorted(set(corpus.source)) for name, corpus in train.items()}
    foreign = {
        source: _remember(model, train, seen, without=source)
        for several in sources.values()
        if len(several) > 1
        for source in several
    }
    if not foreign:
        model.memory_weight.fill_(1.0)
        return {"memory_weight": 1.0, "temperature": float(model.temperature)}
    for weight in (0.25, 0.5, 1.0, 2.0, 4.0):
        model.memory_weight.fill_(weight)
        own = model.fingerprint()
        figures: dict[str, list[float]] = {"no corrections": []}
        logits, labels = [], []
        for corpus in validation.values():
            encoded = _owned(encode(model, corpus), own)
            for source in sorted(set(corpus.source) & set(foreign)):
                memory = foreign[source]
                owned = Memory(_owned(memory.encoded, own), memory.emotions, memory.degrees)
                rows = np.array([row for row, name in enumerate(corpus.source) if name == source])
                ways = min(WAYS, len({corpus.emotion[row] for row in rows}))
                for shots, protocol in KINDS:
                    try:
                        sampler = Sampler(corpus.examples(rows.tolist()), ways=ways, shots=shots, protocol=protocol)
                        drawn = [
                            shifted(episode, rows)
                            for episode in episodes(sampler, max(recipe.episodes // 4, 1), recipe.seed)
                        ]
                    except TooFewExamplesError:
                        continue
                    for episode in drawn:
                        for support in (episode.support[:0], episode.support) if shots == 1 else (episode.support,):
                            degrees = episode.degrees()[: len(support)]
                            adapted = adapt(model, owned, encoded[support], degrees, episode.emotions)
                            degrees = adapted.predict(encoded[episode.query]).memberships
                            said = degrees.argmax(axis=1)
                            known = adapted.fast.known.numpy()[episode.query_labels]
                            logits.append(torch.from_numpy(degrees[known]).clamp(min=1e-9).log())
                            labels.append(torch.from_numpy(episode.query_labels[known]))
                            name = f"{shots}-shot" if len(support) else "no corrections"
                            figures.setdefault(name, []).append(float((said == episode.query_labels).mean()))
        means = {name: float(np.mean(values)) for name, values in figures.items()}
        score = float(np.mean(list(means.values())))
        if not best or score > best["score"]:
            best = {"score": score, "memory_weight": weight, "temperature": _temperature(logits, labels), **means}
    model.memory_weight.fill_(best["memory_weight"])
    return best


def _fidelity(model: STF2M, validation: Mapping[str, Corpus], recipe: Recipe) -> dict[str, float]:
    """How often the rules alone, all or the three strongest, give the model's answer on 5-shot validation episodes."""
    same: dict[str, list[float]] = {"all rules agree": [], "three rules agree": [], "three rules right": []}
    for corpus in validation.values():
        encoded = encode(model, corpus)
        ways = min(WAYS, len(set(corpus.emotion)))
        try:
            sampler = Sampler(corpus.examples(range(len(corpus))), ways=ways, shots=5, protocol="cross")
            sampler.draw(np.random.default_rng(recipe.seed))
        except TooFewExamplesError:
            continue
        for episode in episodes(sampler, recipe.episodes, recipe.seed):
            adapted = adapt(model, None, encoded[episode.support], episode.degrees(), episode.emotions)
            query = encoded[episode.query]
            answer = adapted.predict(query).memberships.argmax(axis=1)
            three = adapted.rule_answers(query, most=3).argmax(axis=1)
            same["all rules agree"].append(float((adapted.rule_answers(query).argmax(axis=1) == answer).mean()))
            same["three rules agree"].append(float((three == answer).mean()))
            same["three rules right"].append(float((three == episode.query_labels).mean()))
    return {name: round(float(np.mean(values)), 4) for name, values in same.items() if values}


def _owned(encoded: Encoded, fingerprint: str) -> Encoded:
    """The same arrays under the model's present fingerprint (settling buffers changes it, not what it encodes)."""
    return Encoded(encoded.pooled, encoded.present, encoded.cues, fingerprint)
