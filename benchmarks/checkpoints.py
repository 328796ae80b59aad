"""Checkpoints that a test needs of its own: trained when first wanted, kept in the cache, and trained again when the
recipe, the code that trains or the extractors have changed.
"""

import ast
import hashlib
from dataclasses import dataclass
from pathlib import Path

import stf2m
from stf2m.checkpoint import CARD
from stf2m.datasets.cache import cache_folder
from stf2m.recipe import Progress
from stf2m.training import REFIT_STATE, STATE, meta_train
from stf2m.views import MODALITIES

PACKAGE = Path(stf2m.__file__).parent
#: The modules on which trained weights depend.
MAKERS = (
    "adaptation",
    "checkpoint",
    "corpus",
    "drawing",
    "encoder",
    "fast_weights",
    "finishing",
    "fitting",
    "fuzzy",
    "network",
    "people",
    "recurrent",
    "remembering",
    "training",
    "validation",
)


@dataclass(frozen=True)
class Training:
    """A recipe of ``stf2m/recipes`` by its name, with one switch of the architecture ``off``."""

    recipe: str
    off: str = ""

    @property
    def name(self) -> str:
        """``voice``, or ``voice without fuzzy``."""
        return f"{self.recipe} without {self.off}" if self.off else self.recipe

    @property
    def text(self) -> str:
        """The recipe as it is followed."""
        told = (PACKAGE / "recipes" / f"{self.recipe}.toml").read_text(encoding="utf-8")
        return f"{told}\n[architecture]\n{self.off} = false\n" if self.off else told

    @property
    def folder(self) -> Path:
        """Where its checkpoint is kept: another folder for anything on which it depends."""
        digest = hashlib.sha256(self.text.encode())
        for module in MAKERS:
            code = (PACKAGE / f"{module}.py").read_text(encoding="utf-8")
            digest.update(ast.dump(ast.parse(code)).encode())
        digest.update(repr(sorted((name, each.version) for name, each in MODALITIES.items())).encode())
        return cache_folder() / "checkpoints" / f"{self.name.replace(' ', '-')}-{digest.hexdigest()[:12]}"


def trained(training: Training, progress: Progress) -> Path:
    """The folder of the checkpoint, which is trained if it is not there; a killed training goes on.

    Raises as :func:`stf2m.training.meta_train`.
    """
    folder = training.folder
    if (folder / CARD).is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    recipe = folder / "recipe.toml"
    recipe.write_text(training.text, encoding="utf-8")
    meta_train(recipe, folder, lambda share, stage: progress(share, f"training {training.name}: {stage}"))
    for state in (STATE, REFIT_STATE):
        (folder / state).unlink(missing_ok=True)
    return folder
