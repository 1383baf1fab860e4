from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from turnbuckle.testing import ServerFault
from turnbuckle.testing.transport.activity import Activity, WatchedExecutor


async def test_settle_waits_for_calls_in_worker_threads() -> None:
    activity, done = Activity(asyncio.get_running_loop()), list[str]()
    go = threading.Event()

    async def work() -> None:
        await asyncio.to_thread(go.wait, 5)
        done.append("work")

    task = asyncio.create_task(work())
    asyncio.get_running_loop().call_later(0.01, go.set)
    await activity.settle()
    await task

    assert done == ["work"]


async def test_settle_waits_for_what_notes_itself() -> None:
    activity, steps = Activity(asyncio.get_running_loop()), list[int]()

    async def work() -> None:
        for step in range(5):
            for _ in range(30):
                await asyncio.sleep(0)
            steps.append(step)
            activity.note()

    task = asyncio.create_task(work())
    await activity.settle()

    assert (steps, task.done()) == ([0, 1, 2, 3, 4], True)


async def test_settle_fails_when_a_thread_does_not_end() -> None:
    activity, go = Activity(asyncio.get_running_loop(), timeout=0.02), threading.Event()
    task = asyncio.create_task(asyncio.to_thread(go.wait, 5))

    with pytest.raises(TimeoutError, match="1 calls run in worker threads"):
        await activity.settle()
    go.set()
    assert await task


async def test_settle_raises_a_fault_once() -> None:
    activity = Activity(asyncio.get_running_loop())
    activity.note_fault(KeyError("x"))

    with pytest.raises(ServerFault, match="KeyError") as raised:
        await activity.settle()
    assert isinstance(raised.value.__cause__, KeyError)
    await activity.settle()


async def test_until_waits_for_the_condition() -> None:
    activity, seen = Activity(asyncio.get_running_loop()), list[int]()

    async def work() -> None:
        for step in range(3):
            await asyncio.sleep(0)
            seen.append(step)
            activity.note()

    task = asyncio.create_task(work())
    await activity.until(lambda: len(seen) == 2, "two steps")

    assert seen == [0, 1]
    await task


async def test_until_says_what_did_not_come() -> None:
    activity = Activity(asyncio.get_running_loop(), timeout=0.01)

    with pytest.raises(TimeoutError, match=r"waited 0\.01 s in vain for rain"):
        await activity.until(lambda: False, "rain")


async def test_until_fails_with_the_server() -> None:
    activity = Activity(asyncio.get_running_loop())
    asyncio.get_running_loop().call_soon(activity.note_fault, ValueError("broken"))

    with pytest.raises(ServerFault, match="broken"):
        await activity.until(lambda: False, "rain")


async def test_two_activities_of_a_loop_share_its_executor() -> None:
    loop = asyncio.get_running_loop()
    first, second = Activity(loop), Activity(loop, timeout=0.02)
    go = threading.Event()
    task = asyncio.create_task(asyncio.to_thread(go.wait, 5))

    with pytest.raises(TimeoutError):
        await second.settle()
    go.set()
    await first.settle()
    assert task.done()


async def test_executor_that_a_loop_has_goes_on_working() -> None:
    loop, names = asyncio.get_running_loop(), list[str]()
    loop.set_default_executor(ThreadPoolExecutor(1, thread_name_prefix="present"))
    activity = Activity(loop)
    await asyncio.to_thread(lambda: names.append(threading.current_thread().name))
    await activity.settle()

    assert names == ["present_0"]


def test_executor_of_a_loop_that_is_closed_counts_no_more() -> None:
    loop, go = asyncio.new_event_loop(), threading.Event()
    executor = WatchedExecutor.watch(loop, lambda: None)

    async def work() -> object:
        return loop.run_in_executor(None, go.wait, 5)

    loop.run_until_complete(work())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    go.set()
    executor.shutdown()

    assert executor.running == 1
