"""Describe a function that runs after the response to a request, and refuse what cannot run there.

``Request.after_response`` makes the record; ``server/lifespan/response_work.py`` runs it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextvars import Context, copy_context
from typing import Protocol, final

import attrs

from turnbuckle.routing.records import Route

__all__ = ["AnsweredRequest", "Work", "make_work"]


class AnsweredRequest(Protocol):
    """The request that work belongs to."""

    @property
    def exception(self) -> BaseException | None:
        """The exception that was raised for the request."""

    @property
    def route(self) -> Route | None:
        """The route of the request."""


@final
@attrs.frozen(eq=False)
class Work:
    """One call of a function after a response.

    Attributes:
        request: the request.
        function: the function, async or not.
        args: its positional arguments.
        kwargs: its keyword arguments.
        context: the context variables that it sees.
        exception: the exception of the request when the work was added; if another one is raised later, the work does
            not run.
    """

    request: AnsweredRequest
    function: Callable[..., object]
    args: tuple[object, ...]
    kwargs: Mapping[str, object]
    context: Context
    exception: BaseException | None

    @property
    def name(self) -> str:
        """The name of the function, for messages."""
        function = getattr(self.function, "func", self.function)
        return str(getattr(function, "__qualname__", type(function).__qualname__))


def make_work(
    request: AnsweredRequest, function: Callable[..., object], args: tuple[object, ...], kwargs: Mapping[str, object]
) -> Work:
    """Return the record of a call, with the context variables of the caller.

    Raises:
        TypeError: ``function`` is a coroutine, a generator function, or cannot be called.
    """
    if fault := _fault_of(function):
        raise TypeError(fault)
    return Work(request, function, args, kwargs, copy_context(), request.exception)


def _fault_of(function: object) -> str:
    name = getattr(function, "__qualname__", "")
    if inspect.iscoroutine(function):
        function.close()  # Python warns about coroutines that are never awaited
        return (
            "request.after_response() takes a function and its arguments, not a coroutine; "
            f"write request.after_response({name.rpartition('.')[2]}, ...)"
        )
    if not callable(function):
        return f"request.after_response() takes a function, not {function!r:.80}"
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return f"request.after_response() cannot run {name}, because it yields; remove 'yield'"
    return ""
