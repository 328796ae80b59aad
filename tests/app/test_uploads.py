"""Files on their way in: streamed to the disk, refused in a sentence, and cleared up behind the analysis."""

import errno
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from annotations.records import NotFoundError
from app.demo import DEMOS
from app.files import ClipFiles
from app.ingest import Upload
from app.jobs import Job, Jobs, PlainError
from app.settings import Settings
from app.studio import Studio
from app.uploads import Uploads
from stf2m.weights import Progress

ROOT = Path(__file__).resolve().parents[2]
STUDY = 1
SILENT = DEMOS[-1]


async def _chunks(data: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def _send(uploads: Uploads, token: str, data: bytes) -> Job:
    async def receive() -> Job:
        return await uploads.receive(token, _chunks(data))

    # In a thread of its own: browser tests of the same process keep an event loop in this one.
    with start_blocking_portal() as portal:
        return portal.call(receive)


def _left(studio: Studio) -> list[str]:
    return [path.name for path in studio.files.incoming.glob("upload-*")]


def test_a_file_is_analysed_under_its_own_name_and_nothing_is_left_of_it(studio: Studio):
    uploads = Uploads(studio)
    other = studio.create_study("Elsewhere", ["happy", "sad"])
    data = SILENT.path.read_bytes()
    job = _send(uploads, uploads.announce(other.id, "../../Größe 1.mp4", len(data)), data)
    until = time.monotonic() + 300
    while not job.finished and time.monotonic() < until:
        time.sleep(0.1)
    assert job.state == "done", job.error
    assert [clip.name for clip in studio.store.clips(other.id)] == ["Größe 1.mp4"]
    assert _left(studio) == []


def test_a_batch_goes_on_whatever_is_in_it_and_says_of_each_file_what_became_of_it(studio: Studio):
    uploads = Uploads(studio)
    study = studio.create_study("Batch", ["happy", "sad"]).id
    silent = SILENT.path.read_bytes()
    files = {
        "empty.mp4": b"",
        "letter.mp4": b"Dear Sir or Madam, this is no video.\n" * 50,
        "slides.pdf": b"%PDF-1.7\n%%EOF",
        "monday.mp4": silent,
        "talk.mp4": silent,
    }
    jobs = [_send(uploads, uploads.announce(study, name, len(data)), data) for name, data in files.items()]
    until = time.monotonic() + 300
    while not all(job.finished for job in jobs) and time.monotonic() < until:
        time.sleep(0.1)
    (monday,) = studio.store.clips(study)
    assert [job.state for job in jobs] == ["failed", "failed", "failed", "done", "failed"]
    assert [job.result for job in jobs] == [None, None, None, monday.id, monday.id]
    for job in jobs[:3]:
        assert job.error.startswith(job.name), "each sentence names its file"
        assert job.error.endswith(".")
    assert jobs[4].error == "talk.mp4 is already here as monday.mp4."
    assert _left(studio) == [], "neither of one that was kept nor of those that were not"


def test_nothing_is_left_of_a_file_whose_analysis_is_given_up_before_its_turn(studio: Studio):
    uploads, go = Uploads(studio), threading.Event()
    studio._jobs.submit(STUDY, "before.mp4", lambda progress: int(go.wait(60)))
    job = _send(uploads, uploads.announce(STUDY, "late.mp4", 4), b"late")
    assert len(_left(studio)) == 1
    studio.cancel(job.id)
    go.set()
    until = time.monotonic() + 60
    while not job.finished and time.monotonic() < until:
        time.sleep(0.01)
    assert job.state == "cancelled"
    assert _left(studio) == []


def test_a_video_that_was_deleted_comes_back_with_the_words_it_has_now(studio: Studio, tmp_path: Path):
    ana = studio.annotator("Ana").id
    talking = studio.store.clips(STUDY)[0]
    before = studio.timeline(talking.id, ana)
    studio.clips(STUDY, ana)
    studio.delete_clips([talking.id], ana)
    words = tmp_path / "words.srt"
    words.write_text("1\n00:00:01,000 --> 00:00:30,000\nI am furious with you and I hate it\n")
    again = studio.ingest(STUDY, Upload(DEMOS[0].path, "again.mp4", subtitles=words))
    after = studio.timeline(again.id, ana)
    assert again.id == talking.id, "its annotations come back with it"
    assert " ".join(word["text"] for word in after["words"]) == "I am furious with you and I hate it"
    assert after["suggestions"] != before["suggestions"]
    moments, looking = studio.find_emotion(STUDY, "angry", by_people=False)
    while looking:
        moments, looking = studio.find_emotion(STUDY, "angry", by_people=False)
    strongest = next(each for each in moments if each.clip_id == again.id)
    there = studio.predictions.between(again, studio.version(STUDY), strongest.start_s, strongest.end_s)
    assert there["angry"] == pytest.approx(strongest.degree, abs=0.01)


def test_subtitles_come_along(studio: Studio):
    uploads = Uploads(studio)
    said = ("talk.srt", "1\n00:00:00,000 --> 00:00:02,000\nWonderful news\n")
    go = threading.Event()
    studio._jobs.submit(STUDY, "before.mp4", lambda progress: int(go.wait(60)))
    job = _send(uploads, uploads.announce(STUDY, "talk.mp4", 1, subtitles=said), b"no video")
    (folder,) = _left(studio)
    assert (studio.files.incoming / folder / "words.srt").read_text() == said[1]
    assert job.name == "talk.mp4"
    go.set()
    with pytest.raises(PlainError, match=r"words.docx is not a subtitle file"):
        uploads.announce(STUDY, "talk.mp4", 1, subtitles=("words.docx", ""))


def test_a_token_is_good_once(studio: Studio):
    uploads = Uploads(studio)
    token = uploads.announce(STUDY, "one.mp4", 3)
    _send(uploads, token, b"one")
    with pytest.raises(KeyError):
        _send(uploads, token, b"one")


def test_too_large_is_refused_when_announced_and_when_it_lied(tmp_path: Path):
    studio = Studio(Settings(home=tmp_path, max_megabytes=0.5))
    studio.create_study("Field notes", ["happy", "sad"])
    uploads = Uploads(studio)
    with pytest.raises(PlainError, match=r"^long.mp4 is larger than the limit of 0.5 MiB.$"):
        uploads.announce(STUDY, "long.mp4", 2**20)
    with pytest.raises(PlainError, match="larger than the limit"):
        _send(uploads, uploads.announce(STUDY, "liar.mp4", 10), bytes(2**20))
    assert _left(studio) == []
    with pytest.raises(NotFoundError):
        uploads.announce(99, "nowhere.mp4", 10)


#: A process that receives a file, says where, and waits.
RECEIVING = """
import sys
from pathlib import Path
from app.files import ClipFiles

files = ClipFiles(Path(sys.argv[1]))
folder = files.incoming / "upload-0123"
folder.mkdir()
(folder / "clip.mp4").write_bytes(b"a part of a video")
print(folder, flush=True)
sys.stdin.read()
"""


def test_what_a_killed_process_left_goes_at_the_next_start_and_nothing_of_one_that_goes_on(studio: Studio):
    home = studio.files.home
    former = home / "incoming" / "upload-4567"  # as a studio of before left it
    former.mkdir()
    command = [sys.executable, "-c", RECEIVING, str(home)]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    folders = [Path(each.stdout.readline().strip()) for each in processes if each.stdout]
    assert all((folder / "clip.mp4").is_file() for folder in folders)
    processes[0].kill()
    processes[0].wait(60)
    mine = studio.files.incoming / "upload-89ab"
    mine.mkdir()
    again = ClipFiles(home)
    assert [each.exists() for each in (*folders, mine, former)] == [False, True, True, False]
    processes[1].communicate("")
    again.close()
    ClipFiles(home)
    assert [each.exists() for each in (*folders, mine, again.incoming)] == [False, False, True, False]


def test_an_analysis_that_was_killed_is_finished_without_the_file_that_came(studio: Studio):
    """It has a copy of its own from the moment on that the clip is in the database."""
    clip = studio.store.clips(STUDY)[-1]
    studio.store.set_clip_status(clip.id, "waiting")
    studio.files.close()
    again = Studio(Settings(home=studio.files.home))
    assert not studio.files.incoming.exists()
    again.catch_up()
    assert again.clip(clip.id).status == "ready"


def test_a_disk_that_takes_no_more_is_said_in_its_own_words(studio: Studio):
    uploads = Uploads(studio)
    token = uploads.announce(STUDY, "long.mp4", 2**20)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**17, hard))
    try:
        with pytest.raises(PlainError, match=r"^long.mp4 could not be kept: file too large\.$"):
            _send(uploads, token, bytes(2**20))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert _left(studio) == []

    def full(progress: Progress) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    job = Jobs().submit(STUDY, "short.mp4", full)
    until = time.monotonic() + 60
    while not job.finished and time.monotonic() < until:
        time.sleep(0.01)
    assert job.error == "short.mp4 was not added: no space left on device."
