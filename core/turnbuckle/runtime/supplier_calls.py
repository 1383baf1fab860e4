"""Call the functions that supply values: plain or async, as contexts, and in threads.

A plain ``def`` is called on the event loop: most of them only combine other values, and a thread costs more than that.
A plain ``def`` with a ``yield`` opens something, such as a database session, so it runs in a thread: the code before
its ``yield`` as well as the code after it, with the same context variables. ``PlannedSupplier.in_thread`` decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from contextvars import copy_context
from functools import partial
from inspect import isasyncgenfunction, isgeneratorfunction
from types import CoroutineType, TracebackType
from typing import Any, Final, TypeAlias

from turnbuckle.diagnostics import ResourceKey
from turnbuckle.errors import HTTPError
from turnbuckle.plan import PlannedParameter, PlannedSupplier
from turnbuckle.web.handlers import call_in_thread
from turnbuckle.web.resources import Resources

__all__ = ["call_of_supplier", "none_supplied", "note_of", "value_of_app"]

SupplierCall: TypeAlias = Callable[[Callable[..., Any], AsyncExitStack | None], Awaitable[object]]
"""``have(call, stack)`` calls ``call(function)`` and returns the value; the stack receives a context."""


def call_of_supplier(supplier: PlannedSupplier, noun: str = "supplier") -> SupplierCall:
    """Return the function that calls a supplier and returns its value.

    Args:
        supplier: the function.
        noun: its role, for the note of exceptions that its clean-up raises.
    """
    forms = _THREAD_FORMS if supplier.in_thread else _FORMS
    return forms[supplier.form](supplier.function, note_of(supplier, noun))


def note_of(supplier: PlannedSupplier, noun: str = "supplier") -> str:
    """Return the note for exceptions that a function raises."""
    return f"raised by the {noun} {supplier.name} ({supplier.origin.location})"


def none_supplied(supplier: PlannedSupplier) -> TypeError:
    """Return the exception for a supplier that returned None against its annotation."""
    return TypeError(f"supplier {supplier.name} supplied None, but is annotated '-> {supplier.result}'")


@asynccontextmanager
async def value_of_app(supplier: PlannedSupplier, resources: Resources) -> AsyncIterator[object]:
    """Make the one value of a supplier for the whole app, and leave its context in the end.

    Args:
        supplier: the function; its parameters are resources and other values of the app.
        resources: has the values of its parameters.
    """
    parameters = supplier.signature.parameters
    args = [_shared_value(parameter, resources) for parameter in parameters if not parameter.is_keyword]
    kwargs = {parameter.name: _shared_value(parameter, resources) for parameter in parameters if parameter.is_keyword}
    async with AsyncExitStack() as stack:
        value = await call_of_supplier(supplier)(lambda function: function(*args, **kwargs), stack)
        if value is None and supplier.result:
            raise none_supplied(supplier)
        yield value


def _shared_value(parameter: PlannedParameter, resources: Resources) -> object:
    given = parameter.given
    key = given.shared if isinstance(given, PlannedSupplier) else given
    assert isinstance(key, ResourceKey)
    is_resource = given is key and parameter.origin is not None
    return resources.get(key, parameter.origin.scope if is_resource and parameter.origin is not None else "")


def _plain(function: Callable[..., object], note: str) -> Callable[..., Awaitable[object]]:
    async def have(call: Callable[..., Any], stack: AsyncExitStack | None) -> object:
        value = call(function)
        # A plain function may wrap an async function, such as a lambda or a decorator: without an await it would not
        # run, and neither would its checks.
        return await value if type(value) is CoroutineType else value

    return have


def _async(function: Callable[..., object], note: str) -> Callable[..., Awaitable[object]]:
    async def have(call: Callable[..., Any], stack: AsyncExitStack | None) -> object:
        return await call(function)

    return have


def _context(function: Callable[..., Any], note: str) -> Callable[..., Awaitable[object]]:
    make: Callable[..., AbstractContextManager[object]]
    make = contextmanager(function) if isgeneratorfunction(function) else function

    async def have(call: Callable[..., Any], stack: AsyncExitStack | None) -> object:
        assert stack is not None
        context = call(make)
        value = context.__enter__()
        stack.push(partial(_leave_context, context, note))
        return value

    return have


def _async_context(function: Callable[..., Any], note: str) -> Callable[..., Awaitable[object]]:
    make: Callable[..., AbstractAsyncContextManager[object]]
    make = asynccontextmanager(function) if isasyncgenfunction(function) else function

    async def have(call: Callable[..., Any], stack: AsyncExitStack | None) -> object:
        assert stack is not None
        context = call(make)
        value = await context.__aenter__()
        stack.push_async_exit(partial(_leave_async_context, context, note))
        return value

    return have


def _leave_context(
    context: AbstractContextManager[object],
    note: str,
    kind: type[BaseException] | None,
    error: BaseException | None,
    trace: TracebackType | None,
) -> bool | None:
    """Leave a context; another exception than the one that ended the request receives the note."""
    try:
        return context.__exit__(kind, error, trace)
    except Exception as failure:
        _add_note(failure, error, note)
        raise


async def _leave_async_context(
    context: AbstractAsyncContextManager[object],
    note: str,
    kind: type[BaseException] | None,
    error: BaseException | None,
    trace: TracebackType | None,
) -> bool | None:
    """Leave a context; see ``_leave_context``."""
    try:
        return await context.__aexit__(kind, error, trace)
    except Exception as failure:
        _add_note(failure, error, note)
        raise


def _add_note(failure: Exception, error: BaseException | None, note: str) -> None:
    if failure is not error and not isinstance(failure, HTTPError):
        failure.add_note(note)


def _plain_in_thread(function: Callable[..., object], note: str) -> Callable[..., Awaitable[object]]:
    async def have(call: Callable[..., Any], stack: AsyncExitStack | None) -> object:
        return await call_in_thread(call, (function,), {})

    return have


def _context_in_thread(function: Callable[..., Any], note: str) -> Callable[..., Awaitable[object]]:
    make: Callable[..., AbstractContextManager[object]]
    make = contextmanager(function) if isgeneratorfunction(function) else function

    async def have(call: Callable[..., Any], stack: AsyncExitStack | None) -> object:
        assert stack is not None
        context = _ThreadContext(partial(call, make), note)
        # Before it is entered: if this task is cancelled, the thread still enters the context, and it must be left.
        stack.push_async_exit(context.leave)
        return await asyncio.shield(context.entering)

    return have


class _ThreadContext:
    """A context that is entered and left in threads.

    Args:
        make: makes the context manager; called in the thread.
        note: note for an exception that leaving the context raises.
    """

    def __init__(self, make: Callable[[], AbstractContextManager[object]], note: str) -> None:
        self._make: Final = make
        self._note: Final = note
        self._context: Final = copy_context()
        self._manager: AbstractContextManager[object] | None = None
        self.entering: Final = asyncio.ensure_future(self._run(self._enter))

    async def leave(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Leave the context, once it is entered; also if this task is cancelled again."""
        leaving = asyncio.ensure_future(self._leave(kind, error, trace))
        return await asyncio.shield(leaving)

    async def _leave(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        await asyncio.wait([self.entering])
        if self.entering.cancelled() or self.entering.exception() is not None:
            return False
        assert self._manager is not None
        return bool(await self._run(_leave_context, self._manager, self._note, kind, error, trace))

    def _enter(self) -> object:
        self._manager = self._make()
        return self._manager.__enter__()

    async def _run(self, function: Callable[..., object], *args: object) -> object:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, partial(self._context.run, function, *args))


_FORMS: Final = {"plain": _plain, "async": _async, "context": _context, "async context": _async_context}
_THREAD_FORMS: Final = {**_FORMS, "plain": _plain_in_thread, "context": _context_in_thread}
