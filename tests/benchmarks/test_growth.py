"""Whether memory is flat: told of runs that are long enough, and not of what happens at the beginning."""

import pytest

from benchmarks import growth

FILLED = [float(size) for size in range(400, 1000, 10)]


@pytest.mark.parametrize(
    ("later", "flat"),
    [
        ([1000.0] * 60 + [1040.0] * 60, True),
        ([1000.0] * 60 + [1060.0] * 60, False),
        ([1000.0 + 2 * at for at in range(120)], False),
        ([1060.0] * 60 + [1000.0] * 60, True),
    ],
)
def test_memory_is_flat_where_it_grows_by_less_than_a_twentieth(later: list[float], flat: bool) -> None:
    memory = [*FILLED, *later]
    assert growth.flat(memory, 10.0) is flat
    assert growth.told(memory, 10.0).startswith("**flat**" if flat else "**not flat**")
    assert growth.flat(memory, 9.9) is None, "too short to tell"
    assert growth.told(memory, 2.0).startswith("not judged in less than 10 minutes: ")


def test_little_was_measured() -> None:
    assert growth.of([100.0]) == 0.0
    assert growth.of([100.0, 110.0]) == pytest.approx(110 / 105 - 1)
