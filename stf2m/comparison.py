"""Several methods on one data set: who is tested, who is learned from, and one result for each method."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stf2m.datasets import DatasetError, Item, Selection, examples, load, read
from stf2m.datasets.items import MODALITIES_OF
from stf2m.datasets.selection import in_words, speakers
from stf2m.evaluation import Method, Progress, Result, Setting, evaluate
from stf2m.perturbation import showing
from stf2m.tasks import Example


@dataclass(frozen=True)
class Material:
    """What a test needs: the examples to test with and those of other people to learn from.

    ``left_out`` items of the test show nothing; ``told`` says in words what there is to learn from.
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
    modalities: Sequence[str] = (),
    progress: Progress | None = None,
) -> Material:
    """Read a data set, extracting what the cache does not have.

    Learned from are the other speakers and splits of the set, or another set, ``train_on``; with ``unseen`` only
    examples of other emotions than the selection's; without ``learning`` none. Where ``modalities`` are named, nothing
    else is shown, neither in the test nor to learn from; what the test does not show is not learned from either. Raises
    :class:`stf2m.datasets.DatasetError`.
    """
    known = sorted({name for each in MODALITIES_OF.values() for name in each})
    if strange := [name for name in modalities if name not in known]:
        raise DatasetError(f"There is no modality {strange[0]}; there are {', '.join(known)}.")
    source = train_on or root
    wanted = selection.of(read(root))
    tested = {item.emotion for item in wanted}
    learned: list[Item] = []
    if learning:
        learned = read(source) if train_on else selection.others(read(root))
        learned = [item for item in learned if not (unseen and item.emotion in tested)]
    test = _examples(root, wanted, modalities, progress)
    if not test:
        raise DatasetError(f"Nothing in the test of {root} shows {' or '.join(modalities or known)}.")
    train = _like(test, _examples(source, learned, modalities, progress), source)
    told = _told(source, learned) + (f", without {', '.join(sorted(tested))}" if learned and unseen else "")
    return Material(test, train, len(wanted) - len(test), told)


def fit(methods: Sequence[Method], material: Material) -> None:
    """Let every method that trains learn from the material's other people, without what our model has learned."""
    train = [example.borrowed() for example in material.train]
    for method in methods:
        if not method.origin:
            method.fit(train)


def compare(
    methods: Sequence[Method],
    material: Material,
    setting: Setting,
    *,
    progress: Progress | None = None,
    explain: bool = False,
) -> list[Result]:
    """Test fitted methods on the material's test, all on the same episodes; with ``explain`` their reasons as well.

    Raises :class:`stf2m.tasks.TooFewExamplesError` when the material allows no such episode.
    """
    return [
        evaluate(
            method,
            material.test,
            setting,
            trained_on=method.origin or material.told,
            progress=progress,
            explain=explain,
        )
        for method in methods
    ]


def _examples(root: Path, items: Sequence[Item], modalities: Sequence[str], progress: Progress | None) -> list[Example]:
    names = {item.name for item in items if not modalities or set(modalities) & set(item.modalities)}
    if not names:
        return []
    found = examples(load("auto", root, keep=lambda item: item.name in names, progress=progress))
    return showing(found, modalities) if modalities else found


def _like(test: Sequence[Example], train: Sequence[Example], source: Path) -> list[Example]:
    """What is learned from shows what the test shows, no less and no more."""
    tested, learned = ({name for example in some for name in example.views} for some in (test, train))
    if train and tested - learned:
        raise DatasetError(
            f"{source} shows no {' or '.join(sorted(tested - learned))}, which the test does; name modalities."
        )
    return showing(train, tested)


def _told(root: Path, items: Sequence[Item]) -> str:
    if not items:
        return "nothing"
    people = in_words(speakers(items))
    splits = sorted({item.split for item in items} - {""})
    who = f"split {', '.join(splits)}" if splits else f"speakers {people}" if people else f"{len(items)} unknown people"
    return f"{root.resolve().name}, {who}"
