"""Tests of ``turnbuckle.http.guard``."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.core.http.parsing import NEXT, NEXT_REQUEST, Request, read_events, requests_from
from tests.core.http.test_known_attacks import REFUSED
from tests.core.http.test_parser import CASES
from turnbuckle.errors import ProtocolError
from turnbuckle.http.events import NEED_DATA, Data, EndOfMessage, Event, Parser, RequestHead
from turnbuckle.http.guard import GuardedParser, guarded
from turnbuckle.http.limits import Limits
from turnbuckle.http.parser import H1Parser, H1ParserFactory

HOST = (b"host", b"a")
CODING = (b"transfer-encoding", b"chunked")


class ScriptedParser:
    """A parser that returns given events, independent of its input."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = list(events)
        self.fed: list[bytes] = []
        self.is_at_end = False

    def feed(self, data: bytes, /) -> None:
        self.fed.append(data)

    def feed_eof(self) -> None:
        self.is_at_end = True

    def next_event(self) -> Event:
        return self.events.pop(0) if self.events else NEED_DATA  # type: ignore[return-value]  # allowed by the contract

    def trailing_data(self) -> bytes:
        return b"trailing"


def say(*events: Event, limits: Limits | None = None) -> list[Event]:
    """Return the events that a guard passes on from a parser that reports the given events."""
    return read_events(fed(GuardedParser(ScriptedParser(events), limits or Limits())))


def fed(guard: GuardedParser) -> GuardedParser:
    """Feed enough bytes for any reported event."""
    guard.feed(b"x" * 1_000_000)
    return guard


def refusal(*events: Event, limits: Limits | None = None) -> int:
    """Return the status with which the last of these events is refused."""
    guard = fed(GuardedParser(ScriptedParser(events), limits or Limits()))
    for event in events[:-1]:
        assert guard.next_event() is event
    with pytest.raises(ProtocolError) as caught:
        guard.next_event()
    with pytest.raises(ProtocolError) as again:
        guard.next_event()
    assert (str(again.value), again.value.status) == (str(caught.value), caught.value.status)
    return caught.value.status


def head(
    *fields: tuple[bytes, bytes], method: bytes = b"POST", target: bytes = b"/", minor_version: int = 1
) -> RequestHead:
    return RequestHead(method, target, minor_version, [HOST, *fields])


def test_guarded_returns_the_factory_of_the_core_unchanged() -> None:
    factory = H1ParserFactory()
    assert guarded(factory) is factory


def test_guarded_wraps_any_other_parser() -> None:
    def lenient(limits: Limits) -> Parser:
        return ScriptedParser([head(CODING, (b"content-length", b"5"))])

    parser = guarded(lenient)(Limits())
    assert isinstance(parser, GuardedParser)
    with pytest.raises(ProtocolError):
        parser.next_event()


def test_guard_passes_input_to_the_parser() -> None:
    parser = ScriptedParser([])
    guard = GuardedParser(parser, Limits())
    guard.feed(b"a")
    guard.feed(b"b")
    guard.feed_eof()
    assert (parser.fed, parser.is_at_end, guard.trailing_data()) == ([b"a", b"b"], True, b"trailing")
    assert guard.next_event() is NEED_DATA


@pytest.mark.parametrize(("received", "expected", "content"), CASES)
def test_guard_accepts_valid_requests(received: bytes, expected: RequestHead, content: bytes) -> None:
    guard = GuardedParser(H1Parser(Limits()), Limits())
    guard.feed(received + NEXT)
    assert requests_from(read_events(guard)) == [Request(expected, content, ()), NEXT_REQUEST]


@pytest.mark.parametrize(("received", "status"), REFUSED)
def test_guard_passes_refusals_on(received: bytes, status: int) -> None:
    guard = GuardedParser(H1Parser(Limits()), Limits())
    guard.feed(received + NEXT)
    with pytest.raises(ProtocolError) as caught:
        read_events(guard)
    assert caught.value.status == status
    guard.feed(NEXT)
    with pytest.raises(ProtocolError) as again:
        guard.next_event()
    assert again.value.status == status


