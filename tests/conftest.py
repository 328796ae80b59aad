"""Fixtures that every package's tests share."""

import os
from pathlib import Path

import pytest
from filelock import FileLock

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    folder = Path(os.environ.get("STF2M_DATA") or BESIDE)
    if not folder.is_dir():
        pytest.skip("The data sets are not here; set STF2M_DATA to their folder to run this test.")
    return folder


@pytest.fixture(scope="session")
def real_clips(data_dir: Path) -> dict[str, Path]:
    """The six real clips by file name."""
    return {path.name: path for path in sorted((data_dir / "av_clips").rglob("*.mp4"))}


@pytest.fixture(scope="session")
def analysed_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a studio with one study and two demo clips, one with everything, one silent: to be copied.

    Analysed once, by whichever of the processes that run tests is the first to want it.
    """
    from app.demo import DEMOS
    from app.ingest import Upload
    from app.settings import Settings
    from app.studio import Studio

    base = tmp_path_factory.getbasetemp()
    home = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "analysed"
    with FileLock(home.with_suffix(".lock")):
        if not home.is_dir():
            partial = home.with_suffix(".partial")
            studio = Studio(Settings(home=partial))
            study = studio.create_study("Field notes", ("angry", "happy", "sad", "surprised"))
            for demo in (DEMOS[0], DEMOS[-1]):
                studio.ingest(study.id, Upload(demo.path, demo.path.name, subtitles=demo.subtitles))
            studio.store.close()
            partial.rename(home)
    return home


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first, so that several processes have all done at about the same time."""
    items.sort(key=lambda item: _SLOWEST.get(item.path.parent.name, len(_SLOWEST)))


#: The folders of the longest tests; the browser's wait for what a person would see.
_SLOWEST = {"browser": 0, "app": 1}
