"""Trailer fields follow chunked content, for clients that ask for them, and are announced (RFC 9110, section 6.5)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.core.server.serving_in_memory import serving
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response, Stream
from turnbuckle.web.response.trailers import Trailers

_SUM = {"X-Sum": "42"}


def _request(*fields: bytes, method: bytes = b"GET", version: bytes = b"1.1") -> bytes:
    lines = b"".join(field + b"\r\n" for field in fields)
    return method + b" / HTTP/" + version + b"\r\nHost: a.example\r\n" + lines + b"\r\n"


async def _pieces() -> AsyncIterator[bytes]:
    yield b"ab"
    yield b"c"


async def _exchange(response: Response, request: bytes) -> bytes:
    async def handle(_: Request) -> Response:
        return response

    async with serving(handle) as served:
        return await served.send(request)


@pytest.mark.parametrize("trailers", [_SUM, [("X-Sum", "42")]])
async def test_trailers_of_a_stream_are_announced_and_sent(trailers: Trailers) -> None:
    data = await _exchange(Stream(_pieces(), trailers=trailers), _request(b"TE: deflate;q=0.5, Trailers"))
    assert b"\r\nTrailer: X-Sum\r\n" in data
    assert data.endswith(b"\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nX-Sum: 42\r\n\r\n")


async def test_trailers_of_complete_content_make_it_chunked() -> None:
    data = await _exchange(Response(b"abc", trailers=lambda: _SUM), _request(b"TE: trailers"))
    assert b"Content-Length" not in data
    assert b"\r\nTrailer: X-Sum\r\n" in data
    assert data.endswith(b"\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 42\r\n\r\n")


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(_request(), id="no_te"),
        pytest.param(_request(b"TE: gzip"), id="other_te"),
        pytest.param(_request(b"TE: trailers", method=b"HEAD"), id="head"),
        pytest.param(_request(b"TE: trailers", b"Connection: keep-alive", version=b"1.0"), id="http_1_0"),
    ],
)
@pytest.mark.parametrize("is_stream", [True, False])
async def test_trailers_are_dropped_with_their_announcement(request_bytes: bytes, is_stream: bool) -> None:
    response = Stream(_pieces(), trailers=_SUM) if is_stream else Response(b"abc", trailers=_SUM)
    assert b"Trailer" not in (data := await _exchange(response, request_bytes))
    assert b"X-Sum" not in data


async def test_trailers_do_not_follow_content_of_announced_length() -> None:
    response = Stream(_pieces(), headers={"Content-Length": "3"}, trailers=_SUM)
    data = await _exchange(response, _request(b"TE: trailers"))
    assert data.endswith(b"\r\nContent-Length: 3\r\n\r\nabc")
    assert b"Trailer" not in data


async def test_function_is_called_after_the_last_piece() -> None:
    seen: list[bytes] = []

    async def pieces() -> AsyncIterator[bytes]:
        async for piece in _pieces():
            seen.append(piece)
            yield piece

    response = Stream(pieces(), headers={"Trailer": "X-Count"}, trailers=lambda: {"X-Count": str(len(seen))})
    data = await _exchange(response, _request(b"TE: trailers"))
    assert b"\r\nTrailer: X-Count\r\n" in data
    assert data.endswith(b"0\r\nX-Count: 2\r\n\r\n")


async def test_stream_whose_function_fails_is_cut_off() -> None:
    def fail() -> dict[str, str]:
        raise LookupError("no sum")

    data = await _exchange(Stream(_pieces(), trailers=fail), _request(b"TE: trailers"))
    assert data.endswith(b"1\r\nc\r\n")


@pytest.mark.parametrize("name", ["Content-Length", "set-cookie", "Transfer-Encoding", "Authorization", "Trailer"])
def test_field_that_is_forbidden_in_trailers_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="must not be sent in a trailer section"):
        Response(b"abc", trailers={name: "1"})


def test_trailers_can_be_set_and_removed() -> None:
    response = Response(b"abc")
    assert response.trailers is None
    response.trailers = _SUM
    assert response.fields()[-1] == ("Trailer", "X-Sum")
    response.trailers = None
    assert "Trailer" not in dict(response.fields())
