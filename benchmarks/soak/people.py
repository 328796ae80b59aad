"""Annotators at twelve times a person's pace, and what they see."""

import asyncio
import json
import os
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from app.demo import DEMOS
from benchmarks.by_hand import Page
from benchmarks.soak.hurried import PACE

EMOTIONS = ("angry", "calm", "happy", "neutral", "sad", "surprised")
#: Each thinks so long between two things, on average: a twelfth of ten seconds.
THOUGHT_S = 10 / PACE
#: Stretches that are corrected are so long, one beside the other, seconds: who says of one something else than before
#: changes what they said, as the timeline does.
STRETCH_S = 2.0
#: What the names of videos begin with that are added and taken out again.
ADDED = "video of"
#: The page tries again after so long, seconds.
AGAIN_S = 2.0


@dataclass
class Seen:
    """What happened: corrections by their note, what was said when something was wrong, and the studio's size."""

    kept: dict[str, dict[str, float]] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    said: dict[str, Counter[str]] = field(default_factory=dict)
    sizes: list[tuple[float, float, int, int, int]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    fault: str = ""

    def tell(self, sentence: str) -> None:
        """A sentence that somebody was shown, under what was wrong just then."""
        shorter = re.sub(r"/\S*/soak-[^/\s]+/(disk/)?", "", sentence)  # where the disk happened to be this time
        self.said.setdefault(self.fault or "nothing", Counter())[shorter] += 1


class Annotator(Page):
    """Somebody at work, whose page sends again what was not acknowledged."""

    def __init__(self, url: str, number: int, seen: Seen) -> None:
        super().__init__(url, f"annotator {number}")
        self._seen = seen
        self._number = 0
        #: Of a clip and a stretch of it: the label, and its version, as they are sent to change it.
        self._labels: dict[tuple[int, int], dict[str, int]] = {}
        self._chance = random.Random(number)

    async def work(self, until: float) -> None:
        """Do what annotators do, in no order, until then."""
        acts: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (20, self._correct), (4, self._look), (1, self._adapt), (1, self.add_video), (2, self.load),
            (1, self._close),
        ]  # fmt: skip
        while time.monotonic() < until:
            await asyncio.sleep(self._chance.expovariate(1 / THOUGHT_S))
            act = self._chance.choices([each for _, each in acts], [weight for weight, _ in acts])[0]
            try:
                await act()
            except (httpx.HTTPError, KeyError, ValueError) as error:
                self._seen.failures.append(f"{act.__name__.strip('_')}: {type(error).__name__} {error}"[:160])
                await asyncio.sleep(AGAIN_S)

    async def _correct(self) -> None:
        """A correction, or a change of a former one, sent until it is acknowledged."""
        clip = self._chance.choice(self.clips)
        stretch = self._chance.randrange(int(clip["duration_s"] // STRETCH_S))
        self._number += 1
        note, degrees = f"{self.person}, {self._number}", {self._chance.choice(EMOTIONS): 1.0}
        said = {"start_s": stretch * STRETCH_S, "end_s": (stretch + 1) * STRETCH_S, "degrees": degrees, "note": note}
        while True:
            answer: dict[str, Any] = {}
            former = self._labels.get((clip["id"], stretch), {})
            with suppress(httpx.HTTPError):
                answer = await self.ask(
                    "timeline", "correct", clip=clip["id"], annotator=self.annotator, **said, **former
                )
            conflict = answer.get("conflict", {})  # with what the page said itself, where its answer was lost
            if now := answer.get("annotation") or conflict.get("current"):
                self._labels[clip["id"], stretch] = {"annotation_id": now["id"], "version": now["version"]}
            if "annotation" in answer:
                break
            self._seen.tell(answer.get("refused") or conflict.get("sentence", "no answer, the page tries again"))
            await asyncio.sleep(AGAIN_S)
        self._seen.kept[note] = degrees
        self._seen.done["corrections"] += 1

    async def _look(self) -> None:
        clip = self._chance.choice(self.clips)
        await self.ask("timeline", "open", clip=clip["id"], annotator=self.annotator)
        await self.get(f"/clip/{clip['id']}", headers={"Range": "bytes=0-65535"})
        self._seen.done["clips opened"] += 1

    async def _adapt(self) -> None:
        answer = await self.ask("timeline", "adapt", study=1, annotator=self.annotator)
        if "report" in answer:
            self._seen.done["adaptations"] += 1
        else:
            self._seen.tell(answer.get("refused", f"{answer}"))

    async def add_video(self) -> None:
        """Add a small video that nobody has added, and wait for what becomes of it; then take it out again."""
        content = DEMOS[-1].path.read_bytes() + os.urandom(8)
        answer = await self.add(f"{ADDED} {self.person}.mp4", content)
        if "job" not in answer:
            self._seen.tell(answer.get("refused", f"{answer}"))
            return
        while True:
            jobs = (await self.ask("queue", "jobs", study=1, annotator=self.annotator))["jobs"]
            job = next(each for each in jobs if each["key"] == answer["key"])
            if job["state"] not in ("waiting", "running"):
                break
            await asyncio.sleep(0.5)
        if job["state"] == "done":
            await self.ask("queue", "remove", clips=[job["clip"]], annotator=self.annotator)
            self._seen.done["videos added and taken out"] += 1
        else:
            self._seen.tell(job["error"])

    async def load(self) -> None:
        """Load the page; only clips that stay are worked on."""
        await self.open()
        self.clips = [each for each in self.clips if not each["name"].startswith(ADDED)]
        self._seen.done["page loads"] += 1

    async def _close(self) -> None:
        """Close the tab in the middle of an upload and of an adaptation, and come again."""
        tasks = [asyncio.create_task(each) for each in (self._half_an_upload(), self._adapt())]
        await asyncio.sleep(self._chance.uniform(0.0, 0.2))
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.load()
        self._seen.done["tabs closed in the middle of work"] += 1

    async def _half_an_upload(self) -> None:
        told = json.loads(await self.post("/upload", json={"study": 1, "name": "half.mp4", "size": 2**20}))

        async def slowly() -> AsyncIterator[bytes]:
            yield bytes(2**16)
            await asyncio.sleep(60)

        await self.web.post(f"/upload/{told['token']}", content=slowly())
