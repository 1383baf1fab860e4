"""Read the functions under ``@app.supply``, and the guards of scopes and routes.

The return annotation of a supplier is the type that it supplies. Its record is the same as the one that a plugin
returns. The parameters of these functions are resolved by ``signatures.py``.
"""

from __future__ import annotations

import inspect
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Sequence,
)
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Annotated, Any, Final, TypeVar, get_args, get_origin
from uuid import UUID

import attrs

from turnbuckle.diagnostics import Origin, Sourced
from turnbuckle.plan import PlannedSupplier
from turnbuckle.records import ParameterProvider
from turnbuckle.schema.hints import is_union
from turnbuckle.startup.model.declaration import DeclaredSupplier
from turnbuckle.startup.model.diagnostics import Diagnostics, HandlerFault
from turnbuckle.startup.model.locations import location_of
from turnbuckle.startup.parameters.declared import ParameterProblem
from turnbuckle.startup.parameters.signatures import SignatureResolver
from turnbuckle.startup.parameters.suppliers import form_of
from turnbuckle.web.annotations import annotated_classes, evaluate_annotation, return_annotation, show_annotation
from turnbuckle.web.handlers import describe_handler
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response

__all__ = ["check_suppliers", "planned_guards", "provider_of", "report_fault", "supplied_type_fault"]

_ITERATORS: Final = (Iterator, Iterable, Generator, AsyncIterator, AsyncIterable, AsyncGenerator)
# A parameter of one of these types, or of a list, dict or union of them, is read from the request.
_COMMON: Final = frozenset(
    {str, bytes, int, float, bool, type(None), date, datetime, time, timedelta}
    | {Decimal, UUID, Path, PurePath, list, dict, set, tuple, frozenset}
)
_WHY: Final = "the return annotation of a supplier is the type of the parameters that receive its value"


def provider_of(entry: Sourced[DeclaredSupplier], diagnostics: Diagnostics) -> Sourced[ParameterProvider] | None:
    """Return the record for a function under ``@app.supply``, or None if it cannot be used.

    Args:
        entry: the function.
        diagnostics: where the mistakes of the function are reported.
    """
    declared = entry.record
    try:
        kind = _supplied_type(declared.function)
        if fault := supplied_type_fault(kind, declared.function):
            raise ParameterProblem(fault)
        if declared.in_thread and form_of(declared.function) in {"async", "async context"}:
            raise _problem(
                declared.function,
                "is an 'async def', which does not run in a thread",
                "in_thread is for functions that block, and an 'async def' runs on the event loop",
                "remove in_thread=True, or write 'def' instead of 'async def'",
            )
    except ParameterProblem as problem:
        report_fault(problem.fault, entry.origin, diagnostics)
        return None
    record = ParameterProvider(kind, declared.function, per=declared.per, in_thread=declared.in_thread)
    return Sourced(record, entry.origin)


def report_fault(fault: HandlerFault, origin: Origin, diagnostics: Diagnostics) -> None:
    """Report a mistake of a function that supplies or guards, unless it is reported already."""
    origins = tuple(dict.fromkeys((origin, *fault.origins)))
    known = (fault.code, fault.text, origins)
    if all((entry.code, entry.text, entry.origins) != known for entry in diagnostics.entries):
        diagnostics.add(fault.code, fault.text, *origins, why=fault.why, fix=fault.fix, level=fault.level)


def _problem(function: object, text: str, why: str, fix: str, code: str = "TB620") -> ParameterProblem:
    return ParameterProblem(HandlerFault(f"supplier {describe_handler(function)} {text}", why, fix, code=code))


def _supplied_type(function: Callable[..., object]) -> object:
    """Return the type that a function supplies by its return annotation."""
    inner = inspect.unwrap(function)
    is_async = inspect.isasyncgenfunction(inner)
    iterator = "AsyncIterator" if is_async else "Iterator"
    yields = is_async or inspect.isgeneratorfunction(inner)
    example = f"{iterator}[Store]" if yields else "Store"
    written = return_annotation(inner)
    if written is inspect.Parameter.empty:
        raise _problem(function, "has no return annotation", _WHY, f"write the supplied type, as in '-> {example}'")
    try:
        annotation = evaluate_annotation(written, function)
    except Exception as error:  # noqa: BLE001  # the code of an annotation may raise anything
        raise _problem(
            function,
            f"has a return annotation that cannot be evaluated: {error}",
            _WHY + ", so it must be known at startup",
            "define or import the name in the module itself, not in a function or under 'if TYPE_CHECKING'",
        ) from None
    shown, origin, arguments = show_annotation(written), get_origin(annotation), get_args(annotation)
    if yields:
        if origin not in _ITERATORS or not arguments:
            item = shown if origin is None and annotation not in _ITERATORS else "Store"
            raise _problem(
                function,
                f"yields its value, but is annotated '-> {shown}'",
                "a function with a 'yield' returns an iterator of the supplied type",
                f"write '-> {iterator}[{item}]'",
            )
        return arguments[0]
    if isinstance(origin, type) and issubclass(origin, Awaitable) and not inspect.iscoroutinefunction(function):
        raise _problem(
            function,
            f"is a plain 'def' that is annotated '-> {shown}'",
            "the result of a plain 'def' is the supplied value itself",
            "write 'async def', and annotate it with the type of the awaited value",
        )
    return annotation


