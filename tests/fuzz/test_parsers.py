"""Every parser of our own, under any bytes and under good input made bad: it answers, or refuses in one line."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.checking import check
from tests.fuzz.parsers import PARSERS

#: What breaks parsers: numbers beyond their range, half characters, openings without an end, other kinds of values.
PIECES = st.sampled_from(
    [
        *(
            b"",
            b"\0",
            b"\xff",
            b"\xfe\xff",
            b"\xed\xa0\x80",
            b'"',
            b"'",
            b"[",
            b"{",
            b"[" * 3000,
            b"<",
            b"&",
            b":",
            b",",
        ),
        *(b"\n", b"-", b"-1", b"0", b"1e999", b"nan", b"inf", b"null", b"true", b"[]", b"{}", b'""', b"9" * 30),
        *(b"9" * 5000, "²".encode(), "٣".encode(), b"=1+1", b"../", b"\r"),
    ]
)


@st.composite
def changed(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        end = min(at + draw(st.sampled_from([0, 1, 2, 4, 8, 50])), len(data))
        data = data[:at] + draw(PIECES | st.binary(max_size=4)) + data[end:]
    return data


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_answers_or_refuses_in_one_line(name: str) -> None:
    seeds = list(PARSERS[name].seeds())
    assert all(check(name, seed) for seed in seeds)

    @settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(changed(seeds) | st.binary(max_size=200))
    def hostile(data: bytes) -> None:
        check(name, data)

    hostile()
