import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.studio import Studio
from app.together import Together

TALKING = 1


def test_many_who_ask_at_once_share_an_answer_that_is_never_older_than_their_question():
    together, written, computed, everybody = Together[int](), [0], [], threading.Event()

    def count() -> int:
        seen = written[0]
        computed.append(seen)
        everybody.wait(60)
        time.sleep(0.2)  # until who has written asks as well
        return seen

    def write_and_ask(_: int) -> bool:
        with lock:
            written[0] += 1
            mine = written[0]
        if mine == 20:
            everybody.set()
        return together.ask("study", count) >= mine

    lock = threading.Lock()
    with ThreadPoolExecutor(20) as pool:
        assert all(pool.map(write_and_ask, range(20)))
    assert computed[-1] == 20
    assert len(computed) < 10, "twenty who ask at once cost two or three answers, not twenty"


def test_other_questions_do_not_wait_and_a_failure_reaches_everybody_once():
    together, failing = Together[str](), threading.Event()

    def fail() -> str:
        failing.wait(60)
        raise ValueError("no such study")

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(together.ask, 1, fail)
        assert together.ask(2, lambda: "there") == "there"
        failing.set()
        with pytest.raises(ValueError, match="no such study"):
            asked.result(60)
    assert together.ask(1, lambda: "again") == "again"


def test_reasons_are_computed_one_at_a_time_and_corrections_do_not_queue_behind_them(studio: Studio, monkeypatch):
    at_once, seen, waited, encoded = [0], [], [], studio.predictions.encoded
    saved = threading.Event()
    expected = studio.reasons.explain(TALKING, 3.0, 5.0)
    ana = studio.annotator("Ana").id

    def counted(*asked) -> object:
        at_once[0] += 1
        seen.append(at_once[0])
        waited.append(saved.wait(60))
        done = encoded(*asked)
        at_once[0] -= 1
        return done

    monkeypatch.setattr(studio.predictions, "encoded", counted)
    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(studio.reasons.explain, TALKING, 3.0, 5.0) for _ in range(6)]
        studio.store.annotate(TALKING, ana, 1.0, 2.0, {"happy": 1.0})
        saved.set()
        assert [each.result(60) for each in asked] == [expected] * 6
    assert all(waited), "the correction was saved while others waited for reasons"
    assert seen == [1] * 6
