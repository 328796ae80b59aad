"""What is settled when the weights are: temperature, familiar distances, rule figures, memory, card.

Some of it is chosen by people who were not trained on, see :func:`choose`; all of it then completes the same model, or
one that learned from these people too, see :func:`complete`.
"""

import copy
import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from stf2m.adaptation import adapt
from stf2m.corpus import Corpus
from stf2m.model import STF2M
from stf2m.people import balanced
from stf2m.recipe import Recipe
from stf2m.remembering import remember, weigh
from stf2m.tasks import Sampler, TooFewExamplesError, episodes
from stf2m.validation import WAYS, answer, encode, likeliest_temperature, material, read, validate

#: By what the trust in a modality's own evidence is lowered, so often at most, until the rules explain the answers.
STEP, MOST_STEPS = 0.5, 8

_LICENCES = {
    "ravdess_speech": "CC BY-NC-SA 4.0 (Livingstone & Russo 2018)",
    "emodb": "free to use (Burkhardt et al. 2005)",
    "ck48": "CK+ agreement: research only (Lucey et al. 2010)",
    "fer2013": "unclear, research only (Goodfellow et al. 2013)",
    "meld": "GPL-3.0 (Poria et al. 2019)",
}
#: The data sets that allow research only.
RESTRICTED = {"ravdess_speech", "ck48", "fer2013"}


@dataclass(frozen=True, eq=False)
class Chosen:
    """What validation chose: by how much to lower each modality's ``trust (M,)``, the ``temperature`` from corrections
    alone and with the memory, ``familiar`` distances ``(J,)`` and what the memory is worth, ``memory_weight (M,)``;
    ``figures`` are for the card.
    """

    lowered: Tensor
    temperature: float
    familiar: Tensor
    memory_weight: Tensor
    memory_temperature: float
    figures: Mapping[str, object]


def choose(model: STF2M, train: Mapping[str, Corpus], validation: Mapping[str, Corpus], recipe: Recipe) -> Chosen:
    """Choose by people whom the model does not know all that is chosen when its weights are learned."""
    model = copy.deepcopy(model)
    _round(model)
    _level(model, train, recipe)
    before = model.trust.detach().clone()
    rules_alone = _trust_rules(model, validation, recipe)
    _calibrate(model, validation, recipe)
    seen = {name: encode(model, corpus) for name, corpus in train.items()}
    with_memory, memory_temperature = weigh(model, train, seen, validation, recipe)
    return Chosen(
        before - model.trust.detach(),
        float(model.temperature),
        model.familiar.clone(),
        model.memory_weight.clone(),
        memory_temperature,
        {
            "validation": validate(model, validation, recipe.seed, recipe.episodes),
            "validation_with_memory": with_memory,
            "rules_alone": rules_alone,
        },
    )


def complete(model: STF2M, train: Mapping[str, Corpus], chosen: Chosen, recipe: Recipe) -> None:
    """Settle everything that is not learned by gradients, as it was chosen and from what was trained on, and write the
    card.
    """
    _round(model)
    _level(model, train, recipe)
    model.trust.data -= chosen.lowered
    model.temperature.fill_(chosen.temperature)
    model.familiar.copy_(chosen.familiar)
    model.memory_weight.copy_(chosen.memory_weight)
    _rule_figures(model, train, recipe.seed)
    seen = {name: encode(model, corpus) for name, corpus in train.items()}
    memory = remember(train, seen, model)
    encoded = replace(memory.encoded, encoder=model.fingerprint())
    model.memory = replace(memory, encoded=encoded, temperature=chosen.memory_temperature)
    sources = sorted({source for corpus in train.values() for source in corpus.source})
    model.card = {
        "name": f"ST-F2M {recipe.name}",
        "about": "Emotions from a few corrections: spatio-temporal encoder, fuzzy rules, meta-recurrent learner.",
        **_licence(sources),
        "trained_on": {
            name: {"performances": len(corpus), "speakers": len(set(corpus.speaker) - {""})}
            for name, corpus in train.items()
        },
        "seed": recipe.seed,
        "steps": recipe.steps,
        "command": f"python -m stf2m meta-train stf2m/recipes/{recipe.name}.toml --out stf2m/checkpoints",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "chosen_by": "the same recipe without the people who validate, whom this model knows" if recipe.refit else "",
        **chosen.figures,
        "limits": "Emotion recognition is fallible; it must not be used to judge people.",
    }


