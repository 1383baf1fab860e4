"""Turn what a handler returned into a response, by its type.

The table is a dict filled at startup; a subclass is looked up once and then known. What has no entry is refused:
guessing would turn a mistake into a response.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import AsyncIterable, Callable, Iterable
from pathlib import Path
from typing import Protocol

import attrs

from turnbuckle.records import ResponseType
from turnbuckle.web.content.json import JSONCodec, encode_json
from turnbuckle.web.handlers import describe_handler
from turnbuckle.web.response.response import File, Response, Stream

__all__ = ["AttrsInstance", "Renderer", "builtin_response_types", "compile_renderer", "with_json"]


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


def builtin_response_types() -> tuple[ResponseType, ...]:
    """Return how the types that every app knows are rendered."""
    return (
        ResponseType(Response, _itself, ""),
        ResponseType(str, Response, "text/plain"),
        ResponseType(bytes, Response, "application/octet-stream"),
        ResponseType(dict, _json, "application/json"),
        ResponseType(list, _json, "application/json"),
        ResponseType(type(None), _no_content, ""),
        ResponseType(Path, File, "application/octet-stream"),
        ResponseType(AsyncIterable, Stream, "application/octet-stream"),
        ResponseType(AttrsInstance, _json, "application/json"),
    )


def with_json(record: ResponseType, codec: JSONCodec) -> ResponseType:
    """Return a response type that writes JSON with ``codec``, if it is one of the core's that write JSON."""
    if record.render is not _json:
        return record
    encode = codec.encode
    return attrs.evolve(record, render=lambda value: Response(encode(value), content_type="application/json"))


def _json(value: object) -> Response:
    # As JSON(value) in an app that has no codec of its own.
    return Response(encode_json(value), content_type="application/json")


def _itself(response: Response) -> Response:
    return response


def _no_content(value: None) -> Response:
    return Response(status=204)


def compile_renderer(table: Iterable[ResponseType]) -> Renderer:
    """Return a function that renders a value by its exact type, or else its nearest base, or else an abstract one.

    The function raises ``TypeError`` for a value whose type has no entry, and for anything but a response that an
    entry produced.
    """
    renders: dict[type, Callable[..., Response]] = {Response: _itself}
    renders.update((entry.type, entry.render) for entry in table)
    # Subclasses that were seen; kept apart, so that an entry is never mistaken for one.
    seen = dict(renders)

    def render(value: object, handler: object = None, /) -> Response:
        known = seen.get(type(value))
        if known is None:
            known = seen[type(value)] = _find(renders, value, handler)
        return known(value)

    return render


def _find(renders: dict[type, Callable[..., Response]], value: object, handler: object) -> Callable[..., Response]:
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
