"""Every parser of our own, under any bytes and under good input made bad: it answers, or refuses in one line."""

import io
import zipfile
from collections.abc import Callable

import numpy as np
import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotations.formats import parquet
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


def _nameless() -> bytes:
    """An archive with a file that has no name in it."""
    with zipfile.ZipFile(content := io.BytesIO(), "w") as archive:
        archive.writestr(zipfile.ZipInfo(""), "nothing")
    return content.getvalue()


def _misnamed() -> bytes:
    """A bundle whose first file has a name in its own header that is not the UTF-8 which the list of files promises."""
    data = bytearray(PARSERS["packed-bundle"].seeds()[0])
    data[data.find(b"PK\x01\x02") + 9] |= 0x08
    data[data.find(b"PK\x03\x04") + 30] = 0xD1
    return bytes(data)


def _without_emotion() -> bytes:
    return PARSERS["meld"].seeds()[0].replace(b",joy,", b",,")


def _too_many() -> bytes:
    return PARSERS["votes"].seeds()[0].replace(b",8,1,", b",8,99999999999,")


def _damaged_vectors() -> bytes:
    """Features whose compressed bytes are no such."""
    data = bytearray(PARSERS["mosi-features"].seeds()[0])
    start = 30 + data[26] + data[28]
    data[start : start + 8] = b"\xff" * 8
    return bytes(data)


def _flat_vectors() -> bytes:
    """Features of no rows at all."""
    np.savez(buffer := io.BytesIO(), text=1.0, audio=1.0, video=1.0)
    return buffer.getvalue()


def _lzma_vectors() -> bytes:
    with zipfile.ZipFile(buffer := io.BytesIO(), "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("text.npy", "nothing")
    return buffer.getvalue().replace(b"\x5d\0\0", b"\xff\0\0", 1)


#: What coverage-guided runs and readers have found.
FOUND = [
    ("labels", _nameless),
    ("packed-bundle", _misnamed),
    ("meld", _without_emotion),
    ("speakers", lambda: b"1\n\n\x1b"),
    ("votes", _too_many),
    ("bundle", lambda: PARSERS["bundle"].seeds()[0].replace(b'"happy": 1', b'"happy": 1' + b"0" * 400)),
    ("mosi-features", _damaged_vectors),
    ("mosi-features", _flat_vectors),
    ("mosi-features", _lzma_vectors),
]


@pytest.mark.parametrize(("name", "made"), FOUND)
def test_what_was_found_is_refused_in_one_line(name: str, made: Callable[[], bytes]) -> None:
    assert not check(name, made())


def test_a_text_that_is_not_there_is_refused() -> None:
    beyond = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0, 5]), pyarrow.array(["happy"]), safe=False)
    with pytest.raises(pyarrow.ArrowInvalid):
        parquet._rows(pyarrow.RecordBatch.from_arrays([beyond], names=["emotion"]))


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_answers_or_refuses_in_one_line(name: str) -> None:
    seeds = list(PARSERS[name].seeds())
    assert all(check(name, seed) for seed in seeds)

    @settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(changed(seeds) | st.binary(max_size=200))
    def hostile(data: bytes) -> None:
        check(name, data)

    hostile()
