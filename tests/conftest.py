"""Fixtures that every package's tests share."""

import os
from pathlib import Path

import pytest

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
