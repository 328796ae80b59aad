"""A real studio in a folder of its own, with real clips that were analysed once."""

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
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


def removed_a_day_ago(home: Path) -> None:
    """As if all clips that are removed now had been removed a day earlier."""
    long_ago = f"{datetime.now(UTC) - timedelta(days=1, minutes=1):%Y-%m-%d %H:%M:%S.%f}"
    with closing(sqlite3.connect(home / "studio.sqlite3")) as database, database:
        database.execute("UPDATE clips SET deleted_at = ? WHERE deleted_at IS NOT NULL", (long_ago,))
