"""The order in which lifespans are entered and left, and the effect of a failure on the others."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Never

import attrs
import pytest

from tests.core.server.polling import wait_until
from turnbuckle.errors import LifespanError
from turnbuckle.server.lifespan.lifespans import Lifespans
from turnbuckle.server.model.application import ReadyLifespan, StartBackground
from turnbuckle.testing.transport.fake_clock import FakeClock

Action = Callable[[], Awaitable[None]]


def lifespan(
    name: str, events: list[str], *, at_start: Action | None = None, at_end: Action | None = None
) -> ReadyLifespan:
    @asynccontextmanager
    async def context(start: StartBackground) -> AsyncIterator[None]:
        if at_start is not None:
            await at_start()
        events.append(f"+{name}")
        yield
        if at_end is not None:
            await at_end()
        events.append(f"-{name}")

    return ReadyLifespan(name=name, context=context)


async def fail() -> None:
    raise OSError("no database")


async def wait_forever() -> None:
    await asyncio.get_running_loop().create_future()


WAITING_LINE = wait_forever.__code__.co_firstlineno + 1


def lifespans(
    *entries: ReadyLifespan, limit: float = 0.0, clock: FakeClock | None = None, startup: float = 0.0
) -> Lifespans:
    return Lifespans(entries, limit, clock or FakeClock(), startup=startup)


async def test_lifespans_are_left_in_reverse() -> None:
    events: list[str] = []
    both = lifespans(lifespan("a", events), lifespan("b", events))
    await both.enter()
    await both.leave()
    assert events == ["+a", "+b", "-b", "-a"]


async def test_lifespans_are_left_once() -> None:
    events: list[str] = []
    one = lifespans(lifespan("a", events))
    await one.enter()
    await one.leave()
    await one.leave()
    assert events == ["+a", "-a"]


async def test_failure_at_the_start_unwinds_and_names_the_lifespan() -> None:
    events: list[str] = []
    all_three = lifespans(lifespan("a", events), lifespan("b", events, at_start=fail), lifespan("c", events))
    with pytest.raises(LifespanError) as caught:
        await all_three.enter()
    assert events == ["+a", "-a"]
    assert caught.value.name == "b"
    assert str(caught.value) == "lifespan 'b' failed: OSError: no database"
    assert isinstance(caught.value.__cause__, OSError)


async def test_lifespan_that_is_not_entered_in_time_is_cancelled_and_named() -> None:
    events: list[str] = []
    clock = FakeClock()
    slow = attrs.evolve(lifespan("b", events, at_start=wait_forever), plugin="slow")
    both = lifespans(lifespan("a", events), slow, clock=clock, startup=30)
    task = asyncio.create_task(both.enter())
    await wait_until(lambda: events)
    await clock.advance(29)
    assert not task.done()
    await clock.advance(1)
    with pytest.raises(LifespanError) as caught:
        await task
    assert events == ["+a", "-a"]
    assert (caught.value.name, caught.value.plugin) == ("b", "slow")
    expected = "lifespan 'b' of plugin 'slow' failed: TimeoutError: not done within 30 s (timeouts.startup)"
    assert str(caught.value) == f"{expected}, waiting at {__file__}:{WAITING_LINE} in wait_forever"
    assert clock.pending == 0


async def test_lifespan_that_times_out_by_itself_says_so() -> None:
    async def time_out() -> None:
        raise TimeoutError("database is away")

    with pytest.raises(LifespanError, match="lifespan 'db' failed: TimeoutError: database is away"):
        await lifespans(lifespan("db", [], at_start=time_out), startup=30).enter()


async def test_failure_to_make_the_context_names_the_lifespan() -> None:
    def broken(start: StartBackground) -> Never:
        raise LookupError("no component of kind 'db'")

    with pytest.raises(LifespanError, match="lifespan 'db' failed: LookupError"):
        await lifespans(ReadyLifespan(name="db", context=broken)).enter()


async def test_cancellation_at_the_start_unwinds() -> None:
    events: list[str] = []
    both = lifespans(lifespan("a", events), lifespan("b", events, at_start=wait_forever))
    task = asyncio.create_task(both.enter())
    await wait_until(lambda: events)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert events == ["+a", "-a"]


async def test_failure_at_the_end_is_logged_and_the_others_are_left(caplog: pytest.LogCaptureFixture) -> None:
    events: list[str] = []
    both = lifespans(lifespan("a", events), lifespan("b", events, at_end=fail))
    await both.enter()
    with caplog.at_level(logging.ERROR, logger="turnbuckle.server"):
        await both.leave()
    assert events == ["+a", "+b", "-a"]
    assert caplog.messages == ["lifespan 'b' failed at its end"]


@asynccontextmanager
async def yielding_twice(start: StartBackground) -> AsyncIterator[None]:
    yield
    yield


@asynccontextmanager
async def yielding_never(start: StartBackground) -> AsyncIterator[None]:
    if start is None:
        yield


@asynccontextmanager
async def failing_alike(start: StartBackground) -> AsyncIterator[None]:
    yield
    raise RuntimeError("generator did not stop")


async def test_lifespan_that_yields_twice_is_named_with_the_fix(caplog: pytest.LogCaptureFixture) -> None:
    one = lifespans(ReadyLifespan(name="a", context=yielding_twice))
    await one.enter()
    await one.leave()
    assert caplog.messages == ["lifespan 'a' failed at its end"]
    assert "yielding_twice (" in caplog.text
    assert "(tests/core/server/lifespan/test_lifespans.py:" in caplog.text
    assert "yields again after its first 'yield'; write one 'yield'" in caplog.text
    assert "generator didn't stop" not in caplog.text


async def test_other_error_at_the_end_is_logged_unchanged(caplog: pytest.LogCaptureFixture) -> None:
    one = lifespans(ReadyLifespan(name="a", context=failing_alike))
    await one.enter()
    await one.leave()
    assert "RuntimeError: generator did not stop" in caplog.text


async def test_lifespan_that_does_not_yield_is_named_with_the_fix() -> None:
    with pytest.raises(LifespanError, match=r"yielding_never \(\S+:\d+\) ends before a 'yield'; write one 'yield'"):
        await lifespans(ReadyLifespan(name="a", context=yielding_never)).enter()


async def test_lifespan_that_does_not_end_is_cancelled_in_time(caplog: pytest.LogCaptureFixture) -> None:
    events: list[str] = []
    clock = FakeClock()
    both = lifespans(lifespan("a", events), lifespan("b", events, at_end=wait_forever), limit=30, clock=clock)
    await both.enter()
    task = asyncio.create_task(both.leave())
    await asyncio.sleep(0)
    await clock.advance(29)
    assert not task.done()
    await clock.advance(1)
    await task
    assert events == ["+a", "+b", "-a"]
    held = f"{__file__}:{WAITING_LINE} in wait_forever"
    assert caplog.messages == [
        f"still waiting for lifespan 'b' to be left, waiting at {held}",
        f"lifespan 'b' did not end in time and was cancelled at {held}",
    ]
    assert clock.pending == 0


async def test_give_up_after_the_limit_changes_nothing() -> None:
    events: list[str] = []
    clock = FakeClock()
    go_on = asyncio.Event()

    async def linger() -> None:
        try:
            await wait_forever()
        finally:
            events.append("late")
            await go_on.wait()

    one = lifespans(lifespan("a", events, at_end=linger), limit=30, clock=clock)
    await one.enter()
    task = asyncio.create_task(one.leave())
    await asyncio.sleep(0)
    await clock.advance(30)
    await wait_until(lambda: "late" in events)
    one.give_up()
    go_on.set()
    await task
    assert events == ["+a", "late"]


async def test_give_up_cancels_the_lifespan_that_is_being_left() -> None:
    events: list[str] = []
    both = lifespans(lifespan("a", events), lifespan("b", events, at_end=wait_forever))
    both.give_up()
    await both.enter()
    task = asyncio.create_task(both.leave())
    await asyncio.sleep(0)
    both.give_up()
    both.give_up()
    await task
    assert events == ["+a", "+b", "-a"]
