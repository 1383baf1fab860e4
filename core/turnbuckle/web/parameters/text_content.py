"""Read parameters from content that is not one JSON text: bytes, plain text, and lines of JSON.

Bytes and text are loaded before they are read. Lines are read and validated by the handler, while they arrive.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from turnbuckle.errors import BadRequest, ContentTooLarge, InputFault, InvalidInput
from turnbuckle.schema.faults import NotJSON, SchemaError
from turnbuckle.schema.schema import Schema
from turnbuckle.web.content.charsets import decode_text
from turnbuckle.web.content.ndjson import NDJSON_TYPES, decode_lines
from turnbuckle.web.parameters.content import ContentKind, NotLoaded
from turnbuckle.web.parameters.readers import Input, InputReader, invalid_input
from turnbuckle.web.request.request import Request

__all__ = [
    "BYTES_CONTENT",
    "BYTES_TYPE",
    "LINES_CONTENT",
    "LINES_TYPE",
    "TEXT_CONTENT",
    "TEXT_TYPE",
    "bytes_reader",
    "lines_reader",
    "text_reader",
]

BYTES_TYPE: Final = "application/octet-stream"
TEXT_TYPE: Final = "text/plain"
LINES_TYPE: Final = NDJSON_TYPES[0]


def bytes_reader(given: Input) -> InputReader:
    """Return the reader of content of any type, as its bytes; empty content is the default, if there is one."""
    default = given.default

    def read(request: Request) -> object:
        content = request.received()
        if content is None:
            raise NotLoaded
        return default() if default is not None and not content else content

    return read


def text_reader(given: Input) -> InputReader:
    """Return the reader of plain text in its charset, by default UTF-8."""
    from_text, default = given.schema.from_text, given.default

    def read(request: Request) -> object:
        content = request.received()
        if content is None:
            raise NotLoaded
        if default is not None and not content:
            return default()
        _check_text(request)
        try:
            return from_text(decode_text(content, request.media_type.charset or "utf-8"))
        except SchemaError as error:
            raise invalid_input("body", "", error) from None
        except BadRequest as error:
            raise _refused(error.detail or "malformed", 400) from error

    return read


def lines_reader(given: Input) -> InputReader:
    """Return the reader of lines of JSON: an async iterator over the items, each of which fits its type."""
    schema = given.schema

    def read(request: Request) -> AsyncIterator[object]:
        _check_lines(request)
        return decode_lines(request.stream(), lambda line: _decoded(line, schema), request.json_limit)

    return read


def _decoded(line: bytes, schema: Schema) -> object:
    try:
        return schema.decode_json(line)
    except SchemaError as error:
        raise invalid_input("body", "", error) from None
    except NotJSON:
        raise _refused("not JSON", 400) from None


def _check_text(request: Request) -> None:
    if "content-encoding" in request.headers and request.received() != b"":
        # RFC 9110, section 15.5.16. Middleware that decodes the content removes the field.
        raise _refused("has a content coding that is not accepted", 415, {"Accept-Encoding": "identity"})
    if "content-type" in request.headers and request.media_type.essence != TEXT_TYPE:
        raise _refused(f"not of the type {TEXT_TYPE}", 415, {"Accept": TEXT_TYPE})


def _check_lines(request: Request) -> None:
    # As ``Request.ndjson``: content without a type may be lines, except from a web page.
    is_declared = "content-type" in request.headers or "origin" in request.headers
    if is_declared and request.media_type.essence not in NDJSON_TYPES:
        raise _refused(f"not of the type {' or '.join(NDJSON_TYPES)}", 415, {"Accept": ", ".join(NDJSON_TYPES)})


def _refused(reason: str, status: int, headers: dict[str, str] | None = None) -> InvalidInput:
    return InvalidInput([InputFault(part="body", reason=reason)], status, headers=headers or {})


async def _load(request: Request) -> None:
    try:
        await request.read()
    except ContentTooLarge as error:
        raise _refused(error.detail or "too large", 413) from error
    except BadRequest as error:
        # Middleware transforms the content, for example the plugin decompress.
        raise _refused(error.detail or "malformed", 400) from error


async def _load_text(request: Request) -> None:
    # Before a 100 (Continue) asks the client to send content of another type.
    _check_text(request)
    await _load(request)


BYTES_CONTENT: Final = ContentKind(lambda request: request.received() is not None, _load)
"""Content of any type."""

TEXT_CONTENT: Final = ContentKind(lambda request: request.received() is not None, _load_text)
"""Content that is plain text."""


async def _load_nothing(request: Request) -> None:
    """Leave the content for the handler, which reads it while it arrives."""


LINES_CONTENT: Final = ContentKind(lambda request: True, _load_nothing)
"""Content that consists of lines of JSON."""
