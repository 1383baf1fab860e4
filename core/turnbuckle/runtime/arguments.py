"""Compile functions that are called for a request into closures, which supply their arguments.

Theory of operation: the plan has a supplier for each parameter (``PlannedSignature``). Parameters that are read from
the request have a reader, a plain function. A function that has only such parameters is called without an await before
it. If its content has not arrived, the content is loaded first. Only if a reader fails are all readers called, to
report all faults in one answer.

Functions that supply values are awaited one after the other. Their faults are collected with the others. The contexts
that they open are left after the response: at the end of the handler, or at the end of the body that it streams.

Nothing here knows routes: ``compile_call`` serves handlers of any kind, guards, and suppliers themselves.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Final, TypeAlias

import attrs

from turnbuckle.errors import ContentTooLarge, HTTPError, InputFault, InvalidInput
from turnbuckle.plan import PlannedSignature, PlannedSupplier
from turnbuckle.runtime.readers import content_of, reader_of
from turnbuckle.runtime.supplier_calls import call_of_supplier, none_supplied, note_of
from turnbuckle.web.handlers import awaitable_function
from turnbuckle.web.parameters.content import ContentKind, NotLoaded
from turnbuckle.web.parameters.readers import InputReader
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response

__all__ = ["Arguments", "compile_arguments", "compile_call", "has_contexts", "merge_invalid", "suppliers_of"]

Supply: TypeAlias = Callable[[Request, AsyncExitStack | None], Awaitable[object]]

# Exceptions of readers after which all of them are called, with the content loaded.
_RETRIED: Final = (InvalidInput, NotLoaded)
# The status of the answer if several parameters have faults: content that cannot be read comes first.
_STATUSES: Final = (415, 413, 400, 422)


@attrs.frozen(eq=False)
class Arguments:
    """The compiled arguments of a function.

    Attributes:
        readers: the reader of each parameter that is read from the request, with its position.
        supplies: the function that supplies each other parameter, with its position.
        content: the content that the readers need; None for none.
        positional: number of parameters that are passed by position; they come first.
        names: names of the parameters that are passed by name.
        guards: functions that are called before the values are supplied.
        checks: readers of parameters of the path that may find that the path has no resource; they are called first.
    """

    readers: tuple[tuple[int, InputReader], ...]
    supplies: tuple[tuple[int, Supply], ...]
    content: ContentKind | None
    positional: int
    names: tuple[str, ...]
    guards: tuple[Supply, ...] = ()
    checks: tuple[InputReader, ...] = ()

    @property
    def are_read(self) -> bool:
        """Whether all of them are read from the request."""
        return not self.supplies and not self.guards

    async def values(self, request: Request, stack: AsyncExitStack | None) -> list[object]:
        """Return the values in the order of the parameters.

        Args:
            request: the request.
            stack: receives the contexts that are opened; None if there are none.

        Raises:
            InvalidInput: at least one of them does not fit, with the faults of all of them.
        """
        for check in self.checks:
            check(request)
        for guard in self.guards:
            await guard(request, stack)
        values: list[object] = [None] * (self.positional + len(self.names))
        found: list[InvalidInput] = []
        for index, supply in self.supplies:
            try:
                values[index] = await supply(request, stack)
            except InvalidInput as error:
                found.append(error)
        content = self.content
        if content is not None and not content.is_loaded(request):
            try:
                await content.load(request)
            except InvalidInput as error:
                found.append(error)
        for index, read in self.readers:
            try:
                values[index] = read(request)
            except (NotLoaded, ContentTooLarge):
                if not found:
                    raise
                # The reason is among the faults already.
            except InvalidInput as error:
                found.append(error)
        if found:
            raise merge_invalid(found)
        return values

    def call(self, function: Callable[..., object], values: list[object], lead: Sequence[object] = ()) -> object:
        """Call a function with the values."""
        if not self.names:
            return function(*lead, *values)
        named = dict(zip(self.names, values[self.positional :], strict=True))
        return function(*lead, *values[: self.positional], **named)


def merge_invalid(errors: Sequence[InvalidInput]) -> InvalidInput:
    """Return one error with the faults of all errors."""
    if len(errors) == 1:
        return errors[0]
    faults: dict[InputFault, None] = dict.fromkeys(fault for error in errors for fault in error.faults)
    statuses = {error.status for error in errors}
    status = next((status for status in _STATUSES if status in statuses), errors[0].status)
    headers = {name: value for error in errors if error.status == status for name, value in error.headers.items()}
    return InvalidInput(tuple(faults), status, headers=headers)


def has_contexts(signature: PlannedSignature) -> bool:
    """Return whether supplying the parameters of a function opens contexts."""
    return any(
        "context" in supplier.form or has_contexts(supplier.signature)
        for supplier in suppliers_of(signature)
        if supplier.shared is None
    )


def suppliers_of(signature: PlannedSignature) -> tuple[PlannedSupplier, ...]:
    """Return the guards of a function, and the functions that supply its parameters."""
    given = (parameter.given for parameter in signature.parameters)
    return (*signature.guards, *(supplier for supplier in given if isinstance(supplier, PlannedSupplier)))


def compile_arguments(signature: PlannedSignature) -> Arguments:
    """Return the compiled arguments of a function."""
    positional = [parameter for parameter in signature.parameters if not parameter.is_keyword]
    named = [parameter for parameter in signature.parameters if parameter.is_keyword]
    named_in_path = [parameter for parameter in signature.parameters if parameter.source == "path" and parameter.schema]
    readers: list[tuple[int, InputReader]] = []
    supplies: list[tuple[int, Supply]] = []
    for index, parameter in enumerate((*positional, *named)):
        if isinstance(parameter.given, PlannedSupplier) and parameter.given.shared is None:
            supplies.append((index, compile_supplier(parameter.given)))
        else:
            readers.append((index, reader_of(parameter)))
    return Arguments(
        readers=tuple(readers),
        supplies=tuple(supplies),
        content=content_of(signature.parameters),
        positional=len(positional),
        names=tuple(parameter.name for parameter in named),
        guards=tuple(compile_supplier(guard, "guard") for guard in signature.guards),
        checks=tuple(reader_of(parameter) for parameter in named_in_path if supplies or signature.guards),
    )


def compile_supplier(supplier: PlannedSupplier, noun: str = "supplier") -> Supply:
    """Return the function that supplies a value, once for each request.

    Args:
        supplier: the function with its parameters.
        noun: its role, for the note that exceptions get.
    """
    arguments = compile_arguments(supplier.signature)
    have = call_of_supplier(supplier, noun)
    key = supplier.key
    note = note_of(supplier, noun)
    never_none = supplier.result if noun == "supplier" else ""
    is_guard = noun == "guard"

    async def supply(request: Request, stack: AsyncExitStack | None) -> object:
        known = request.supplied
        if key in known:
            return known[key]
        values = await arguments.values(request, stack)
        try:
            value = await have(partial(arguments.call, values=values), stack)
            if is_guard:
                value = await _checked_result(value)
            if value is None and never_none:
                raise none_supplied(supplier)
            known[key] = value
            if stack is not None:
                # The value of a context must not be used after the context.
                stack.callback(_forget, known, key, value)
        except HTTPError:
            raise
        except Exception as error:
            error.add_note(note)
            raise
        return value

    return supply


def _forget(known: dict[object, object], key: object, value: object) -> None:
    # After a streamed response that was dropped, a second call of the handler may have its own value.
    if known.get(key) is value:
        known.pop(key, None)


async def _checked_result(value: object) -> object:
    """Return the result of a guard, which is ignored.

    Raises:
        TypeError: the result was meant to refuse the request, or to let it pass.
    """
    if inspect.isawaitable(value):
        value = await value
    if isinstance(value, bool | Response):
        raise TypeError(
            f"a guard raises an exception such as Forbidden to refuse a request, but it returned {value!r:.80}"
        )
    return value


def compile_call(
    function: Callable[..., object], signature: PlannedSignature, *, has_lead: bool = True
) -> Callable[..., Awaitable[object]]:
    """Return ``call(request, *lead)``, which calls a function with its arguments and returns its awaitable result.

    The function must open no contexts (``has_contexts``). ``lead`` are arguments that the caller passes by position
    before the others, such as the exception for an error handler.

    Args:
        function: the function; a plain ``def`` runs in a thread.
        signature: its parameters, without those that the caller passes.
        has_lead: whether there may be such arguments.
    """
    call = awaitable_function(function)
    arguments = compile_arguments(signature)
    if arguments.are_read:
        return _reading_call(call, arguments, has_lead=has_lead)

    async def supplied(request: Request, *lead: object) -> object:
        values = await arguments.values(request, None)
        return await arguments.call(call, values, lead)  # type: ignore[misc]  # call returns an awaitable

    return supplied


def _reading_call(
    call: Callable[..., Awaitable[object]], arguments: Arguments, *, has_lead: bool
) -> Callable[..., Awaitable[object]]:
    """Return the call of a function whose arguments are all read from the request."""

    async def slow(request: Request, *lead: object) -> object:
        values = await arguments.values(request, None)
        return await arguments.call(call, values, lead)  # type: ignore[misc]  # as above

    if arguments.names:
        return slow
    fast = _fast_call(call, [read for _, read in arguments.readers], slow)

    def choose(request: Request, *lead: object) -> Awaitable[object]:
        return slow(request, *lead) if lead else fast(request)

    return fast if not has_lead else choose


def _fast_call(
    call: Callable[..., Awaitable[object]], readers: Sequence[InputReader], slow: Callable[[Request], Awaitable[object]]
) -> Callable[[Request], Awaitable[object]]:
    """Return the call of a function that takes its arguments by position.

    The content may have to be loaded, and other parameters may have faults as well: then the slow way is taken.
    """
    match readers:
        case [first]:

            def call_1(request: Request) -> Awaitable[object]:
                try:
                    return call(first(request))
                except _RETRIED:
                    return slow(request)

            return call_1
        case [first, second]:

            def call_2(request: Request) -> Awaitable[object]:
                try:
                    return call(first(request), second(request))
                except _RETRIED:
                    return slow(request)

            return call_2
        case [first, second, third]:

            def call_3(request: Request) -> Awaitable[object]:
                try:
                    return call(first(request), second(request), third(request))
                except _RETRIED:
                    return slow(request)

            return call_3

    def call_all(request: Request) -> Awaitable[object]:
        try:
            return call(*[read(request) for read in readers])
        except _RETRIED:
            return slow(request)

    return call_all
