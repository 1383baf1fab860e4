"""Tests of ``turnbuckle.testing.parsing.outcome``."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from turnbuckle import NEED_DATA, Data, EndOfMessage, Event, Limits, Parser, ProtocolError, RequestHead
from turnbuckle.http.parser import H1Parser
from turnbuckle.testing.parsing.cases import NEXT, NEXT_REQUEST
from turnbuckle.testing.parsing.outcome import ParserOutcome, ReadRequest, read, take_all

HEAD = RequestHead(b"GET", b"/", 1, [])
BEGUN = ReadRequest(b"GET", b"/", 1, (), b"", None)


class Scripted:
    """A parser that returns scripted events."""

    def __init__(self, answers: Sequence[object]) -> None:
        self.answers = list(answers)

    def feed(self, data: bytes, /) -> None:
        return

    def feed_eof(self) -> None:
        return

    def next_event(self) -> Event:
        answer = self.answers.pop(0) if self.answers else NEED_DATA
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[return-value]  # wrong answers are the point

    def trailing_data(self) -> bytes:
        return b""


def outcome_of(*answers: object) -> ParserOutcome:
    def factory(limits: Limits) -> Parser:
        return Scripted(answers)

    return read(factory, [b"x"])


def test_read_gathers_requests() -> None:
    data = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: 1\r\n\r\n"
    fields = ((b"host", b"a"), (b"transfer-encoding", b"chunked"))
    expected = (ReadRequest(b"POST", b"/", 1, fields, b"hi", ((b"x", b"1"),)), NEXT_REQUEST)
    assert read(H1Parser, [data, NEXT], at_end=True) == ParserOutcome(requests=expected)


def test_read_keeps_what_came_before_an_error() -> None:
    outcome = read(H1Parser, [NEXT + b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel"], at_end=True)
    assert (outcome.status, outcome.complete) == (400, (NEXT_REQUEST,))
    assert outcome.requests[1].content == b"hel"
    assert outcome.steady[1].content == b""


@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        pytest.param([HEAD, HEAD], "began a request within another", id="request-in-a-request"),
        pytest.param([Data(b"x")], "returned content outside of a request", id="content-alone"),
        pytest.param([HEAD, Data(b"")], "returned a Data event without content", id="no-content"),
        pytest.param([EndOfMessage()], "ended a request that had not begun", id="end-alone"),
        pytest.param([None], "returned None", id="none"),
        pytest.param([ValueError("x")], "raised ValueError: x", id="another-error"),
    ],
)
def test_read_finds_faults(answers: list[object], fault: str) -> None:
    assert outcome_of(*answers).fault == fault


def test_read_does_not_wait_for_ever() -> None:
    assert outcome_of(*[HEAD, EndOfMessage()] * 6_000).fault == "returns events without end"
    with pytest.raises(AssertionError, match="without end"):
        take_all(Scripted([Data(b"x")] * 11_000))


def test_outcome_prints_itself() -> None:
    assert str(outcome_of()) == "no request"
    text = str(outcome_of(HEAD, Data(b"x"), ProtocolError("no", status=413)))
    assert text == "GET / 1.1 [] b'x' incomplete; refused with 413"
    assert "FAULT: returned None" in str(outcome_of(None))
    assert outcome_of(HEAD).requests == (BEGUN,)
