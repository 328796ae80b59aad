"""Many writers at once, and writers that are killed in the middle."""

import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import annotations
from annotations.records import StaleWrite
from annotations.store import Store
from annotations.turns import Turns

ROOT = Path(annotations.__file__ or "").resolve().parents[1]

#: Annotates until it is killed or done, and says each annotation's id once the store has acknowledged it.
WRITER = """
import sys
from annotations import engine
from annotations.store import Store
url, journal, clip, annotator, count = *sys.argv[1:3], *map(int, sys.argv[3:])
engine.journal_mode = lambda path: journal
store = Store(url)
for number in range(count):
    made = store.annotate(clip, annotator, 1, 2, {"happy": 1.0}, note=str(number))
    if number % 3 == 0:
        store.change(made.id, 1, annotator, note="changed")
    print(made.id, number % 3 == 0, flush=True)
"""


def writer(url: str, clip_id: int, annotator_id: int, count: int, journal: str = "WAL") -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", WRITER, url, journal, str(clip_id), str(annotator_id), str(count)]
    return subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_twenty_threads_write_and_nothing_is_lost_or_doubled(store, study, clip):
    people = [store.annotator(f"Person {number}") for number in range(20)]
    done = Counter[int]()
    done_when_first_ready: list[dict[int, int]] = []

    def work(person):
        for number in range(50):
            store.annotate(clip.id, person.id, number / 4, number / 4 + 1, {"happy": 1.0}, note=str(number))
            done[person.id] += 1
            if number % 10 == 0:
                store.annotations(clip.id, annotator_id=person.id)
        done_when_first_ready.append(dict(done))

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(work, people))
    assert len(done_when_first_ready[0]) == 20
    assert min(done_when_first_ready[0].values()) > 25, "no writer is starved"
    there = store.annotations(clip.id)
    assert Counter((each.annotator_id, each.note) for each in there) == Counter(
        (person.id, str(number)) for person in people for number in range(50)
    )
    written = [event.entity_id for event in store.events(study.id) if event.kind == "annotation created"]
    assert sorted(written) == sorted(each.id for each in there)


def test_writers_of_one_process_come_in_the_order_in_which_they_asked():
    turns, order, threads = Turns(), [], []

    def ask(number: int) -> None:
        with turns:
            order.append(number)

    with turns:
        for number in range(20):
            threads.append(threading.Thread(target=ask, args=(number,)))
            threads[-1].start()
            while len(turns._waiting) <= number:
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert order == list(range(20))


def test_of_two_writers_of_one_version_exactly_one_wins(store, clip, ana, bob):
    shared = store.annotate(clip.id, ana.id, 1, 2, {"happy": 1.0})

    def change(number: int) -> bool:
        try:
            store.change(shared.id, 1, (ana.id, bob.id)[number % 2], note=str(number))
        except StaleWrite:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(change, range(16))) == 1
    assert store.annotation(shared.id).version == 2


def test_undo_from_two_windows_takes_back_two_changes(store, study, clip, ana):
    for number in range(10):
        store.annotate(clip.id, ana.id, number, number + 1, {"happy": 1.0})
    with ThreadPoolExecutor(4) as pool:
        undone = list(pool.map(lambda _: store.undo(study.id, ana.id), range(8)))
    assert len({event.undoes for event in undone if event}) == 8
    assert len(store.annotations(clip.id)) == 2


def test_four_processes_write_and_nothing_is_lost(store, clip, url):
    people = [store.annotator(f"Person {number}") for number in range(4)]
    writers = [writer(url, clip.id, person.id, 25) for person in people]
    answers = [process.communicate(timeout=120) for process in writers]
    assert [errors for _, errors in answers] == [""] * 4
    acknowledged = sorted(int(line.split()[0]) for said, _ in answers for line in said.splitlines())
    assert acknowledged == sorted(each.id for each in store.annotations(clip.id))
    assert len(set(acknowledged)) == 100


@pytest.mark.parametrize(("journal", "times"), [("WAL", 5), ("DELETE", 3)])
def test_what_was_acknowledged_survives_kill_9(sqlite_url, tmp_path, journal, times):
    store = Store(sqlite_url)
    study = store.create_study("Demo", ["happy"])
    clip = store.add_clip(study.id, "a1" * 32, "x.mp4", duration_s=9, has_video=True, has_sound=True)
    ana = store.annotator("Ana")
    store.close()
    acknowledged: dict[int, bool] = {}
    chance = random.Random(0)
    for _ in range(times):
        process = writer(sqlite_url, clip.id, ana.id, 100_000, journal)
        assert process.stdout is not None
        assert process.stderr is not None
        for _ in range(chance.randint(5, 40)):
            number, changed = process.stdout.readline().split()
            acknowledged[int(number)] = changed == "True"
        time.sleep(chance.uniform(0, 0.02))
        process.send_signal(signal.SIGKILL)
        rest, errors = process.stdout.read(), process.stderr.read()
        assert (process.wait(), errors) == (-signal.SIGKILL, "")
        for line in rest.splitlines():
            number, changed = line.split()
            acknowledged[int(number)] = changed == "True"

    with sqlite3.connect(tmp_path / "studio.sqlite3") as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
    store = Store(sqlite_url)
    there = {each.id: each for each in store.annotations(clip.id)}
    assert set(acknowledged) <= set(there)
    assert len(there) - len(acknowledged) <= times, "at most the one that was being written each time"
    assert all(there[number].note == "changed" for number, changed in acknowledged.items() if changed)
    created = [event.entity_id for event in store.events(study.id) if event.kind == "annotation created"]
    assert sorted(created) == sorted(there)
    store.close()
