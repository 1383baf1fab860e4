"""Describe the responses of an operation: by its return annotation, its errors, and the checks of its input."""

from __future__ import annotations

import inspect
import types
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Final, Union, get_args, get_origin, get_type_hints

import attrs

from turnbuckle import (
    CSV,
    HTML,
    JSON,
    NDJSON,
    SSE,
    ErrorHandler,
    File,
    HTTPError,
    InvalidInput,
    PlannedRoute,
    PlannedScope,
    Redirect,
    Response,
    ResponseType,
    Stream,
    SwitchProtocols,
    Text,
    reason_phrase,
)
from turnbuckle_contrib.openapi.inputs import Inputs
from turnbuckle_contrib.openapi.records import JSONObject
from turnbuckle_contrib.openapi.schemas import Schemas

__all__ = ["ResponseWriter"]

_JSON: Final = "application/json"
_PROBLEM: Final = "application/problem+json"
_OCTETS: Final = "application/octet-stream"
# The media type of the content of each class of responses; "" for a content that only the handler knows.
_RESPONSES: Final[Mapping[type, str]] = {
    Text: "text/plain",
    HTML: "text/html",
    JSON: _JSON,
    File: _OCTETS,
    Stream: _OCTETS,
    SSE: "text/event-stream",
    NDJSON: "application/x-ndjson",
    CSV: "text/csv",
}
# Types of results without a schema.
_PLAIN: Final = (Response, str, bytes, type(None))
_PROBLEM_DETAILS: Final[JSONObject] = {
    "type": "object",
    "description": "Problem Details (RFC 9457).",
    "required": ["type", "title", "status", "detail", "errors"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "default": "about:blank"},
        "title": {"type": "string", "description": "Reason phrase of the status."},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "All faults of the request.",
            "items": {
                "type": "object",
                "required": ["in", "detail"],
                "properties": {
                    "in": {"type": "string", "enum": ["path", "query", "header", "cookie", "form", "body"]},
                    "parameter": {"type": "string", "description": "Name of the parameter, header or form field."},
                    "pointer": {"type": "string", "description": "JSON Pointer into the value (RFC 6901)."},
                    "detail": {"type": "string", "description": "The reason."},
                },
            },
        },
    },
}


