"""Convert the return value of a handler into a response, by its type.

The table is a dict that is filled at startup; the entry for a subclass is searched once and then stored. A type without
an entry is refused, because guessing would turn a mistake into a response.

A response type that needs the request has an ``async def``. Its entry makes an ``Unrendered``, which the endpoint of
the route finishes before any middleware sees the response.
"""

from __future__ import annotations

import dataclasses
from abc import ABC
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, final

import attrs

from turnbuckle.schema.json_encoding import encode_json
from turnbuckle.web.annotations import streams_text
from turnbuckle.web.content.codecs import JSON_TYPE, Codecs
from turnbuckle.web.content.json import JSONCodec
from turnbuckle.web.response.file import File
from turnbuckle.web.response.response import FormattedResponse, Response, Stream, json_response
from turnbuckle.web.response.value_errors import (
    instance_error,
    may_return,
    may_return_none,
    none_error,
    unsupported_value_error,
)

if TYPE_CHECKING:
    from turnbuckle.web.request.request import Request

__all__ = [
    "BUILTIN_TYPES",
    "AsyncRender",
    "AttrsInstance",
    "DataclassInstance",
    "Render",
    "Renderer",
    "StructInstance",
    "Unrendered",
    "compile_renderer",
    "with_codecs",
    "with_json",
]

# A router of a plugin may make a handler for each request, and these are not all stored.
_MAX_VERDICTS: Final = 10_000

Render: TypeAlias = Callable[..., Response]
"""Converts a value of one type into a response."""

AsyncRender: TypeAlias = "Callable[[object, Request], Awaitable[Response]]"
"""Converts a value of one type and the request into a response."""


class AttrsInstance(ABC):  # noqa: B024 - it has no methods: it represents all attrs classes in the table
    """The virtual base of every attrs class."""

    @classmethod
    def __subclasshook__(cls, subclass: type) -> bool:
        """Return whether a class is an attrs class."""
        return attrs.has(subclass)


class DataclassInstance(ABC):  # noqa: B024 - as above
    """The virtual base of every dataclass."""

    @classmethod
    def __subclasshook__(cls, subclass: type) -> bool:
        """Return whether a class is a dataclass."""
        return dataclasses.is_dataclass(subclass)


class StructInstance(ABC):  # noqa: B024 - as above
    """The virtual base of every ``msgspec.Struct``."""

    @classmethod
    def __subclasshook__(cls, subclass: type) -> bool:
        """Return whether a class is derived from ``msgspec.Struct``."""
        return hasattr(subclass, "__struct_fields__")


class Renderer(Protocol):
    """Converts a value into a response. An error message names the handler that returned the value."""

    def __call__(self, value: object, handler: object = None, /) -> Response:
        """Return the response for a value."""


@final
class Unrendered(Response):
    """A value with an async response type, until the endpoint calls ``finish``.

    Args:
        render: the function of the response type.
        value: the value that a handler returned.
    """

    __slots__ = ("_render", "_value")

    def __init__(self, render: AsyncRender, value: object) -> None:
        super().__init__()
        self._render: Final = render
        self._value: Final = value

    async def finish(self, request: Request) -> Response:
        """Return the response for the value."""
        return await self._render(self._value, request)


def _json(value: object) -> Response:
    # The same as JSON(value) in an app without its own codec.
    return json_response(encode_json(value))


def _unchanged(response: Response) -> Response:
    return response


def _no_content(value: None) -> Response:
    return Response(status=204)


_INSTANCES: Final = frozenset({AttrsInstance, DataclassInstance, StructInstance})
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
    (DataclassInstance, _json, "application/json"),
    (StructInstance, _json, "application/json"),
)
"""The types that every app can return, each with its render function and media type."""


def with_json(render: Render, codec: JSONCodec) -> Render:
    """Return a function that encodes JSON with ``codec`` if ``render`` is the core's JSON function, else ``render``."""
    if render is not _json:
        return render
    encode = codec.encode
    # A codec of a plugin may return another type than bytes.
    return lambda value: Response(encode(value), content_type="application/json")


