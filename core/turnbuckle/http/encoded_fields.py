"""Turn a field name and value, as text, into one field line that no recipient can read as anything else.

Owns the octets of a field line on the way out and the cache of those that come again and again. It does not know which
fields a message may carry: ``serializer`` does.

Sources: RFC 9110, sections 5.1, 5.5 and 5.6.2; RFC 9112, section 5.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias, final

__all__ = ["EncodedFields", "Field", "SpecialField", "encode_field"]

Field: TypeAlias = tuple[str, str]
"""A field name and its value, as an application writes them."""

# token = 1*tchar
# tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

# field-value = *( field-vchar [ 1*( SP / HTAB / field-vchar ) field-vchar ] ), field-vchar = VCHAR / obs-text
# One of these characters is enough to refuse a value; beyond U+00FF there is no octet to send.
_FORBIDDEN: Final = re.compile(r"[^\t\x20-\x7e\x80-\xff]")

_MAX_LINES: Final = 1024
_MAX_KEPT: Final = 256

# Values that are secrets, or as good as: memory must not hold them longer than the response does.
_NEVER_KEPT: Final = frozenset(
    {
        "authentication-info",
        "authorization",
        "cookie",
        "location",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "set-cookie",
        "www-authenticate",
    }
)


class SpecialField(KeyError):
    """A field that belongs to the framing of the message was looked up: the fast path ends here."""


def encode_field(name: str, value: str) -> bytes:
    """Return ``name: value`` with its CRLF.

    Raises:
        TypeError: the name or the value is not a str.
        ValueError: the name is not a token, or the value holds something other than visible characters, SP, HTAB and
            obs-text, or whitespace surrounds it. The message names the field and never quotes the value.
    """
    if not isinstance(name, str) or not isinstance(value, str):
        raise TypeError(f"field {name!r} must be str and str, not {type(name).__name__} and {type(value).__name__}")
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"field name {name[:64]!r} is not a token")
    if found := _FORBIDDEN.search(value):
        raise ValueError(f"value of field {name!r} holds {found.group()!r} at position {found.start()}")
    if value and (value[0] in " \t" or value[-1] in " \t"):
        raise ValueError(f"value of field {name!r} has whitespace at its beginning or end")
    return f"{name}: {value}\r\n".encode("latin-1")


@final
class EncodedFields(dict[Field, bytes]):
    """Field lines by field, encoded on first use: a hit costs one look-up, and was checked when it was put there.

    Long lines and secrets are never kept, and the whole is emptied when it is full.

    Args:
        special: lower-case names of fields that are not for this table; asking for one raises ``SpecialField``.
    """

    __slots__ = ("_special",)

    def __init__(self, special: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self._special = special

    def __missing__(self, field: Field) -> bytes:
        name, value = field
        lower = name.lower() if isinstance(name, str) else ""
        if lower in self._special:
            raise SpecialField(name)
        line = encode_field(name, value)
        if len(line) <= _MAX_KEPT and lower not in _NEVER_KEPT:
            if len(self) >= _MAX_LINES:
                self.clear()
            self[field] = line
        return line
