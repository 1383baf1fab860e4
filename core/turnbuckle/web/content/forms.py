"""Choose how the content of a request is read as a form, by its media type.

``application/x-www-form-urlencoded`` is read here; ``multipart/form-data`` where the extra ``forms`` is installed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from turnbuckle.errors import BadRequest, ContentTooLarge, UnsupportedMediaType
from turnbuckle.web.content.content import is_charset
from turnbuckle.web.content.formdata import FormData, FormLimits
from turnbuckle.web.content.multipart import read_multipart
from turnbuckle.web.media_type import MediaType
from turnbuckle.web.request.query import parse_urlencoded

__all__ = ["Readable", "read_form"]


class Readable(Protocol):
    """What a form is read from; ``Request`` is one."""

    @property
    def media_type(self) -> MediaType:
        """Return the Content-Type."""

    def stream(self) -> AsyncIterator[bytes]:
        """Return an iterator over the content."""


async def read_form(source: Readable, limits: FormLimits) -> FormData:
    """Read content as a form.

    Raises:
        BadRequest: it is malformed, or has more fields than the limits allow.
        ContentTooLarge: its text exceeds the limit.
        UnsupportedMediaType: it is no form, or multipart without the extra ``forms``.
    """
    match source.media_type.essence:
        case "application/x-www-form-urlencoded":
            return await _read_urlencoded(source, limits)
        case "multipart/form-data":
            return await read_multipart(source.media_type.get("boundary"), source.stream(), limits)
        case other:
            raise UnsupportedMediaType(f"{other!r} is no form" if other else "content without a type is no form")


async def _read_urlencoded(source: Readable, limits: FormLimits) -> FormData:
    charset = source.media_type.charset or "utf-8"
    if not is_charset(charset):
        raise BadRequest("the form is in an unknown charset")
    pieces = []
    size = 0
    async for piece in source.stream():
        pieces.append(piece)
        size += len(piece)
        if size > limits.text:
            raise ContentTooLarge(f"text of the form exceeds {limits.text} octets")
    text = b"".join(pieces).decode("latin-1")
    return FormData(parse_urlencoded(text, limit=limits.fields, charset=charset))
