"""Describe the mistake of a handler that returned a value without a response.

Used after the mistake only: each message names the handler, its location and the right spelling.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from types import CoroutineType
from typing import Final, cast

from turnbuckle.diagnostics import file_location
from turnbuckle.web.annotations import annotated_classes, return_annotation, show_annotation
from turnbuckle.web.handlers import code_of, describe_handler
from turnbuckle.web.response.returned_tuples import line_for_tuple

__all__ = [
    "describe_coroutine",
    "instance_error",
    "may_return",
    "may_return_none",
    "none_error",
    "tuple_hint",
    "unsupported_value_error",
]

_NONE: Final = (None, "None", inspect.Parameter.empty)


def may_return_none(handler: object) -> bool:
    """Return whether a handler may return None: it has no return annotation, or one that includes None."""
    annotation = return_annotation(handler)
    if annotation in _NONE:
        return True
    classes = annotated_classes(annotation, handler)
    return not classes or object in classes or type(None) in classes


def may_return(handler: object, kind: type) -> bool:
    """Return whether the return annotation of a handler includes a class; a missing one does."""
    annotation = return_annotation(handler)
    if annotation is inspect.Parameter.empty:
        return True
    classes = annotated_classes(annotation, handler)
    # A plain function may return an awaitable, whose result is not known.
    return not classes or any(
        known is object or issubclass(kind, known) or issubclass(known, Awaitable) for known in classes
    )


def instance_error(value: object, handler: object) -> TypeError:
    """Return the error for a handler that returned an instance of a class that its annotation excludes."""
    shown = show_annotation(return_annotation(handler))
    kind = type(value).__qualname__
    return TypeError(f"{_describe(handler)} returned an instance of {kind}, but is annotated '-> {shown}'")


def none_error(handler: object) -> TypeError:
    """Return the error for a handler that returned None although its annotation excludes it."""
    shown = show_annotation(return_annotation(handler))
    return TypeError(
        f"{_describe(handler)} returned None, but is annotated '-> {shown}'; "
        "is a 'return' missing? ('-> None' answers with 204)"
    )


def unsupported_value_error(value: object, handler: object, supported: str) -> TypeError:
    """Return the error for a value whose type has no response type.

    Args:
        value: the returned value; a coroutine is closed.
        handler: the handler that returned it, or None.
        supported: the names of the types that are supported.
    """
    who = _describe(handler) if handler is not None else "a handler"
    if isinstance(value, CoroutineType):
        return TypeError(f"{who} returned {describe_coroutine(value)}; 'await' is missing")
    hint = _hint(value)
    return TypeError(
        f"{who} returned {value!r:.80} of type {type(value).__qualname__}; "
        f"{hint + '; ' if hint else ''}supported types: {supported}"
    )


def describe_coroutine(value: CoroutineType[object, object, object]) -> str:
    """Close a coroutine, because Python warns about coroutines that are never awaited, and return its description."""
    name = value.__qualname__
    value.close()
    return f"the coroutine {name}(...)"


def _hint(value: object) -> str:
    if isinstance(value, BaseException):
        return "an exception is raised, and not returned: write 'raise' instead of 'return'"
    if isinstance(value, type) and issubclass(value, BaseException):
        return f"an exception is raised, and not returned: write 'raise {value.__name__}'"
    if isinstance(value, type):
        return f"return an instance: {value.__name__}(...)"
    if isinstance(value, tuple):
        return tuple_hint(value)
    if isinstance(value, Iterator):
        return "write Stream(...) with it, or 'async def' with 'yield'"
    if isinstance(value, Awaitable):
        return "'await' is missing"
    if callable(value) and hasattr(value, "__code__"):
        return "call it: its parentheses are missing"
    if isinstance(value, int | float | complex):
        return "write str(...) or JSON(...) with it"
    if isinstance(value, set | frozenset):
        return "return a list"
    if hasattr(value, "model_dump"):  # a model of pydantic
        return "return its fields: value.model_dump(mode='json')"
    return "return a dict: dict(value)" if isinstance(value, Mapping) else ""


def tuple_hint(value: tuple[object, ...]) -> str:
    """Return how to write a tuple that a handler returned."""
    if line := line_for_tuple(value):
        return f"write: {line}"
    return "write Response(body, status=..., headers={...}) or JSON(value, status=...), or return a list"


def _describe(handler: object) -> str:
    location = _location_of(handler)
    return f"handler {describe_handler(handler)}" + (f" ({location})" if location else "")


def _location_of(handler: object) -> str:
    function = handler.func if isinstance(handler, functools.partial) else handler
    code = code_of(inspect.unwrap(cast("Callable[..., object]", function)))
    if code is None:
        return ""
    return file_location(code.co_filename, code.co_firstlineno)
