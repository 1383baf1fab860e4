"""Choose the reader of each planned parameter."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from turnbuckle.diagnostics import ResourceKey
from turnbuckle.plan import PlannedParameter, PlannedSupplier
from turnbuckle.web.parameters.content import FORM, JSON_CONTENT, ContentKind, file_reader, form_reader, json_reader
from turnbuckle.web.parameters.readers import (
    Input,
    InputReader,
    cookie_reader,
    header_reader,
    path_reader,
    query_reader,
)
from turnbuckle.web.parameters.text_content import (
    BYTES_CONTENT,
    BYTES_TYPE,
    LINES_CONTENT,
    LINES_TYPE,
    TEXT_CONTENT,
    TEXT_TYPE,
    bytes_reader,
    lines_reader,
    text_reader,
)
from turnbuckle.web.request.request import Request
from turnbuckle.web.websocket.socket import WebSocket

__all__ = ["content_of", "reader_of"]

_JSON_BODY: Final = (JSON_CONTENT, json_reader)
_BODIES: Final = {
    BYTES_TYPE: (BYTES_CONTENT, bytes_reader),
    TEXT_TYPE: (TEXT_CONTENT, text_reader),
    LINES_TYPE: (LINES_CONTENT, lines_reader),
}


def reader_of(parameter: PlannedParameter) -> InputReader:
    """Return the reader of a parameter that no function supplies."""
    match parameter.source:
        case "request":
            return _request
        case "websocket":
            return _websocket
        case "path":
            return path_reader(parameter.alias, parameter.schema, is_text=parameter.is_text)
        case "resource" | "supply" | "provider":
            return _resource_reader(parameter)
        case "file":
            return file_reader(parameter.alias, _default_of(parameter), is_list=parameter.is_list)
        case "query":
            return query_reader(_input_of(parameter), may_be_path=parameter.may_be_path)
        case "header":
            return header_reader(_input_of(parameter))
        case "cookie":
            return cookie_reader(_input_of(parameter))
        case "form":
            return form_reader(_input_of(parameter))
        case "body":
            _, make_reader = _BODIES.get(parameter.media_type, _JSON_BODY)
            return make_reader(_input_of(parameter))
    raise AssertionError(f"{parameter.source} has no reader")


def content_of(parameters: Iterable[PlannedParameter]) -> ContentKind | None:
    """Return the content that parameters are read from; None if none of them is read from the content."""
    sources = {parameter.source: parameter.media_type for parameter in parameters}
    if "body" in sources:
        return _BODIES.get(sources["body"], _JSON_BODY)[0]
    return FORM if sources.keys() & {"form", "file"} else None


def _request(request: Request) -> Request:
    return request


def _websocket(request: Request) -> WebSocket:
    socket = request.supplied.get(WebSocket)
    if not isinstance(socket, WebSocket):
        raise TypeError(f"{request} has no WebSocket: a supplier or guard takes one, but the route is for HTTP")
    return socket


def _resource_reader(parameter: PlannedParameter) -> InputReader:
    given = parameter.given
    key = given.shared if isinstance(given, PlannedSupplier) else given
    assert isinstance(key, ResourceKey)
    return lambda request: request.resource(key)


def _input_of(parameter: PlannedParameter) -> Input:
    assert parameter.schema is not None
    return Input(name=parameter.alias, schema=parameter.schema, default=_default_of(parameter))


def _default_of(parameter: PlannedParameter) -> Callable[[], object] | None:
    if parameter.is_required:
        return None
    default = parameter.default
    return parameter.default_factory or (lambda: default)