@attrs.frozen
class ResponseWriter:
    """Describes the responses of the operations of one scope.

    Attributes:
        scope: the scope, which has the response types and error handlers.
        schemas: where classes are defined.
    """

    scope: PlannedScope
    schemas: Schemas

    def responses(
        self, planned: PlannedRoute, inputs: Inputs, errors: Iterable[type[HTTPError] | int]
    ) -> dict[str, JSONObject]:
        """Return the Responses Object of an operation.

        Args:
            planned: its route.
            inputs: its input.
            errors: errors in addition to the errors that its route declares.
        """
        docs = planned.route.docs
        found = dict(self._results(planned))
        for status, kinds in _by_status([*docs.errors, *errors], inputs.errors).items():
            found[status] = self._error(status, kinds)
        for status, annotation in docs.responses.items():
            found[status] = {"description": _phrase(status)} | self._content(annotation, status)
        return {str(status): found[status] for status in sorted(found)}

    # -- results

    def _results(self, planned: PlannedRoute) -> Iterator[tuple[int, JSONObject]]:
        result = planned.signature.result
        content: dict[int, JSONObject] = {}
        members = _members(result.annotation)
        if result.schema is not None:
            content[result.status or 200] = {_JSON: {"schema": self.schemas.of(result.schema, "out")}}
            # The schema has the other members of a union.
            members = (member for member in members if isinstance(member, type) and issubclass(member, _PLAIN))
        for member in members:
            status = _status_of(member, result.status)
            content[status] = self._media_types(member) | content.get(status, {})
        for status, media_types in content.items():
            yield status, {"description": _phrase(status)} | ({"content": media_types} if media_types else {})

    def _content(self, annotation: object, status: int) -> JSONObject:
        content: JSONObject = {}
        for member in _members(annotation):
            content |= self._media_types(member)
        return {"content": content} if content and status != 204 else {}

    def _media_types(self, member: object) -> JSONObject:
        kind = get_origin(member) or member
        if kind is type(None) or not isinstance(kind, type):
            return {}
        is_response = issubclass(kind, Response)
        if is_response:
            media_type = next((_RESPONSES[base] for base in kind.__mro__ if base in _RESPONSES), "")
        else:
            media_type = self._response_type(kind)
            if media_type == _OCTETS and issubclass(kind, AsyncIterable) and get_args(member)[:1] == (str,):
                media_type = "text/plain"
        if media_type == _JSON or not (media_type or is_response):
            schema = None if is_response else self.schemas.of_type(member, "out", self.scope.schemas)
            return {_JSON: {"schema": schema or {}}} if schema is not None or media_type else {}
        if not media_type:
            return {}
        text = {"type": "string"} if media_type.startswith("text/") else {"type": "string", "format": "binary"}
        return {media_type: {"schema": text}}

    def _response_type(self, kind: type) -> str:
        types_by_class: dict[type, ResponseType] = {
            entry.record.type: entry.record for entry in self.scope.response_types
        }
        for base in kind.__mro__:
            if base in types_by_class:
                return types_by_class[base].media_type
        return next((record.media_type for known, record in types_by_class.items() if issubclass(kind, known)), "")

    # -- errors

    def _error(self, status: int, kinds: Sequence[type[HTTPError]]) -> JSONObject:
        descriptions = [_description(kind) for kind in kinds]
        text = "; ".join(dict.fromkeys(text for text in descriptions if text)) or _phrase(status)
        content: JSONObject = {}
        for kind in kinds:
            content |= self._error_content(kind, status)
        return {"description": text} | ({"content": content} if content else {})

    def _error_content(self, kind: type[HTTPError], status: int) -> JSONObject:
        handler = self._error_handler(kind)
        if handler is not None:
            found: JSONObject = self._content(_return_annotation(handler.handler), status).get("content", {})
            return found
        if issubclass(kind, InvalidInput):
            return {_PROBLEM: {"schema": self.schemas.add("ProblemDetails", _PROBLEM_DETAILS)}}
        return {"text/plain": {"schema": {"type": "string"}}}

    def _error_handler(self, kind: type[HTTPError]) -> ErrorHandler | None:
        by_class = {entry.record.exception: entry.record for entry in self.scope.error_handlers}
        return next((by_class[base] for base in kind.__mro__ if base in by_class), None)


def _by_status(
    declared: Iterable[type[HTTPError] | int], more: Iterable[tuple[int, type[HTTPError]]]
) -> Mapping[int, Sequence[type[HTTPError]]]:
    pairs = [(error, HTTPError) if isinstance(error, int) else (error.default_status, error) for error in declared]
    found: dict[int, list[type[HTTPError]]] = {}
    for status, kind in (*pairs, *more):
        kinds = found.setdefault(status, [])
        if kind not in kinds:
            kinds.append(kind)
    return found


def _members(annotation: object) -> Iterator[object]:
    """Yield the types that an annotation allows."""
    if get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _members(member)
    elif get_origin(annotation) is Annotated:
        yield from _members(get_args(annotation)[0])
    elif hasattr(annotation, "__value__"):  # a type alias
        yield from _members(annotation.__value__)
    elif annotation is None:
        yield type(None)
    else:
        yield annotation


def _status_of(member: object, status: int | None) -> int:
    if isinstance(member, type) and issubclass(member, SwitchProtocols):
        return 101
    if isinstance(member, type) and issubclass(member, Redirect):
        return status or 302
    return status or (204 if member is type(None) else 200)


def _return_annotation(function: Callable[..., object]) -> object:
    try:
        return get_type_hints(function).get("return", inspect.Parameter.empty)
    except (NameError, TypeError):
        return inspect.Parameter.empty


def _description(kind: type[HTTPError]) -> str:
    """Return the first line of the docstring of an app's own exception; the exceptions of the core have a phrase."""
    if kind.__module__.partition(".")[0] == "turnbuckle":
        return ""
    return inspect.cleandoc(kind.__doc__ or "").partition("\n")[0].removesuffix(".")


def _phrase(status: int) -> str:
    return reason_phrase(status) or f"Status {status}"