def test_guard_derives_the_framing_from_the_fields() -> None:
    claims = head((b"connection", b"close, upgrade"), (b"upgrade", b"x"), (b"expect", b"100-continue"), CODING)
    claims.content_length, claims.keep_alive, claims.expects_continue, claims.upgrade = 7, True, False, b"y"
    (decided,) = say(claims)
    assert isinstance(decided, RequestHead)
    assert (decided.content_length, decided.keep_alive) == (None, False)
    assert (decided.expects_continue, decided.upgrade) == (True, b"x")


def test_guard_discards_claims_without_fields() -> None:
    claims = head()
    claims.content_length, claims.keep_alive, claims.expects_continue, claims.upgrade = None, False, True, b"y"
    assert say(claims) == [head()]


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        pytest.param(head((b"content-length", b"5"), CODING), 400, id="3-length-and-coding"),
        pytest.param(head((b"content-length", b"5"), (b"content-length", b"6")), 400, id="1-two-lengths"),
        pytest.param(head((b"content-length", b"+5")), 400, id="4-plus"),
        pytest.param(head((b"transfer-encoding", b"gzip, chunked")), 501, id="10-coding"),
        pytest.param(head(CODING, minor_version=0), 400, id="15-coding-in-http-1.0"),
        pytest.param(head((b"host", b"b")), 400, id="39-two-hosts"),
        pytest.param(RequestHead(b"GET", b"/", 1, []), 400, id="no-host"),
        pytest.param(RequestHead(b"GET", b"/", 1, [(b"host", b"a/b")]), 400, id="40-bad-host"),
        pytest.param(head(method=b"GE(T"), 400, id="31-method"),
        pytest.param(head(method=b""), 400, id="no-method"),
        pytest.param(head(target=b"@evil"), 400, id="41-target"),
        pytest.param(head(target=b"/ a"), 400, id="space-in-target"),
        pytest.param(head(minor_version=2), 400, id="minor-version"),
        pytest.param(head(minor_version=-1), 400, id="negative-minor-version"),
        pytest.param(head((b"x a", b"1")), 400, id="space-in-name"),
        pytest.param(head((b"content-length ", b"5")), 400, id="24-space-after-name"),
        pytest.param(head((b"", b"1")), 400, id="no-name"),
        pytest.param(head((b"Content-Length", b"5")), 400, id="name-not-in-lower-case"),
        pytest.param(head((b"x", b"a\r\nb")), 400, id="line-end-in-value"),
        pytest.param(head((b"x", b"a\x00")), 400, id="30-nul-in-value"),
        pytest.param(head((b"x", b" a")), 400, id="whitespace-before-value"),
        pytest.param(head((b"x", b"a\t")), 400, id="whitespace-after-value"),
        pytest.param(head((b"content-length", b"16777217")), 413, id="content"),
        pytest.param(head(*[(b"x", b"1")] * 128), 431, id="field-count"),
        pytest.param(head((b"x", b"a" * 65536)), 431, id="header-section"),
    ],
)
def test_guard_refuses_head(bad: RequestHead, status: int) -> None:
    assert refusal(bad) == status