def _round(model: STF2M) -> None:
    """Make the weights what is left of them in the half precision in which they are kept."""
    for weight in model.parameters():
        weight.data = weight.data.half().float()


def _level(model: STF2M, train: Mapping[str, Corpus], recipe: Recipe) -> None:
    """Learn what is usually read of people whose balanced means are known, in modalities that take off what is their
    own.
    """
    for name in recipe.own:
        if name not in train or model.encoder[name].levelled:
            continue
        encoder, corpus = model.encoder[name], train[name]
        encoded = encode(model, corpus)
        _, people = balanced(torch.from_numpy(encoded.pooled[encoded.present]), corpus.emotion, corpus.speaker)
        if len(people):
            encoder.level.copy_(people.mean(dim=0))
            encoder.levelled.fill_(1.0)


def _licence(sources: Sequence[str]) -> dict[str, object]:
    """What the data sets allow, as far as it is known."""
    data = {source: _LICENCES.get(source, "see its authors") for source in sources}
    restricted = sorted(RESTRICTED & set(sources))
    if not restricted:
        return {"licence": "whatever the data sets allow", "data": data}
    licence = "CC BY-NC-SA 4.0, for research only" if "ravdess_speech" in restricted else "for research only"
    why = "; ".join(f"{source}: {data[source]}" for source in restricted)
    return {"licence": licence, "licence_why": f"Trained on {why}.", "data": data}


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
    model.temperature.fill_(likeliest_temperature(logits, labels))
    model.familiar.copy_(torch.nanquantile(torch.cat(distances), 0.95, dim=0).nan_to_num(10.0).clamp(min=0.1))


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


def _trust_rules(model: STF2M, validation: Mapping[str, Corpus], recipe: Recipe) -> dict[str, dict[str, float]]:
    """Let a modality's own evidence count less beside the rules until what they say is why: by the least for which the
    three strongest rules alone give the answer as often as the recipe's ``explained``. Returns how often they do.
    """
    told = _rules_alone(model, validation, recipe)
    for _ in range(MOST_STEPS if model.architecture.fuzzy else 0):
        unexplained = [name for name, each in told.items() if each["three rules agree"] < recipe.explained]
        if not unexplained:
            break
        for column, modality in enumerate(model.modalities):
            model.trust.data[column] -= STEP * (modality.name in unexplained)
        told |= _rules_alone(model, {name: validation[name] for name in unexplained}, recipe)
    return told


def _rules_alone(model: STF2M, validation: Mapping[str, Corpus], recipe: Recipe) -> dict[str, dict[str, float]]:
    """By modality, how often the rules alone, all or the three strongest, give the model's answer, on 5-shot episodes
    of people whom it does not know.
    """
    told: dict[str, dict[str, float]] = {}
    for name, corpus in validation.items():
        encoded = encode(model, corpus)
        ways = min(WAYS, len(set(corpus.emotion)))
        same: dict[str, list[float]] = {"all rules agree": [], "three rules agree": [], "three rules right": []}
        try:
            sampler = Sampler(corpus.examples(range(len(corpus))), ways=ways, shots=5, protocol="cross")
            drawn = list(episodes(sampler, recipe.episodes, recipe.seed))
        except TooFewExamplesError:
            continue
        for episode in drawn:
            adapted = adapt(model, None, encoded[episode.support], episode.degrees(), episode.emotions)
            query = encoded[episode.query]
            answer = adapted.predict(query).memberships.argmax(axis=1)
            three = adapted.rule_answers(query, most=3).argmax(axis=1)
            same["all rules agree"].append(float((adapted.rule_answers(query).argmax(axis=1) == answer).mean()))
            same["three rules agree"].append(float((three == answer).mean()))
            same["three rules right"].append(float((three == episode.query_labels).mean()))
        told[name] = {kind: round(float(np.mean(values)), 4) for kind, values in same.items()}
    return told
