"""Feeding hostile files to a studio, the way a browser does, and writing down what it answers."""

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from random import Random
from urllib.parse import quote

from fastapi import FastAPI
from fastapi.testclient import TestClient

from annotations import formats
from annotations.records import AnnotationError
from app import server
from app.studio import Studio
from tests.hostile import labels, media
from tests.hostile.memory import Peak

#: A sentence: begins like one, ends like one, one line, none of Python's words or of this machine's folders.
_SENTENCE = re.compile(r"(?!.*(Traceback|Errno|object at 0x|/tmp/|error in the studio))[^\n]{5,5000}[.?!]", re.DOTALL)
_PATIENCE_S = 300.0
#: What any one file may cost: seconds, and MiB of the studio (its models included) and of a process that decodes.
MOST_S, MOST_STUDIO, MOST_DECODER = 60.0, 2048.0, 2048.0


@dataclass(frozen=True)
class Fed:
    """A hostile file and what became of it; ``answer`` is a sentence, or empty where it was accepted.

    ``studio_mib`` and ``decoder_mib`` are the most memory that the studio and a process that decodes had meanwhile.
    """

    number: int
    kind: str
    way: str
    answer: str
    seconds: float
    studio_mib: float
    decoder_mib: float

    @property
    def bounded(self) -> bool:
        """Whether it cost no more time and memory than a file may."""
        return self.seconds <= MOST_S and self.studio_mib <= MOST_STUDIO and self.decoder_mib <= MOST_DECODER

    @property
    def plain(self) -> bool:
        """Whether it was accepted or answered in a sentence."""
        return not self.answer or bool(_SENTENCE.fullmatch(self.answer))


def feed(studio: Studio, seed: int, numbers: Iterable[int]) -> Iterator[Fed]:
    """Send hostile files to a studio's first study: videos with words or odd names, and files of labels.

    A file is known by its seed and its number: it is the same in every run.
    """
    web = FastAPI()
    server.add_routes(web, studio)
    study = studio.studies()[0].id
    peak = Peak()
    peak.start()
    with TestClient(web, raise_server_exceptions=True) as browser:
        for number in numbers:
            random = Random(seed * 1_000_003 + number)
            kind, way, act = _chosen(random, studio, browser, study)
            peak.begin()
            began = time.monotonic()
            answer = act()
            seconds = time.monotonic() - began
            yield Fed(number, kind, way, answer, round(seconds, 2), round(peak.studio, 1), round(peak.decoder, 1))


def _chosen(random: Random, studio: Studio, browser: TestClient, study: int) -> tuple[str, str, Callable[[], str]]:
    turn = random.random()
    if turn < 0.4:
        kinds = [kind for kind in media.KINDS if kind not in media.RARE or random.random() < 0.2]
        kind = random.choice(kinds)
        suffix, data = media.KINDS[kind](random)
        return kind, "upload", lambda: _upload(studio, browser, study, f"clip{suffix}", data)
    if turn < 0.46:
        words = labels.subtitles(random)
        return "subtitles", "upload", lambda: _upload(studio, browser, study, "clip.mp4", media.clip(".mp4"), words)
    if turn < 0.54:
        name = random.choice(labels.NAMES)
        data = random.choice([b"nothing", media.clip(random.choice([".mp4", ".mkv"]), "still")])
        return "file names", "upload", lambda: _upload(studio, browser, study, name, data)
    suffix, data = (labels.built if turn < 0.66 else labels.labels)(random)
    name = random.choice(labels.NAMES) if random.random() < 0.1 else f"labels{suffix}"
    return "labels built to harm" if turn < 0.66 else "damaged labels", "import", lambda: _import(studio, name, data)


def _upload(
    studio: Studio, browser: TestClient, study: int, name: str, data: bytes, words: tuple[str, str] | None = None
) -> str:
    """Announce a file, send it, wait for its analysis."""
    content = {"study": study, "name": name, "size": len(data), "subtitles": words}
    told = browser.post("/upload", content=json.dumps(content).encode()).json()
    if "token" not in told:
        return told["refused"]
    sent = browser.post(f"/upload/{quote(told['token'])}", content=data).json()
    if "job" not in sent:
        return sent["refused"]
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        job = next(each for each in studio.jobs(study) if each.id == sent["job"])
        if job.finished:
            return "" if job.state == "done" or "already here" in job.error else job.error
        time.sleep(0.01)
    return f"No answer in {_PATIENCE_S:.0f} s"


def _import(studio: Studio, name: str, data: bytes) -> str:
    """What the Data tab does with a file of labels."""
    try:
        studio.store.import_file(studio.studies()[0].name, formats.read(data, name))
    except AnnotationError as error:
        return f"{error}"
    return ""
