"""Tasks after responses and on schedules: limits, failures, retries, the end of the app, and engines elsewhere."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import threading
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from turnbuckle import (
    App,
    Conflict,
    Lifespan,
    Plugin,
    PluginInfo,
    Request,
    ResourceKey,
    Setup,
    StartupError,
    current_request_id,
)
from turnbuckle.settings import Settings
from turnbuckle.testing import Client, FakeClock
from turnbuckle.testing.conformance import LifespanConformance, PluginConformance
from turnbuckle_contrib.tasks import TASKS, Background, Task, TaskBackend, Tasks, TasksConfig, TasksPlugin
from turnbuckle_contrib.worker_folder import Leadership

STORE = ResourceKey("store", list)


class TestTasksPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return TasksPlugin()


class TestTasksLifespan(LifespanConformance):
    plugin = TasksPlugin

    def make_lifespan(self) -> Lifespan:
        setup = Setup(settings=Settings(), config=TasksConfig(), call_hook=lambda hook, **arguments: ())
        (lifespan,) = TasksPlugin().provide_lifespans(setup)
        return lifespan


def _app(tasks: TasksPlugin, **settings: Any) -> App:
    app = App(plugins=[(tasks, settings), "request_id", "health"])

    @app.lifespan(provides=STORE)
    async def store(setup: Setup) -> AsyncIterator[list[str]]:
        opened: list[str] = []
        yield opened
        opened.append("closed")

    return app


async def _until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  # the condition has no event
            await asyncio.sleep(0.001)


async def test_task_runs_after_the_response_with_the_context_of_the_request() -> None:
    tasks, seen = TasksPlugin(), []
    app = _app(tasks)

    @tasks.task
    async def note(text: str, *, number: int) -> None:
        seen.append((text, number, current_request_id()))

    @tasks.task
    def block(text: str) -> None:
        seen.append((text, threading.current_thread() is threading.main_thread()))

    @app.post("/")
    async def start(request: Request, background: Background) -> str:
        background.add(note, "a", number=1)
        background.add(block, "b")
        assert not seen
        return request.id

    async with Client(app) as client:
        response = await client.post("/")
        await _until(lambda: len(seen) == 2)
    assert sorted(seen, key=len) == [("b", False), ("a", 1, response.text)]


async def test_task_of_a_failed_request_does_not_start() -> None:
    tasks, seen = TasksPlugin(), []
    app = _app(tasks)

    @app.post("/")
    async def start(background: Background) -> str:
        background.add(seen.append, "a")
        raise Conflict

    async with Client(app) as client:
        assert (await client.post("/")).status == 409
    assert not seen


async def test_tasks_use_resources_and_end_before_them() -> None:
    tasks, seen = TasksPlugin(), []
    app = _app(tasks)

    @tasks.task(uses=STORE)
    async def slow(store: list[str], text: str) -> None:
        await asyncio.sleep(0.01)
        seen.append((text, list(store)))

    @app.post("/")
    async def start(request: Request) -> None:
        await request.resource(TASKS).add(slow, "a")

    async with Client(app) as client:
        await client.post("/")
    assert seen == [("a", [])]


async def test_full_queue_is_refused_and_not_ready() -> None:
    tasks, release = TasksPlugin(), asyncio.Event()
    app = _app(tasks, limit=2, concurrency=1)

    @tasks.task
    async def wait() -> None:
        await release.wait()

    held: list[Tasks] = []

    @app.post("/")
    async def start(background: Background, tasks: Tasks) -> None:
        held.append(tasks)
        background.add(wait)

    async with Client(app) as client:
        for number in (1, 2):
            assert (await client.post("/")).status == 204
            await _until(lambda number=number: held[0].count == number)
        assert (await client.post("/")).status == 503
        ready = await client.get("/-/health/ready")
        assert (ready.status, ready.json()["checks"]) == (503, {"tasks": "failed"})
        release.set()
        await _until(lambda: held[0].count == 0)
        assert (await client.post("/")).status == 204
        assert (await client.get("/-/health/ready")).status == 200


async def test_at_most_so_many_run_at_a_time() -> None:
    tasks, running, most = TasksPlugin(), 0, 0
    app = _app(tasks, concurrency=3)

    @tasks.task
    async def work() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1

    @app.post("/")
    async def start(tasks: Tasks) -> None:
        for _ in range(10):
            await tasks.add(work)

    async with Client(app) as client:
        await client.post("/")
    assert most == 3


async def test_failure_is_logged_with_the_request_and_retried_with_growing_pauses(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = FakeClock()
    tasks, attempts, ids = TasksPlugin(clock=clock), [], []
    app = _app(tasks)

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            ids.append(current_request_id())

    @tasks.task(retries=2, backoff="10s")
    async def fail() -> None:
        attempts.append(clock.monotonic())
        raise OSError("mail server is gone")

    @app.post("/")
    async def start(request: Request, background: Background) -> str:
        background.add(fail)
        return request.id

    handler = Handler()
    logging.getLogger("turnbuckle.tasks").addHandler(handler)
    try:
        async with Client(app) as client:
            response = await client.post("/")
            await _until(lambda: len(attempts) == 1)
            assert client is not None
            await clock.advance(12)
            await clock.advance(23)
            await clock.advance(1000)
    finally:
        logging.getLogger("turnbuckle.tasks").removeHandler(handler)
    assert len(attempts) == 3
    assert 10 <= attempts[1] <= 11
    assert 20 <= attempts[2] - attempts[1] <= 23
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING", "ERROR"]
    assert "failed in attempt 3" in caplog.text
    assert "mail server is gone" in caplog.text
    assert ids == [response.text] * 3


async def test_timeout_of_a_task(caplog: pytest.LogCaptureFixture) -> None:
    tasks = TasksPlugin()
    app = _app(tasks)

    @tasks.task(timeout=0.01)
    async def hang() -> None:
        await asyncio.Event().wait()

    @app.post("/")
    async def start(background: Background) -> None:
        background.add(hang)

    async with Client(app) as client:
        await client.post("/")
        await _until(lambda: caplog.records)
    assert "hang' failed" in caplog.text
    assert "TimeoutError" in caplog.text


async def test_end_of_the_app_waits_for_tasks_and_gives_up_in_time(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    tasks, seen = TasksPlugin(clock=clock), []
    app = _app(tasks, drain=0.05, concurrency=1)

    @tasks.task(retries=5, backoff="1h")
    async def retried() -> None:
        seen.append("retried")
        raise OSError

    @tasks.task
    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("cancelled")

    @app.post("/")
    async def start(tasks: Tasks) -> None:
        await tasks.add(retried)

    @app.post("/hang")
    async def start_hanging(tasks: Tasks) -> None:
        await tasks.add(hang)
        await tasks.add(hang)

    async with Client(app) as client:
        await client.post("/")
        await _until(lambda: seen == ["retried"])
    assert seen == ["retried", "retried"]
    assert "failed in attempt 2" in caplog.text
    seen.clear()
    async with Client(app) as client:
        await client.post("/hang")
    assert seen == ["cancelled"]
    assert "is cancelled, " in caplog.text
    assert "is dropped" in caplog.text


# -- schedules --------------------------------------------------------------------------------------------------------


async def test_schedules_run_at_their_times() -> None:
    clock = FakeClock(datetime(2026, 1, 1, 2, 58, tzinfo=UTC).timestamp())
    tasks, seen = TasksPlugin(clock=clock), []
    app = _app(tasks)

    @tasks.every("5m", uses=STORE)
    async def sweep(store: list[str]) -> None:
        seen.append(f"sweep {clock.monotonic():g}")

    @tasks.daily("03:00", zone="UTC")
    async def report() -> None:
        seen.append(f"report {clock.monotonic():g}")

    async with Client(app):
        await asyncio.sleep(0)
        for _ in range(12):
            await clock.advance(60)
    assert seen == ["sweep 120", "report 120", "sweep 420", "sweep 720"]


async def test_run_that_takes_long_is_not_overlapped(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock(0)
    tasks, seen, release = TasksPlugin(clock=clock), [], asyncio.Event()
    app = _app(tasks)

    @tasks.every("1m")
    async def alone() -> None:
        seen.append("alone")
        await release.wait()

    @tasks.every("1m", overlap=True)
    async def together() -> None:
        seen.append("together")
        await release.wait()

    async with Client(app):
        for _ in range(4):
            await clock.advance(30)
        assert sorted(seen) == ["alone", "together", "together"]
        assert "is left out" in caplog.text
        release.set()
        await clock.advance(1)
        for _ in range(2):
            await clock.advance(30)
        assert seen.count("alone") == 2


async def test_jitter_delays_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    clock = FakeClock(0)
    tasks, seen = TasksPlugin(clock=clock), []

    @tasks.every("1m", jitter="10s")
    async def sweep() -> None:
        seen.append(clock.monotonic())

    async with Client(_app(tasks)):
        await clock.advance(69)
        assert not seen
        await clock.advance(1)
        assert seen == [70.0]
        await clock.advance(50)


async def test_failing_schedule_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock(0)
    tasks, seen = TasksPlugin(clock=clock), []

    @tasks.every("1m")
    async def fail() -> None:
        seen.append(1)
        raise OSError("on purpose")

    async with Client(_app(tasks)):
        await clock.advance(60)
        await clock.advance(60)
    assert len(seen) == 2
    assert "on purpose" in caplog.text


async def test_time_that_was_slept_through_is_missed(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock(0)
    tasks, seen = TasksPlugin(clock=clock), []

    @tasks.every("1h")
    async def sweep() -> None:
        seen.append(clock.wall())

    async with Client(_app(tasks)):
        await clock.advance(59 * 60)
        # The wall clock jumps, as after a machine has slept.
        clock._start += 600
        await clock.advance(60)
        assert not seen
        assert "missed a time by" in caplog.text
        clock._start -= 600
        await clock.advance(3600)
    assert len(seen) == 1


async def test_schedules_can_be_off() -> None:
    clock = FakeClock(0)
    tasks, seen = TasksPlugin(clock=clock), []

    @tasks.every("1m")
    async def sweep() -> None:
        seen.append(1)

    async with Client(_app(tasks, schedules=False)):
        await clock.advance(120)
    assert not seen


async def test_one_of_several_workers_runs_a_schedule_and_another_takes_over(tmp_path: Path) -> None:
    clock = FakeClock(0)
    seen: list[str] = []

    def worker(name: str) -> App:
        tasks = TasksPlugin(clock=clock)

        @tasks.every("1m")
        async def sweep() -> None:
            seen.append(name)

        return _app(tasks, folder=str(tmp_path))

    async with Client(worker("b")):
        async with Client(worker("a")):
            await clock.advance(60)
            await clock.advance(60)
            assert len(seen) == 2
            assert len(set(seen)) == 1
        await clock.advance(60)
        await clock.advance(60)
    assert seen[2:] == ["b", "b"]


def test_leadership_is_free_again_after_its_release(tmp_path: Path) -> None:
    path = tmp_path / "shared" / "lock"
    one, two, three = (Leadership(path) for _ in range(3))
    assert [one.acquire(), one.acquire(), two.acquire()] == [True, True, False]
    one.release()
    one.release()
    assert not path.parent.exists()
    assert [two.acquire(), three.acquire()] == [True, False]
    two.release()
    three.release()


def test_lock_on_a_removed_file_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lock"
    one = Leadership(path)
    flock = fcntl.flock

    def flock_and_remove(file: Any, how: int) -> None:
        flock(file, how)
        path.unlink()

    monkeypatch.setattr("fcntl.flock", flock_and_remove)
    assert not one.acquire()
    monkeypatch.setattr("fcntl.flock", flock)
    assert one.acquire()
    one.release()


def test_command_lists_tasks_and_schedules(tmp_path: Path) -> None:
    tasks = TasksPlugin()

    @tasks.task(retries=3)
    async def send_mail() -> None: ...

    @tasks.daily("03:00", zone="Europe/Berlin", name="report")
    async def report() -> None: ...

    (command,) = tasks.provide_commands(Setup(settings=Settings(), config=TasksConfig()))
    lines = CliRunner().invoke(command).output.splitlines()
    assert lines[0].endswith("send_mail: 3 retries")
    assert lines[1].startswith("report: at 03:00 Europe/Berlin, next at 20")


def test_plan_lists_schedules() -> None:
    tasks = TasksPlugin()
    assert [entry.record.name for entry in App(plugins=[tasks]).plan.root.lifespans] == ["tasks"]
    for number in range(10):
        tasks.every("5m", name=f"sweep{number}")(lambda: None)
    (entry,) = App(plugins=[tasks]).plan.root.lifespans
    assert entry.record.name.startswith("tasks (sweep0 every 300 s; sweep1 every 300 s; ")
    assert entry.record.name.endswith("; 2 more)")


# -- engines elsewhere ------------------------------------------------------------------------------------------------


class Elsewhere:
    """An engine that stores the calls."""

    def __init__(self) -> None:
        self.declared: list[str] = []
        self.calls: list[tuple[object, ...]] = []

    def declare(self, task: Task) -> None:
        self.declared.append(task.name)

    async def enqueue(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self.calls.append((name, *args, dict(kwargs)))


@pytest.mark.parametrize("from_plugin", [False, True])
async def test_engine_elsewhere_gets_calls_and_schedules(from_plugin: bool) -> None:
    clock, engine = FakeClock(0), Elsewhere()
    tasks = TasksPlugin(clock=clock) if from_plugin else TasksPlugin(engine, clock=clock)

    class Engine(Plugin):
        info = PluginInfo(name="engine")

        def provide_task_backends(self, setup: Setup) -> Iterable[TaskBackend]:
            return [engine] if from_plugin else []

    @tasks.task(name="send")
    async def send(address: str, *, subject: str) -> None:
        raise AssertionError

    @tasks.every("1m", name="sweep")
    async def sweep() -> None:
        raise AssertionError

    async def other() -> None: ...

    app = App(plugins=[tasks, Engine])

    @app.post("/")
    async def start(background: Background, is_other: bool = False) -> None:
        if is_other:
            background.add(other)
        background.add(send, "ada", subject="Hello")

    async with Client(app, raise_exceptions=False) as client:
        assert engine.declared == ["send", "sweep"]
        await client.post("/")
        await _until(lambda: engine.calls)
        assert engine.calls == [("send", "ada", {"subject": "Hello"})]
        assert (await client.post("/?is_other=1")).status == 500
        await clock.advance(60)
        assert engine.calls[1:] == [("sweep", {})]


def test_mistakes_are_reported_at_the_declaration_or_at_startup() -> None:
    tasks = TasksPlugin(Elsewhere())

    class Engine(Plugin):
        info = PluginInfo(name="engine")

        def provide_task_backends(self, setup: Setup) -> Iterable[TaskBackend]:
            return [Elsewhere()]

    @tasks.task(name="send")
    async def send() -> None: ...

    with pytest.raises(ValueError, match="'send' is taken"):
        tasks.every("5m", name="send")(lambda: None)
    with pytest.raises(ValueError, match="duration"):
        tasks.every("often")
    with pytest.raises(StartupError) as caught:
        App(plugins=[tasks, Engine]).resolve()
    assert "2 engines" in caught.value.problems[0].diagnostic.text
    with pytest.raises(StartupError) as caught:
        App(plugins=[("tasks", {"concurrency": 0})]).resolve()
    assert caught.value.problems[0].diagnostic.code == "TB202"
