"""A real studio in a folder of its own, with real clips that were analysed once."""

import shutil
from pathlib import Path

import pytest

from app.demo import DEMOS
from app.ingest import Upload
from app.settings import Settings
from app.studio import Studio

EMOTIONS = ("angry", "happy", "sad", "surprised")


@pytest.fixture(scope="session")
def prepared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a studio with one study and two demo clips: one with everything, one silent."""
    home = tmp_path_factory.mktemp("home")
    studio = Studio(Settings(home=home))
    study = studio.create_study("Field notes", EMOTIONS)
    for demo in (DEMOS[0], DEMOS[-1]):
        studio.ingest(study.id, Upload(demo.path, demo.path.name, subtitles=demo.subtitles))
    studio.store.close()
    return home


@pytest.fixture
def home(prepared_home: Path, tmp_path: Path) -> Path:
    """A copy of the prepared home, free to be changed."""
    return Path(shutil.copytree(prepared_home, tmp_path / "home"))


@pytest.fixture
def studio(home: Path) -> Studio:
    return Studio(Settings(home=home))
