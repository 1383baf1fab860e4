"""Lifespans that are wrong, each in another way, must fail the suite, and fail it for that."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from tests.core.testing.conformance.running import failures
from turnbuckle import Lifespan, Setup
from turnbuckle.testing.conformance import LifespanConformance

Open = set[str]
MakeContext = Callable[[Setup], AbstractAsyncContextManager[object]]
Make = Callable[[Open], MakeContext]


def sound(opened: Open) -> MakeContext:
    @asynccontextmanager
    async def lifespan(setup: Setup) -> AsyncIterator[None]:
        await asyncio.sleep(0)
        opened.add("it")
        task = asyncio.create_task(asyncio.Event().wait())
        try:
            yield
        finally:
            opened.discard("it")
            task.cancel()

    return lifespan


def opens_when_made(opened: Open) -> MakeContext:
    def make(setup: Setup) -> AbstractAsyncContextManager[object]:
        opened.add("it")
        return sound(opened)(setup)

    return make


def closes_when_all_is_well(opened: Open) -> MakeContext:
    @asynccontextmanager
    async def lifespan(setup: Setup) -> AsyncIterator[None]:
        opened.add("it")
        yield
        opened.discard("it")

    return lifespan


def closes_never(opened: Open) -> MakeContext:
    @asynccontextmanager
    async def lifespan(setup: Setup) -> AsyncIterator[None]:
        opened.add("it")
        yield

    return lifespan


def is_made_once(opened: Open) -> MakeContext:
    made = sound(opened)(Setup(settings=None))
    return lambda setup: made


def swallows(opened: Open) -> MakeContext:
    @asynccontextmanager
    async def lifespan(setup: Setup) -> AsyncIterator[None]:
        opened.add("it")
        try:
            yield
        except BaseException:
            return
        finally:
            opened.discard("it")

    return lifespan


def leaves_a_task(opened: Open) -> MakeContext:
    tasks = []

    @asynccontextmanager
    async def lifespan(setup: Setup) -> AsyncIterator[None]:
        tasks.append(asyncio.create_task(asyncio.Event().wait(), name="forgotten"))
        opened.add("it")
        yield
        opened.discard("it")

    return lifespan


def leaves_a_thread(opened: Open) -> MakeContext:
    @asynccontextmanager
    async def lifespan(setup: Setup) -> AsyncIterator[None]:
        threading.Thread(target=STOP.wait, name="forgotten", daemon=True).start()
        opened.add("it")
        yield
        opened.discard("it")

    return lifespan


STOP = threading.Event()


def opens_before_it_is_safe(opened: Open) -> MakeContext:
    @asynccontextmanager
    async def lifespan(setup: Setup) -> AsyncIterator[None]:
        opened.add("it")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        try:
            yield
        finally:
            opened.discard("it")

    return lifespan


def waits_before_it_closes(opened: Open) -> MakeContext:
    @asynccontextmanager
    async def lifespan(setup: Setup) -> AsyncIterator[None]:
        opened.add("it")
        try:
            yield
        finally:
            await asyncio.sleep(0)
            opened.discard("it")

    return lifespan


def suite_of(make: Make) -> type[LifespanConformance]:
    class Suite(LifespanConformance):
        def __init__(self) -> None:
            self.opened: Open = set()

        def make_lifespan(self) -> Lifespan:
            return Lifespan("tested", make(self.opened))

        def is_open(self) -> bool | None:
            return bool(self.opened)

    return Suite


def test_sound_lifespan_passes() -> None:
    assert failures(suite_of(sound)) == {}


@pytest.mark.parametrize(
    ("make", "test", "message"),
    [
        pytest.param(opens_when_made, "test_waits_until_it_is_entered", "open before it was entered", id="early"),
        pytest.param(closes_never, "test_opens_and_closes", "open after it was left", id="never"),
        pytest.param(closes_never, "test_serves_an_app", "open after the server has stopped", id="never-in-app"),
        pytest.param(
            closes_never, "test_is_left_when_another_fails", "the next lifespan failed", id="never-on-failure"
        ),
        pytest.param(closes_when_all_is_well, "test_lets_exceptions_pass", "open after ValueError", id="well"),
        pytest.param(
            closes_when_all_is_well,
            "test_is_left_when_the_server_is_cancelled",
            "open after the server was cancelled",
            id="well-on-cancellation",
        ),
        pytest.param(is_made_once, "test_serves_more_than_once", "must return a new context each time", id="once"),
        pytest.param(swallows, "test_lets_exceptions_pass", "ValueError was swallowed", id="swallows"),
        pytest.param(
            swallows, "test_is_left_when_the_server_is_cancelled", "the cancellation was swallowed", id="never-ends"
        ),
        pytest.param(leaves_a_task, "test_opens_and_closes", "tasks go on after it was left: forgotten", id="task"),
        pytest.param(leaves_a_thread, "test_opens_and_closes", "threads go on after it was left: forg", id="thread"),
        pytest.param(
            opens_before_it_is_safe, "test_may_be_cancelled_while_it_is_entered", "cancelled at step 1", id="unsafe"
        ),
        pytest.param(
            waits_before_it_closes, "test_may_be_cancelled_while_it_is_left", "leaving was cancelled at", id="slow"
        ),
    ],
)
def test_broken_lifespan_fails(make: Make, test: str, message: str) -> None:
    STOP.clear()
    failed = failures(suite_of(make), test)
    STOP.set()
    assert message in "".join(failed.get(test, [])), failed
