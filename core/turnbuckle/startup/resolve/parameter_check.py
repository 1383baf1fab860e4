"""Compare the parameters of a handler with the request and with the parameters of its path.

The parameters of wrapped functions (``functools.wraps``) are compared as far as their wrappers pass on all keyword
arguments. A wrapper may change them, so their mistakes are warnings.
"""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import CodeType
from typing import Any, Final

from turnbuckle.diagnostics import Level
from turnbuckle.routing.converters import Converter
from turnbuckle.startup.model.diagnostics import nearest
from turnbuckle.startup.resolve.handler_check import HandlerFault
from turnbuckle.startup.resolve.value_sources import how_to_read
from turnbuckle.web.annotations import annotated_classes, show_annotation
from turnbuckle.web.handlers import VARIABLE, Parameters, describe_handler, passes_names_on, request_parameter
from turnbuckle.web.request.request import Request

__all__ = ["PathParameters", "missing_fix", "parameter_faults"]

PathParameters = Mapping[str, Converter | None]
"""The parameters of a path and host, each with its converter; None if the converter is not known."""

_WHY: Final = "a handler takes the request, and the parameters of its path by name"
_EMPTY: Final = inspect.Parameter.empty
# The converter whose values have a class.
_CONVERTERS: Final = {"int": "int", "float": "float", "UUID": "uuid", "date": "date", "str": "str"}
_REQUEST_NAMES: Final = frozenset({"request", "req", "r", "rq", "http_request", "_", "_request", "ctx", "context"})


def parameter_faults(
    handler: object,
    signatures: Sequence[Parameters],
    path: PathParameters | None,
    *,
    is_complete: bool = True,
    others: Callable[[], Collection[str]] = frozenset,
) -> Iterator[HandlerFault]:
    """Yield the mistakes in the parameters of a handler.

    Args:
        handler: the handler.
        signatures: its parameters, and the parameters of the functions that it wraps.
        path: the parameters of its path; None if they are not known.
        others: returns the path parameters of all routes of the handler; one route may fill what another does not.
        is_complete: whether the path has no other parameters, for example in the syntax of another router.
    """
    taker, for_request = request_parameter(signatures, path or ())
    bound = handler.keywords.keys() if isinstance(handler, functools.partial) else ()
    for depth, parameters in enumerate(signatures):
        level: Level = "error" if depth == 0 else "warning"
        taken = for_request if parameters is taker else None
        named = [
            parameter for parameter in _named(parameters) if parameter is not taken and parameter.name not in bound
        ]
        if depth > 0:
            named = [parameter for parameter in named if parameter.name != "request"]
            named = [parameter for parameter in named if not _is_named_in_wrapper(handler, parameter.name)]
        if taken is not None:
            yield from _request_faults(handler, taken, named, path or {}, level)
        if path is not None:
            if depth > 0:
                yield from _missing_behind_wrapper(handler, named, path)
            yield from _unfilled(handler, named, path, others, level if is_complete else "warning")
            yield from _misfits(handler, named, path, level)
        if not passes_names_on(parameters):
            break


def _named(parameters: Parameters) -> list[inspect.Parameter]:
    return [parameter for parameter in parameters if parameter.kind not in VARIABLE]


def missing_fix(handler: object, signatures: Sequence[Parameters], path: PathParameters) -> str:
    """Return the fix for a handler that requires parameters which its path does not have."""
    _, for_request = request_parameter(signatures, path)
    named = [
        parameter for parameter in signatures[0] if parameter is not for_request and parameter.kind not in VARIABLE
    ]
    missing = [parameter for parameter in named if parameter.name not in path and parameter.default is _EMPTY]
    if not missing:
        return "change the path, or the parameters of the handler"
    first, names = missing[0], {parameter.name for parameter in named}
    if first.name in {"call_next", "next"}:
        return "this is middleware: decorate it with @app.middleware instead of a route"
    unused = [name for name in path if name not in names]
    if len(unused) == len(missing) == 1:
        return f"use one name in both: name the parameter {unused[0]!r}, or write '{{{first.name}}}' in the path"
    return f"write '{{{first.name}}}' in the path, or {how_to_read(handler, first)}"


