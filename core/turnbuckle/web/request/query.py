"""Parse ``application/x-www-form-urlencoded`` text: queries and simple forms (WHATWG URL, section 5.1).

Pure, linear, and bounded: a client that sends more fields than a person could mean is refused.
"""

from __future__ import annotations

from typing import Final, final
from urllib.parse import unquote_to_bytes, urlencode

from turnbuckle.errors import BadRequest
from turnbuckle.web.multidict import MultiMapping

__all__ = ["MAX_FIELDS", "QueryParams", "parse_urlencoded"]

MAX_FIELDS: Final = 1000
"""How many query parameters, cookies or form fields one request may have."""


@final
class QueryParams(MultiMapping[str]):
    """The parameters of a query: ``params["q"]`` is the first value, ``params.get_list("q")`` gives all."""

    __slots__ = ()

    def __str__(self) -> str:
        return urlencode(self._pairs)


def parse_urlencoded(text: str, *, limit: int = MAX_FIELDS, charset: str = "utf-8") -> list[tuple[str, str]]:
    """Return the fields of a query or form in order; what is not in the charset becomes replacement characters.

    Raises:
        BadRequest: there are more fields than the limit.
    """
    # Counting first keeps the cost of a refused text at one scan.
    count = text.count("&") + 1
    if count > limit:
        raise BadRequest(f"{count} fields exceed {limit}")
    pairs = []
    for field in text.split("&"):
        if field:
            name, _, value = field.partition("=")
            pairs.append((_decode(name, charset), _decode(value, charset)))
    return pairs


def _decode(text: str, charset: str) -> str:
    if "+" in text:
        text = text.replace("+", " ")
    if "%" not in text and text.isascii():
        return text
    return unquote_to_bytes(text.encode("latin-1", "replace")).decode(charset, "replace")
