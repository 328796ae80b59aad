"""Recipes: what a model is trained on and how, as a TOML file, and the data it asks for."""

import os
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stf2m.corpus import Corpus, corpora
from stf2m.datasets import Dataset, Item, load, read
from stf2m.network import Architecture
from stf2m.vocabulary import canonical

Progress = Callable[[float, str], None]


class RecipeError(ValueError):
    """A recipe that cannot be followed; the message is one plain sentence naming the file."""


@dataclass(frozen=True)
class Source:
    """One data set: its ``folder`` inside ``STF2M_DATA``, whose items are used, and who of them validates:
    ``validation`` names speakers, or is the share of them (of the items, where speakers are unknown). Items of the
    emotions ``without`` are not used at all.
    """

    folder: str
    speakers: str = ""
    split: str = ""
    validation: str | float = 0.2
    without: Sequence[str] = ()


@dataclass(frozen=True)
class Recipe:
    """A parsed recipe; see ``stf2m/recipes/studio.toml`` for what each line means."""

    name: str
    seed: int
    steps: int
    data: tuple[Source, ...]
    modalities: dict[str, float]
    tasks: int = 2
    rate: float = 2e-3
    check: int = 250
    episodes: int = 60
    own: tuple[str, ...] = ()
    general: tuple[str, ...] = ()
    explained: float = 0.0
    refit: bool = False
    architecture: Architecture = field(default_factory=Architecture)

    @classmethod
    def read(cls, file: Path) -> "Recipe":
        """Read a recipe. Raises :class:`RecipeError`."""
        try:
            told: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
            sizes = told.pop("architecture", {})
            if "dilations" in sizes:
                sizes["dilations"] = tuple(sizes["dilations"])
            sources = tuple(Source(**source) for source in told.pop("data"))
            told |= {name: tuple(told.get(name, ())) for name in ("own", "general")}
            return cls(data=sources, architecture=Architecture(**sizes), **told)
        except OSError as error:
            raise RecipeError(f"There is no recipe {file}.") from error
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            known = ", ".join(each.name for each in fields(cls))
            raise RecipeError(f"{file} is not a recipe ({error}); it may set {known}.") from error


def data_folder() -> Path:
    """Where the data sets are: ``STF2M_DATA``. Raises :class:`RecipeError` when it is not set or not there."""
    folder = Path(os.environ.get("STF2M_DATA", ""))
    if not os.environ.get("STF2M_DATA") or not folder.is_dir():
        raise RecipeError("Set STF2M_DATA to the folder of the data sets.")
    return folder


class Gathered(NamedTuple):
    """A recipe's data by modality: to ``train`` on, to validate with, and both together."""

    train: dict[str, Corpus]
    validation: dict[str, Corpus]
    everybody: dict[str, Corpus]


def gather(recipe: Recipe, root: Path, progress: Progress) -> Gathered:
    """The recipe's data. Raises :class:`RecipeError`, or as :func:`stf2m.datasets.load` does."""
    train: list[tuple[Dataset, list[int]]] = []
    validate: list[tuple[Dataset, list[int]]] = []
    everybody: list[tuple[Dataset, list[int]]] = []
    for source in recipe.data:
        dataset = load("auto", root / source.folder, progress=progress)
        learned_from, kept_back = _parted(dataset, source, recipe.seed)
        train.append((dataset, learned_from))
        validate.append((dataset, kept_back))
        everybody.append((dataset, sorted(learned_from + kept_back)))
    return Gathered(*(corpora(parts) for parts in (train, validate, everybody)))


def lines(recipe: Recipe, root: Path) -> tuple[list[Item], list[Item]]:
    """The recipe's items that are bare sentences, nothing extracted: to train on, and to validate with.

    Raises :class:`RecipeError` where it has none, or as :func:`stf2m.datasets.read` does.
    """
    train: list[Item] = []
    validate: list[Item] = []
    for source in recipe.data:
        dataset = Dataset(source.folder, root, tuple(read(root / source.folder)), {})
        if any(item.kind == "text" for item in dataset.items):
            for part, found in zip(_parted(dataset, source, recipe.seed), (train, validate), strict=True):
                found += [dataset.items[index] for index in part if dataset.items[index].kind == "text"]
    if not train or not validate:
        raise RecipeError(f"The recipe {recipe.name} has no lines of text for training and for validation.")
    return train, validate


def _parted(dataset: Dataset, source: Source, seed: int) -> tuple[list[int], list[int]]:
    """The indices of the items of a source: of those who are trained on, and of those who validate."""
    chosen = _chosen(dataset, source)
    kept_back = set(_validation(dataset, chosen, source, seed))
    return [index for index in chosen if index not in kept_back], [index for index in chosen if index in kept_back]


def _chosen(dataset: Dataset, source: Source) -> list[int]:
    unseen = {canonical(name) for name in source.without}
    if absent := sorted(unseen - set(dataset.emotions)):
        raise RecipeError(f"{source.folder} has no emotion {absent[0]} that a recipe could go without.")
    chosen = dataset.select(speakers=source.speakers, split=source.split)
    return [index for index in chosen if dataset.items[index].emotion not in unseen]


def _validation(dataset: Dataset, chosen: list[int], source: Source, seed: int) -> list[int]:
    if isinstance(source.validation, str):
        named = set(dataset.select(speakers=source.validation))
        return [index for index in chosen if index in named]
    random = np.random.default_rng(seed)
    speakers = {dataset.items[index].speaker or f"item {index}" for index in chosen}
    drawn = random.permutation(sorted(speakers))[: max(round(source.validation * len(speakers)), 1)]
    kept = set(drawn.tolist())
    return [index for index in chosen if (dataset.items[index].speaker or f"item {index}") in kept]
