"""The log names what blocks the loop, with the line and the duration; a loop that waits is not reported."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import attrs
import pytest

from tests.core.server.polling import TIMEOUT, wait_until
from turnbuckle import App, HTTPServer
from turnbuckle.server.stalls.task_stacks import blocking_location, callback_frames
from turnbuckle.server.stalls.watchdog import Watchdog

SECONDS = 0.2
# Longer than a busy machine keeps a loop from running.
PATIENT_SECONDS = 0.5


class Log(logging.Handler):
    """Stores messages; ``has_warned`` is set at the first warning of a blocked loop."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.messages: list[str] = []
        self.has_warned = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())
        if "is blocked" in record.getMessage():
            self.has_warned.set()

    def starting(self, text: str) -> list[str]:
        return [message for message in self.messages if message.startswith(text)]


@pytest.fixture
def log() -> Iterator[Log]:
    handler, logger = Log(), logging.getLogger("turnbuckle.server")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


def block(log: Log) -> str:
    log.has_warned.wait(TIMEOUT)
    return "done"


LINE = block.__code__.co_firstlineno + 1


def blocking_app(log: Log) -> App:
    app = App()

    @app.get("/blocks")
    async def blocks() -> str:
        return block(log)

    @app.get("/stream")
    async def stream() -> AsyncIterator[str]:
        yield block(log)

    @app.get("/thread")
    def in_thread() -> str:
        return "done"

    @app.get("/waits")
    async def waits() -> str:
        await asyncio.sleep(2 * PATIENT_SECONDS)
        return "done"

    return app


@asynccontextmanager
async def watched(app: App, seconds: float = SECONDS) -> AsyncIterator[Callable[[str], asyncio.Future[bytes]]]:
    application = attrs.evolve(app.compile(), watchdog=seconds)
    async with HTTPServer(application, port=0) as server:

        async def ask(path: str) -> bytes:
            reader, writer = await asyncio.open_connection(server.addresses[0].host, server.addresses[0].port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            answer = await reader.read()
            writer.close()
            return answer

        yield lambda path: asyncio.ensure_future(ask(path))


@pytest.mark.parametrize("path", ["/blocks", "/stream"])
async def test_watchdog_names_the_handler_that_blocks_the_loop(path: str, log: Log) -> None:
    app = blocking_app(log)
    route = next(planned.route for planned, _ in app.plan.routes() if planned.route.path == path)
    async with watched(app) as ask:
        assert b"done" in await ask(path)
        blocker = f"by GET {path}, route {path!r} of {route.origin}, at {__file__}:{LINE} in block"
        await wait_until(lambda: log.starting("the event loop was blocked for"))
    (during,) = log.starting("the event loop is blocked for ")
    (after,) = log.starting("the event loop was blocked for ")
    (stack,) = log.starting("blocked at")
    assert during.endswith(blocker)
    assert after.endswith(blocker)
    assert f"{__file__}:{LINE} in block < {__file__}" in stack


@pytest.mark.parametrize("path", ["/waits", "/thread"])
async def test_watchdog_is_silent_about_a_waiting_loop(path: str, log: Log) -> None:
    async with watched(blocking_app(log), PATIENT_SECONDS) as ask:
        assert b"done" in await ask(path)
    assert log.starting("the event loop") == []


async def test_watchdog_reports_repeated_blocking_once(log: Log) -> None:
    loop, busy = asyncio.get_running_loop(), [True]
    watchdog = Watchdog(SECONDS, loop, lambda: busy[0])
    block(log)
    await wait_until(lambda: log.starting("the event loop was blocked"))
    for _ in range(2):
        # Long enough to be looked at, and nothing that could be waited for tells when that was.
        threading.Event().wait(3 * SECONDS)
        await asyncio.sleep(SECONDS)
    busy[0] = False
    watchdog.stop()
    assert len(log.starting("the event loop is blocked")) == 1


async def test_watchdog_leaves_a_loop_without_connections_asleep(log: Log) -> None:
    asked = threading.Event()

    def is_busy() -> bool:
        asked.set()
        return False

    watchdog = Watchdog(SECONDS, asyncio.get_running_loop(), is_busy)
    assert asked.wait(TIMEOUT)
    watchdog.stop()
    assert log.messages == []


def test_watchdog_ends_with_a_loop_that_was_closed() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    watchdog = Watchdog(SECONDS, loop, lambda: True)
    watchdog._thread.join(TIMEOUT)
    assert not watchdog._thread.is_alive()


def test_stop_does_not_wait_for_a_loop_that_does_not_run() -> None:
    asked = threading.Event()
    loop = asyncio.new_event_loop()
    watchdog = Watchdog(4.0, loop, lambda: asked.set() or True)
    assert asked.wait(TIMEOUT)
    watchdog.stop()
    assert not watchdog._thread.is_alive()
    loop.close()


def test_nothing_is_said_of_a_loop_that_waits() -> None:
    assert callback_frames(None) == []
    assert blocking_location([]) == ""


async def test_location_is_reported_without_a_request() -> None:
    frames = callback_frames(sys._getframe())
    assert blocking_location(frames).startswith(f"a callback, at {__file__}:")
    assert " in test_location_is_reported_without_a_request" in blocking_location(frames)
