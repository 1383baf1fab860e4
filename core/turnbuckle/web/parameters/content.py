"""Read parameters from the content of a request: JSON, fields of a form, and uploaded files.

Content is loaded first, which may have to wait. The readers of parameters then take it without a wait.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import attrs

from turnbuckle.errors import BadRequest, ContentTooLarge, HTTPError, InputFault, InvalidInput, UnsupportedMediaType
from turnbuckle.schema.faults import NotJSON, SchemaError
from turnbuckle.web.content.codecs import Codec
from turnbuckle.web.content.forms import FormData
from turnbuckle.web.media_type import MediaType
from turnbuckle.web.parameters.readers import (
    Input,
    InputReader,
    class_reader,
    invalid_input,
    missing_input,
    texts_reader,
)
from turnbuckle.web.request.request import Request

__all__ = ["FORM", "JSON_CONTENT", "ContentKind", "NotLoaded", "file_reader", "form_reader", "json_reader"]

_TYPE_LINE: Final = b"\ncontent-type:"
_JSON_LINE: Final = b"\ncontent-type: application/json\r"


class NotLoaded(Exception):
    """Content is read by a reader before it was loaded."""


@attrs.frozen
class ContentKind:
    """How the content of a request is loaded.

    Attributes:
        is_loaded: returns whether the content is there, so that its readers do not wait.
        load: waits for the content.
    """

    is_loaded: Callable[[Request], bool]
    load: Callable[[Request], Awaitable[object]]


def json_reader(given: Input) -> InputReader:
    """Return the reader of content that is JSON."""
    decode, from_builtins, default = given.schema.decode_json, given.schema.from_builtins, given.default

    def read(request: Request) -> object:
        content = request.received()
        if content is None:
            raise NotLoaded
        if not content:
            if default is None:
                raise missing_input("body", "")
            return default()
        codec = None if _is_json(request) else _other_codec(request, request.media_type)
        limit = request.json_limit
        if len(content) > limit:
            raise _too_large(f"content of {len(content)} bytes exceeds {limit}")
        try:
            return decode(content) if codec is None else from_builtins(_decoded(content, codec))
        except SchemaError as error:
            raise invalid_input("body", "", error) from None
        except NotJSON:
            raise _not_json(request) from None

    return read


def _not_json(request: Request) -> InvalidInput:
    if "content-encoding" in request.headers:
        # RFC 9110, section 15.5.16. Middleware that decodes the content removes the field.
        fault = InputFault(part="body", reason="has a content coding that is not accepted")
        return InvalidInput([fault], 415, headers={"Accept-Encoding": "identity"})
    return InvalidInput([InputFault(part="body", reason="not JSON")], 400)


def _is_json(request: Request) -> bool:
    """Return whether content is declared as JSON; most clients write the field in the same way."""
    lines = request.head.lines.lower()
    start = lines.find(_JSON_LINE)
    if start >= 0 and lines.find(_TYPE_LINE) == start and lines.find(_TYPE_LINE, start + 1) < 0:
        return True
    return request.media_type.is_json


def _other_codec(request: Request, media_type: MediaType) -> Codec | None:
    """Return the codec of a plugin for content that is not declared as JSON; None for JSON without a type."""
    codec = request.codecs.find(media_type)
    # Content without a type may be JSON, except from a web page; see ``Request.json``.
    if codec is None and ("content-type" in request.headers or "origin" in request.headers):
        types = request.codecs.types
        fault = InputFault(part="body", reason=f"not of the type {' or '.join(types)}")
        raise InvalidInput([fault], 415, headers={"Accept": ", ".join(types)})
    return codec


def _decoded(content: bytes, codec: Codec) -> object:
    try:
        return codec.decode(content)
    except (ValueError, RecursionError):
        raise InvalidInput([InputFault(part="body", reason="does not have the format of its type")], 400) from None


def _too_large(reason: str) -> InvalidInput:
    return InvalidInput([InputFault(part="body", reason=reason)], 413)


async def _load_json(request: Request) -> None:
    if not _is_json(request):
        # Refuse content of another type before it is read, and before a 100 (Continue) asks the client to send it.
        _other_codec(request, request.media_type)
    limit = request.json_limit
    # The smaller limit applies while the content arrives, so that it is not stored beyond the limit.
    request.content_limit = min(request.content_limit, limit)
    try:
        await request.read()
    except ContentTooLarge as error:
        raise _too_large(error.detail or f"more than {limit} bytes") from error
    except BadRequest as error:
        # Middleware transforms the content, for example the plugin decompress.
        raise InvalidInput([InputFault(part="body", reason=error.detail or "malformed")], 400) from error


JSON_CONTENT: Final = ContentKind(lambda request: request.received() is not None, _load_json)
"""Content that is JSON."""


async def _load_form(request: Request) -> None:
    try:
        await request.form()
    except UnsupportedMediaType as error:
        if not request.media_type.essence and not await request.read():
            # All fields of a form may have defaults.
            request.loaded_form = FormData()
            return
        raise _invalid_form(error) from error
    except (BadRequest, ContentTooLarge) as error:
        raise _invalid_form(error) from error


def _invalid_form(error: HTTPError) -> InvalidInput:
    fault = InputFault(part="body", reason=error.detail or "not a form")
    return InvalidInput([fault], error.status, headers=error.headers)


def _form_of(request: Request) -> FormData:
    form = request.loaded_form
    if form is None:
        raise NotLoaded
    return form


FORM: Final = ContentKind(lambda request: request.loaded_form is not None, _load_form)
"""Content that is a form."""


def form_reader(given: Input) -> InputReader:
    """Return the reader of a field of a form, or of a class whose attributes are fields."""
    name = given.name
    if not (given.schema.is_scalar or given.schema.is_list_of_scalars):
        return class_reader("form", given, _form_of)
    return texts_reader("form", given, lambda request: _form_of(request).get_list(name))


def file_reader(name: str, default: Callable[[], object] | None, *, is_list: bool) -> InputReader:
    """Return the reader of an uploaded file, or of all files of a field.

    Args:
        name: name of the field.
        default: makes the default; None if a file is required.
        is_list: whether the parameter takes all files.
    """

    def read(request: Request) -> object:
        files = _form_of(request).files.get_list(name)
        if files:
            return files if is_list else files[-1]
        if default is None:
            raise missing_input("form", name)
        return default()

    return read
