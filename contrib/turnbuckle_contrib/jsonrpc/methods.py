"""A function as a method: its parameters are decoded by their types, and its result is encoded by its type."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, get_type_hints

import attrs

from turnbuckle import JSON, Fault, Request, Schema, SchemaError, UnsupportedType, compile_schema

__all__ = ["Method", "MethodParameter", "compile_method"]

_EMPTY: Final = inspect.Parameter.empty
_VARIABLE: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@attrs.frozen
class MethodParameter:
    """A parameter that clients give.

    Attributes:
        name: its name.
        schema: decodes its value; None for a parameter without a type, which takes any value.
        is_required: whether it has no default.
        by_position: whether it may be given by position.
        by_name: whether it may be given by name.
    """

    name: str
    schema: Schema | None
    is_required: bool
    by_position: bool
    by_name: bool


@attrs.frozen
class Method:
    """A method that clients call.

    Attributes:
        name: its name.
        function: the function.
        parameters: the parameters that clients give.
        request_name: name of the parameter that takes the request; "" if there is none.
        result: encodes the result; None for any value.
        is_async: whether the function is async; any other one runs in a thread.
    """

    name: str
    function: Callable[..., Any]
    parameters: Sequence[MethodParameter]
    request_name: str
    result: Schema | None
    is_async: bool

    def arguments(self, params: list[object] | dict[str, object]) -> dict[str, object]:
        """Return the arguments of a call by name.

        Raises:
            SchemaError: a parameter is missing or unknown, or does not fit its type.
        """
        given = self._by_position(params) if isinstance(params, list) else self._by_name(params)
        faults: list[Fault] = []
        values: dict[str, object] = {}
        for parameter in self.parameters:
            if parameter.name not in given:
                if parameter.is_required:
                    faults.append(Fault(f"/{parameter.name}", "is missing"))
                continue
            try:
                value = given[parameter.name]
                values[parameter.name] = value if parameter.schema is None else parameter.schema.from_builtins(value)
            except SchemaError as error:
                faults += [Fault(f"/{parameter.name}{fault.pointer}", fault.reason) for fault in error.faults]
        if faults:
            raise SchemaError(faults)
        return values

    def _by_position(self, params: Sequence[object]) -> Mapping[str, object]:
        names = [parameter.name for parameter in self.parameters if parameter.by_position]
        if len(params) > len(names):
            raise SchemaError([Fault("", f"expected at most {len(names)} parameters, got {len(params)}")])
        return dict(zip(names, params, strict=False))

    def _by_name(self, params: Mapping[str, object]) -> Mapping[str, object]:
        names = {parameter.name for parameter in self.parameters if parameter.by_name}
        # The names of a client are not repeated, because they may be of any length.
        if unknown := len(params.keys() - names):
            raise SchemaError([Fault("", f"{unknown} parameters are unknown; there are {sorted(names)}")])
        return params

    async def call(self, request: Request, arguments: Mapping[str, object]) -> bytes:
        """Call the function, and return its result as JSON.

        Raises:
            Exception: the function fails, or its result has no form in JSON.
        """
        given = {**arguments, self.request_name: request} if self.request_name else dict(arguments)
        unnamed = [parameter.name for parameter in self.parameters if not parameter.by_name]
        positional = [given.pop(name) for name in unnamed if name in given]
        if self.is_async:
            result = await self.function(*positional, **given)
        else:
            result = await asyncio.to_thread(_run, self.function, positional, given)
        if self.result is not None:
            return self.result.encode_json(result)
        body = JSON(result).body
        return body if isinstance(body, bytes) else b"null"


def _run(function: Callable[..., Any], positional: Sequence[object], given: Mapping[str, object]) -> object:
    try:
        return function(*positional, **given)
    except StopIteration as error:
        # StopIteration cannot pass through a future: the await would never end.
        raise RuntimeError("the method raised StopIteration") from error


def compile_method(name: str, function: Callable[..., Any]) -> Method:
    """Return a function as a method.

    Raises:
        TypeError: the function has parameters that cannot be given, or a type without a schema.
    """
    try:
        hints = get_type_hints(function, include_extras=True)
    except (NameError, TypeError) as error:
        raise _error(name, function, f"has an annotation that cannot be evaluated: {error}") from error
    request_name, parameters = "", []
    for parameter in inspect.signature(function).parameters.values():
        hint = hints.get(parameter.name, _EMPTY)
        if hint is Request:
            if parameter.kind is parameter.POSITIONAL_ONLY:
                raise _error(name, function, "takes the request by position only")
            request_name = parameter.name
        elif parameter.kind in _VARIABLE:
            raise _error(name, function, f"takes *{parameter.name}, whose parameters have no names or types")
        else:
            parameters.append(
                MethodParameter(
                    parameter.name,
                    _schema(name, function, hint),
                    parameter.default is _EMPTY,
                    parameter.kind is not parameter.KEYWORD_ONLY,
                    parameter.kind is not parameter.POSITIONAL_ONLY,
                )
            )
    call = getattr(function, "__call__", function)  # noqa: B004  # to find out whether it is async
    is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)
    result = _schema(name, function, hints.get("return", _EMPTY))
    return Method(name, function, tuple(parameters), request_name, result, is_async)


def _schema(name: str, function: Callable[..., Any], hint: object) -> Schema | None:
    if hint is _EMPTY or hint is Any or hint is object:
        return None
    try:
        return compile_schema(hint)
    except UnsupportedType as error:
        raise _error(name, function, f"has a type without a schema: {error}") from error


def _error(name: str, function: Callable[..., Any], fault: str) -> TypeError:
    error = TypeError(f"method {name!r} ({getattr(function, '__qualname__', function)!s}) {fault}")
    error.add_note("fix: give each parameter a name and a type that JSON can express, such as 'count: int'")
    return error