def _request_faults(
    handler: object,
    parameter: inspect.Parameter,
    named: Sequence[inspect.Parameter],
    path: PathParameters,
    level: Level,
) -> Iterator[HandlerFault]:
    name = parameter.name
    if parameter.kind in VARIABLE or parameter.annotation is Request:
        return
    if parameter.annotation is not _EMPTY:
        classes = annotated_classes(parameter.annotation, handler)
        if not any(issubclass(Request, kind) for kind in classes if kind is not type(None)):
            yield _wrong_request(handler, parameter, classes, level)
        return
    if name == "request":
        return
    if parameter.default is not _EMPTY and not _binds_a_name(handler, name):
        yield _wrong_request(handler, parameter, (), level)
    elif path and not path.keys() & {parameter.name for parameter in named} and _is_like(name, path):
        yield HandlerFault(
            f"handler {describe_handler(handler)} receives the request as {name!r}, and its path has {_names(path)}",
            "the first parameter that is no parameter of the path receives the request",
            f"write (request, {', '.join(path)}), or name the first parameter 'request'",
            level="warning",
        )


def _is_like(name: str, path: PathParameters) -> bool:
    if name in _REQUEST_NAMES:
        return False
    return bool(nearest(name, path)) or any(name in other.split("_") or other in name.split("_") for other in path)


def _wrong_request(
    handler: object, parameter: inspect.Parameter, classes: Sequence[type], level: Level
) -> HandlerFault:
    name, kind = parameter.name, classes[0] if classes else object
    shown = name if parameter.annotation is _EMPTY else f"{name}: {show_annotation(parameter.annotation)}"
    if kind.__name__.endswith("Request"):
        other = f"{kind.__module__}.{kind.__name__}"
        fix = f"write '{name}: Request' with 'from turnbuckle import Request', instead of {other}"
    elif name == "request":
        fix = "write 'request: Request'"
    else:
        fix = f"write 'request: Request' as the first parameter, and {how_to_read(handler, parameter)}"
    return HandlerFault(
        f"handler {describe_handler(handler)} receives the request as its first parameter '{shown}'",
        "the first parameter that is no parameter of the path receives the request, whatever its annotation is",
        fix,
        level=level,
    )


def _missing_behind_wrapper(
    handler: object, named: Sequence[inspect.Parameter], path: PathParameters
) -> Iterator[HandlerFault]:
    missing = [parameter for parameter in named if parameter.name not in path and parameter.default is _EMPTY]
    if missing:
        yield HandlerFault(
            f"handler {describe_handler(handler)} is decorated, and the decorated function requires "
            f"{_names([parameter.name for parameter in missing])}, which its path does not give",
            "the decorator receives the request and the parameters of the path, and passes them on",
            f"write '{{{missing[0].name}}}' in the path, or let the decorator pass it by this name",
            level="warning",
        )


def _unfilled(
    handler: object,
    named: Sequence[inspect.Parameter],
    path: PathParameters,
    others: Callable[[], Collection[str]],
    level: Level,
) -> Iterator[HandlerFault]:
    unfilled = [
        parameter
        for parameter in named
        if parameter.default is not _EMPTY
        and parameter.name not in path
        and not (parameter.annotation is _EMPTY and _binds_a_name(handler, parameter.name))
    ]
    if unfilled:
        elsewhere = others()
        unfilled = [parameter for parameter in unfilled if parameter.name not in elsewhere]
    if not unfilled:
        return
    verb = "it always has its default" if len(unfilled) == 1 else "they always have their defaults"
    readings = [how_to_read(handler, parameter, _default_call(handler, parameter.name)) for parameter in unfilled]
    yield HandlerFault(
        f"handler {describe_handler(handler)} takes {_names([parameter.name for parameter in unfilled])}, "
        f"which its path does not give, so {verb}",
        _WHY,
        "; ".join(readings) + "; to bind a value, use functools.partial",
        level=level,
    )


def _misfits(
    handler: object, named: Sequence[inspect.Parameter], path: PathParameters, level: Level
) -> Iterator[HandlerFault]:
    for parameter in named:
        value = _value_class(path.get(parameter.name))
        if value is None or parameter.annotation is _EMPTY or parameter.annotation is value:
            continue
        classes = annotated_classes(parameter.annotation, handler)
        if any(_fits(value, kind) for kind in classes):
            continue
        name, shown = parameter.name, show_annotation(parameter.annotation)
        expected = next((kind for kind in classes if kind is not type(None)), object)
        yield HandlerFault(
            f"handler {describe_handler(handler)} takes '{name}: {shown}', but its value is of type {value.__name__}",
            "the converter of a path parameter decides the type of its value; without one it is a str",
            _misfit_fix(name, expected, value),
            level=level,
        )


