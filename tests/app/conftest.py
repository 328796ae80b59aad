"""A real studio in a folder of its own, with real clips that were analysed once."""

import shutil
from pathlib import Path

import pytest

from app.settings import Settings
from app.studio import Studio

EMOTIONS = ("angry", "happy", "sad", "surprised")


@pytest.fixture
def home(analysed_home: Path, tmp_path: Path) -> Path:
    """A copy of the analysed home, free to be changed."""
    return Path(shutil.copytree(analysed_home, tmp_path / "home"))


@pytest.fixture
def studio(home: Path) -> Studio:
    return Studio(Settings(home=home))
