import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.together import Together


def test_many_who_ask_at_once_share_an_answer_that_is_never_older_than_their_question():
    together, written, computed = Together[int](), [0], []

    def count() -> int:
        seen = written[0]
        computed.append(seen)
        time.sleep(0.05)
        return seen

    def write_and_ask(_: int) -> bool:
        with lock:
            written[0] += 1
            mine = written[0]
        return together.ask("study", count) >= mine

    lock = threading.Lock()
    with ThreadPoolExecutor(20) as pool:
        assert all(pool.map(write_and_ask, range(20)))
    assert computed[-1] == 20
    assert len(computed) < 10, "twenty who ask at once cost two or three answers, not twenty"


def test_other_questions_do_not_wait_and_a_failure_reaches_everybody_once():
    together, failing = Together[str](), threading.Event()

    def fail() -> str:
        failing.wait(5)
        raise ValueError("no such study")

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(together.ask, 1, fail)
        assert together.ask(2, lambda: "there") == "there"
        failing.set()
        with pytest.raises(ValueError, match="no such study"):
            asked.result(5)
    assert together.ask(1, lambda: "again") == "again"
