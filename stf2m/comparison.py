"""Several methods on one data set: who is tested, who is learned from, and one result for each method."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stf2m.datasets import Item, Selection, examples, load, read
from stf2m.datasets.selection import in_words, speakers
from stf2m.evaluation import Method, Progress, Result, evaluate
from stf2m.tasks import Example
from stf2m.tasks import Protocol as SpeakerProtocol


@dataclass(frozen=True)
class Material:
    """What a test needs: the examples to test with and those of other people to learn from.

    ``left_out`` items of the test had no view at all; ``told`` says in words what there is to learn from.
    """

    test: list[Example]
    train: list[Example]
    left_out: int
    told: str


def prepare(
    root: Path,
    selection: Selection,
    *,
    train_on: Path | None = None,
    unseen: bool = False,
    learning: bool = True,
    progress: Progress | None = None,
) -> Material:
    """Read a data set, extracting what the cache does not have.

    Learned from are the other speakers and splits of the set, or another set, ``train_on``; with ``unseen`` only
    examples of other emotions than the selection's; without ``learning`` none. Raises
    :class:`stf2m.datasets.DatasetError`.
    """
    source = train_on or root
    wanted = selection.of(read(root))
    tested = {item.emotion for item in wanted}
    learned: list[Item] = []
    if learning:
        learned = read(source) if train_on else selection.others(read(root))
        learned = [item for item in learned if not (unseen and item.emotion in tested)]
    test = _examples(root, wanted, progress)
    told = _told(source, learned) + (f", without {', '.join(sorted(tested))}" if learned and unseen else "")
    return Material(test, _examples(source, learned, progress), len(wanted) - len(test), told)


def fit(methods: Sequence[Method], material: Material) -> None:
    """Let every method that trains learn from the material's other people."""
    for method in methods:
        if not method.origin:
            method.fit(material.train)


def compare(
    methods: Sequence[Method],
    material: Material,
    *,
    ways: int,
    shots: int,
    protocol: SpeakerProtocol,
    count: int = 600,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[Result]:
    """Test fitted methods on the material's test, all on the same episodes.

    Raises :class:`stf2m.tasks.TooFewExamplesError` when the material allows no such episode.
    """
    return [
        evaluate(
            method,
            material.test,
            ways=ways,
            shots=shots,
            protocol=protocol,
            count=count,
            seed=seed,
            trained_on=method.origin or material.told,
            progress=progress,
        )
        for method in methods
    ]


def _examples(root: Path, items: Sequence[Item], progress: Progress | None) -> list[Example]:
    if not items:
        return []
    names = {item.name for item in items}
    return examples(load("auto", root, keep=lambda item: item.name in names, progress=progress))


def _told(root: Path, items: Sequence[Item]) -> str:
    if not items:
        return "nothing"
    people = in_words(speakers(items))
    splits = sorted({item.split for item in items} - {""})
    who = f"split {', '.join(splits)}" if splits else f"speakers {people}" if people else f"{len(items)} unknown people"
    return f"{root.resolve().name}, {who}"
