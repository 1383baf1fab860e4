"""Tests of ``turnbuckle_plugins.shadow_parser.comparison``: what counts as a difference between two parsers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.wire.test_cases import CASES
from turnbuckle.errors import ProtocolError
from turnbuckle.http.events import NEED_DATA, Data, EndOfMessage, Event, RequestHead
from turnbuckle.http.limits import Limits
from turnbuckle.http.parser import H1Parser
from turnbuckle.testing.parsing.variants import byte_by_byte, whole
from turnbuckle_plugins.shadow_parser.comparison import Disagreement, ParserResult, ShadowReader

HEAD = RequestHead(b"POST", b"/a?token=secret", 1, [(b"host", b"a"), (b"cookie", b"secret")], content_length=5)
GET = RequestHead(b"GET", b"/", 1, [(b"host", b"a")])
END = EndOfMessage()


class Scripted:
    """A parser that returns scripted events, and then ``NEED_DATA``."""

    def __init__(self, *events: ParserResult) -> None:
        self.events = list(events)

    def feed(self, data: bytes, /) -> None:
        """Ignore the data."""

    def feed_eof(self) -> None:
        """Do nothing."""

    def next_event(self) -> Event:
        event = self.events.pop(0) if self.events else NEED_DATA
        if isinstance(event, ProtocolError):
            raise event
        return event  # type: ignore[return-value]  # the contract's answer

    def trailing_data(self) -> bytes:
        return b""


def differences(seen: Sequence[ParserResult], *said: ParserResult) -> list[Disagreement]:
    reader = ShadowReader(Scripted(*said))
    return [found for result in seen if (found := reader.follow(result)) is not None]


@pytest.mark.parametrize("name", CASES)
def test_shadow_agrees_with_the_same_parser_at_any_cut(name: str) -> None:
    data = CASES[name].data[:3000]
    for pieces in (whole(data), byte_by_byte(data)):
        first, reader = H1Parser(Limits()), ShadowReader(H1Parser(Limits()))
        assert [found for saw in follow(first, reader, pieces) if (found := reader.follow(saw)) is not None] == []


def follow(first: H1Parser, reader: ShadowReader, pieces: Sequence[bytes]) -> list[ParserResult]:
    """Return the results of the first parser, and feed the bytes to both."""
    seen: list[ParserResult] = []
    for piece in pieces:
        first.feed(piece)
        reader.feed(piece)
        try:
            while (event := first.next_event()) is not NEED_DATA:
                seen.append(event)
        except ProtocolError as error:
            return [*seen, error]
    first.feed_eof()
    reader.feed_eof()
    return seen


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        pytest.param([GET, END], [GET, END], id="same"),
        pytest.param([HEAD, Data(b"hello"), END], [HEAD, Data(b"he"), Data(b"llo"), END], id="content-cut-otherwise"),
        pytest.param([HEAD, Data(b"he"), Data(b"llo"), END], [HEAD, Data(b"hello"), END], id="content-in-one"),
        pytest.param([HEAD, Data(b"he"), NEED_DATA], [HEAD, Data(b"he")], id="content-to-come"),
        pytest.param([NEED_DATA], [ProtocolError("no")], id="refused-sooner"),
        pytest.param([NEED_DATA, ProtocolError("no")], [ProtocolError("no")], id="refused-sooner-and-then"),
        pytest.param([ProtocolError("no")], [NEED_DATA], id="refused-later"),
        pytest.param([ProtocolError("no", status=501)], [ProtocolError("no")], id="refused-otherwise"),
        pytest.param([HEAD, ProtocolError("no")], [HEAD, Data(b"he"), ProtocolError("no")], id="content-then-refused"),
    ],
)
def test_shadow_finds_nothing(seen: Sequence[ParserResult], said: Sequence[ParserResult]) -> None:
    assert differences(seen, *said) == []


@pytest.mark.parametrize(
    ("seen", "said", "found"),
    [
        pytest.param([GET], [NEED_DATA], "nothing yet", id="waits"),
        pytest.param([GET], [ProtocolError("no", status=431)], "a refusal with 431", id="refuses"),
        pytest.param([NEED_DATA], [GET], "b'GET' b'/' HTTP/1.1, 1 fields [b'host'=b'a']", id="reads-sooner"),
        pytest.param([ProtocolError("no")], [GET], "b'GET' b'/' HTTP/1.1, 1 fields [b'host'=b'a']", id="takes"),
        pytest.param(
            [GET], [RequestHead(b"GET", b"/x", 1, [(b"host", b"a")])], "b'GET' b'/x' HTTP/1.1", id="another-target"
        ),
        pytest.param([GET], [RequestHead(b"GET", b"/", 1, [(b"host", b"b")])], "b'host'=b'b'", id="another-host"),
        pytest.param([HEAD], [RequestHead(b"POST", b"/a", 1, HEAD.fields)], "HTTP/1.1, 2 fields", id="another-length"),
        pytest.param([GET, END], [GET, GET], "b'GET'", id="no-end"),
        pytest.param([GET, END], [GET, Data(b"x")], "content after 1 bytes", id="content-where-none-is"),
        pytest.param([HEAD, NEED_DATA], [HEAD, Data(b"x")], "content beyond 0 bytes", id="content-before-it-came"),
        pytest.param(
            [HEAD, Data(b"hello"), END], [HEAD, Data(b"hell0"), END], "the end of a request after 5", id="raw"
        ),
        pytest.param(
            [HEAD, Data(b"hello"), END], [HEAD, Data(b"hell"), END], "the end of a request after 4", id="fewer-bytes"
        ),
    ],
)
def test_shadow_finds_difference(seen: Sequence[ParserResult], said: Sequence[ParserResult], found: str) -> None:
    (difference,) = differences(seen, *said)
    assert found in difference.found


def test_shadow_reports_no_secrets() -> None:
    (difference,) = differences([HEAD], RequestHead(b"POST", b"/a?token=secret", 1, HEAD.fields[:1]))
    assert "secret" not in str(difference)
    assert "and 12 bytes of query" in difference.expected


def test_shadow_report_is_short_and_escaped() -> None:
    (difference,) = differences([RequestHead(b"GET", b"/" + b"a" * 9000, 1, [(b"host", b"\x1b[2J" * 900)])], NEED_DATA)
    assert len(str(difference)) < 1000
    assert "\x1b" not in str(difference)


def test_shadow_counts_what_is_the_same() -> None:
    reader = ShadowReader(Scripted(GET, END, GET, END, GET))
    for seen in (GET, END, GET, END, GET):
        assert reader.follow(seen) is None
    assert reader.requests == 2


def test_shadow_that_gives_content_without_end_is_given_up() -> None:
    class Endless(Scripted):
        def next_event(self) -> Event:
            return Data(b"")

    reader = ShadowReader(Endless())
    with pytest.raises(RuntimeError, match="pieces of content"):
        reader.follow(NEED_DATA)
