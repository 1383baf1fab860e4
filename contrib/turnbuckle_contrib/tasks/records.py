"""The records of tasks and schedules, and the interface of engines that run them elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import Context, copy_context
from typing import Any, Protocol

import attrs

from turnbuckle import ResourceKey
from turnbuckle_contrib.tasks.times import Times, parse_seconds

__all__ = ["Call", "Schedule", "Task", "TaskBackend"]


def _as_keys(value: ResourceKey[Any] | Iterable[ResourceKey[Any]]) -> tuple[ResourceKey[Any], ...]:
    return (value,) if isinstance(value, ResourceKey) else tuple(value)


@attrs.frozen(kw_only=True)
class Task:
    """A function that can run in the background.

    Attributes:
        name: unique name, for the log and for engines elsewhere.
        function: the function; a plain ``def`` runs in a thread.
        uses: keys of resources that become its first arguments.
        retries: how often it runs again after a failure.
        backoff: seconds before the first retry, doubled each time up to an hour; a text such as "10s".
        timeout: seconds that it may run; 0 for no limit.
    """

    name: str
    function: Callable[..., object]
    uses: tuple[ResourceKey[Any], ...] = attrs.field(default=(), converter=_as_keys)
    retries: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    backoff: float = attrs.field(default=1.0, converter=parse_seconds)
    timeout: float = attrs.field(default=0.0, converter=parse_seconds)


@attrs.frozen(kw_only=True)
class Schedule:
    """The times of a task.

    Attributes:
        task: the task, which needs no arguments.
        times: when it is due.
        jitter: the run begins up to this number of seconds later, at random.
        overlap: whether it runs although the run before it has not ended.
    """

    task: Task
    times: Times
    jitter: float = attrs.field(default=0.0, converter=parse_seconds)
    overlap: bool = False


class TaskBackend(Protocol):
    """An engine that runs tasks elsewhere, such as the workers of Dramatiq, Celery or arq."""

    def declare(self, task: Task) -> None:
        """Make a task known, before the first call of ``enqueue``."""

    async def enqueue(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Pass a call of a task to the engine."""


@attrs.define(eq=False)
class Call:
    """One call of a task.

    Attributes:
        task: the task.
        args: its positional arguments.
        kwargs: its keyword arguments.
        context: the context variables that it sees, such as the id of the request.
        attempt: number of the present attempt, from 1.
        ended: set once it has succeeded, or failed for the last time.
    """

    task: Task
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = attrs.field(factory=dict)
    context: Context = attrs.field(factory=copy_context)
    attempt: int = 1
    ended: asyncio.Event = attrs.field(factory=asyncio.Event)
