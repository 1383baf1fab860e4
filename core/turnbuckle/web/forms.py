"""Read forms: urlencoded ones here, multipart ones where the extra ``forms`` is installed (RFC 7578).

A form is bounded in every direction that a client could grow it, and read off the event loop where it touches the disk.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import final

import attrs

from turnbuckle.errors import UnsupportedMediaType
from turnbuckle.web.content import decode_text
from turnbuckle.web.media_type import MediaType
from turnbuckle.web.multi import MultiMapping
from turnbuckle.web.query import MOST_FIELDS, parse_urlencoded

__all__ = ["FormData", "FormLimits", "read_form"]


@final
class FormData(MultiMapping[str]):
    """The fields of a form: ``form["title"]`` is the first value, ``form.get_list("tag")`` gives all."""

    __slots__ = ()


@attrs.frozen(kw_only=True)
class FormLimits:
    """How much a form may hold.

    Attributes:
        fields: number of fields and files together.
    """

    fields: int = MOST_FIELDS


async def read_form(
    media_type: MediaType,
    read: Callable[[], Awaitable[bytes]],
    stream: Callable[[], AsyncIterator[bytes]],
    limits: FormLimits,
) -> FormData:
    """Read the content of a request as a form."""
    if media_type.essence == "application/x-www-form-urlencoded":
        text = decode_text(await read(), "latin-1")
        return FormData(parse_urlencoded(text, limit=limits.fields))
    raise UnsupportedMediaType(f"not a form: {media_type.essence!r}")
