"""Files with labels on their way in, on real servers: how much may come, and that nothing of it stays."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import httpx
import pytest
from gradio.data_classes import FileData

from app import label_files
from app.doorway import MOST_FILE_BYTES, MOST_FILES
from app.label_files import KEPT_S, ROUTE
from app.serving import Served
from app.settings import Settings
from app.studio import Studio
from tests.serving import serving

MIB = 2**20


@pytest.fixture
def waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which they wait."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    return label_files.folder()


@pytest.fixture
def served(tmp_path: Path, waiting: Path) -> Iterator[Served]:
    home = tmp_path / "home"
    _prepared(home)
    with serving(Settings(home=home, max_megabytes=2)) as server:
        yield server


@pytest.fixture
def demo(tmp_path: Path, waiting: Path) -> Iterator[Served]:
    _prepared(tmp_path / "home" / "demo")
    with serving(Settings(home=tmp_path / "home", mode="demo")) as server:
        yield server


def _prepared(home: Path) -> None:
    studio = Studio(Settings(home=home))
    studio.create_study("Mine", ["happy", "sad"])
    studio.store.close()
    (home / "demo-is-there").touch()


def _send(browser: httpx.Client, *sizes: int) -> httpx.Response:
    return browser.post(ROUTE, files=[("files", (f"{size}.csv", bytes(size))) for size in sizes])


def _there(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_one_file_is_taken_under_its_name_and_too_large_a_one_is_refused_before_it_is_read(
    served: Served, waiting: Path
):
    with httpx.Client(base_url=served.url) as browser:
        (taken,) = _send(browser, MIB).json()
        assert Path(taken).name == f"{MIB}.csv"
        assert Path(taken).read_bytes() == bytes(MIB)
        assert browser.get("/config").json()["max_file_size"] == 2 * MIB
        refused = _send(browser, 3 * MIB)
    assert refused.status_code == 413
    assert refused.text == "This is too large to be worked with: at most 2 MiB are taken at once."
    assert _there(waiting.parent) == [f"{MIB}.csv"]


def test_what_gradio_leaves_with_each_event_lies_where_it_is_deleted(served: Served, waiting: Path):
    button = next(each for each in served.page.blocks.values() if isinstance(each, gr.UploadButton))
    with httpx.Client(base_url=served.url) as browser:
        (taken,) = _send(browser, 1).json()
    assert button.preprocess(FileData(path=taken)) == taken
    assert list(waiting.parent.iterdir()) == [waiting]


def test_what_is_no_single_file_is_refused_and_nothing_of_it_is_kept(served: Served, waiting: Path):
    with httpx.Client(base_url=served.url) as browser:
        assert _send(browser, 1, 2).status_code == 400
        assert browser.post(ROUTE, files={"another": ("a.csv", b"a")}).status_code == 400
        assert browser.post(ROUTE, files={"files": (None, bytes(MIB + 1))}).status_code == 400, "not kept in memory"
        assert browser.post(ROUTE, content=b"a").status_code == 400
        for name, kept in (("..", "labels"), ("é" * 300 + ".csv", "é" * 98 + ".csv"), ("../c\\b.csv", "b.csv")):
            answer = browser.post(ROUTE, files={"files": (name, b"a")})
            assert Path(answer.json()[0]).name == kept
            Path(answer.json()[0]).unlink()
    assert _there(waiting.parent) == []


def test_what_breaks_off_leaves_nothing(served: Served, waiting: Path):
    address = (served.url.split("/")[2].split(":")[0], int(served.url.rstrip("/").rsplit(":", 1)[1]))
    head = f"POST {ROUTE} HTTP/1.1\r\nHost: a\r\nContent-Length: {MIB}\r\nContent-Type: multipart/form-data; boundary=b"
    part = '--b\r\nContent-Disposition: form-data; name="files"; filename="a.csv"\r\n\r\n'
    with socket.create_connection(address) as connection:
        connection.sendall(f"{head}\r\n\r\n{part}".encode() + bytes(MIB // 2))
        time.sleep(0.5)
    with httpx.Client(base_url=served.url) as browser:
        _send(browser, 5)
    assert _there(waiting.parent) == ["5.csv"]


def test_what_nobody_asked_for_is_deleted_in_the_end(waiting: Path):
    for name in ("old", "new"):
        (waiting / name).mkdir()
        (waiting / name / f"{name}.csv").write_bytes(b"a")
        (waiting / f"tmp{name}").touch()
    for name in ("old", "tmpold"):
        os.utime(waiting / name, (time.time() - KEPT_S - 1,) * 2)
    (waiting.parent / "of another program").touch()
    os.utime(waiting.parent / "of another program", (0, 0))
    label_files.sweep()
    assert _there(waiting.parent) == ["new.csv", "of another program", "tmpnew"]


def test_a_studio_that_starts_deletes_what_a_killed_one_left(waiting: Path, request: pytest.FixtureRequest):
    (waiting / "old.csv").touch()
    os.utime(waiting / "old.csv", (0, 0))
    request.getfixturevalue("served")
    until = time.monotonic() + 30
    while _there(waiting) and time.monotonic() < until:
        time.sleep(0.02)
    assert _there(waiting) == []


def test_a_visit_sends_so_many_files_and_so_many_bytes_and_leaves_none(demo: Served):
    assert demo.visitors is not None
    with httpx.Client(base_url=demo.url) as browser:
        browser.get("/")
        visit = demo.visitors.find(browser.cookies["stf2m-visit"])
        assert visit is not None
        path = Path(_send(browser, MIB).json()[0])
        assert path.is_file()
        visit.label_files = MOST_FILES - 1
        assert _send(browser, 1).status_code == 200
        refused = _send(browser, MIB)
        assert (refused.status_code, refused.text) == (
            429,
            "This demo takes 100 files with labels a visit, 128 MiB in all.",
        )
        visit.label_files, visit.label_bytes = 0, MOST_FILE_BYTES - MIB
        assert _send(browser, MIB).status_code == 429
        assert _there(demo.visitors.cache) == ["1.csv", f"{MIB}.csv"]
        visit.begun -= 3600.0
        demo.visitors.sweep()
        assert _there(demo.visitors.cache) == []
