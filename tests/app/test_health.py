"""What a load balancer and Prometheus ask, over real HTTP."""

import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from app import health
from app.settings import Settings
from app.studio import Studio
from tests.app.conftest import EMOTIONS


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    """A studio with a clip that was never analysed."""
    made = Studio(Settings(home=tmp_path / "home"))
    study = made.create_study("Field notes", EMOTIONS)
    made.store.add_clip(study.id, "ab" * 32, "private talk.mp4", duration_s=9.0, has_video=True, has_sound=True)
    return made


@pytest.fixture
def client(studio: Studio) -> Iterator[httpx.Client]:
    web = FastAPI()
    web.get("/clip/{clip_id}")(lambda clip_id: {"clip": clip_id})
    health.add_routes(web, studio)
    server = uvicorn.Server(uvicorn.Config(web, port=0, log_level="error"))
    running = threading.Thread(target=server.run)
    running.start()
    while not server.started:
        assert running.is_alive()
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as opened:
        yield opened
    server.should_exit = True
    running.join()


def _figures(client: httpx.Client) -> dict[str, float]:
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    return {name: float(value) for name, value in re.findall(r"^(stf2m.+) (\S+)$", answer.text, re.MULTILINE)}


def test_it_is_well_until_the_disk_or_the_database_is_not(client: httpx.Client, studio: Studio):
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "disk": "ok", "analyses": 0}
    home = studio.settings.home
    home.rename(home.with_name("elsewhere"))
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["disk"] == "Nothing can be written: No such file or directory."
    home.with_name("elsewhere").rename(home)
    with closing(sqlite3.connect(home / "studio.sqlite3")) as other, other:
        other.execute("ALTER TABLE events RENAME TO lost")
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["status"], answer.json()["disk"]) == (503, "failing", "ok")
    assert answer.json()["database"].startswith("The database ")
    assert _figures(client)["stf2m_analyses_in_progress"] == 0


def test_metrics_count_work_and_answers_and_name_nobody(client: httpx.Client, studio: Studio):
    before = _figures(client)
    ana = studio.annotator("Ana Lovelace").id
    for start_s in (1.0, 4.0):
        studio.store.annotate(1, ana, start_s, start_s + 1, {"happy": 1.0})
    assert client.get("/clip/9317").json() == {"clip": "9317"}
    after = _figures(client)
    corrections = 'stf2m_events_total{kind="annotation created"}'
    assert after[corrections] == before.get(corrections, 0) + 2
    assert after["stf2m_analyses_in_progress"] == 0
    assert after["stf2m_disk_free_bytes"] > 0
    assert after['stf2m_request_seconds_count{method="GET",route="/clip/{clip_id}",status="200"}'] == 1
    told = client.get("/metrics").text
    for private in ("Ana", "Lovelace", "9317", "private", "Field", "happy"):
        assert not re.search(rf"\b{re.escape(private)}\b", told)


def test_analyses_that_run_or_wait_are_counted(studio: Studio):
    go, one = threading.Event(), studio.studies()[0].id
    assert studio.busy == 0
    for number in range(2):
        studio._jobs.submit(one, f"{number}.mp4", lambda progress: int(go.wait(60)))
    assert studio.busy == 2
    go.set()
    until = time.monotonic() + 60
    while studio.busy and time.monotonic() < until:
        time.sleep(0.01)
    assert studio.busy == 0
