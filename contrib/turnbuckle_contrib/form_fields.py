"""Read one field of a URL-encoded form in middleware, so that the handler can still read the content.

Multipart forms are not read: they may be large, and their files belong to the handler.
"""

from __future__ import annotations

import re
from typing import Final, final

import attrs

from turnbuckle import ContentTooLarge, Request

__all__ = ["FormField", "is_form_field"]

_FORM: Final = "application/x-www-form-urlencoded"
# Characters that are the same in a form with and without its encoding.
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")


def is_form_field(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    """Check the name of a field in the settings.

    Raises:
        ValueError: the name contains other characters than letters, digits, ``_`` and ``-``.
    """
    if not _NAME.fullmatch(value):
        raise ValueError(f"{attribute.name} consists of letters, digits, '_' and '-', and is not {value!r}")


@final
class FormField:
    """A field whose value consists of letters, digits, ``_`` and ``-``.

    Args:
        name: its name, which ``is_form_field`` has checked.
        limit: bytes of the form; a longer form is not read.
    """

    __slots__ = ("_limit", "_pair")

    def __init__(self, name: str, limit: int) -> None:
        self._limit: Final = limit
        self._pair: Final = re.compile(rb"(?:\A|&)%b=([A-Za-z0-9_-]++)(?=&|\Z)" % re.escape(name.encode()))

    async def read(self, request: Request) -> str:
        """Return the first value of the field; "" if the request has no such form, or the form no such field.

        Raises:
            ContentTooLarge: the form is longer than the limit.
        """
        if request.content_type != _FORM:
            return ""
        limit = min(request.content_limit, self._limit)
        if (request.content_length or 0) > limit:
            raise ContentTooLarge(f"the form exceeds {limit} bytes")
        request.content_limit = limit
        found = self._pair.search(await request.read())
        return found[1].decode("ascii") if found is not None else ""