def with_codecs(render: Render, codecs: Codecs) -> Render:
    """Return a function that encodes in the format that the request accepts if ``render`` is the core's JSON function.

    A client that accepts none of the formats gets JSON, as in an app without further codecs.
    """
    if render is not _json:
        return render

    async def encode(value: object, request: Request) -> Response:
        best = request.accepts(*codecs.types) or JSON_TYPE
        return FormattedResponse(codecs.encode(value, best), content_type=best)

    return lambda value: Unrendered(encode, value)


def compile_renderer(table: Mapping[type, Render]) -> Renderer:
    """Return a function that renders a value by its exact type, else by its nearest base, else by an abstract base.

    The function raises ``TypeError`` for a value whose type has no entry, and for None or
    an instance of a class from a handler whose annotation excludes it.

    Args:
        table: the render function for each type.
    """
    renders: dict[type, Render] = {Response: _unchanged, **table}
    # A separate dict, because entries found for subclasses must not count as entries of the table.
    seen = dict(renders)
    # Instances, None and streams depend on the annotation of the handler, so they are not rendered like the others.
    instances: dict[type, Render] = {}
    check_instance, stream = _instance_check(), _stream_renderer()
    none = _none_renderer() if renders.get(type(None)) is _no_content else None
    if none is not None:
        del seen[type(None)]

    def render(value: object, handler: object = None, /) -> Response:
        kind = type(value)
        known = seen.get(kind)
        if known is None:
            if value is None and none is not None:
                return none(handler)
            known = instances.get(kind)
            if known is None:
                base, known = _find(renders, value, handler)
                table_of_kind = instances if base in _INSTANCES or known is Stream else seen
                table_of_kind[kind] = known
            if known is Stream:
                return stream(value, handler)  # type: ignore[arg-type]  # its base is AsyncIterable
            if kind in instances:
                check_instance(value, handler)
        return known(value)

    return render


def _find(renders: dict[type, Render], value: object, handler: object) -> tuple[type, Render]:
    """Return the entry of the table for a value."""
    kind = type(value)
    for base in kind.__mro__:
        if base in renders:
            return base, renders[base]
    # An exception may be an attrs class, but it is never meant as content.
    for abstract, render in renders.items() if not issubclass(kind, BaseException) else ():
        if issubclass(kind, abstract):
            return abstract, render
    raise unsupported_value_error(value, handler, ", ".join(known.__name__ for known in renders))


def _instance_check() -> Callable[[object, object], None]:
    """Return the check that the annotation of a handler includes the class of an instance, which has private fields."""
    verdicts: dict[tuple[int, type], tuple[object, bool]] = {}

    def check(value: object, handler: object) -> None:
        # The handler is stored, so that its id is not used again.
        key = (id(handler), type(value))
        verdict = verdicts.get(key)
        if verdict is None:
            verdict = (handler, may_return(handler, type(value)))
            if len(verdicts) < _MAX_VERDICTS:
                verdicts[key] = verdict
        if not verdict[1]:
            raise instance_error(value, handler)

    return check


def _stream_renderer() -> Callable[[AsyncIterable[bytes | str], object], Response]:
    """Return the function that sends a stream: as text if the annotation of the handler says so, otherwise as bytes."""
    verdicts: dict[int, tuple[object, str | None]] = {}

    def render_stream(pieces: AsyncIterable[bytes | str], handler: object) -> Response:
        # The handler is stored, so that its id is not used again.
        verdict = verdicts.get(id(handler))
        if verdict is None:
            verdict = (handler, "text/plain; charset=utf-8" if streams_text(handler) else None)
            if len(verdicts) < _MAX_VERDICTS:
                verdicts[id(handler)] = verdict
        return Stream(pieces, content_type=verdict[1])

    return render_stream


def _none_renderer() -> Callable[[object], Response]:
    """Return the function that answers None with 204, if the annotation of the handler permits None."""
    verdicts: dict[int, tuple[object, bool]] = {}

    def render_none(handler: object) -> Response:
        # The handler is stored, so that its id is not used again.
        verdict = verdicts.get(id(handler))
        if verdict is None:
            verdict = (handler, may_return_none(handler))
            if len(verdicts) < _MAX_VERDICTS:
                verdicts[id(handler)] = verdict
        if verdict[1]:
            return Response(status=204)
        raise none_error(handler)

    return render_none