def _misfit_fix(name: str, expected: type, value: type) -> str:
    converter = _CONVERTERS.get(expected.__name__)
    if converter == "str":
        return f"write '{name}: {value.__name__}' in the handler, or '{{{name}}}' in the path"
    if converter is not None:
        return f"write '{{{name}:{converter}}}' in the path"
    made = f"{expected.__name__}({name})"
    return f"write '{name}: {value.__name__}' and make {made} in the handler, or add a converter: App(converters=...)"


def _value_class(converter: Converter | None) -> type | None:
    """Return the class of the values of a converter, or None if it is not known."""
    if converter is None:
        return None
    convert: object = converter.convert
    if isinstance(convert, type):
        return convert
    annotation = getattr(convert, "__annotations__", {}).get("return", _EMPTY)
    owner = getattr(convert, "__self__", None)
    if isinstance(owner, type) and getattr(convert, "__name__", "") == "fromisoformat":
        return owner
    classes = annotated_classes(annotation, convert) if annotation is not _EMPTY else ()
    return classes[0] if len(classes) == 1 and classes[0] is not object else None


def _fits(value: type, kind: type) -> bool:
    # An int is accepted where a float is expected (PEP 484).
    if kind in {float, complex} and value is int:
        return True
    try:
        return issubclass(value, kind)
    except TypeError:
        return True


def _names(names: Sequence[str] | PathParameters) -> str:
    *first, last = [repr(name) for name in names]
    return f"{', '.join(first)} and {last}" if first else last


# -- the code of handlers


def _is_named_in_wrapper(handler: object, name: str) -> bool:
    """Return whether a decorator of a handler has a name in its code, and so may pass an argument of this name."""
    function: Any = handler
    while (inner := getattr(function, "__wrapped__", None)) is not None:
        code = getattr(getattr(function, "__func__", function), "__code__", None)
        if code is not None and name in _words(code):
            return True
        function = inner
    return False


def _words(code: CodeType) -> Iterator[object]:
    yield from (*code.co_names, *code.co_varnames, *code.co_freevars)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _words(constant)
        elif isinstance(constant, tuple):
            yield from constant
        else:
            yield constant


def _binds_a_name(handler: object, name: str) -> bool:
    """Return whether a default is a variable, as in ``def handler(request, n=n)``, which binds its current value."""
    return isinstance(_default_of(handler, name), ast.Name | ast.Attribute | ast.Subscript)


def _default_call(handler: object, name: str) -> str:
    """Return the name of the function whose call is a default, such as ``Depends``; "" for any other default."""
    default = _default_of(handler, name)
    if not isinstance(default, ast.Call):
        return ""
    called = default.func
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def _default_of(handler: object, name: str) -> ast.expr | None:
    """Return the expression of a parameter's default in the source, or None if there is no source."""
    function: Any = inspect.unwrap(handler.func if isinstance(handler, functools.partial) else handler)  # type: ignore[arg-type]
    if not hasattr(function, "__code__"):
        function = getattr(function, "__func__", getattr(type(function), "__call__", None))  # noqa: B004
    code = getattr(function, "__code__", None)
    if code is None:
        return None
    for node in ast.walk(_parsed(code.co_filename)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and _starts_at(node, code):
            arguments = node.args
            positional = [*arguments.posonlyargs, *arguments.args]
            pairs = list(zip(reversed(positional), reversed(arguments.defaults), strict=False))
            pairs += [
                (key, value) for key, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if value
            ]
            found = next((value for key, value in pairs if key.arg == name), None)
            if found is not None:
                return found
    return None


def _starts_at(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, code: CodeType) -> bool:
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    return first == code.co_firstlineno and getattr(node, "name", "<lambda>") == code.co_name


@functools.lru_cache(maxsize=1)
def _parsed(filename: str) -> ast.Module:
    try:
        return ast.parse("".join(linecache.getlines(filename)))
    except (SyntaxError, ValueError):
        return ast.Module([], [])
