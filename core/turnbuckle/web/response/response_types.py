"""Convert the return value of a handler into a response, by its type.

The table is a dict that is filled at startup; the entry for a subclass is searched once and then stored. A type without
an entry is refused, because guessing would turn a mistake into a response.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import AsyncIterable, Callable, Mapping
from pathlib import Path
from typing import Final, Protocol, TypeAlias

import attrs

from turnbuckle.web.content.json import JSONCodec, encode_json
from turnbuckle.web.handlers import describe_handler
from turnbuckle.web.response.response import File, Response, Stream

__all__ = ["BUILTIN_TYPES", "AttrsInstance", "Render", "Renderer", "compile_renderer", "with_json"]

Render: TypeAlias = Callable[..., Response]
"""Converts a value of one type into a response."""


class AttrsInstance(ABC):  # noqa: B024 - it has no methods: it represents all attrs classes in the table
    """The virtual base of every attrs class."""

    @classmethod
    def __subclasshook__(cls, subclass: type) -> bool:
        """Return whether a class is an attrs class."""
        return attrs.has(subclass)


class Renderer(Protocol):
    """Converts a value into a response. An error message names the handler that returned the value."""

    def __call__(self, value: object, handler: object = None, /) -> Response:
        """Return the response for a value."""


def _json(value: object) -> Response:
    # The same as JSON(value) in an app without its own codec.
    return Response(encode_json(value), content_type="application/json")


def _unchanged(response: Response) -> Response:
    return response


def _no_content(value: None) -> Response:
    return Response(status=204)


BUILTIN_TYPES: Final[tuple[tuple[type, Render, str], ...]] = (
    (Response, _unchanged, ""),
    (str, Response, "text/plain"),
    (bytes, Response, "application/octet-stream"),
    (dict, _json, "application/json"),
    (list, _json, "application/json"),
    (type(None), _no_content, ""),
    (Path, File, "application/octet-stream"),
    (AsyncIterable, Stream, "application/octet-stream"),
    (AttrsInstance, _json, "application/json"),
)
"""The types that every app can return, each with its render function and media type."""


def with_json(render: Render, codec: JSONCodec) -> Render:
    """Return a function that encodes JSON with ``codec`` if ``render`` is the core's JSON function, else ``render``."""
    if render is not _json:
        return render
    encode = codec.encode
    return lambda value: Response(encode(value), content_type="application/json")


def compile_renderer(table: Mapping[type, Render]) -> Renderer:
    """Return a function that renders a value by its exact type, else by its nearest base, else by an abstract base.

    The function raises ``TypeError`` for a value whose type has no entry.

    Args:
        table: the render function for each type.
    """
    renders: dict[type, Render] = {Response: _unchanged, **table}
    # A separate dict, because entries found for subclasses must not count as entries of the table.
    seen = dict(renders)

    def render(value: object, handler: object = None, /) -> Response:
        known = seen.get(type(value))
        if known is None:
            known = seen[type(value)] = _find(renders, value, handler)
        return known(value)

    return render


def _find(renders: dict[type, Render], value: object, handler: object) -> Render:
    kind = type(value)
    for base in kind.__mro__:
        if base in renders:
            return renders[base]
    for abstract, render in renders.items():
        if issubclass(kind, abstract):
            return render
    who = f"handler {describe_handler(handler)}" if handler is not None else "a handler"
    allowed = ", ".join(known.__name__ for known in renders)
    raise TypeError(f"{who} returned {value!r:.80} of type {kind.__qualname__}; supported types: {allowed}")
