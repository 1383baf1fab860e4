"""Requests on streams pass the checks that requests of HTTP/1.1 pass, whatever carries them (row 78)."""

from __future__ import annotations

import pytest

from tests.core.server.streams.hosting import hosting
from turnbuckle import Request, Response
from turnbuckle.errors import ProtocolError
from turnbuckle.http.events import NEED_DATA
from turnbuckle.http.limits import Limits
from turnbuckle.http.parser import H1Parser

_LIMITS = Limits(request_line=200, field_line=200, header_section=400, field_count=8)


def _status_of_http_1(target: str, fields: list[tuple[bytes, bytes]]) -> int:
    """Return the status with which the parser of HTTP/1.1 refuses a head; 0 if it accepts it."""
    lines = b"".join(b"%b: %b\r\n" % field for field in fields)
    parser = H1Parser(_LIMITS)
    parser.feed(b"GET %b HTTP/1.1\r\nhost: a.example\r\n%b\r\n" % (target.encode(), lines))
    try:
        assert parser.next_event() is not NEED_DATA
    except ProtocolError as error:
        return error.status
    return 0


async def _hello(request: Request) -> Response:
    return Response("hello")


@pytest.mark.parametrize(
    ("target", "fields"),
    [
        pytest.param("/", [], id="good"),
        pytest.param("/", [(b"accept", b"a, b;q=0.1"), (b"x", b"")], id="good fields"),
        pytest.param("/", [(b"accept", b"a"), (b"accept", b"b")], id="good repeated field"),
        pytest.param("/", [(b"host", b"b.example")], id="second host"),
        pytest.param("/", [(b"x", b"a\rb")], id="CR"),
        pytest.param("/", [(b"x", b"a\0b")], id="NUL"),
        pytest.param("/", [(b"x y", b"a")], id="space in a name"),
        pytest.param("/", [(b"", b"a")], id="empty name"),
        pytest.param("/", [(b"x\xe9", b"a")], id="name beyond ASCII"),
        pytest.param("/", [(b"content-length", b"-1")], id="negative length"),
        pytest.param("/", [(b"content-length", b"1_0")], id="length with an underscore"),
        pytest.param("/", [(b"content-length", b"0"), (b"content-length", b"0")], id="repeated length"),
        pytest.param("/", [(b"content-length", b"9" * 19)], id="length of 19 digits"),
        pytest.param("/a b", [], id="space in the target"),
        pytest.param("/\u00e9", [], id="target beyond ASCII"),
        pytest.param("http://", [], id="target without a host"),
        pytest.param("*", [], id="asterisk for GET"),
        pytest.param("/" + "a" * 200, [], id="long target"),
        pytest.param("/", [(b"x", b"a" * 200)], id="long field"),
        pytest.param("/", [(b"x", b"a" * 150)] * 3, id="long section"),
        pytest.param("/", [(b"x", b"a")] * 8, id="many fields"),
    ],
)
async def test_row_78_streams_refuse_the_heads_that_http_1_refuses(
    target: str, fields: list[tuple[bytes, bytes]]
) -> None:
    async with hosting(_hello, limits=_LIMITS) as hosted:
        _, channel = await hosted.begin("GET", target, *fields)
        assert channel.status == (_status_of_http_1(target, fields) or 200)


@pytest.mark.parametrize("value", ["a\r\nset-cookie: b", "a\nb", "a\0", " a", "a "])
async def test_row_78_streams_send_no_value_that_http_1_would_not_send(value: str) -> None:
    async def handle(request: Request) -> Response:
        response = Response("hello")
        response.headers._pairs.append(("X-Value", value))
        return response

    async with hosting(handle) as hosted:
        _, channel = await hosted.begin()
        assert channel.status == 500
        assert b"x-value" not in channel.fields