LENGTH = (b"content-length", b"5")


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([Data(b"x")], id="content-without-a-request"),
        pytest.param([EndOfMessage()], id="end-without-a-request"),
        pytest.param([head(), head()], id="request-in-a-request"),
        pytest.param([head(), Data(b"x")], id="content-where-there-is-none"),
        pytest.param([head(), EndOfMessage(), EndOfMessage()], id="two-ends"),
        pytest.param([head(), EndOfMessage(), Data(b"x")], id="content-after-the-end"),
        pytest.param([head(LENGTH), Data(b"hello!")], id="more-than-the-length"),
        pytest.param([head(LENGTH), Data(b"hell"), Data(b"o!")], id="more-than-the-length-in-two"),
        pytest.param([head(LENGTH), Data(b"hell"), EndOfMessage()], id="less-than-the-length"),
        pytest.param([head(LENGTH), EndOfMessage()], id="no-content"),
        pytest.param([head(LENGTH), Data(b"hell"), head()], id="request-in-content"),
        pytest.param([head(CODING), Data(b"hello"), head()], id="request-in-chunks"),
        pytest.param([head(CODING), EndOfMessage([(b"x", b"a\r\nb")])], id="broken-trailer"),
        pytest.param([head(CODING), EndOfMessage([(b"X", b"a")])], id="trailer-name-not-in-lower-case"),
    ],
)
def test_guard_refuses_order(events: list[Event]) -> None:
    assert refusal(*events) == 400


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([head(), EndOfMessage(), head(), EndOfMessage()], id="two-requests"),
        pytest.param([head(LENGTH), Data(b"hel"), Data(b"lo"), EndOfMessage()], id="length"),
        pytest.param([head(CODING), Data(b"hello"), EndOfMessage([(b"x", b"1")])], id="chunked-with-trailers"),
        pytest.param([head(CODING), EndOfMessage()], id="chunked-without-content"),
    ],
)
def test_guard_accepts_valid_order(events: list[Event]) -> None:
    assert say(*events) == events


def test_guard_bounds_chunked_content() -> None:
    limits = Limits(content=5)
    assert len(say(head(CODING), Data(b"hello"), EndOfMessage(), limits=limits)) == 3
    assert refusal(head(CODING), Data(b"hello"), Data(b"!"), limits=limits) == 413


def test_guard_bounds_fields() -> None:
    assert len(say(head((b"b", b"")), limits=Limits(field_count=2, header_section=12))) == 1
    assert refusal(head((b"b", b"")), limits=Limits(field_count=1)) == 431
    assert refusal(head((b"b", b"")), limits=Limits(header_section=11)) == 431


def test_guard_bounds_trailers() -> None:
    trailers = EndOfMessage([(b"a", b"1"), (b"b", b"")])
    assert len(say(head(CODING), trailers, limits=Limits(trailer_count=2, trailer_section=9))) == 2
    assert refusal(head(CODING), trailers, limits=Limits(trailer_count=1)) == 431
    assert refusal(head(CODING), trailers, limits=Limits(trailer_section=8)) == 431


def test_23_guard_drops_forbidden_trailers() -> None:
    late = EndOfMessage([(b"content-length", b"50"), (b"x-sum", b"1"), (b"host", b"evil"), (b"cookie", b"a=b")])
    assert say(head(CODING), late)[1:] == [EndOfMessage(((b"x-sum", b"1"),))]


@pytest.mark.parametrize(
    ("limits", "bad", "status"),
    [
        pytest.param(Limits(request_line=15), head(), 0, id="request-line"),
        pytest.param(Limits(request_line=14), head(), 414, id="request-line-too-long"),
        pytest.param(Limits(field_line=6), head(), 0, id="field-line"),
        pytest.param(Limits(field_line=5), head(), 431, id="field-line-too-long"),
    ],
)
def test_guard_bounds_lines(limits: Limits, bad: RequestHead, status: int) -> None:
    if status:
        assert refusal(bad, limits=limits) == status
    else:
        assert say(bad, limits=limits) == [bad]


@pytest.mark.parametrize(
    ("received", "events", "at_most"),
    [
        pytest.param(b"POST / HTTP/1.1Host:a\n", [head()], 1, id="head"),
        pytest.param(b"POST / HTTP/1.1Host:a", [head()], 0, id="head-that-did-not-come"),
        pytest.param(b"x" * 44, [head(LENGTH), Data(b"hello")], 2, id="content"),
        pytest.param(b"x" * 40, [head(LENGTH), Data(b"hello")], 1, id="content-that-did-not-come"),
        pytest.param(b"x" * 40, [head(), EndOfMessage(), head()], 2, id="request-that-did-not-come"),
        pytest.param(b"x" * 30, [head(CODING), EndOfMessage([(b"x", b"a" * 30)])], 0, id="trailers"),
    ],
)
def test_guard_refuses_more_bytes_than_it_was_fed(received: bytes, events: list[Event], at_most: int) -> None:
    guard = GuardedParser(ScriptedParser(events), Limits())
    guard.feed(received)
    for event in events[:at_most]:
        assert guard.next_event() is event
    if at_most < len(events):
        with pytest.raises(ProtocolError, match="more bytes than it was fed"):
            guard.next_event()


