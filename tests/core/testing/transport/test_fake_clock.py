from __future__ import annotations

import asyncio

import pytest

from turnbuckle.testing import FakeClock


async def test_clock_stands_still_until_it_is_advanced() -> None:
    clock = FakeClock(start=1000.0)
    before = (clock.monotonic(), clock.wall())
    await clock.advance(2.5)

    assert before == (0.0, 1000.0)
    assert (clock.monotonic(), clock.wall()) == (2.5, 1002.5)


async def test_timers_run_in_the_order_of_their_times_and_see_them() -> None:
    clock, seen = FakeClock(), list[tuple[str, float]]()
    for name, delay in (("late", 3.0), ("first", 1.0), ("second", 1.0), ("beyond", 3.5)):
        clock.call_later(delay, lambda name=name: seen.append((name, clock.monotonic())))
    await clock.advance(3.0)

    assert seen == [("first", 1.0), ("second", 1.0), ("late", 3.0)]
    assert clock.pending == 1


async def test_timer_that_sets_another_has_it_run_in_the_same_advance() -> None:
    clock, seen = FakeClock(), list[float]()

    def again() -> None:
        seen.append(clock.monotonic())
        clock.call_later(1.0, again)

    clock.call_later(1.0, again)
    await clock.advance(3.2)

    assert seen == [1.0, 2.0, 3.0]


async def test_timer_that_was_cancelled_does_not_run() -> None:
    clock, seen = FakeClock(), list[str]()
    timer = clock.call_later(1.0, lambda: seen.append("cancelled"))
    clock.call_later(-1.0, lambda: seen.append("overdue"))
    timer.cancel()
    timer.cancel()
    pending = clock.pending
    await clock.advance(2.0)

    assert (seen, pending, clock.pending) == (["overdue"], 1, 0)


async def test_timer_runs_outside_of_the_task_that_advances() -> None:
    clock, seen = FakeClock(), list[object]()

    def look() -> None:
        try:
            seen.append(asyncio.current_task())
        except RuntimeError:
            seen.append(None)

    clock.call_later(1.0, look)
    await clock.advance(1.0)

    assert seen == [None]


async def test_tasks_that_a_timer_wakes_run_before_time_moves_on() -> None:
    clock, woken, seen = FakeClock(), asyncio.Event(), list[float]()

    async def wait() -> None:
        await woken.wait()
        seen.append(clock.monotonic())

    task = asyncio.create_task(wait())
    clock.call_later(1.0, woken.set)
    clock.call_later(2.0, lambda: None)
    await clock.advance(5.0)
    await task

    assert seen == [1.0]


async def test_clock_cannot_go_back() -> None:
    with pytest.raises(ValueError, match=r"-1"):
        await FakeClock().advance(-1)


async def test_what_was_begun_before_begins_before_time_goes_by() -> None:
    clock, seen = FakeClock(), list[float]()
    asyncio.get_running_loop().call_soon(lambda: clock.call_later(1.0, lambda: seen.append(clock.monotonic())))
    await clock.advance(5.0)

    assert seen == [1.0]
