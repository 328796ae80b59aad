"""A folder of videos becomes a bundle: once, whatever happens meanwhile, and wherever the workers are."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

import pytest

from stf2m import datasets
from stf2m.datasets.items import DatasetError
from stf2m.extraction import Extracted, extract
from stf2m.media import frames
from stf2m.tracks import Track
from stf2m.views import face
from tests import media_files

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "app" / "demo" / "without_sound.mp4"


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of a face."""
    pictures = list(takewhile(lambda each: each[0] < 1.0, frames(DEMO)))
    return media_files.write(tmp_path_factory.mktemp("short") / "face.mp4", pictures)


@pytest.fixture
def videos(short: Path, tmp_path: Path) -> Path:
    """Two videos that differ in content, one of them in a folder of its own, and what is none."""
    folder = tmp_path / "videos"
    (folder / "monday").mkdir(parents=True)
    _another(short, folder / "one.mp4", 1)
    _another(short, folder / "monday" / "two.mp4", 2)
    (folder / "letter.mp4").write_text("Dear Sir or Madam")
    (folder / "notes.txt").write_text("no video")
    (folder / ".hidden.mp4").touch()
    return folder


def _another(source: Path, target: Path, number: int) -> None:
    """The same video with a box at its end that players skip: the same pictures, other content."""
    shutil.copy(source, target)
    with target.open("ab") as file:
        file.write((12).to_bytes(4, "big") + b"free" + number.to_bytes(4, "big"))


def _state(folder: Path) -> dict[str, int]:
    return {str(file.relative_to(folder)): file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}


def _check(found: Extracted, done: int, before: int) -> None:
    assert (found.done, found.before) == (done, before), found.failures
    assert list(found.failures) == ["letter.mp4"]
    assert found.failures["letter.mp4"].startswith("letter.mp4")


def test_a_folder_becomes_a_bundle_and_a_second_run_does_nothing(videos: Path, short: Path, tmp_path: Path):
    told: list[float] = []
    _check(extract(videos, jobs=1, progress=lambda share, stage: told.append(share)), 2, 0)
    assert told == sorted(told)
    assert told[-1] == 1.0
    out = videos.with_name("videos-tracks")
    clips = json.loads((out / "annotations.json").read_text())["clips"]
    assert [clip["name"] for clip in clips] == ["monday/two.mp4", "one.mp4"]
    for clip in clips:
        assert Track.load(out / "tracks" / clip["sha256"] / "face.npz", face.MODALITY).valid.any()
    assert not list((out / "partial").iterdir())

    before = _state(out)
    _check(extract(videos, jobs=1), 0, 2)
    assert _state(out) == before

    label = {"clip": 1, "annotator": "Ana", "start_s": 0.1, "end_s": 0.9, "degrees": {"happy": 1.0}}
    (out / "annotations.json").write_text(json.dumps({"clips": clips, "annotations": [label]}))
    _another(short, videos / "a new one.mp4", 3)
    (videos / "one.srt").write_text("1\n00:00:00,200 --> 00:00:00,800\nMarmalade\n")
    _check(extract(videos, jobs=1), 2, 1)
    assert len(json.loads((out / "annotations.json").read_text())["clips"]) == 3
    (item,) = datasets.load("auto", out, cache=tmp_path / "cache").items
    assert (item.speaker, item.emotion) == ("one.mp4", "happy")
    assert {file.name for file in item.files} == {"face.npz", "text.npz"}


def test_what_is_killed_goes_on_where_it_stopped(short: Path, tmp_path: Path):
    folder, out = tmp_path / "videos", tmp_path / "out"
    folder.mkdir()
    for number in range(6):
        _another(short, folder / f"{number}.mp4", number)
    command = [sys.executable, "-m", "stf2m", "extract", folder, "--jobs", "1", "--out", out]
    running = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL)
    while not list(out.glob("done/*.json")):
        assert running.poll() is None
        time.sleep(0.01)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    for track in out.glob("tracks/*/*.npz"):
        Track.load(track, face.MODALITY)
    done = len(list(out.glob("done/*.json")))
    found = extract(folder, out, jobs=1)
    assert (found.done, found.before, found.failures) == (6 - done, done, {})
    assert len(json.loads((out / "annotations.json").read_text())["clips"]) == 6


@pytest.mark.parametrize(
    ("address", "said"), [("spark://here:1", "not 'spark://here:1'"), ("dask://", "not 'dask://'")]
)
def test_another_kind_of_cluster_is_refused(videos: Path, address: str, said: str):
    with pytest.raises(DatasetError, match=said):
        extract(videos, address=address)


def test_a_folder_without_videos_is_refused(tmp_path: Path):
    with pytest.raises(DatasetError, match="holds no videos"):
        extract(tmp_path)


@contextmanager
def _dask() -> Iterator[str]:
    distributed = pytest.importorskip("distributed", reason="needs dask[distributed]")
    options = {"processes": True, "dashboard_address": None, "host": "127.0.0.1"}
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, **options) as cluster:
        yield cluster.scheduler_address.replace("tcp://", "dask://")


@contextmanager
def _ray() -> Iterator[str]:
    pytest.importorskip("ray", reason="needs ray[client]")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--port=0", "--num-cpus=2"]
    options = ["--include-dashboard=false", f"--ray-client-server-port={port}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0"}
    head = subprocess.Popen([*command, *options], env=environment, start_new_session=True, stdout=subprocess.DEVNULL)
    try:
        yield f"ray://127.0.0.1:{port}"
    finally:
        head.terminate()
        head.wait(60)


@pytest.mark.parametrize("cluster", [_dask, _ray])
def test_two_workers_of_a_cluster_do_the_same(videos: Path, short: Path, cluster):
    for number in range(3, 7):
        _another(short, videos / f"{number}.mp4", number)
    with cluster() as address:
        _check(extract(videos, address=address), 6, 0)
    assert len(list(videos.with_name("videos-tracks").glob("tracks/*/face.npz"))) == 6