def test_guard_refuses_empty_content() -> None:
    assert refusal(head(CODING), Data(b"")) == 400


def lines_head(lines: bytes, method: bytes = b"GET", target: bytes = b"/", minor_version: int = 1) -> RequestHead:
    return RequestHead.from_lines(method, target, minor_version, b"\r\n" + lines)


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        (lines_head(b"Host: a\r\nX-A:  1 \r\n"), RequestHead(b"GET", b"/", 1, (HOST, (b"x-a", b"1")))),
        (
            lines_head(b"Host: a\r\nContent-Length: 5\r\n", b"POST"),
            RequestHead(b"POST", b"/", 1, (HOST, (b"content-length", b"5")), 5),
        ),
        (
            lines_head(b"Connection: close\r\nHost: a\r\n", b"BREW"),
            RequestHead(b"BREW", b"/", 1, ((b"connection", b"close"), HOST), keep_alive=False),
        ),
        (lines_head(b"", minor_version=0), RequestHead(b"GET", b"/", 0, (), keep_alive=False)),
        (lines_head(b"Host: a\r\n", b"OPTIONS", b"*"), RequestHead(b"OPTIONS", b"*", 1, (HOST,))),
    ],
)
def test_reported_lines_are_cut_and_framed(reported: RequestHead, expected: RequestHead) -> None:
    # Whatever the parser says about the framing is discarded.
    reported.content_length, reported.keep_alive, reported.upgrade = 7, expected.content_length == 0, b"x"
    assert say(reported) == [expected]


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (b"", 400),
        (b"Host: a", 400),
        (b"Host: a\r\n\r\n", 400),
        (b"Host: a\r\nX\r\n", 400),
        (b"Host: a\r\nX : 1\r\n", 400),
        (b"Host: a\r\nX: 1\n\r\n", 400),
        (b"Host: a\r\nX: \x00\r\n", 400),
        (b"Host: a\r\n X: 1\r\n", 400),
        (b"Host: a\r\nhost: b\r\n", 400),
        (b"Host: a/b\r\n", 400),
        (b"Host: a\r\nContent-Length: 5\r\ncontent-length: 5\r\n", 400),
        (b"Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
        (b"Host: a\r\nTransfer-Encoding: gzip, chunked\r\n", 501),
        (b"Host: a\r\nContent-Length: 99\r\n", 413),
        (b"Host: a\r\n" + b"A: 1\r\n" * 8, 431),
        (b"Host: a\r\nX: " + b"a" * 40 + b"\r\n", 431),
        (b"Host: a\r\n" + b"X: aaaaaaaaaaaaaaaaaa\r\n" * 5, 431),
    ],
)
def test_reported_lines_are_checked(lines: bytes, status: int) -> None:
    limits = Limits(content=50, field_count=8, field_line=40, header_section=100)
    assert refusal(lines_head(lines, b"POST"), limits=limits) == status


@pytest.mark.parametrize("target", [b"", b"*", b"a", b"/ ", b"/<", b"/\xff", b"http://"])
def test_target_of_reported_lines_is_checked(target: bytes) -> None:
    assert refusal(lines_head(b"Host: a\r\n", target=target)) == 400


def test_reported_lines_are_counted() -> None:
    guard = GuardedParser(ScriptedParser([lines_head(b"Host: a\r\nX: 12345\r\n")]), Limits())
    guard.feed(b"GET / HTTP/1.1\r\n\r\n")
    with pytest.raises(ProtocolError, match="more bytes than it was fed"):
        guard.next_event()


def test_head_with_lines_within_a_message_is_refused() -> None:
    assert refusal(head((b"content-length", b"5")), lines_head(b"Host: a\r\n")) == 400


