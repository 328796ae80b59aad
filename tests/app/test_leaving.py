"""Tabs that are closed in the middle of an upload, with real connections."""

import logging
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from app.settings import Settings
from app.studio import Studio
from tests.serving import serving


def test_half_an_upload_leaves_nothing_behind_and_is_no_error(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    studio = Studio(Settings(home=tmp_path))
    studio.create_study("Talks", ["happy", "sad"])
    studio.store.close()
    (tmp_path / "demo-is-there").touch()
    caplog.set_level(logging.ERROR)
    with serving(Settings(home=tmp_path)) as served, httpx.Client(base_url=served.url, timeout=30) as client:
        told = client.post("/upload", json={"study": 1, "name": "half.mp4", "size": 2**20}).json()
        where = urlsplit(served.url)
        for path in (f"/upload/{told['token']}", "/gradio_api/component_server", "/upload"):
            request = f"POST {path} HTTP/1.1\r\nHost: {where.netloc}\r\n"
            request += "Content-Type: application/json\r\nContent-Length: 1048576\r\n\r\n"
            with socket.create_connection((where.hostname, where.port)) as line:
                line.sendall(request.encode() + bytes(2**16))
                time.sleep(0.3)  # so that it is being read
        time.sleep(1)  # until it has been noticed; what is logged is logged at once
        figures = client.get("/metrics").text
        assert 'status="499"' in figures
        assert 'status="500"' not in figures
        assert not list(tmp_path.rglob("upload-*"))
    assert not [each.getMessage() for each in caplog.records]
