"""Handlers, middleware and response types that fail in every way that Python allows, followed by another request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress

import pytest

from tests.core.server.serving_in_memory import GET, serving
from turnbuckle import App, Request, Response, middleware
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.web.types import Handler

from .leak_check import checking_for_leaks


def recurse(depth: int = 0) -> int:
    return recurse(depth + 1)


def fail_with(error: BaseException) -> Callable[[], object]:
    def fail() -> object:
        raise error

    return fail


FAILURES: dict[str, Callable[[], object]] = {
    "error": fail_with(ValueError("unexpected")),
    "stop_iteration": fail_with(StopIteration()),
    "memory": fail_with(MemoryError()),
    "recursion": recurse,
    "exit": fail_with(SystemExit(1)),
    "generator_exit": fail_with(GeneratorExit()),
    "cancelled": fail_with(asyncio.CancelledError()),
    "group": fail_with(ExceptionGroup("several", [ValueError("one"), KeyError("two")])),
    "group_of_exits": fail_with(BaseExceptionGroup("several", [SystemExit(1)])),
}


def failing_app(fail: Callable[[], object]) -> App:
    @middleware
    async def fails_before(request: Request, call_next: Handler) -> Response:
        if request.path == "/before":
            fail()
        return await call_next(request)

    @middleware
    async def fails_after(request: Request, call_next: Handler) -> Response:
        response = await call_next(request)
        if request.path == "/after":
            fail()
        return response

    class Odd:
        """Has a response type that fails."""

    class Unserializable(dict[str, object]):
        def __iter__(self) -> object:  # type: ignore[override]
            return fail()

        items = __iter__  # type: ignore[assignment]

    app = App(middleware=[fails_before, fails_after])

    @app.response_type(Odd)
    def render(value: object) -> Response:
        fail()
        return Response("never")

    @app.get("/handler")
    async def in_handler() -> None:
        fail()

    @app.get("/thread")
    def in_thread() -> None:
        fail()

    @app.get("/rendering")
    async def in_rendering() -> Odd:
        return Odd()

    @app.get("/serialization")
    async def in_serialization() -> dict[str, object]:
        return Unserializable(a=1)

    @app.get("/before")
    @app.get("/after")
    @app.get("/fine")
    async def fine() -> str:
        return "fine"

    return app


@pytest.fixture(autouse=True)
def no_tasks_unheard(caplog: pytest.LogCaptureFixture) -> None:
    # asyncio reports a GeneratorExit that was not retrieved from its task to the loop's own logger.
    caplog.set_level(logging.CRITICAL, "asyncio")


@pytest.mark.parametrize("place", ["handler", "thread", "before", "after", "rendering", "serialization"])
@pytest.mark.parametrize("name", FAILURES)
async def test_failure_is_an_internal_error_and_no_more(name: str, place: str) -> None:
    app = failing_app(FAILURES[name])
    async with serving(app.compile().handle) as served, checking_for_leaks(served, "/fine"):
        received = await served.send(GET.replace(b"GET / ", b"GET /%b " % place.encode()))
        assert served.statuses == [500]
        assert b"unexpected" not in received
        # An exception that a handler may raise is answered on the connection; any other ends the connection.
        if not served.is_closed:
            await served.send(GET.replace(b"/", b"/fine", 1))
            assert served.statuses == [500, 200]
        await served.connection.half_close()


async def hang(request: Request) -> Response:
    await asyncio.get_running_loop().create_future()
    return Response("never")


async def ignore_once(request: Request) -> Response:
    with suppress(asyncio.CancelledError):
        await hang(request)
    return Response("too late")


async def ignore_and_fail(request: Request) -> Response:
    with suppress(asyncio.CancelledError):
        await hang(request)
    raise RuntimeError("too late")


@pytest.mark.parametrize("handler", [hang, ignore_once, ignore_and_fail])
@pytest.mark.parametrize("content", [b"", b"Content-Length: 9\r\n"], ids=["without", "with_content"])
async def test_handler_that_takes_too_long_is_answered_for_once(
    handler: Callable[[Request], Coroutine[object, object, Response]], content: bytes
) -> None:
    async def serve(request: Request) -> Response:
        return Response("fine") if request.path == "/fine" else await handler(request)

    async with serving(serve, timeouts=Timeouts(handler=5)) as served, checking_for_leaks(served, "/fine"):
        await served.send(b"POST / HTTP/1.1\r\nHost: a\r\n%b\r\n" % content)
        await served.advance(6)
        assert served.statuses == [503]
        assert served.connection.received.count(b"HTTP/1.1") == 1
        await served.advance(6)


async def test_handler_that_never_gives_up_holds_only_itself() -> None:
    gate = asyncio.Event()

    async def stubborn(request: Request) -> Response:
        while request.path != "/fine" and not gate.is_set():
            with suppress(asyncio.CancelledError):
                await gate.wait()
        return Response("fine")

    async with serving(stubborn, timeouts=Timeouts(handler=5)) as served, checking_for_leaks(served, "/fine"):
        await served.send(GET)
        await served.advance(6)
        assert served.statuses == [503]
        other = served.server.connect()
        await other.send(GET.replace(b"/", b"/fine", 1))
        assert other.statuses == [200]
        await other.close()
        gate.set()
        await served.advance(6)
