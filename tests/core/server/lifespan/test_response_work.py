"""Functions of ``request.after_response`` run after the last byte, each once, and before the lifespans are left."""

from __future__ import annotations

import asyncio
import functools
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar

import pytest

from tests.core.server.polling import TIMEOUT, wait_until
from turnbuckle import App, BadRequest, HTTPServer, Request, Response, Stream, Timeouts
from turnbuckle.testing import Client
from turnbuckle.testing.transport.fake_clock import FakeClock

_GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
_USER: ContextVar[str] = ContextVar("user", default="")


class _Work:
    """Functions for tests, and the order of the events."""

    def __init__(self) -> None:
        self.steps: list[object] = []
        self.open = asyncio.Event()

    async def note(self, step: object, *, suffix: str = "") -> None:
        self.steps.append(f"{step}{suffix}")

    def note_in_thread(self, step: object) -> None:
        assert threading.current_thread() is not threading.main_thread()
        self.steps.append(step)

    async def wait(self) -> None:
        self.steps.append("begun")
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.steps.append("cancelled")
            raise
        self.steps.append("ended")

    async def fail(self) -> None:
        raise RuntimeError("no mail today")


@pytest.fixture
def work() -> _Work:
    return _Work()


def _app(handler: Callable[[Request], object]) -> App:
    app = App()
    app.get("/")(handler)
    return app


async def test_functions_run_in_order_after_the_last_byte(work: _Work) -> None:
    async def handler(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"a"
            request.after_response(work.note, "c", suffix="!")
            work.steps.append("last piece")

        request.after_response(work.note, "a")
        request.after_response(work.note_in_thread, "b")
        return Stream(pieces())

    async with Client(_app(handler)) as client:
        response = await client.get("/")
        assert response.content == b"a"
        await client.settle()
    assert work.steps == ["last piece", "a", "b", "c!"]


async def test_response_does_not_wait_for_a_function(work: _Work) -> None:
    async def handler(request: Request) -> str:
        request.after_response(work.wait)
        return "hello"

    async with Client(_app(handler)) as client:
        connection = client.connect()
        await connection.send(_GET + _GET)
        assert connection.statuses == [200, 200]
        assert work.steps == ["begun", "begun"]
        work.open.set()
        await client.settle()
        assert work.steps == ["begun", "begun", "ended", "ended"]


async def test_plain_handler_adds_functions_from_its_thread(work: _Work) -> None:
    def handler(request: Request) -> str:
        _USER.set("anna")
        request.after_response(lambda: work.steps.append(_USER.get()))
        _USER.set("later")
        return "hello"

    async with Client(_app(handler)) as client:
        await client.get("/")
        await client.settle()
    assert work.steps == ["anna"]


@pytest.mark.parametrize("how", ["partial", "callable", "lambda"])
async def test_every_callable_is_run(how: str, work: _Work) -> None:
    class Note:
        async def __call__(self, step: object) -> None:
            await work.note(step)

    functions = {
        "partial": functools.partial(work.note, suffix=""),
        "callable": Note(),
        "lambda": lambda step: work.note(step, suffix=""),
    }

    async def handler(request: Request) -> str:
        request.after_response(functions[how], "done")
        return "hello"

    async with Client(_app(handler)) as client:
        await client.get("/")
        await client.settle()
    assert work.steps == ["done"]


async def test_failure_is_logged_with_the_handler_and_stops_no_other(
    work: _Work, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: Request) -> str:
        request.after_response(work.fail)
        request.after_response(lambda: next(iter(())))
        request.after_response(work.note, "next")
        return "hello"

    async with Client(_app(handler)) as client:
        assert (await client.get("/")).status == 200
        await client.settle()
    assert work.steps == ["next"]
    (first, second) = [record for record in caplog.records if record.name == "turnbuckle.server"]
    assert re.fullmatch(r"_Work.fail after the response to GET / \(handler .*handler\) failed", first.getMessage())
    assert "no mail today" in str(first.exc_info)
    assert "raised StopIteration" in str(second.exc_info)


@pytest.mark.parametrize("handled", [False, True], ids=["unhandled", "handled"])
async def test_exception_drops_the_functions_added_before_it(handled: bool, work: _Work) -> None:
    async def handler(request: Request) -> str:
        request.after_response(work.note, "before")
        raise BadRequest("no")

    app = _app(handler)

    @app.middleware
    async def outer(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        request.after_response(work.note, "middleware")
        return response

    if handled:

        @app.error_handler(BadRequest)
        async def answer(request: Request, error: BadRequest) -> str:
            request.after_response(work.note, "error handler")
            return "sorry"

    async with Client(app) as client:
        await client.get("/")
        await client.settle()
    assert work.steps == ["error handler", "middleware"] if handled else ["middleware"]


async def test_cancelled_handler_drops_its_functions(work: _Work) -> None:
    async def handler(request: Request) -> str:
        request.after_response(work.note, "before")
        await work.open.wait()
        return "hello"

    async with Client(_app(handler), timeouts=Timeouts(handler=1)) as client:
        connection = client.connect()
        await connection.send(_GET)
        await client.advance(2)
        assert connection.statuses == [503]
        await client.settle()
    assert work.steps == []


async def test_functions_run_if_the_client_leaves_during_the_response(work: _Work) -> None:
    async def handler(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"a"
            await work.open.wait()

        request.after_response(work.note, "run")
        return Stream(pieces())

    async with Client(_app(handler)) as client:
        connection = client.connect()
        await connection.send(_GET)
        await connection.reset()
        await client.settle()
    assert work.steps == ["run"]


async def test_work_that_takes_too_long_is_cancelled(work: _Work, caplog: pytest.LogCaptureFixture) -> None:
    async def handler(request: Request) -> str:
        request.after_response(work.wait)
        request.after_response(work.note, "next")
        return "hello"

    app = App()
    app.get("/", timeouts={"after_response": 5})(handler)
    async with Client(app) as client:
        await client.get("/")
        await client.advance(4)
        assert work.steps == ["begun"]
        await client.advance(2)
        await client.settle()
        assert work.steps == ["begun", "cancelled", "next"]
    assert "did not end within 5 s (timeouts.after_response), waiting at " in caplog.text
    assert "test_response_work.py" in caplog.text


async def test_functions_at_a_time_are_bounded(work: _Work) -> None:
    async def handler(request: Request) -> str:
        request.after_response(work.wait)
        request.after_response(work.note, "second")
        return "hello"

    async with Client(_app(handler), settings={"capacity": {"after_response": 3}}) as client:
        assert (await client.get("/")).status == 200
        refused = await client.get("/")
        assert (refused.status, refused.headers["retry-after"]) == (503, "5")
        await client.settle()
        work.open.set()
        await client.settle()
        assert work.steps == ["begun", "ended", "second"]
        assert (await client.get("/")).status == 200


async def test_plain_handler_is_refused_as_well() -> None:
    def handler(request: Request) -> str:
        for _ in range(3):
            request.after_response(print, "", end="")
        return "hello"

    async with Client(_app(handler), settings={"capacity": {"after_response": 2}}) as client:
        assert (await client.get("/")).status == 503
        await client.settle()


async def test_functions_are_only_taken_while_the_request_is_served(work: _Work) -> None:
    requests = []

    async def handler(request: Request) -> str:
        requests.append(request)
        return "hello"

    async with Client(_app(handler)) as client:
        for _ in range(2):
            await client.get("/")
            with pytest.raises(RuntimeError, match="the response is sent; "):
                requests[0].after_response(work.note, "late")
    with pytest.raises(RuntimeError, match=r"needs a server|the response is sent"):
        requests[0].after_response(work.note, "late")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda work: work.note("x"), "write request.after_response(note, ...)", id="coroutine"),
        pytest.param(lambda work: None, "request.after_response() takes a function, not None", id="none"),
        pytest.param(
            lambda work: _generator, "cannot run _generator, because it yields; remove 'yield'", id="generator"
        ),
    ],
)
async def test_other_objects_are_refused(make: Callable[[_Work], object], message: str, work: _Work) -> None:
    async def handler(request: Request) -> str:
        request.after_response(make(work))  # type: ignore[arg-type]
        return "hello"

    async with Client(_app(handler)) as client:
        with pytest.raises(TypeError, match=re.escape(message)):
            await client.get("/")


