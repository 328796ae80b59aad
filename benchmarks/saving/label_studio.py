"""Label Studio as pip installs it, in a virtual environment of its own, and people who use it as its editor does.

Its editor keeps all segments of a person on a clip in one annotation, so each correction sends them all.
"""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from benchmarks.saving.people import EMOTIONS, Correction, Refused
from benchmarks.saving.servers import DoesNotRun, free_port, running

#: Where it is installed, once.
PLACE = Path.home() / ".cache" / "stf2m" / "label-studio"
#: What its first start may take, in which it makes its tables, seconds.
PATIENCE_S = 600
#: Its timelines count frames.
FRAMES_PER_S = 25
_TOKEN = "0123456789abcdef0123456789abcdef01234567"
_VIEW = (
    '<View><TimelineLabels name="emotion" toName="video">'
    + "".join(f'<Label value="{name}"/>' for name in EMOTIONS)
    + '</TimelineLabels><Video name="video" value="$video"/></View>'
)


def install() -> str:
    """Install it where it is not there; its version. Raises :class:`DoesNotRun` where that does not work."""
    pip = PLACE / "bin" / "pip"
    try:
        if not (PLACE / "bin" / "label-studio").exists():
            subprocess.run([sys.executable, "-m", "venv", PLACE], check=True, capture_output=True)
            subprocess.run([pip, "install", "--quiet", "label-studio"], check=True, capture_output=True, text=True)
        shown = subprocess.run([pip, "show", "label-studio"], check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        told = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1]
        raise DoesNotRun(f"Label Studio cannot be installed: {told}") from error
    return next(line.split()[1] for line in shown.splitlines() if line.startswith("Version:"))


class LabelStudio:
    """A Label Studio that runs, with a project of a few videos."""

    def __init__(self, url: str, durations_s: Sequence[float]):
        self.url = url
        self._durations_s = durations_s
        with self.connect() as web:
            made = web.post("/api/projects/", json={"title": "Demo", "label_config": _VIEW})
            made.raise_for_status()
            videos = [{"video": f"/{number}.mp4"} for number in range(len(durations_s))]
            sent = web.post(f"/api/projects/{made.json()['id']}/import?return_task_ids=true", json=videos)
            sent.raise_for_status()
            self._tasks = sent.json()["task_ids"]

    def connect(self) -> httpx.Client:
        """A connection for those who may."""
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Token {_TOKEN}"}, timeout=120)

    def people(self, number: int, what: str) -> list["Labeller"]:
        """As many at once, spread over the videos; all by the one account that it makes at its start."""
        every = range(len(self._tasks))
        return [
            Labeller(self.url, self._tasks[index % len(every)], self._durations_s[index % len(every)])
            for index in range(number)
        ]

    def lost(self, people: Sequence["Labeller"]) -> int:
        """How many segments that were acknowledged are not there."""
        with self.connect() as web:
            there = {
                each.annotation: web.get(f"/api/annotations/{each.annotation}/").json()["result"] for each in people
            }
        return sum(segment not in there[each.annotation] for each in people for segment in each.segments)


class Labeller:
    """An editor that is open; see :class:`benchmarks.saving.people.Person`."""

    def __init__(self, url: str, task: int, duration_s: float):
        self.duration_s = duration_s
        self._task = task
        self._web = httpx.AsyncClient(base_url=url, headers={"Authorization": f"Token {_TOKEN}"}, timeout=120)
        self.annotation = 0
        self.segments: list[dict[str, Any]] = []

    async def open(self) -> None:
        """Open the task, as the editor does."""
        (await self._web.get(f"/api/tasks/{self._task}")).raise_for_status()

    async def look(self, start_s: float, end_s: float) -> None:
        """Its editor asks for nothing when a stretch is selected."""

    async def correct(self, correction: Correction) -> None:
        """Send all segments, with one that is new or changed."""
        kept = self.segments[:-1] if correction.again else self.segments
        segments = [*kept, _segment(correction)]
        if self.annotation:
            answer = await self._web.patch(f"/api/annotations/{self.annotation}/", json={"result": segments})
        else:
            answer = await self._web.post(f"/api/tasks/{self._task}/annotations/", json={"result": segments})
        if answer.is_error or answer.json()["result"] != segments:
            raise Refused(answer.text[:200])
        self.annotation, self.segments = answer.json()["id"], segments

    async def go_on(self) -> None:
        """Its editor asks for nothing after a correction."""


def _segment(correction: Correction) -> dict[str, Any]:
    frames = {name: round(at * FRAMES_PER_S) for name, at in (("start", correction.start_s), ("end", correction.end_s))}
    return {
        "id": uuid.uuid4().hex[:10],
        "type": "timelinelabels",
        "from_name": "emotion",
        "to_name": "video",
        "value": {"ranges": [frames], "timelinelabels": [correction.emotion]},
    }


@contextmanager
def started(folder: Path, durations_s: Sequence[float]) -> Iterator[LabelStudio]:
    """Label Studio on loopback with SQLite, new, as ``label-studio start`` serves it.

    Raises :class:`DoesNotRun` where it cannot be installed or started.
    """
    install()
    port = free_port()
    url, data = f"http://127.0.0.1:{port}", folder / "label-studio"
    program = [PLACE / "bin" / "label-studio", "start", "--no-browser", "--internal-host", "127.0.0.1"]
    program += ["--port", str(port), "--data-dir", data, "--log-level", "ERROR"]
    program += ["--username", "ana@example.org", "--password", uuid.uuid4().hex]
    program += ["--user-token", _TOKEN, "--enable-legacy-api-token"]
    env = {**os.environ, "LABEL_STUDIO_BASE_DATA_DIR": str(data), "COLLECT_ANALYTICS": "False"}
    env |= {"SENTRY_DSN": "", "FRONTEND_SENTRY_DSN": "", "LATEST_VERSION_CHECK": "False"}
    with running(
        program, f"{url}/health", folder=folder, log=folder / "label-studio.log", env=env, patience_s=PATIENCE_S
    ):
        yield LabelStudio(url, durations_s)
