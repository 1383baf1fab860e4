"""Background tasks: when they start and end, and how failures are handled."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from tests.core.server.polling import wait_until
from turnbuckle import App, BackgroundTaskError, HTTPServer, Setup
from turnbuckle.server.lifespan.background import BackgroundTasks
from turnbuckle.server.lifespan.lifespans import Lifespans
from turnbuckle.server.model.application import OnFailure, ReadyLifespan, StartBackground
from turnbuckle.testing import Client
from turnbuckle.testing.transport.activity import turns
from turnbuckle.testing.transport.fake_clock import FakeClock


@pytest.fixture(autouse=True)
def warnings_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="turnbuckle.server")


class Job:
    """A task that runs until the test ends it or makes it fail, and that records its events."""

    def __init__(self, name: str, events: list[str], *, failures: int = 0, is_stubborn: bool = False) -> None:
        self.name = name
        self.events = events
        self.failures = failures
        self.is_stubborn = is_stubborn

    async def __call__(self) -> None:
        self.events.append(f"begin {self.name}")
        if self.failures:
            self.failures -= 1
            raise OSError("no queue")
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self.events.append(f"end {self.name}")
            if self.is_stubborn:
                await asyncio.get_running_loop().create_future()
            raise


def tasks_of(clock: FakeClock, stopped: list[str] | None = None) -> BackgroundTasks:
    reported = [] if stopped is None else stopped
    return BackgroundTasks("lifespan 'db'", clock, lambda task, error: reported.append(f"{task}: {error}"))


def lifespan(events: list[str], *jobs: Job, on_failure: OnFailure = "restart", fails: bool = False) -> ReadyLifespan:
    @asynccontextmanager
    async def context(start: StartBackground) -> AsyncIterator[None]:
        for job in jobs:
            start(job, name=job.name, on_failure=on_failure)
        await asyncio.sleep(0)
        if fails:
            raise OSError("no database")
        events.append("entered")
        yield
        events.append("left")

    return ReadyLifespan(name="db", context=context, plugin="store")


async def test_tasks_run_between_entering_and_leaving() -> None:
    events: list[str] = []
    lifespans = Lifespans([lifespan(events, Job("a", events), Job("b", events))], 0.0, FakeClock())
    await lifespans.enter()
    await wait_until(lambda: "begin b" in events)
    await lifespans.leave()
    assert events == ["entered", "begin a", "begin b", "end b", "end a", "left"]


async def test_task_of_a_lifespan_that_fails_never_begins() -> None:
    events: list[str] = []
    lifespans = Lifespans([lifespan(events, Job("a", events), fails=True)], 0.0, FakeClock())
    with pytest.raises(Exception, match="no database"):
        await lifespans.enter()
    await turns(5)
    assert events == []


async def test_task_that_is_started_later_begins_at_once() -> None:
    events: list[str] = []
    tasks = tasks_of(FakeClock())
    tasks.open()
    tasks.start(Job("late", events))
    await wait_until(lambda: events)
    await tasks.close()
    assert events == ["begin late", "end late"]
    with pytest.raises(RuntimeError, match="background task 'Job' cannot start: lifespan 'db' is being left"):
        tasks.start(Job("too late", events), name="Job")


async def test_task_that_returns_is_over(caplog: pytest.LogCaptureFixture) -> None:
    tasks = tasks_of(FakeClock())
    done = asyncio.Event()

    async def once() -> None:
        done.set()

    tasks.start(once)
    tasks.open()
    await done.wait()
    await wait_until(lambda: not tasks.pending())
    assert caplog.messages == []


async def test_task_that_fails_begins_again_after_longer_and_longer_pauses(caplog: pytest.LogCaptureFixture) -> None:
    events: list[str] = []
    clock = FakeClock()
    tasks = tasks_of(clock)
    tasks.start(Job("sweep", events, failures=3), name="sweep")
    tasks.open()
    begun = []
    for _ in range(9):
        begun.append(events.count("begin sweep"))
        await clock.advance(1)
    assert begun == [0, 2, 2, 3, 3, 3, 3, 4, 4]
    assert caplog.messages == ["background task 'sweep' of lifespan 'db' failed"] * 3
    assert "OSError: no queue" in caplog.text
    await tasks.close()
    assert clock.pending == 0


async def test_task_that_fails_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    events: list[str] = []
    clock, stopped = FakeClock(), []
    tasks = tasks_of(clock, stopped)
    tasks.start(Job("sweep", events, failures=1), on_failure="log")
    tasks.open()
    await clock.advance(100)
    assert (events, stopped, len(caplog.messages)) == (["begin sweep"], [], 1)


async def test_task_that_is_cancelled_by_others_has_failed(caplog: pytest.LogCaptureFixture) -> None:
    stopped: list[str] = []
    tasks = tasks_of(FakeClock(), stopped)

    async def unlucky() -> None:
        raise asyncio.CancelledError("other code")

    tasks.start(unlucky, on_failure="stop")
    tasks.open()
    await wait_until(lambda: stopped)
    assert stopped == ["background task 'unlucky' of lifespan 'db': other code"]
    assert caplog.messages == ["background task 'unlucky' of lifespan 'db' failed"]


async def test_task_that_fails_while_it_ends_is_logged_and_not_begun_again(caplog: pytest.LogCaptureFixture) -> None:
    async def breaks() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            raise OSError("disk full")

    stopped: list[str] = []
    tasks = tasks_of(FakeClock(), stopped)
    tasks.start(breaks, on_failure="stop")
    tasks.open()
    await turns(3)
    await tasks.close()
    assert caplog.messages == ["background task 'breaks' of lifespan 'db' failed"]
    assert stopped == []


async def test_task_that_does_not_end_does_not_hold_up_its_lifespan(caplog: pytest.LogCaptureFixture) -> None:
    events: list[str] = []
    clock = FakeClock()
    lifespans = Lifespans([lifespan(events, Job("sweep", events, is_stubborn=True))], 30.0, clock)
    await lifespans.enter()
    await wait_until(lambda: "begin sweep" in events)
    leaving = asyncio.create_task(lifespans.leave())
    await clock.advance(29)
    assert not leaving.done()
    await clock.advance(1)
    await leaving
    assert events == ["entered", "begin sweep", "end sweep", "left"]
    slow, late = caplog.messages
    assert slow.startswith("still waiting for background task 'sweep' of lifespan 'db' of plugin 'store', waiting at /")
    assert slow.endswith("in __call__")
    assert late.endswith("in __call__: did not end in time although it was cancelled")
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await turns(3)


@pytest.mark.parametrize("wrong", ["retry", ""])
async def test_unknown_policy_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="on_failure must be one of restart, log, stop, not"):
        tasks_of(FakeClock()).start(Job("a", []), on_failure=wrong)  # type: ignore[arg-type]


# -- an app


def failing_app(on_failure: OnFailure) -> App:
    app = App()

    async def sweep() -> None:
        raise OSError("no queue")

    @app.lifespan
    async def store(setup: Setup) -> AsyncIterator[None]:
        setup.background(sweep, on_failure=on_failure)
        yield

    return app


async def test_server_stops_for_a_task_that_it_cannot_do_without() -> None:
    server = HTTPServer(failing_app("stop").compile(), port=0)
    with pytest.raises(BackgroundTaskError) as caught:
        await server.serve()
    assert isinstance(caught.value.__cause__, OSError)
    assert str(caught.value).startswith("background task 'sweep' of lifespan 'store' (")
    assert str(caught.value).endswith("failed: OSError: no queue")


async def test_block_of_a_server_ends_for_a_task_that_it_cannot_do_without() -> None:
    server, ended = HTTPServer(failing_app("stop").compile(), port=0), []

    async def serve() -> None:
        async with server:
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                ended.append(server.addresses != ())

    with pytest.raises(BackgroundTaskError, match="background task 'sweep' of lifespan"):
        await serve()
    assert ended == [True]
    assert server.addresses == ()
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0


async def test_block_of_a_server_ends_for_its_own_reasons_first() -> None:
    async def serve() -> None:
        async with HTTPServer(failing_app("stop").compile(), port=0):
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError as error:
                raise KeyError("mine") from error

    with pytest.raises(KeyError):
        await serve()


async def test_block_of_a_server_leaves_a_cancellation_from_elsewhere_alone() -> None:
    async def serve() -> None:
        async with HTTPServer(failing_app("stop").compile(), port=0):
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                task.cancel()
                raise

    task = asyncio.create_task(serve())
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_client_raises_for_a_task_that_stops_the_server() -> None:
    with pytest.raises(BackgroundTaskError, match="no queue"):
        async with Client(failing_app("stop")) as client:
            await client.settle()


async def test_client_runs_tasks_by_its_clock(caplog: pytest.LogCaptureFixture) -> None:
    async with Client(failing_app("restart")) as client:
        await client.advance(1)
        await client.advance(2)
    assert len(caplog.messages) == 3


def test_hook_cannot_start_a_task() -> None:
    async def job() -> None:
        raise OSError

    with pytest.raises(LookupError, match="background task 'job' cannot be started here"):
        Setup(settings=App().plan.settings).background(job)


def test_only_async_functions_run_in_the_background() -> None:
    async def tick() -> None:
        """Do nothing."""

    def plain() -> None:
        """Do nothing."""

    def generator() -> Iterator[None]:
        yield

    tasks = tasks_of(FakeClock())
    for value, message in (
        (tick(), r"not a coroutine; write setup.background\(tick\)"),
        (plain, "'plain' is a plain 'def'; write 'async def plain'"),
        (generator, "'generator' yields"),
        (3, "takes an 'async def', not 3"),
    ):
        with pytest.raises(TypeError, match=message):
            tasks.start(value)  # type: ignore[arg-type]
    tasks.start(functools.partial(tick))
