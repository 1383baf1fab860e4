"""Every stream is read whole and byte by byte; invalid responses are rejected."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from turnbuckle.http.events import NEED_DATA, Data, EndOfMessage
from turnbuckle.testing import IncompleteResponse, MalformedResponse
from turnbuckle.testing.client.response_assembler import ReadResponses, ResponseAssembler, read_responses
from turnbuckle.testing.client.response_reader import ResponseEvent, ResponseHead, ResponseReader

DATE = b"Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
Read = Callable[..., list[ResponseEvent]]


def response(status: bytes = b"200 OK", *lines: bytes, content: bytes = b"", date: bytes = DATE) -> bytes:
    return b"HTTP/1.1 " + status + b"\r\n" + date + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + content


def _events(reader: ResponseReader) -> Iterator[ResponseEvent]:
    while (event := reader.next_event()) is not NEED_DATA:
        yield event


def _read_whole(data: bytes, *methods: str, eof: bool = False) -> list[ResponseEvent]:
    reader = ResponseReader()
    for method in methods:
        reader.expect(method)
    reader.feed(data)
    if eof:
        reader.feed_eof()
    return list(_events(reader))


def _read_bytewise(data: bytes, *methods: str, eof: bool = False) -> list[ResponseEvent]:
    reader, events = ResponseReader(), list[ResponseEvent]()
    for method in methods:
        reader.expect(method)
    for byte in data:
        reader.feed(bytes((byte,)))
        events += _events(reader)
    if eof:
        reader.feed_eof()
        events += _events(reader)
    return events


@pytest.fixture(params=[_read_whole, _read_bytewise], ids=["whole", "bytewise"])
def read(request: pytest.FixtureRequest) -> Read:
    function: Read = request.param
    return function


def contents(events: list[ResponseEvent]) -> list[tuple[int, bytes]]:
    """Return status and content of each complete response."""
    found, assembler = [], ResponseAssembler()
    for event in events:
        if done := assembler.take(event):
            found.append((done.status, done.content))
            assembler = ResponseAssembler()
    return found


@pytest.mark.parametrize(
    ("data", "methods", "expected"),
    [
        pytest.param(response(b"200 OK", b"Content-Length: 5", content=b"hello"), [], [(200, b"hello")], id="length"),
        pytest.param(response(b"200 OK", b"Content-Length: 0"), [], [(200, b"")], id="length-zero"),
        pytest.param(
            response(b"200 OK", b"Transfer-Encoding: chunked", content=b"5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n"),
            [],
            [(200, b"hello0123456789")],
            id="chunked",
        ),
        pytest.param(response(b"204 No Content"), [], [(204, b"")], id="204"),
        pytest.param(response(b"304 Not Modified", b"Content-Length: 5"), [], [(304, b"")], id="304-with-length"),
        pytest.param(response(b"200 OK", b"Content-Length: 5"), ["HEAD"], [(200, b"")], id="head"),
        pytest.param(
            response(b"200 OK", b"Content-Length: 5") + response(b"404 Not Found", b"Content-Length: 2", content=b"no"),
            ["HEAD", "GET"],
            [(200, b""), (404, b"no")],
            id="head-then-get",
        ),
        pytest.param(
            response(b"200 OK", b"Content-Length: 1", content=b"a") * 3, [], [(200, b"a")] * 3, id="pipelined"
        ),
        pytest.param(
            b"HTTP/1.1 100 Continue\r\n\r\n" + response(b"200 OK", b"Content-Length: 1", content=b"a"),
            [],
            [(200, b"a")],
            id="interim",
        ),
        pytest.param(response(b"299 ", b"Content-Length: 0"), [], [(299, b"")], id="empty-reason-phrase"),
    ],
)
def test_reader_finds_content(read: Read, data: bytes, methods: list[str], expected: list[tuple[int, bytes]]) -> None:
    assert contents(read(data, *methods)) == expected


def test_reader_gives_head_data_and_end(read: Read) -> None:
    head, data, end = read(response(b"200 OK", b"X-A:  b c \t", b"Content-Length: 1", content=b"a"))

    assert head == ResponseHead(
        200, "OK", ((b"date", b"Thu, 01 Jan 2026 00:00:00 GMT"), (b"x-a", b"b c"), (b"content-length", b"1"))
    )
    assert (data, end) == (Data(b"a"), EndOfMessage())


def test_reader_gives_trailers(read: Read) -> None:
    *_, end = read(response(b"200 OK", b"Transfer-Encoding: chunked", content=b"0\r\nX-Sum: 1\r\nX-B: 2\r\n\r\n"))

    assert end == EndOfMessage(((b"x-sum", b"1"), (b"x-b", b"2")))


def test_reader_takes_content_until_the_announced_end(read: Read) -> None:
    events = read(response(b"200 OK", b"Connection: close", content=b"abc"), eof=True)

    assert contents(events) == [(200, b"abc")]


def test_reader_leaves_alone_what_follows_a_switch(read: Read) -> None:
    data = response(b"101 Switching Protocols", b"Upgrade: chat", b"Connection: upgrade", content=b"\x00\xff")
    found = read_responses(data, is_closed=False)

    assert contents(read(data)) == [(101, b"")]
    assert (found.complete[0].status, found.switched) == (101, b"\x00\xff")


def test_reader_leaves_alone_what_follows_a_tunnel(read: Read) -> None:
    assert contents(read(response(content=b"opaque"), "CONNECT")) == [(200, b"")]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"junk", id="junk"),
        pytest.param(b"\r\nHTTP/1.1 200 OK\r\n\r\n", id="empty-line-before"),
        pytest.param(b"HTTP/1.1 200\r\n\r\n", id="no-space-after-status"),
        pytest.param(b"HTTP/1.1 20 OK\r\n\r\n", id="short-status"),
        pytest.param(b"HTTP/1.1 600 OK\r\n\r\n", id="status-600"),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\n", id="version-1.0"),
        pytest.param(response(b"200 O\x00K"), id="nul-in-reason-phrase"),
        pytest.param(response(b"200 OK", b"no colon"), id="no-colon"),
        pytest.param(response(b"200 OK", b"A : b"), id="space-before-colon"),
        pytest.param(response(b"200 OK", b": b"), id="empty-name"),
        pytest.param(response(b"200 OK", b"A: b\rc"), id="bare-cr"),
        pytest.param(response(b"200 OK", b"A: b\nC: d"), id="bare-lf"),
        pytest.param(response(b"200 OK", b" folded"), id="fold"),
        pytest.param(response(b"200 OK", b"Content-Length: 1", b"Content-Length: 1"), id="two-lengths"),
        pytest.param(response(b"200 OK", b"Content-Length: +1"), id="signed-length"),
        pytest.param(response(b"200 OK", b"Content-Length: 01"), id="zero-before-length"),
        pytest.param(response(b"200 OK", b"Content-Type: a/b", b"content-type: a/b"), id="two-types"),
        pytest.param(response(b"200 OK", DATE[:-2]), id="two-dates"),
        pytest.param(response(b"200 OK", b"Content-Length: 0", date=b""), id="no-date"),
        pytest.param(response(b"200 OK", b"Content-Length: 3", b"Transfer-Encoding: chunked"), id="both"),
        pytest.param(response(b"200 OK", b"Transfer-Encoding: gzip"), id="unknown-coding"),
        pytest.param(response(b"204 No Content", b"Content-Length: 0"), id="204-with-length"),
        pytest.param(response(b"204 No Content", b"Transfer-Encoding: chunked"), id="204-chunked"),
        pytest.param(b"HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n", id="interim-with-length"),
        pytest.param(response(), id="end-not-announced"),
        pytest.param(
            response(b"200 OK", b"Content-Length: 0", b"Connection: a, Close", content=b"x"), id="after-close"
        ),
        pytest.param(response(b"200 OK", b"Content-Length: 1", content=b"ab"), id="too-long"),
        *(
            pytest.param(response(b"200 OK", b"Transfer-Encoding: chunked", content=content), id=name)
            for name, content in {
                "no-chunk-size": b"\r\n",
                "chunk-extension": b"1;a=b\r\n",
                "signed-chunk-size": b"+1\r\n",
                "chunk-too-long": b"1\r\nab\r\n",
                "trailer-that-frames": b"0\r\nContent-Length: 1\r\n\r\n",
                "trailer-without-colon": b"0\r\nabc\r\n\r\n",
            }.items()
        ),
    ],
)
def test_reader_refuses(read: Read, data: bytes) -> None:
    with pytest.raises(MalformedResponse):
        read(data)


def test_reader_refuses_a_head_without_end() -> None:
    with pytest.raises(MalformedResponse):
        _read_whole(b"HTTP/1.1 200 OK\r\n" + b"a" * (1 << 20))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"HTTP/1.", id="start"),
        pytest.param(b"HTTP/1.1 200 OK\r\nDate", id="head"),
        pytest.param(response(b"200 OK", b"Content-Length: 3", content=b"ab"), id="length"),
        pytest.param(response(b"200 OK", b"Transfer-Encoding: chunked"), id="before-chunk"),
        pytest.param(response(b"200 OK", b"Transfer-Encoding: chunked", content=b"5\r\nab"), id="chunk"),
        pytest.param(response(b"200 OK", b"Transfer-Encoding: chunked", content=b"2\r\nab"), id="end-of-chunk"),
        pytest.param(response(b"200 OK", b"Transfer-Encoding: chunked", content=b"0\r\nA: b"), id="trailers"),
    ],
)
def test_reader_recognizes_an_end_within_a_response(read: Read, data: bytes) -> None:
    assert contents(read(data)) == []
    with pytest.raises(IncompleteResponse):
        read(data, eof=True)


def _read(data: bytes, *, is_closed: bool = True, methods: tuple[str, ...] = ()) -> ReadResponses:
    return read_responses(data, is_closed=is_closed, methods=methods)


def test_read_responses_keeps_what_is_partial() -> None:
    whole = response(b"200 OK", b"Content-Length: 1", content=b"a")
    found = _read(whole + response(b"200 OK", b"Content-Length: 3", content=b"ab"))

    assert [response.content for response in found.complete] == [b"a"]
    assert (found.partial and found.partial.content, found.is_cut) == (b"ab", True)


def test_read_responses_that_may_go_on_is_not_cut() -> None:
    found = _read(response(b"200 OK", b"Content-Length: 3", content=b"ab"), is_closed=False)

    assert (found.complete, found.is_cut) == ((), False)


def test_read_responses_keeps_interim_responses_with_their_final_one() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    whole = response(b"200 OK", b"Content-Length: 0")
    found = _read(interim + whole + interim, is_closed=False, methods=("GET", "PUT"))

    assert [response.headers["link"] for response in found.complete[0].interim] == ["</a>"]
    assert [(response.status, response.method) for response in found.interim] == [(103, "PUT")]


def test_read_responses_of_nothing_is_nothing() -> None:
    assert _read(b"") == ReadResponses(complete=(), partial=None, interim=(), is_cut=False, switched=b"")


def test_assembler_has_no_response_before_its_head() -> None:
    with pytest.raises(RuntimeError, match="head"):
        ResponseAssembler().so_far()