class ConfirmingParser(ScriptedParser):
    """A parser that confirms or refuses every request that the guard asks about."""

    def __init__(self, events: Sequence[Event] = (), *, answer: bool = True) -> None:
        super().__init__(events)
        self.answer = answer
        self.asked: list[tuple[bytes, int]] = []

    def accepts(self, request: bytes, content_size: int) -> bool:
        self.asked.append((request, content_size))
        return self.answer

    def trailing_data(self) -> bytes:
        return b""


GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"


@pytest.mark.parametrize(("request_bytes", "size"), [(GET, 0), (POST, 5)])
def test_whole_request_is_only_confirmed(request_bytes: bytes, size: int) -> None:
    parser = ConfirmingParser()
    guard = GuardedParser(parser, Limits())
    reference = H1Parser(Limits())
    for _ in range(2):
        guard.feed(request_bytes)
        reference.feed(request_bytes)
        assert read_events(guard) == read_events(reference)
    assert (parser.asked, parser.fed) == ([(request_bytes, size)] * 2, [])


def test_request_that_the_parser_does_not_confirm_is_passed_on() -> None:
    parser = ConfirmingParser([head()], answer=False)
    guard = GuardedParser(parser, Limits())
    guard.feed(GET)
    assert guard.next_event() == head()
    assert (parser.asked, parser.fed) == ([(GET, 0)], [GET])


@pytest.mark.parametrize(
    ("pieces", "limits"),
    [
        pytest.param([GET + b"G"], Limits(), id="bytes behind"),
        pytest.param([POST[:-1]], Limits(), id="content is missing"),
        pytest.param([GET[:-1], GET[-1:]], Limits(), id="in pieces"),
        pytest.param([GET.replace(b"Host", b"Expect: 100-continue\r\nHost")], Limits(), id="other framing fields"),
        pytest.param([GET], Limits(header_section=20), id="large head"),
        pytest.param([POST], Limits(content=4), id="large content"),
    ],
)
def test_other_input_is_passed_on_unasked(pieces: list[bytes], limits: Limits) -> None:
    parser = ConfirmingParser()
    guard = GuardedParser(parser, limits)
    for piece in pieces:
        guard.feed(piece)
    assert guard.next_event() is NEED_DATA
    assert (parser.asked, parser.fed) == ([], pieces)


def test_requests_are_confirmed_again_when_the_parser_is_empty() -> None:
    parser = ConfirmingParser([head(), EndOfMessage(), NEED_DATA])  # type: ignore[list-item]  # allowed by the contract
    guard = GuardedParser(parser, Limits())
    guard.feed(GET[:5])
    guard.feed(GET[5:])
    assert read_events(guard) == [head(), EndOfMessage()]
    guard.feed(GET)
    assert isinstance(guard.next_event(), RequestHead)
    assert parser.asked == [(GET, 0)]
    # The next request must wait until this one has ended.
    guard.feed(GET)
    assert (guard.next_event(), guard.next_event(), parser.fed[2:]) == (EndOfMessage(), NEED_DATA, [GET])


def test_no_request_is_confirmed_after_an_error() -> None:
    forbidden = EndOfMessage(((b"x", b"a\n"),))
    guard = GuardedParser(ConfirmingParser([head(CODING), forbidden]), Limits())
    guard.feed(b"x")
    guard.feed(b"x" * 100)
    assert isinstance(guard.next_event(), RequestHead)
    for _ in range(2):
        with pytest.raises(ProtocolError):
            guard.next_event()
        guard.feed(GET)


def test_input_that_was_not_read_is_trailing() -> None:
    guard = GuardedParser(ConfirmingParser(), Limits())
    guard.feed(GET)
    assert (guard.trailing_data(), guard.next_event()) == (GET, NEED_DATA)
    guard.feed(POST)
    assert isinstance(guard.next_event(), RequestHead)
    assert guard.trailing_data() == b"hello"


def test_parser_gets_the_end_behind_all_input() -> None:
    parser = ConfirmingParser()
    guard = GuardedParser(parser, Limits())
    guard.feed(GET)
    guard.feed_eof()
    assert (parser.fed, parser.is_at_end, guard.next_event()) == ([GET], True, NEED_DATA)
