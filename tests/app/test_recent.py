"""What stays in memory of the values that were used last."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.recent import Recent

SIZES = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 50)), max_size=60)


@given(asked=SIZES, most=st.integers(1, 100))
def test_those_used_last_stay_as_far_as_there_is_room(asked: list[tuple[int, int]], most: int):
    sizes: dict[int, int] = {}
    recent: Recent[int, bytes] = Recent(most, len)
    kept: list[int] = []  # the one used last at the end
    for key, size in asked:
        made: list[int] = []

        def make(size: int = size, made: list[int] = made) -> bytes:
            made.append(size)
            return bytes(size)

        assert len(recent.get_or_make(key, make)) == (size if made else sizes[key])
        assert bool(made) == (key not in kept)
        if made:
            sizes[key] = size
        kept = [each for each in kept if each != key] + [key]
        if made:
            while sum(sizes[each] for each in kept) > most and len(kept) > 1:
                kept.pop(0)


def test_what_is_forgotten_is_made_anew_and_takes_no_room():
    recent: Recent[str, bytes] = Recent(10, len)
    for key in ("a", "b"):
        recent.get_or_make(key, lambda: bytes(5))
    recent.forget(lambda key: key == "a")
    recent.get_or_make("c", lambda: bytes(5))
    assert recent.get_or_make("b", lambda: b"anew") == bytes(5)
    assert recent.get_or_make("a", lambda: b"anew") == b"anew"


def test_a_value_is_made_by_one_thread_while_others_go_on():
    recent: Recent[str, object] = Recent(4)
    begun, go_on, made, found = threading.Event(), threading.Event(), [0], list[object]()

    def slowly() -> object:
        made[0] += 1
        begun.set()
        assert go_on.wait(30)
        return object()

    threads = [threading.Thread(target=lambda: found.append(recent.get_or_make("slow", slowly))) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert begun.wait(30)
    assert recent.get_or_make("quick", lambda: 1) == 1
    time.sleep(0.05)
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert made == [1]
    assert len(found) == 3
    assert len(set(map(id, found))) == 1


def test_a_value_that_could_not_be_made_is_tried_again():
    recent: Recent[str, int] = Recent(4)

    def fails() -> int:
        raise ValueError("not now")

    with pytest.raises(ValueError, match="not now"):
        recent.get_or_make("a", fails)
    assert recent.get_or_make("a", lambda: 2) == 2
