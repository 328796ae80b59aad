"""Fixtures that every package's tests share."""

import os
from pathlib import Path, PurePosixPath
from typing import Any

import hypothesis
import pytest
from filelock import FileLock
from xdist.scheduler import LoadScopeScheduling

HERE = Path(__file__).resolve().parent
# Processes that share the cores have as many threads together as there are cores: more would wait for each other.
if "PYTEST_XDIST_WORKER_COUNT" in os.environ:
    _THREADS = max(1, (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))
    os.environ.setdefault("OMP_NUM_THREADS", str(_THREADS))
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

BESIDE = HERE.parents[1] / "shared" / "data"

# How long an example takes says how busy the machine is, not whether it is right.
hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.load_profile("here")


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


#: What takes longest, the longest first. All tests with a browser are one part: they share one app, slow to start.
_LONGEST = (
    "browser", "stf2m/test_page.py", "annotations/test_concurrency.py", "stf2m/test_cli.py", "stf2m/test_training.py",
    "stf2m/test_processes.py", "annotations/test_backup.py", "stf2m/test_face.py", "stf2m/test_extraction.py",
    "app/test_studio.py", "app/test_adapting.py", "stf2m/test_voice.py", "stf2m/test_sandbox.py",
)  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first, so that processes that share the work end at about the same time."""
    items.sort(key=lambda item: _LONGEST.index(part) if (part := _part(item.nodeid)) in _LONGEST else len(_LONGEST))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Several processes share the work part by part."""
    return _ByPart(config, log)


class _ByPart(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return _part(nodeid)


def _part(nodeid: str) -> str:
    """What of the work is done by one process: a file, or all that needs a browser."""
    path = PurePosixPath(nodeid.partition("::")[0]).relative_to("tests")
    return "browser" if path.parts[0] == "browser" else path.as_posix()
