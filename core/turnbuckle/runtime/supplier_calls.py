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
from turnbuckle.plan import PlannedParameter, PlannedSupplier
from turnbuckle.web.handlers import call_in_thread
from turnbuckle.web.resources import Resources

__all__ = ["call_of_supplier", "value_of_app"]

SupplierCall: TypeAlias = Callable[[Callable[..., Any], AsyncExitStack | None], Awaitable[object]]
"""``have(call, stack)`` calls ``call(function)`` and returns the value; the stack receives a context."""


def call_of_supplier(supplier: PlannedSupplier) -> SupplierCall:
    """Return the function that calls a supplier and returns its value."""
    if supplier.in_thread:
        return _THREAD_FORMS[supplier.form](supplier.function)
    return _FORMS[supplier.form](supplier.function)


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
        yield await call_of_supplier(supplier)(lambda function: function(*args, **kwargs), stack)


def _shared_value(parameter: PlannedParameter, resources: Resources) -> object:
    given = parameter.given
    key = given.shared if isinstance(given, PlannedSupplier) else given
    assert isinstance(key, ResourceKey)
    is_resource = given is key and parameter.origin is not None
    return resources.get(key, parameter.origin.scope if is_resource and parameter.origin is not None else "")


def _plain(function: Callable[..., object]) -> Callable[..., Awaitable[object]]:
    async def have(call: Callable[..., Any], stack: AsyncExitStack | None) -> object:
        value = call(function)
        # A plain function may wrap an async function, such as a lambda or a decorator: without an await it would not
        # run, and neither would its checks.
        return await value if type(value) is CoroutineType else value

    return have


def _async(function: Callable[..., object]) -> Callable[..., Awaitable[object]]:
    async def have(call: Callable[..., Any], stack: AsyncExitStack | None) -> object:
        return await call(function)

    return have


def _context(function: Callable[..., Any]) -> Callable[..., Awaitable[object]]:
    make: Callable[..., AbstractContextManager[object]]
    make = contextmanager(function) if isgeneratorfunction(function) else function

    async def have(call: Callable[..., Any], stack: AsyncExitStack | None) -> object:
        assert stack is not None
        return stack.enter_context(call(make))

    return have


def _async_context(function: Callable[..., Any]) -> Callable[..., Awaitable[object]]:
    make: Callable[..., AbstractAsyncContextManager[object]]
    make = asynccontextmanager(function) if isasyncgenfunction(function) else function

    async def have(call: Callable[..., Any], stack: AsyncExitStack | None) -> object:
        assert stack is not None
        return await stack.enter_async_context(call(make))

    return have


def _plain_in_thread(function: Callable[..., object]) -> Callable[..., Awaitable[object]]:
    async def have(call: Callable[..., Any], stack: AsyncExitStack | None) -> object:
        return await call_in_thread(call, (function,), {})

    return have


def _context_in_thread(function: Callable[..., Any]) -> Callable[..., Awaitable[object]]:
    make: Callable[..., AbstractContextManager[object]]
    make = contextmanager(function) if isgeneratorfunction(function) else function

    async def have(call: Callable[..., Any], stack: AsyncExitStack | None) -> object:
        assert stack is not None
        context = _ThreadContext(partial(call, make))
        # Before it is entered: if this task is cancelled, the thread still enters the context, and it must be left.
        stack.push_async_exit(context.leave)
        return await asyncio.shield(context.entering)

    return have


class _ThreadContext:
    """A context that is entered and left in threads.

    Args:
        make: makes the context manager; called in the thread.
    """

    def __init__(self, make: Callable[[], AbstractContextManager[object]]) -> None:
        self._make: Final = make
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
        return bool(await self._run(self._manager.__exit__, kind, error, trace))

    def _enter(self) -> object:
        self._manager = self._make()
        return self._manager.__enter__()

    async def _run(self, function: Callable[..., object], *args: object) -> object:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, partial(self._context.run, function, *args))


_FORMS: Final = {"plain": _plain, "async": _async, "context": _context, "async context": _async_context}
_THREAD_FORMS: Final = {**_FORMS, "plain": _plain_in_thread, "context": _context_in_thread}
