"""Tests of ``turnbuckle.testing.parsing.leniencies``."""

from __future__ import annotations

import pytest

from turnbuckle.testing.parsing.invalid import INVALID
from turnbuckle.testing.parsing.leniencies import LENIENCIES
from turnbuckle.testing.parsing.valid import VALID

GET = b"GET / HTTP/1.1\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("name", "data", "repaired"),
    [
        pytest.param("line-feed", b"GET / HTTP/1.1\nA: b\n\n", GET + b"A: b\r\n\r\n", id="line-feed"),
        pytest.param("line-feed", b"GET / HTTP/1.1\r\r\n\r\n", GET + b"\r\n", id="cr-before-a-line-feed"),
        pytest.param("line-feed", b"GET / HTTP/1.1\n\na\nb", GET + b"\r\na\nb", id="line-feed-in-content-stays"),
        pytest.param("bare-cr", GET + b"A: b\rc\r\n\r\n", GET + b"A: b c\r\n\r\n", id="bare-cr"),
        pytest.param("empty-lines", b"\r\n\n\r\n" + GET, GET, id="empty-lines"),
        pytest.param("whitespace-lines", GET + b" A: b\r\n\tc\r\nD: e\r\n\r\n", GET + b"D: e\r\n\r\n", id="whitespace"),
        pytest.param("request-line-whitespace", b" GET\t/  HTTP/1.1 \r\n\r\n", GET + b"\r\n", id="words"),
        pytest.param("obs-fold", GET + b"A: b \r\n\t c\r\n\r\n", GET + b"A: b c\r\n\r\n", id="fold"),
        pytest.param(
            "equal-lengths",
            GET + b"Content-Length: 5, 5\r\ncontent-length: 5\r\n\r\n",
            GET + b"Content-Length: 5\r\n\r\n",
            id="lengths",
        ),
        pytest.param(
            "length-beside-coding",
            GET + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            GET + b"Transfer-Encoding: chunked\r\n\r\n",
            id="length-and-coding",
        ),
        pytest.param(
            "late-trailers", CHUNKED + b'0\r\nHost: "\r\nX: 1\r\n\r\n', CHUNKED + b"0\r\nX: 1\r\n\r\n", id="trailers"
        ),
        pytest.param("late-trailers", CHUNKED + b'0\r\nHost: "\r\n\r\n', CHUNKED + b"0\r\n\r\n", id="the-only-trailer"),
    ],
)
def test_leniency_repairs(name: str, data: bytes, repaired: bytes) -> None:
    assert repaired in LENIENCIES[name].candidates(data)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        pytest.param("line-feed", GET + b"\r\n", id="nothing-to-repair"),
        pytest.param(
            "equal-lengths", GET + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", id="lengths-that-differ"
        ),
        pytest.param("length-beside-coding", GET + b"Content-Length: 5\r\n\r\n", id="no-coding"),
    ],
)
def test_leniency_leaves_the_rest(name: str, data: bytes) -> None:
    assert LENIENCIES[name].candidates(data) == ()


def test_cases_name_leniencies_that_exist() -> None:
    assert {name for case in INVALID for name in case.leniencies} <= set(LENIENCIES)


def test_cases_have_names_and_sections_of_their_own() -> None:
    cases = (*VALID, *INVALID)
    assert len({case.name for case in cases}) == len(cases)
    assert all(case.section.startswith("RFC 911") for case in cases)
