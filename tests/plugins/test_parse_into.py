"""Objects that fill requests step by step serve as parsers, and open no hole."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType

import pytest

from turnbuckle import (
    NEED_DATA,
    App,
    ContentTooLarge,
    Data,
    EndOfMessage,
    Event,
    Limits,
    ProtocolError,
    Request,
    RequestHead,
    SettingsSources,
)
from turnbuckle.testing import Client
from turnbuckle_plugins.parse_into import IncomingRequest, ParseIntoParser


class StepParser:
    """One step a call: the request line, a field line, the content."""

    def parse_into(self, request: IncomingRequest, buffer: bytearray) -> bytearray:
        """Take one step."""
        if not request.version:
            return self._line(request, buffer, self._request_line)
        if not hasattr(request, "in_body"):
            return self._line(request, buffer, self._field_line)
        length = int(request.headers.get("content-length", "0"))
        if len(buffer) < length:
            return buffer
        request.body = bytes(buffer[:length])
        request.finished = True
        return buffer[length:]

    def _line(
        self, request: IncomingRequest, buffer: bytearray, take: Callable[[IncomingRequest, str], None]
    ) -> bytearray:
        end = buffer.find(b"\r\n")
        if end < 0:
            return buffer
        take(request, buffer[:end].decode("latin-1"))
        return buffer[end + 2 :]

    def _request_line(self, request: IncomingRequest, line: str) -> None:
        if line:
            request.method, request.path, request.version = line.split(" ")

    def _field_line(self, request: IncomingRequest, line: str) -> None:
        if not line:
            request.in_body = True
            return
        name, _, value = line.partition(":")
        request.headers[name.lower()] = value.strip()


_POST = b"POST /a?b=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX: 1\r\nX: 2\r\n\r\nhello"
_GET = b"GET / HTTP/1.0\r\n\r\n"
_EVENTS = [
    RequestHead(b"POST", b"/a?b=1", 1, [(b"host", b"a"), (b"content-length", b"5"), (b"x", b"1"), (b"x", b"2")], 5),
    Data(b"hello"),
    EndOfMessage(),
    RequestHead(b"GET", b"/", 0, [], 0),
    EndOfMessage(),
]


def _drain(parser: ParseIntoParser) -> list[Event]:
    events: list[Event] = []
    while (event := parser.next_event()) is not NEED_DATA:
        events.append(event)
    return events


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_requests_at_any_split(size: int) -> None:
    parser = ParseIntoParser(StepParser(), Limits())
    events = []
    wire = b"\r\n" + _POST + _GET
    for start in range(0, len(wire), size):
        parser.feed(wire[start : start + size])
        events += _drain(parser)
    parser.feed_eof()
    assert events == _EVENTS
    assert _drain(parser) == []


def test_parser_may_change_the_buffer_in_place() -> None:
    class InPlace(StepParser):
        def parse_into(self, request: IncomingRequest, buffer: bytearray) -> None:
            buffer[:] = super().parse_into(request, bytearray(buffer))

    parser = ParseIntoParser(InPlace(), Limits())
    parser.feed(_POST + _GET)
    assert _drain(parser) == _EVENTS


class Whole:
    """Reads only complete requests, and sets the given attributes."""

    def __init__(self, **values: object) -> None:
        self.values = values

    def parse_into(self, request: IncomingRequest, buffer: bytearray) -> bytes:
        """Take all or nothing."""
        for name, value in {"method": "GET", "path": "/", "finished": True, **self.values}.items():
            setattr(request, name, value)
        return b""


def _head_of(wire: bytes, **values: object) -> RequestHead:
    parser = ParseIntoParser(Whole(**values), Limits())
    parser.feed(wire)
    head = parser.next_event()
    assert isinstance(head, RequestHead)
    return head


@pytest.mark.parametrize(
    ("values", "target"),
    [
        pytest.param({"path": "/p"}, b"/p?q=1", id="query-is-added"),
        pytest.param({"path": "/p?x=2"}, b"/p?x=2", id="query-is-kept"),
        pytest.param({"target": b"/t?y", "path": "/p"}, b"/t?y", id="target-goes-first"),
        pytest.param({"path": "/Jürgen ü"}, b"/J%C3%BCrgen%20%C3%BC?q=1", id="decoded-path-is-encoded"),
        pytest.param({"path": "/a%20b"}, b"/a%20b?q=1", id="encoded-path-is-left"),
    ],
)
def test_target(values: dict[str, object], target: bytes) -> None:
    assert _head_of(b"GET /x?q=1 HTTP/1.1\r\nHost: a\r\n\r\n", **values).target == target


def test_request_line_without_spaces_has_no_query() -> None:
    assert _head_of(b"GET\r\nHost: a\r\n\r\n").target == b"/"


def test_content_may_be_text() -> None:
    parser = ParseIntoParser(Whole(body="ü"), Limits())
    parser.feed("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nü".encode())
    assert _drain(parser)[1] == Data("ü".encode())


@pytest.mark.parametrize(
    ("wire", "values", "status", "text"),
    [
        pytest.param(b"GET / HTTP/1.1\n\n", {}, 400, "the end of the head is ambiguous", id="bare-lf"),
        pytest.param(b"GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n", {}, 400, "ends without CRLF", id="lf-in-head"),
        pytest.param(b"GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n", {}, 400, "ends without CRLF", id="cr-in-head"),
        pytest.param(b"GET / HTTP/1.1\r\nnonsense\r\n\r\n", {}, 400, "is not a field line", id="no-colon"),
        pytest.param(
            b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {}, 501, "chunked content", id="chunks"
        ),
        pytest.param(_GET + b"GET / HTTP/1.1\r\n\r\n", {}, 400, "a different number", id="swallows-the-next-request"),
        pytest.param(_GET, {"body": b"made up"}, 400, "a different number", id="invents-content"),
    ],
)
def test_what_the_parser_cannot_be_trusted_with(wire: bytes, values: dict[str, object], status: int, text: str) -> None:
    parser = ParseIntoParser(Whole(**values), Limits())
    parser.feed(wire)
    for _ in range(2):
        with pytest.raises(ProtocolError, match=text) as caught:
            parser.next_event()
        assert caught.value.status == status


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param(ProtocolError("no", status=505), 505, id="protocol-error"),
        pytest.param(ContentTooLarge("too much"), 413, id="http-error"),
        pytest.param(ContentTooLarge(), 413, id="http-error-without-detail"),
        pytest.param(ValueError("not enough values to unpack"), 400, id="anything-else"),
    ],
)
def test_parser_that_raises(error: Exception, status: int) -> None:
    class Raises:
        def parse_into(self, request: IncomingRequest, buffer: bytearray) -> bytes:
            raise error

    parser = ParseIntoParser(Raises(), Limits())
    parser.feed(b"x")
    with pytest.raises(ProtocolError) as caught:
        parser.next_event()
    assert caught.value.status == status


class Never:
    """Waits for ever."""

    def parse_into(self, request: IncomingRequest, buffer: bytearray) -> bytearray:
        """Take nothing."""
        return buffer


@pytest.mark.parametrize(
    ("wire", "status"),
    [
        pytest.param(b"GET /" + b"a" * 300, 431, id="head"),
        pytest.param(b"POST / HTTP/1.1\r\n\r\n" + b"a" * 101, 413, id="content"),
    ],
)
def test_what_is_kept_has_a_bound(wire: bytes, status: int) -> None:
    parser = ParseIntoParser(Never(), Limits(request_line=100, header_section=100, content=100))
    parser.feed(wire)
    with pytest.raises(ProtocolError) as caught:
        parser.next_event()
    assert caught.value.status == status


def test_end_within_a_request() -> None:
    parser = ParseIntoParser(StepParser(), Limits())
    parser.feed(_POST[:30])
    parser.feed_eof()
    with pytest.raises(ProtocolError, match="ended within a request"):
        parser.next_event()


def test_bytes_after_an_upgrade_are_handed_over() -> None:
    parser = ParseIntoParser(StepParser(), Limits())
    parser.feed(_GET + b"rest")
    assert parser.next_event() == _EVENTS[3]
    assert parser.next_event() == _EVENTS[4]
    assert parser.trailing_data() == b"rest"
    assert parser.trailing_data() == b""


async def _echo(request: Request) -> str:
    return f"{request.method} {request.path} {request.query_params.get('b')} {await request.text()}"


def _app(parser: object = None) -> App:
    app = App(parser=parser)
    app.route("/{rest:path}", methods=("GET", "POST"))(_echo)
    return app


@pytest.mark.parametrize("parser", [StepParser, StepParser()])
async def test_app_with_such_a_parser(parser: object) -> None:
    async with Client(_app(parser)) as client:
        assert (await client.get("/x?b=2")).text == "GET /x 2 "
        assert (await client.post("/y", content=b"hello")).text == "POST /y None hello"
        raw = await client.raw(_POST + _POST)
    assert bytes(raw.received).count(b"POST /a 1 hello") == 2


async def test_repeated_length_is_refused_whatever_the_parser_says() -> None:
    async with Client(_app(StepParser)) as client:
        raw = await client.raw(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nContent-Length: 5\r\n\r\nhello")
    assert bytes(raw.received).startswith(b"HTTP/1.1 400 ")


async def test_parser_named_in_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("their_parser")
    module.StepParser = StepParser
    monkeypatch.setitem(sys.modules, "their_parser", module)
    sources = SettingsSources(flags=("plugins.enabled=parse_into", "plugin.parse_into.parser=their_parser:StepParser"))
    async with Client(_app(), sources=sources) as client:
        assert (await client.get("/x")).text == "GET /x None "


def test_plugin_without_a_parser_offers_none() -> None:
    assert App().resolve(SettingsSources(plugins=("parse_into",))).parser.name == "h1"
