"""The nginx configuration of the docs, in front of two small servers that stand for two processes of the studio."""

import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
pytestmark = pytest.mark.skipif(not NGINX, reason="nginx is not installed")


class Process(ThreadingHTTPServer):
    """Answers with its name; on /slow in two pieces, the second when somebody says ``go``, on /host with the host."""

    daemon_threads = True

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.name, self.go = name, threading.Event()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}).start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    server: Process

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.name.encode())
        if self.path == "/host":
            self.wfile.write(f" {self.headers['Host']}".encode())
        if self.path == "/slow":
            self.server.go.wait(60)
            self.wfile.write(b" done")

    def do_POST(self) -> None:
        left = int(self.headers["Content-Length"])
        while left:
            left -= len(self.rfile.read(min(left, 2**20)))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    made = [Process("one"), Process("two")]
    yield made
    for each in made:
        each.stop()


@pytest.fixture
def address(processes: list[Process], tmp_path: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    text = (ROOT / "docs" / "nginx.conf").read_text(encoding="utf-8")
    ports = {"7860": port, "7861": processes[0].server_port, "7862": processes[1].server_port}
    text = re.sub(r"(?<=127\.0\.0\.1:)\d+", lambda found: str(ports[found[0]]), text)
    inside = f"""http {{
    access_log off;
    client_body_temp_path {tmp_path};
    proxy_temp_path {tmp_path};
    fastcgi_temp_path {tmp_path};
    uwsgi_temp_path {tmp_path};
    scgi_temp_path {tmp_path};
"""
    file = tmp_path / "nginx.conf"
    file.write_text(f"daemon off;\npid {tmp_path}/pid;\n{text.replace('http {', inside, 1)}", encoding="utf-8")
    log = tmp_path / "error.log"
    assert NGINX
    nginx = subprocess.Popen([NGINX, "-c", file, "-e", log, "-p", tmp_path])
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                assert nginx.poll() is None, log.read_text()
                time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        nginx.terminate()
        nginx.wait(60)


def test_a_browser_stays_with_its_process_and_goes_to_the_other_when_that_is_gone(
    address: str, processes: list[Process]
):
    browsers = [httpx.Client(base_url=address) for _ in range(16)]
    homes = [browser.get("/").text for browser in browsers]
    assert set(homes) == {"one", "two"}, "one in 32,768 runs all draw the same"
    for browser, home in zip(browsers, homes, strict=True):
        assert {browser.get(f"/{number}").text for number in range(4)} == {home}
        assert browser.post("/component_server/", content=b"{}").text == home
    processes[0].stop()
    assert {browser.get("/").text for browser in browsers} == {"two"}
    assert {browser.post("/component_server/", content=b"{}").text for browser in browsers} == {"two"}
    for browser in browsers:
        browser.close()


def test_progress_comes_at_once_large_videos_pass_and_metrics_stay_inside(address: str, processes: list[Process]):
    with httpx.Client(base_url=address) as browser:
        with browser.stream("GET", "/slow") as answer:
            pieces = answer.iter_raw()
            assert next(pieces) in (b"one", b"two")
            for each in processes:
                each.go.set()
            assert next(pieces) == b" done"
        assert browser.post("/upload/token", content=bytes(3 * 2**20)).status_code == 200
        assert browser.get("/metrics").status_code == 404


def test_the_studio_is_told_which_host_the_browser_asked_for(address: str):
    """With the port: the studio compares it with where a page says it is from."""
    asked = {"Host": "studio.example:8443"}
    assert httpx.get(f"{address}/host", headers=asked).text.endswith(" studio.example:8443")
