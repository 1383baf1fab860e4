"""Turn what a handler returned into a response, by its type.

The table is a dict filled at startup; a subclass is looked up once and then known. What has no entry is refused:
guessing would turn a mistake into a response.
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
"""Turns a value of one type into a response."""


class AttrsInstance(ABC):  # noqa: B024 - it has no methods: it is the name under which attrs classes stand in the table
    """The virtual base of every attrs class."""

    @classmethod
    def __subclasshook__(cls, subclass: type) -> bool:
        """Tell whether a class is an attrs class."""
        return attrs.has(subclass)


class Renderer(Protocol):
    """Turns a value into a response; the handler that returned it is named if that cannot be done."""

    def __call__(self, value: object, handler: object = None, /) -> Response:
        """Return the response for a value."""


def _json(value: object) -> Response:
    # As JSON(value) in an app that has no codec of its own.
    return Response(encode_json(value), content_type="application/json")


def _itself(response: Response) -> Response:
    return response


def _no_content(value: None) -> Response:
    return Response(status=204)


BUILTIN_TYPES: Final[tuple[tuple[type, Render, str], ...]] = (
    (Response, _itself, ""),
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
    """Return a function that writes JSON with ``codec`` if ``render`` is the core's JSON function, else ``render``."""
    if render is not _json:
        return render
    encode = codec.encode
    return lambda value: Response(encode(value), content_type="application/json")


def compile_renderer(table: Mapping[type, Render]) -> Renderer:
    """Return a function that renders a value by its exact type, or else its nearest base, or else an abstract one.

    The function raises ``TypeError`` for a value whose type has no entry.

    Args:
        table: the render function for each type.
    """
    renders: dict[type, Render] = {Response: _itself, **table}
    # Subclasses that were seen; kept apart, so that an entry is never mistaken for one.
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
    raise TypeError(f"{who} returned {value!r:.80} of type {kind.__qualname__}; what can be returned: {allowed}")