def supplied_type_fault(kind: object, function: Callable[..., object]) -> HandlerFault | None:
    """Return the reason why a type cannot be supplied, or None.

    Args:
        kind: the type.
        function: the function that supplies it.
    """
    name, shown = describe_handler(function), show_annotation(kind)
    text, code = f"supplier {name} supplies {shown}", "TB620"
    if kind is None or kind is type(None):
        text, why = f"supplier {name} supplies nothing", "a function without a value that only checks is a guard"
        fix = f"write guards=[{name.rpartition('.')[2]}] in the route, scope or app, or annotate the supplied type"
    elif kind is Any or kind is object or isinstance(kind, TypeVar):
        text, why, fix = f"{text}, which may be anything", _WHY, "write the class of the value"
    elif isinstance(kind, type) and issubclass(kind, Request | Response):
        why = "a handler receives the request from the core, and returns a response"
        fix = "write a class of your own that holds the values"
    elif _is_common(kind):
        text, code = f"{text}, which parameters have for many reasons", "TB621"
        why = "all parameters of this type without a marker would receive the value, instead of the query or content"
        fix = f"name the type: Name = NewType('Name', {shown}), or Annotated[{shown}, 'name'], here and in the handlers"
    elif not _is_hashable(kind):
        why, fix = "types are compared by their hash, which this one has not", "write metadata that has a hash"
    else:
        return None
    return HandlerFault(text, why, fix, code=code)


def _is_common(kind: object) -> bool:
    if get_origin(kind) is Annotated:
        return False
    origin, parts = get_origin(kind), get_args(kind)
    if parts:
        # A generic class such as Repository[int] is not common, whatever its arguments are.
        is_standard = is_union(kind) or origin in _COMMON or getattr(origin, "__module__", "") == "collections.abc"
        return is_standard and all(_is_common(part) or part is Ellipsis for part in parts)
    return isinstance(kind, type) and kind in _COMMON


def _is_hashable(kind: object) -> bool:
    try:
        hash(kind)
    except TypeError:
        return False
    return True


def check_suppliers(
    entries: Sequence[Sourced[ParameterProvider]], signatures: SignatureResolver, diagnostics: Diagnostics
) -> None:
    """Report the mistakes in the parameters of functions under ``@app.supply``, even if no route needs them.

    Args:
        entries: the records in effect that the scope itself declares.
        signatures: finds suppliers in the scope.
        diagnostics: where to report.
    """
    for entry in entries:
        if entry.record.value is None:
            continue
        try:
            signatures.supplier(entry.record.value, entry, entry.record.type)
        except ParameterProblem as problem:
            report_fault(problem.fault, entry.origin, diagnostics)
            signatures.ignore(entry.record.value, entry, entry.record.type)


def planned_guards(
    entries: Sequence[Sourced[Callable[..., object]]], signatures: SignatureResolver, diagnostics: Diagnostics
) -> tuple[PlannedSupplier, ...]:
    """Return the guards of a scope or route, in their order.

    Args:
        entries: the functions, outermost first.
        signatures: finds the suppliers of their parameters.
        diagnostics: where unusable guards are reported.
    """
    guards = []
    for entry in entries:
        function: object = entry.record
        if not callable(function) or isinstance(function, type):
            report_fault(_no_guard(function), entry.origin, diagnostics)
            continue
        if _returns_bool(function):
            report_fault(_ignored_result(function), entry.origin, diagnostics)
            continue
        origin = attrs.evolve(entry.origin, location=location_of(function) or entry.origin.location)
        provider = Sourced(ParameterProvider(None, function), origin)
        try:
            guards.append(signatures.supplier(function, provider, ("guard", id(function))))
        except ParameterProblem as problem:
            report_fault(problem.fault, entry.origin, diagnostics)
    return tuple(guards)


def _returns_bool(function: object) -> bool:
    return annotated_classes(return_annotation(function), function) == (bool,)


def _ignored_result(function: object) -> HandlerFault:
    return HandlerFault(
        f"guard {describe_handler(function)} is annotated '-> bool', and its result is ignored",
        "a guard refuses a request by raising an exception; with False as its result it would let all requests pass",
        "raise Forbidden() in it, and write '-> None'",
        code="TB623",
    )


def _no_guard(value: object) -> HandlerFault:
    name = getattr(value, "__name__", "") or "check"
    fix = f"write guards=[{name}], with a function"
    if inspect.iscoroutine(value):
        # It is never awaited, so that Python would warn about it.
        value.close()
        fix = f"write guards=[{name}], without parentheses"
    elif isinstance(value, type):
        fix = f"pass a function that takes '{name.lower()}: {name}' and raises Forbidden"
    elif value is None:
        fix = "pass the function itself, without parentheses"
    return HandlerFault(
        f"guard {value!r:.60} is not a function",
        "a guard is called before the handler, and raises an exception such as Forbidden to refuse a request",
        fix,
        code="TB623",
    )
