"""The log names the request that delays a stop, the origin of its route, and the line that it waits at."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import turnbuckle
from tests.core.server.polling import TIMEOUT, wait_until
from tests.core.server.serving_in_memory import GET, hello, serving
from tests.core.web.requests import make_request
from turnbuckle import App, HTTPServer, Request
from turnbuckle.server.stalls.task_stacks import await_location
from turnbuckle.testing.transport.activity import turns
from turnbuckle.testing.transport.fake_clock import FakeClock
from turnbuckle.web.handlers import bind_handler


@pytest.fixture(autouse=True)
def warnings_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="turnbuckle.server")


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


async def in_a_task() -> None:
    await asyncio.create_task(forever())


async def in_a_group() -> None:
    async with asyncio.TaskGroup() as group:
        await group.create_task(forever())


async def in_a_limit() -> None:
    async with asyncio.timeout(100):
        await forever()


async def numbers() -> AsyncIterator[int]:
    yield 1
    await forever()


async def in_a_generator() -> None:
    async for _ in numbers():
        pass


LINE = forever.__code__.co_firstlineno + 1


@pytest.mark.parametrize(
    "wait",
    [
        pytest.param(forever, id="coroutine"),
        pytest.param(in_a_task, id="task"),
        pytest.param(in_a_group, id="group"),
        pytest.param(in_a_limit, id="limit"),
        pytest.param(in_a_generator, id="generator"),
    ],
)
async def test_waits_at(wait: Callable[[], Awaitable[None]]) -> None:
    task = asyncio.ensure_future(wait())
    await turns(5)
    assert await_location(task) == f"{__file__}:{LINE} in forever"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_waits_at_the_line_of_the_app_rather_than_in_the_library() -> None:
    async def sleeps() -> None:
        await asyncio.sleep(1000)

    task = asyncio.create_task(sleeps())
    await turns(2)
    assert await_location(task) == f"{__file__}:{sleeps.__code__.co_firstlineno + 1} in sleeps"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_waits_at_the_line_of_a_plugin_that_is_installed_beside_the_core() -> None:
    # In site-packages, this folder is beside the folder of the core, and its name begins with the core's.
    file = Path(turnbuckle.__file__).parent.with_name("turnbuckle_rates") / "__init__.py"
    names: dict[str, Any] = {}
    exec(compile("import asyncio\nasync def sleeps():\n    await asyncio.sleep(1000)", file, "exec"), names)
    task = asyncio.create_task(names["sleeps"]())
    await turns(2)
    assert await_location(task) == f"{file}:3 in sleeps"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_waits_at_the_line_of_the_thread_that_runs_a_plain_handler() -> None:
    gates = [threading.Event(), threading.Event()]
    begun: list[str] = []

    def wait_plainly(request: Request) -> None:
        begun.append(request.path)
        if request.path == "/1":
            gates[1].wait(TIMEOUT)
        gates[0].wait(TIMEOUT)

    call = bind_handler(wait_plainly)
    tasks = [asyncio.ensure_future(call(make_request(path))) for path in ("/0", "/1")]
    line = wait_plainly.__code__.co_firstlineno
    await wait_until(lambda: len(begun) == 2 and await_location(tasks[0]).endswith(f"{line + 4} in wait_plainly"))
    assert await_location(tasks[0]) == f"{__file__}:{line + 4} in wait_plainly"
    assert await_location(tasks[1]) == f"{__file__}:{line + 3} in wait_plainly"
    for gate in gates:
        gate.set()
    await asyncio.gather(*tasks)


async def test_nothing_is_known_of_a_future() -> None:
    assert await_location(asyncio.get_running_loop().create_future()) == ""


def app_that_hangs() -> App:
    # Streams would otherwise be aborted before the server gives up on requests.
    app = App(settings={"timeouts": {"stream_shutdown": 0.0}})

    @app.get("/slow")
    async def slow(request: Request) -> None:
        await forever()

    @app.get("/stream")
    async def stream(request: Request) -> AsyncIterator[str]:
        yield "begun"
        await forever()

    return app


@pytest.mark.parametrize("path", ["/slow", "/stream"])
async def test_drain_names_the_requests_that_delay_it(path: str, caplog: pytest.LogCaptureFixture) -> None:
    app, clock = app_that_hangs(), FakeClock()
    route = next(planned.route for planned, _ in app.plan.routes() if planned.route.path == path)
    server = HTTPServer(app.compile(), port=0, clock=clock)
    await server.start()
    host, port = server.addresses[0].host, server.addresses[0].port
    _, writer = await asyncio.open_connection(host, port)
    writer.write(f"GET {path}?x=1 HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    await writer.drain()
    await wait_until(lambda: any("turnbuckle request" in task.get_name() for task in asyncio.all_tasks()))
    stopping = asyncio.create_task(server.stop())
    await turns(20)
    await clock.advance(1)
    held = f"GET {path}, route {path!r} of {route.origin}, waiting at {__file__}:{LINE} in forever"
    assert caplog.messages == [f"still waiting for {held}"]
    caplog.clear()
    await clock.advance(30)
    assert caplog.messages == [
        "aborting 1 connection that did not finish in time",
        f"still waiting for {held}",
    ]
    await stopping
    writer.close()
    await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def test_connection_without_a_request_shows_its_state() -> None:
    async with serving(hello) as served:
        await served.send(GET)
        (connection,) = served.server._state.connections.open
        assert connection.description == "127.0.0.1:40000, idle"