async def _generator() -> AsyncIterator[int]:
    yield 1


async def test_client_cancels_functions_that_do_not_end(work: _Work) -> None:
    async def handler(request: Request) -> str:
        request.after_response(work.wait)
        return "hello"

    async with Client(_app(handler)) as client:
        await client.get("/")
    assert work.steps == ["begun", "cancelled"]


# -- the stop of a server


def _serving(work: _Work, function: Callable[[], Awaitable[None]]) -> App:
    async def handler(request: Request) -> str:
        request.after_response(function)
        return "hello"

    app = _app(handler)

    @app.lifespan
    @asynccontextmanager
    async def store(setup: object) -> AsyncIterator[None]:
        yield
        work.steps.append("left")

    return app


async def _request(server: HTTPServer) -> None:
    address = server.addresses[0]
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(_GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert (await asyncio.wait_for(reader.read(), TIMEOUT)).endswith(b"hello")
    writer.close()


async def _stopping_server(
    work: _Work, function: Callable[[], Awaitable[None]], clock: FakeClock
) -> asyncio.Task[None]:
    """Begin to stop a server while a function after a response is running."""
    server = HTTPServer(_serving(work, function).compile(), port=0, clock=clock)
    await server.start()
    await _request(server)
    await wait_until(lambda: work.steps == ["begun"])
    stopping = asyncio.create_task(server.stop())
    await asyncio.sleep(0)
    return stopping


async def test_stop_waits_for_functions_before_it_leaves_the_lifespans(
    work: _Work, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock()
    stopping = await _stopping_server(work, work.wait, clock)
    await clock.advance(2)
    assert "still waiting for _Work.wait after the response to GET /" in caplog.text
    assert not stopping.done()
    work.open.set()
    await asyncio.wait_for(stopping, TIMEOUT)
    assert work.steps == ["begun", "ended", "left"]


async def test_stop_cancels_functions_that_do_not_end_in_time(work: _Work, caplog: pytest.LogCaptureFixture) -> None:
    async def stubborn() -> None:
        while not work.open.is_set():
            try:
                await work.wait()
            except asyncio.CancelledError:
                continue

    clock = FakeClock()
    stopping = await _stopping_server(work, stubborn, clock)
    await clock.advance(30)
    assert "aborting 1 function after responses that did not finish in time" in caplog.messages
    await clock.advance(2)
    await asyncio.wait_for(stopping, TIMEOUT)
    assert "cancelled but still running: 1 function after responses" in caplog.messages
    assert work.steps == ["begun", "cancelled", "begun", "left"]
    work.open.set()
    await wait_until(lambda: work.steps[-1] == "ended")
