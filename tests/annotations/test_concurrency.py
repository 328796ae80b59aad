"""Many writers at once, and writers that are killed in the middle."""

import multiprocessing
import os
import random
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from annotations.events import replay
from annotations.records import StaleWrite, StoreError
from annotations.store import Store
from annotations.turns import SharedTurns, Turns, queue
from tests.annotations.writers import Saved, Work, Writer

#: How many corrections fifty people make; 10,000 take a minute on each database.
CORRECTIONS = int(os.environ.get("STF2M_TEST_CORRECTIONS", "1000"))
#: The longest that any of fifty may wait, seconds, on two cores that others use as well.
PATIENCE_S = 60.0


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


@pytest.mark.parametrize("shared", [False, True])
def test_writers_come_in_the_order_in_which_they_asked(tmp_path, shared):
    turns, order, threads = (SharedTurns(tmp_path / "queue") if shared else Turns()), [], []

    def ask(number: int) -> None:
        with turns:
            order.append(number)

    with turns:
        already = _drawn(tmp_path) if shared else 0
        for number in range(20):
            threads.append(threading.Thread(target=ask, args=(number,)))
            threads[-1].start()
            while (_drawn(tmp_path) - already if shared else len(turns._waiting)) <= number:
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert order == list(range(20))


def test_a_writer_who_dies_in_the_queue_lets_nobody_in_before_their_turn(tmp_path):
    turns, entered = queue(tmp_path / "queue"), threading.Event()
    with turns:
        already = _drawn(tmp_path)
        dying = multiprocessing.get_context("forkserver").Process(target=turns.__enter__)
        dying.start()
        while _drawn(tmp_path) == already:
            time.sleep(0.001)

        def ask() -> None:
            with turns:
                entered.set()

        behind = threading.Thread(target=ask)
        behind.start()
        while _drawn(tmp_path) == already + 1:
            time.sleep(0.001)
        dying.kill()
        dying.join()
        assert not entered.wait(0.2)
    assert entered.wait(PATIENCE_S)
    behind.join()


def _drawn(folder: Path) -> int:
    return int.from_bytes((folder / "queue").read_bytes(), "little")


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


def test_fifty_writers_in_processes_and_threads_lose_and_double_nothing(store, study, clip, url):
    people = [store.annotator(f"Person {number}").id for number in range(50)]
    each, alone, together = CORRECTIONS // 50, people[:30], people[30:]
    writers = [Writer(Work(url, clip.id, (person,), each)) for person in alone]
    writers.append(Writer(Work(url, clip.id, tuple(together), each)))
    with ThreadPoolExecutor(len(writers)) as pool:
        acknowledged = [saved for said in pool.map(lambda writer: list(writer.saved()), writers) for saved in said]
    assert Counter(saved.note for saved in acknowledged) == Counter(
        f"{person}.{number}" for person in people for number in range(each)
    )
    assert max(saved.waited_s for saved in acknowledged) < PATIENCE_S, "each has its turn"
    assert_whole(store, study.id, clip.id, acknowledged, others=0)


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
def test_what_was_acknowledged_survives_kill_9_a_hundred_times(sqlite_url, journal):
    survive(sqlite_url, journal, 100)


def test_what_was_acknowledged_by_postgresql_survives_kill_9_of_those_who_write(postgresql):
    survive(postgresql.new_database(), "", 30)


def survive(url: str, journal: str, times: int) -> None:
    """Kill one of three processes that write, start another, and so on; then look at what is there."""
    store = Store(url)
    study = store.create_study("Demo", ["happy"])
    clip = store.add_clip(study.id, "a1" * 32, "x.mp4", duration_s=26, has_video=True, has_sound=True)
    work = Work(url, clip.id, (store.annotator("Ana").id, store.annotator("Bob").id), 1_000_000, journal)
    store.close()
    chance, acknowledged = random.Random(0), list[Saved]()
    at_work = deque(Writer(work) for _ in range(3))
    for left in reversed(range(times)):
        writer = at_work.popleft()
        if left > len(at_work):
            at_work.append(Writer(work))
        said = writer.saved()
        acknowledged.append(next(said))
        time.sleep(chance.uniform(0, 0.02))
        writer.process.kill()
        writer.process.join()
        assert writer.process.exitcode == -signal.SIGKILL
        acknowledged.extend(said)
    store = Store(url)
    assert_whole(store, study.id, clip.id, acknowledged, others=2 * times)
    store.close()


def test_what_was_acknowledged_survives_the_end_of_the_postgresql_server(mortal_postgresql):
    url = mortal_postgresql.new_database()
    store = Store(url)
    study = store.create_study("Demo", ["happy"])
    clip = store.add_clip(study.id, "a1" * 32, "x.mp4", duration_s=26, has_video=True, has_sound=True)
    work = Work(url, clip.id, (store.annotator("Ana").id, store.annotator("Bob").id), 1_000_000)
    acknowledged = list[Saved]()
    for _ in range(3):
        writers = [Writer(work) for _ in range(4)]
        said = [writer.saved() for writer in writers]
        acknowledged.extend(next(each) for each in said)
        time.sleep(0.3)
        mortal_postgresql.kill()
        for each in said:
            with pytest.raises(StoreError, match="The database postgres does not work: "):
                acknowledged.extend(each)
        mortal_postgresql.start()
        assert_whole(store, study.id, clip.id, acknowledged, others=3 * 8)
    store.close()


def assert_whole(store: Store, study_id: int, clip_id: int, acknowledged: Iterable[Saved], others: int) -> None:
    """All that was acknowledged is there, with at most so many ``others`` that nobody heard of; rows and log agree."""
    there = {each.id: each for each in store.annotations(clip_id)}
    last = {saved.annotation_id: saved for saved in sorted(acknowledged, key=lambda saved: saved.version)}
    assert set(last) <= set(there)
    unheard = [there[number] for number in set(there) - set(last)]
    for saved in last.values():
        now = there[saved.annotation_id]
        if now.version == saved.version:
            assert (now.note, now.annotator_id) == (saved.note, saved.annotator_id)
        else:
            assert now.version == saved.version + 1
            unheard.append(now)
    assert len(unheard) <= others

    log = [event for event in store.events(study_id) if event.entity == "annotation"]
    assert Counter(event.entity_id for event in log) == Counter({each.id: each.version for each in there.values()})
    replayed = {key[1]: state for key, state in replay(log).items()}
    assert replayed == {
        number: {field: getattr(there[number], field) for field in state} for number, state in replayed.items()
    }
    assert set(replayed) == set(there)
    if store._engine.dialect.name == "sqlite":
        with store._engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() == []
