"""Contexts of streamed responses that middleware drops are left at the end of the request, inner ones first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from turnbuckle import App, Request, Response, Stream
from turnbuckle.testing import Client

Next = Callable[[Request], Awaitable[Response]]


class Session:
    """The value of the handler's context."""

    def __init__(self, number: int) -> None:
        self.number = number


class Pool:
    """The value of the middleware's context."""


def _app(events: list[str], middleware: Callable[..., Awaitable[Response]], *, in_scope: bool = False) -> App:
    app = App()
    opened = 0

    @app.supply
    async def session() -> AsyncIterator[Session]:
        nonlocal opened
        number = opened = opened + 1
        events.append(f"open {number}")
        try:
            yield Session(number)
        except BaseException as error:
            events.append(type(error).__name__)
            raise
        finally:
            events.append(f"leave {number}")

    @app.supply
    async def pool() -> AsyncIterator[Pool]:
        events.append("open pool")
        yield Pool()
        events.append("leave pool")

    scope = app.scope("") if in_scope else app
    scope.middleware(middleware)

    @scope.get("/")
    async def stream(session: Session) -> Response:
        async def pieces() -> AsyncIterator[str]:
            try:
                events.append(f"piece {session.number}")
                yield "piece"
            finally:
                events.append("closed")

        return Stream(pieces())

    return app


async def _raises(request: Request, call_next: Next) -> Response:
    await call_next(request)
    raise LookupError


async def _replaces(request: Request, call_next: Next) -> Response:
    await call_next(request)
    return Response("other")


async def _times_out(request: Request, call_next: Next) -> Response:
    async with asyncio.timeout(0):
        response = await call_next(request)
        await asyncio.Event().wait()
    return response


async def _streams_another(request: Request, call_next: Next) -> Response:
    await call_next(request)

    async def pieces() -> AsyncIterator[bytes]:
        yield b"other"

    return Stream(pieces())


async def _calls_twice(request: Request, call_next: Next) -> Response:
    await call_next(request)
    return await call_next(request)


async def _closes_the_first(request: Request, call_next: Next) -> Response:
    first, second = await call_next(request), await call_next(request)
    await first.body.aclose()  # type: ignore[union-attr]
    return second


async def _wraps(request: Request, call_next: Next) -> Response:
    response = await call_next(request)
    body = response.body
    assert not isinstance(body, bytes)

    async def pieces() -> AsyncIterator[bytes | str]:
        async for piece in body:
            yield piece

    response.body = pieces()
    return response


async def _drops_in_a_context(request: Request, call_next: Next, pool: Pool) -> Response:
    return await _replaces(request, call_next)


_FIRST = ["open 1", "leave 1"]


@pytest.mark.parametrize("in_scope", [False, True])
@pytest.mark.parametrize(
    ("middleware", "text", "expected"),
    [
        pytest.param(_raises, "", ["open 1", "LookupError", "leave 1"], id="raises"),
        pytest.param(_replaces, "other", _FIRST, id="replaces"),
        pytest.param(_times_out, "", ["open 1", "TimeoutError", "leave 1"], id="times out"),
        pytest.param(_streams_another, "other", _FIRST, id="another stream"),
        pytest.param(_wraps, "piece", ["open 1", "piece 1", "closed", "leave 1"], id="wraps"),
        pytest.param(
            _calls_twice, "piece", ["open 1", "open 2", "piece 2", "closed", "leave 2", "leave 1"], id="calls twice"
        ),
        pytest.param(
            _closes_the_first,
            "piece",
            ["open 1", "open 2", "leave 1", "piece 2", "closed", "leave 2"],
            id="closes the first",
        ),
        pytest.param(_drops_in_a_context, "other", ["open pool", *_FIRST, "leave pool"], id="in a context"),
    ],
)
async def test_contexts_of_a_dropped_stream(
    middleware: Callable[..., Awaitable[Response]], text: str, expected: list[str], in_scope: bool
) -> None:
    events: list[str] = []
    async with Client(_app(events, middleware, in_scope=in_scope), raise_exceptions=False) as client:
        response = await client.get("/")
        assert events == expected
    assert (response.status, response.text) == ((200, text) if text else (500, response.text))
    assert events == expected


async def test_contexts_of_a_dropped_stream_whose_request_is_cancelled() -> None:
    events: list[str] = []

    async def waits(request: Request, call_next: Next) -> Response:
        response = await call_next(request)
        await asyncio.Event().wait()
        return response

    async with Client(_app(events, waits), raise_exceptions=False) as client:
        connection = client.server.connect()
        await connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert events == ["open 1", "CancelledError", "leave 1"]
