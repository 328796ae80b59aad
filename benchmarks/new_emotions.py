"""``python -m benchmarks.new_emotions``: emotions that no training voice had, among others or alone.

Training actors only: of RAVDESS' actors 1–14 the first eleven train a model without three emotions, the last three are
asked, by what was learned alone and with the general features taking over as far as emotions are new
(:func:`stf2m.network.unnamed`). Six such triples, none of them that of the never-seen test. How fast the general
features take over was chosen by this table. Writes NEW_EMOTIONS.md beside this file; takes ten minutes on one core.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import typer
from rich.console import Console

from benchmarks.report import Table, write_page
from stf2m.corpus import Corpus
from stf2m.fast_weights import learn, logits
from stf2m.model import STF2M
from stf2m.network import Reading
from stf2m.recipe import Recipe, Source, data_folder, gather
from stf2m.tasks import Episode, Protocol, Sampler, episodes
from stf2m.threads import one_thread
from stf2m.training import Trainer
from stf2m.validation import encode, read

RESULTS = Path(__file__).with_name("NEW_EMOTIONS.md")
TRIPLES = (
    ("happy", "sad", "angry"),
    ("neutral", "surprised", "angry"),
    ("happy", "sad", "surprised"),
    ("neutral", "angry", "sad"),
    ("neutral", "happy", "surprised"),
    ("sad", "surprised", "angry"),
)
#: Shots and protocol; no one of three people has five of every emotion.
KINDS: tuple[tuple[int, Protocol], ...] = ((1, "cross"), (5, "cross"), (1, "personal"), (3, "personal"))
EPISODES, STEPS = 300, 500
ASKED = Source("ravdess_speech", speakers="1-14", validation="12-14")
RECIPE = Recipe(
    "new-emotions", 0, STEPS, (ASKED,), {"voice": 1.0}, tasks=1, check=STEPS, own=("voice",), general=("voice",)
)

ABOUT = """# Emotions that no training voice had

Made by `python -m benchmarks.new_emotions`, which says what is done: {triples} triples of emotions held out, seed 0,
{episodes} episodes of each kind, mean accuracy of what was learned alone → with the general features.

{table}
"""


class Asked(NamedTuple):
    """One answer: the kind of episode, how many of its emotions are new, and the accuracy without and with."""

    ways: int
    new: int
    shots: int
    protocol: Protocol
    without: float
    with_them: float


def asked(triple: tuple[str, ...], report: Callable[[int], None]) -> Iterator[Asked]:
    """Train without three emotions, and ask other people about them alone, and about five of all emotions."""
    root, quiet = data_folder(), lambda share, stage: None
    everything = gather(RECIPE, root, quiet).validation["voice"]
    data = gather(replace(RECIPE, data=(replace(ASKED, without=triple),)), root, quiet)
    trainer = Trainer(RECIPE, data.train, data.validation)
    while trainer.step < STEPS:
        trainer.advance()
        report(trainer.step)
    model = trainer.averaged()
    for ways, rows in ((3, [row for row, name in enumerate(everything.emotion) if name in triple]), (5, None)):
        corpus = everything if rows is None else _part(everything, rows)
        reading = read(model, encode(model, corpus))
        for shots, protocol in KINDS:
            examples = corpus.examples(range(len(corpus)))
            for episode in episodes(Sampler(examples, ways=ways, shots=shots, protocol=protocol), EPISODES, 0):
                new = len(set(episode.emotions) & set(triple))
                right = [_right(model, reading, episode, share) for share in (0.0, new / ways)]
                yield Asked(ways, new, shots, protocol, *right)


def table(answers: list[Asked]) -> Table:
    """By how many of the emotions are new, and by shots and protocol."""
    found: dict[tuple[int, int], dict[tuple[int, Protocol], list[Asked]]] = defaultdict(lambda: defaultdict(list))
    for each in answers:
        found[each.ways, each.new][each.shots, each.protocol].append(each)
    rows = tuple(
        (f"{new} of {ways}", *(_arrow(kinds[kind]) for kind in KINDS)) for (ways, new), kinds in sorted(found.items())
    )
    return Table("New emotions", "", ("new emotions", *(f"{shots}-shot, {kind}" for shots, kind in KINDS)), rows)


def _arrow(answers: list[Asked]) -> str:
    without, with_them = (np.mean([getattr(each, name) for each in answers]) for name in ("without", "with_them"))
    return f"{without:.3f} → {with_them:.3f}"


@torch.inference_mode()
def _right(model: STF2M, reading: Reading, episode: Episode, unfamiliar: float) -> float:
    support, query = (reading.of(torch.from_numpy(rows)) for rows in (episode.support, episode.query))
    degrees = torch.from_numpy(episode.degrees())
    fast = learn(model, support, degrees, torch.ones(len(degrees)), unfamiliar=torch.tensor([unfamiliar]))
    said = logits(fast, model.evidence(query, fast.conditioning)).argmax(dim=1).numpy()
    return float((said == episode.query_labels).mean())


def _part(corpus: Corpus, rows: list[int]) -> Corpus:
    return replace(
        corpus,
        first=corpus.first[rows],
        last=corpus.last[rows],
        **{name: tuple(getattr(corpus, name)[row] for row in rows) for name in ("emotion", "speaker", "source")},
    )


def main() -> None:
    """Train and ask, triple after triple."""
    console, answers = Console(), list[Asked]()
    with one_thread(), console.status("") as status:
        for triple in TRIPLES:
            name = ", ".join(triple)
            answers += asked(triple, lambda step, name=name: status.update(f"without {name}: step {step} of {STEPS}"))
    found = table(answers)
    console.print(found.terminal)
    write_page(RESULTS, ABOUT.format(triples=len(TRIPLES), episodes=EPISODES, table=found.markdown))


if __name__ == "__main__":
    typer.run(main)
