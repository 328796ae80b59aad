"""The studio itself, ``python app.py``, and people who use it as its page does."""

import os
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from annotations.events import replay
from annotations.store import Store
from benchmarks.saving.people import Correction, Refused
from benchmarks.saving.servers import free_port, running

ROOT = Path(__file__).resolve().parents[2]
#: What the first start may take, in which the demo clips are analysed, seconds.
PATIENCE_S = 1800


class Studio:
    """A studio that runs, with its demo clips."""

    def __init__(self, url: str, store: Store):
        self.url = url
        self._store = store
        self._study = store.studies()[0]
        self.clips = store.clips(self._study.id)
        config = httpx.get(f"{url}/config", timeout=120).json()
        ids = {each["props"].get("elem_id"): each["id"] for each in config["components"]}
        self.widgets = {name: ids[name] for name in ("timeline", "queue")}

    def people(self, number: int, what: str) -> list["Annotator"]:
        """New annotators, spread over the demo clips."""
        return [self._person(index, f"{what} {index + 1}") for index in range(number)]

    def _person(self, index: int, name: str) -> "Annotator":
        clip = self.clips[index % len(self.clips)]
        who = {"study": self._study.id, "annotator": self._store.annotator(name).id, "clip": clip.id}
        return Annotator(self, who, clip.duration_s)

    def lost(self, people: Sequence["Annotator"]) -> int:
        """How many annotations that were acknowledged are not there.

        Raises ``ValueError`` where the event log does not lead to what is there.
        """
        log = [event for event in self._store.events(self._study.id) if event.entity == "annotation"]
        there = {each.id: each.version for each in self._store.annotations(study_id=self._study.id)}
        if {key[1]: state["version"] for key, state in replay(log).items()} != there or len(log) != sum(there.values()):
            raise ValueError("The annotations and the event log differ.")
        return sum(there.get(number) != version for each in people for number, version in each.said.items())


class Annotator:
    """A page that is open in the studio; see :class:`benchmarks.saving.people.Person`."""

    def __init__(self, studio: Studio, who: dict[str, int], duration_s: float):
        self.duration_s = duration_s
        self._studio, self._who = studio, who
        self._web = httpx.AsyncClient(base_url=studio.url, timeout=120)
        self._page = uuid.uuid4().hex[:11]
        self._last: dict[str, Any] = {}
        #: The versions of the annotations that were acknowledged, by id.
        self.said: dict[int, int] = {}

    async def open(self) -> None:
        """Open the page and the clip."""
        await self._web.get("/")
        await self._ask("timeline", "open")

    async def look(self, start_s: float, end_s: float) -> None:
        """Ask why the model says what it says."""
        await self._ask("timeline", "explain", start_s=start_s, end_s=end_s)

    async def correct(self, correction: Correction) -> None:
        """Say what is seen, or say otherwise what was said last."""
        before = {"annotation_id": self._last["id"], "version": self._last["version"]} if correction.again else {}
        said = {"start_s": correction.start_s, "end_s": correction.end_s, "degrees": {correction.emotion: 1.0}}
        answer = await self._ask("timeline", "correct", **said, **before)
        self._last = answer.get("annotation") or {}
        if self._last.get("emotion") != correction.emotion:
            raise Refused(f"The studio answered {answer}.")
        self.said[self._last["id"]] = self._last["version"]

    async def go_on(self) -> None:
        """Count the corrections, and bring the clip's card in the queue up to date."""
        await self._ask("timeline", "readiness")
        await self._ask("queue", "card")

    async def _ask(self, widget: str, name: str, **data: Any) -> dict[str, Any]:
        body = {
            "session_hash": self._page,
            "component_id": self._studio.widgets[widget],
            "fn_name": name,
            "data": {**self._who, **data},
        }
        answer = await self._web.post("/gradio_api/component_server", json=body)
        if answer.is_error or "refused" in answer.json():
            raise Refused(answer.text[:200])
        return answer.json()


@contextmanager
def started(folder: Path) -> Iterator[Studio]:
    """The studio at its first start in an empty folder, when it has analysed its demo clips."""
    port, home = free_port(), folder / "home"
    home.mkdir()
    url = f"http://127.0.0.1:{port}"
    env = {**os.environ, "STF2M_HOME": str(home), "GRADIO_SERVER_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False"}
    env.pop("STF2M_DATABASE_URL", None)
    program = [sys.executable, "app.py"]
    with running(program, url, folder=ROOT, log=folder / "app.log", env=env, patience_s=PATIENCE_S):
        store = Store(f"sqlite:///{home / 'studio.sqlite3'}")
        try:
            yield Studio(url, store)
        finally:
            store.close()
