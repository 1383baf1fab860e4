"""Lifespans and background tasks that fail in every way: cleanup runs, and the others are not affected."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from tests.core.server.polling import wait_until
from turnbuckle import App, HTTPServer, Setup
from turnbuckle.errors import LifespanError
from turnbuckle.server.model.application import Application
from turnbuckle.testing.transport.fake_clock import FakeClock

from .leak_check import open_files

FAILURES = [
    ValueError("unexpected"),
    MemoryError(),
    RecursionError("too deep"),
    OSError(24, "Too many open files"),
    SystemExit(1),
    GeneratorExit(),
    asyncio.CancelledError(),
]
by_failure = pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)


def app_with(failure: BaseException, place: str, events: list[str]) -> Application:
    app = App()

    @app.lifespan
    async def outer() -> AsyncIterator[None]:
        events.append("outer entered")
        yield
        events.append("outer left")

    async def task() -> None:
        events.append("task")
        raise failure

    @app.lifespan
    async def inner(setup: Setup) -> AsyncIterator[None]:
        if place == "start":
            raise failure
        if place == "task":
            setup.background(task)
        yield
        if place == "end":
            raise failure

    @app.get("/")
    async def home() -> str:
        return "hello"

    return app.compile()


async def ask(server: HTTPServer) -> bytes:
    reader, writer = await asyncio.open_connection(server.addresses[0].host, server.addresses[0].port)
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@by_failure
async def test_start_that_fails_leaves_nothing_open(failure: BaseException) -> None:
    events: list[str] = []
    files, tasks = open_files(), asyncio.all_tasks()
    server = HTTPServer(app_with(failure, "start", events), port=0)
    with pytest.raises(type(failure) if isinstance(failure, SystemExit | GeneratorExit) else LifespanError):
        await server.start()
    assert events == ["outer entered", "outer left"]
    assert server.addresses == ()
    assert open_files() <= files
    assert asyncio.all_tasks() <= tasks


@by_failure
async def test_end_that_fails_does_not_keep_the_others_from_ending(
    failure: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    events: list[str] = []
    files, tasks = open_files(), asyncio.all_tasks()
    server = HTTPServer(app_with(failure, "end", events), port=0)
    await server.start()
    assert (await ask(server)).endswith(b"hello")
    await server.stop()
    assert "failed at its end" in caplog.text
    assert events == ["outer entered", "outer left"]
    await wait_until(lambda: open_files() <= files)
    await wait_until(lambda: asyncio.all_tasks() <= tasks)


@by_failure
async def test_background_task_that_fails_begins_again_and_stops_with_the_server(
    failure: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, "turnbuckle.server")
    events: list[str] = []
    clock, tasks = FakeClock(), asyncio.all_tasks()
    async with HTTPServer(app_with(failure, "task", events), port=0, clock=clock) as server:
        await wait_until(lambda: events.count("task") == 1 and clock.pending)
        await clock.advance(1)
        await wait_until(lambda: events.count("task") == 2)
        assert (await ask(server)).endswith(b"hello")
    assert "background task 'task' of lifespan" in caplog.text
    assert events[-1] == "outer left"
    await wait_until(lambda: asyncio.all_tasks() <= tasks)
