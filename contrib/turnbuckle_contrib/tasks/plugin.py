"""The plugin: it declares tasks and schedules, and runs them while the app runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, cast, final

import attrs

from turnbuckle import (
    Clock,
    Lifespan,
    ParameterProvider,
    Plugin,
    PluginInfo,
    Request,
    ResourceKey,
    Setup,
    SystemClock,
    hookimpl,
    hookspec,
)
from turnbuckle_contrib.health import HealthCheck
from turnbuckle_contrib.tasks.queue import TaskQueue
from turnbuckle_contrib.tasks.records import Call, Schedule, Task, TaskBackend
from turnbuckle_contrib.tasks.scheduler import Scheduler
from turnbuckle_contrib.tasks.times import Daily, Every, Times
from turnbuckle_contrib.worker_folder import Leadership, open_worker_folder, worker_folder

if TYPE_CHECKING:
    import click

__all__ = ["TASKS", "Background", "Tasks", "TasksConfig", "TasksPlugin"]

# Schedules in the plan.
_MAX_LISTED: Final = 8

FunctionT = TypeVar("FunctionT", bound=Callable[..., object])


@attrs.frozen(kw_only=True)
class TasksConfig:
    """Settings of the plugin.

    Attributes:
        limit: maximum number of calls that wait or run in each worker.
        concurrency: maximum number of calls that run at a time in each worker.
        drain: seconds that calls have when the app stops.
        schedules: whether this process runs schedules.
        folder: folder with the lock that decides which worker runs schedules; "" for one below the folder of temporary
            files, which is used if there are several workers.
    """

    limit: int = attrs.field(default=1000, validator=attrs.validators.ge(1))
    concurrency: int = attrs.field(default=8, validator=attrs.validators.ge(1))
    drain: float = attrs.field(default=20.0, validator=attrs.validators.ge(0))
    schedules: bool = True
    folder: str = ""


class TasksHooks:
    """The hooks of this plugin, for other plugins."""

    @hookspec
    def provide_task_backends(self, setup: Setup) -> Iterable[TaskBackend]:
        """Return the engine that runs tasks elsewhere; at most one plugin does."""
        return ()


class Declarations(Protocol):
    """The declared tasks, by function."""

    def find(self, function: Callable[..., object]) -> Task | None:
        """Return the task of a function; None if it is not declared."""


@final
class Tasks:
    """The tasks of a running app, for ``request.resource(TASKS)`` and ``setup.resource(TASKS)``.

    Args:
        declared: the declared tasks.
        queue: runs calls in this process.
        backend: runs them elsewhere; None if nothing does.
    """

    def __init__(self, declared: Declarations, queue: TaskQueue, backend: TaskBackend | None) -> None:
        self._declared: Final = declared
        self._queue: Final = queue
        self._backend: Final = backend

    @property
    def count(self) -> int:
        """Number of calls of this process that wait, run, or wait for a retry."""
        return self._queue.count

    @property
    def is_full(self) -> bool:
        """Whether there is no room for another call."""
        return self._queue.is_full

    async def add(self, function: Callable[..., object], /, *args: Any, **kwargs: Any) -> None:
        """Run a function in the background; declared or not, if no engine elsewhere runs tasks.

        Raises:
            ServiceUnavailable: the queue is full.
            TypeError: the function is not declared, and an engine elsewhere runs tasks.
        """
        if self._backend is None:
            self.check(function)
        await self.pass_on(function, args, kwargs)

    def check(self, function: Callable[..., object]) -> Task:
        """Return the task of a function, if it can be added now; it raises as ``add`` does."""
        task = self._declared.find(function)
        if task is not None:
            if self._backend is None:
                self._queue.check_room()
            return task
        if self._backend is not None:
            name = getattr(function, "__qualname__", repr(function))
            error = TypeError(f"{name} is no task, so that no engine elsewhere knows it")
            error.add_note(f"fix: declare it with @tasks.task above 'def {name}'")
            raise error
        if not callable(function):
            raise TypeError(f"a task is a function, not {function!r:.80}; pass its arguments after it")
        self._queue.check_room()
        return Task(name=getattr(function, "__qualname__", type(function).__qualname__), function=function)

    async def pass_on(self, function: Callable[..., object], args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        """Add a call that was checked before, even if the queue is full now."""
        task = self._declared.find(function) or Task(
            name=getattr(function, "__qualname__", type(function).__qualname__), function=function
        )
        if self._backend is None:
            self._queue.put(Call(task, tuple(args), kwargs))
        else:
            await self._backend.enqueue(task.name, args, kwargs)

    async def run_scheduled(self, task: Task) -> None:
        """Run a task of a schedule, and wait for its end; an engine elsewhere only gets it."""
        if self._backend is not None:
            await self._backend.enqueue(task.name, (), {})
            return
        call = Call(task)
        self._queue.put(call)
        await call.ended.wait()


TASKS: Final = ResourceKey("tasks", Tasks)
"""The key of the tasks of the running app."""


@final
class Background:
    """Starts tasks once the response to a request has been sent; a parameter of handlers.

    If an exception is raised for the request later, the tasks are not started.
    """

    def __init__(self, request: Request, tasks: Tasks) -> None:
        self._request: Final = request
        self._tasks: Final = tasks

    def add(self, function: Callable[..., object], /, *args: Any, **kwargs: Any) -> None:
        """Run a function in the background, once the response has been sent.

        Raises:
            ServiceUnavailable: the queue is full.
            TypeError: the function is not declared, and an engine elsewhere runs tasks.
        """
        self._tasks.check(function)
        self._request.after_response(self._tasks.pass_on, function, args, kwargs)


@final
class TasksPlugin(Plugin[TasksConfig]):
    """Declare tasks and schedules, and run them.

    Args:
        backend: runs the tasks elsewhere; None to run them in this process.
        clock: the clock for schedules and retries; None for the system's clock.
    """

    # Tasks may use the resources of these plugins, and end before them.
    info = PluginInfo(name="tasks", after=("asyncpg", "channels", "psycopg", "sqlalchemy", "sqlite"))
    hookspecs = TasksHooks

    def __init__(self, backend: TaskBackend | None = None, *, clock: Clock | None = None) -> None:
        self._backend: Final = backend
        self._clock: Final = clock
        self._tasks: Final[dict[str, Task]] = {}
        self._by_function: Final[dict[Callable[..., object], Task]] = {}
        self._schedules: Final[list[Schedule]] = []

    # -- declarations --------------------------------------------------------------------------------------------------

    def task(self, function: FunctionT | None = None, *, name: str = "", **options: Any) -> Any:
        """Declare a function as a task; a decorator with or without arguments.

        Args:
            function: the function.
            name: unique name; the name of the function by default.
            **options: ``uses``, ``retries``, ``backoff`` and ``timeout`` of ``Task``.
        """

        def declare(function: FunctionT) -> FunctionT:
            self._declare(function, name, options)
            return function

        return declare if function is None else declare(function)

    def every(
        self, interval: str | float, *, jitter: str | float = 0.0, overlap: bool = False, **options: Any
    ) -> Callable[[FunctionT], FunctionT]:
        """Run a function at equal distances, such as ``"5m"``, at the multiples of it since the epoch.

        Args:
            interval: seconds, or a text such as "30s" or "1h".
            jitter: the run begins up to this time later.
            overlap: whether it runs although the run before it has not ended.
            **options: options of ``task``.
        """
        return self.schedule(Every(interval), jitter=jitter, overlap=overlap, **options)

    def daily(
        self,
        *times: str,
        zone: str = "UTC",
        days: str | Iterable[str] = "mon tue wed thu fri sat sun",
        jitter: str | float = 0.0,
        overlap: bool = False,
        **options: Any,
    ) -> Callable[[FunctionT], FunctionT]:
        """Run a function at times of day, such as ``"03:00"``.

        Args:
            *times: the times.
            zone: name of the time zone of the times.
            days: days of the week, such as "mon fri".
            jitter: the run begins up to this time later.
            overlap: whether it runs although the run before it has not ended.
            **options: options of ``task``.
        """
        return self.schedule(Daily(times, zone, days), jitter=jitter, overlap=overlap, **options)

    def schedule(
        self, times: Times, *, jitter: str | float = 0.0, overlap: bool = False, name: str = "", **options: Any
    ) -> Callable[[FunctionT], FunctionT]:
        """Run a function at the times of an object with the method ``after(now)``."""

        def declare(function: FunctionT) -> FunctionT:
            task = self._declare(function, name, options)
            self._schedules.append(Schedule(task=task, times=times, jitter=jitter, overlap=overlap))
            return function

        return declare

    def find(self, function: Callable[..., object]) -> Task | None:
        """Return the task of a function; None if it is not declared."""
        return self._by_function.get(function)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The declared tasks."""
        return tuple(self._tasks.values())

    @property
    def schedules(self) -> tuple[Schedule, ...]:
        """The declared schedules."""
        return tuple(self._schedules)

    def _declare(self, function: Callable[..., object], name: str, options: dict[str, Any]) -> Task:
        known = self._by_function.get(function)
        if known is not None and not name and not options:
            return known
        task = Task(name=name or getattr(function, "__qualname__", ""), function=function, **options)
        if not task.name or task.name in self._tasks:
            raise ValueError(f"a task needs a unique name, and {task.name!r} is taken; pass name=...")
        self._tasks[task.name] = self._by_function[function] = task
        if self._backend is not None:
            self._backend.declare(task)
        return task

    # -- hooks ---------------------------------------------------------------------------------------------------------

    def provide_lifespans(self, setup: Setup[TasksConfig]) -> list[Lifespan]:
        """Return the lifespan.

        Raises:
            ValueError: several engines run tasks elsewhere.
        """
        provided = cast("tuple[TaskBackend, ...]", setup.ask("provide_task_backends", setup=setup))
        backends = [*([self._backend] if self._backend is not None else []), *provided]
        if len(backends) > 1:
            raise ValueError(f"{len(backends)} engines run tasks elsewhere; there can be one")
        backend = backends[0] if backends else None
        if provided and backend is not None:
            for task in self.tasks:
                backend.declare(task)
        needs = dict.fromkeys(key for task in self.tasks for key in task.uses) if backend is None else ()

        @asynccontextmanager
        async def running(setup: Setup[TasksConfig]) -> AsyncIterator[Tasks]:
            config = setup.config
            clock = self._clock or SystemClock(asyncio.get_running_loop())
            queue = TaskQueue(config.limit, config.concurrency, setup.resource, clock)
            tasks = Tasks(self, queue, backend)
            leadership = _leadership(setup)
            scheduler = Scheduler(tasks.run_scheduled, clock, leadership)
            for schedule in self.schedules if config.schedules else ():
                setup.background(partial(scheduler.repeat, schedule), name=f"schedule of {schedule.task.name}")
            try:
                yield tasks
            finally:
                try:
                    await scheduler.stop()
                    await queue.drain(config.drain)
                finally:
                    if leadership is not None:
                        leadership.release()

        return [Lifespan(self._lifespan_name(setup.config), running, provides=TASKS, needs=tuple(needs))]

    def _lifespan_name(self, config: TasksConfig) -> str:
        """Return the name that the plan lists: it has the schedules."""
        listed = [f"{schedule.task.name} {schedule.times}" for schedule in self._schedules if config.schedules]
        more = f"; {len(listed) - _MAX_LISTED} more" if len(listed) > _MAX_LISTED else ""
        return f"tasks ({'; '.join(listed[:_MAX_LISTED])}{more})" if listed else "tasks"

    def provide_parameters(self, setup: Setup[TasksConfig]) -> list[ParameterProvider]:
        """Return the supplier of ``Background``."""
        return [ParameterProvider(Background, _background, description="starts tasks after the response")]

    @hookimpl(optionalhook=True)
    def provide_health_checks(self, setup: Setup[TasksConfig]) -> Iterable[HealthCheck]:
        """Return the check that the queue has room."""
        return [HealthCheck("tasks", _has_room, TASKS)]

    def provide_commands(self, setup: Setup[TasksConfig]) -> list[click.Command]:
        """Return the command ``turnbuckle tasks``."""
        import click

        @click.command("tasks", help="List the tasks and the schedules of the app.")
        def command() -> None:
            for task in self.tasks:
                times = [schedule.times for schedule in self._schedules if schedule.task is task]
                for one in times:
                    due = datetime.fromtimestamp(one.after(time.time()), UTC).isoformat()
                    click.echo(f"{task.name}: {one}, next at {due}")
                if not times:
                    click.echo(f"{task.name}: {task.retries} retries")

        return [command]


def _leadership(setup: Setup[TasksConfig]) -> Leadership | None:
    config = setup.config
    if not config.folder and setup.settings.workers.processes < 2:
        return None
    folder = Path(config.folder) if config.folder else worker_folder("tasks")
    return Leadership(open_worker_folder(folder) / f"{setup.app_name}.schedules")


def _background(request: Request, tasks: Tasks) -> Background:
    return Background(request, tasks)


async def _has_room(tasks: Tasks) -> bool:
    return not tasks.is_full
