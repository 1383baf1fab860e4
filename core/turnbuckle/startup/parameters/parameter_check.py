"""Compare the parameters of a handler with the request and with the parameters of its path.

The parameters of wrapped functions (``functools.wraps``) are compared as far as their wrappers pass on all keyword
arguments. A wrapper may change them, so their mistakes are warnings.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Final

from turnbuckle.diagnostics import Level
from turnbuckle.startup.model.diagnostics import HandlerFault, nearest
from turnbuckle.startup.parameters.signatures import PathParameters
from turnbuckle.startup.parameters.sources import binds_a_name
from turnbuckle.web.annotations import annotated_classes, show_annotation
from turnbuckle.web.handlers import VARIABLE, Parameters, describe_handler, passes_names_on, request_parameter
from turnbuckle.web.request.request import Request

__all__ = ["faults_behind_wrapper", "missing_fix", "request_faults"]

_EMPTY: Final = inspect.Parameter.empty
_REQUEST_NAMES: Final = frozenset({"request", "req", "r", "rq", "http_request", "_", "_request", "ctx", "context"})


def request_faults(
    handler: object, signatures: Sequence[Parameters], path: PathParameters | None
) -> Iterator[HandlerFault]:
    """Yield the mistakes in the parameter that receives the request.

    Args:
        handler: the handler.
        signatures: its parameters, and the parameters of the functions that it wraps.
        path: the parameters of its path; None if they are not known.
    """
    taker, for_request = request_parameter(signatures, path or (), handler)
    if for_request is None:
        return
    depth = next(depth for depth, parameters in enumerate(signatures) if parameters is taker)
    if depth == 0 or all(passes_names_on(parameters) for parameters in signatures[:depth]):
        named = [parameter for parameter in taker if parameter is not for_request and parameter.kind not in VARIABLE]
        yield from _request_faults(handler, for_request, named, path or {}, "error" if depth == 0 else "warning")


def faults_behind_wrapper(handler: object, unfilled: Sequence[inspect.Parameter]) -> Iterator[HandlerFault]:
    """Yield a warning for the parameters of a wrapped function that nothing supplies."""
    if unfilled:
        yield HandlerFault(
            f"handler {describe_handler(handler)} is decorated, and the decorated function requires "
            f"{_names([parameter.name for parameter in unfilled])}, which its path does not give",
            "the decorator receives the request and the parameters of the path, and passes them on",
            f"write '{{{unfilled[0].name}}}' in the path, or let the decorator pass it by this name",
            level="warning",
        )


def missing_fix(signatures: Sequence[Parameters], path: PathParameters) -> str:
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
    return f"write '{{{first.name}}}' in the path, or annotate it: '{first.name}: str' is read from the query"


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
    if parameter.default is not _EMPTY and not binds_a_name(handler, name):
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
        fix = "write 'request: Request', or give the parameter another name"
    else:
        fix = f"write 'request' as the first parameter, and '{name}: str' to read it from the query"
    return HandlerFault(
        f"handler {describe_handler(handler)} receives the request as its first parameter '{shown}'",
        "a parameter with the name 'request', and a first parameter without an annotation, receive the request",
        fix,
        level=level,
    )


def _names(names: Sequence[str] | PathParameters) -> str:
    *first, last = [repr(name) for name in names]
    return f"{', '.join(first)} and {last}" if first else last
