"""Encode a field name and value as one field line that no recipient can misread.

This module owns the encoding of field lines that are sent, and a cache of the encoded lines. ``serializer`` knows which
fields a message may have.

Sources: RFC 9110, sections 5.1, 5.5 and 5.6.2; RFC 9112, section 5.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, TypeAlias, final

__all__ = ["EncodedFields", "Field", "SpecialField", "encode_field", "is_storable", "may_be_secret"]

Field: TypeAlias = tuple[str, str]
"""A field name and its value, as the application gives them."""

# token = 1*tchar
# tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

# field-value = *( field-vchar [ 1*( SP / HTAB / field-vchar ) field-vchar ] ), field-vchar = VCHAR / obs-text
# A value with one of these characters is refused; a character beyond U+00FF does not fit into a byte.
_FORBIDDEN: Final = re.compile(r"[^\t\x20-\x7e\x80-\xff]")

_MAX_LINES: Final = 1024
_MAX_CACHED_LINE: Final = 256

# The values of fields with such names may be secrets, or URLs with secrets in their queries. They are not kept in
# memory after the response.
_SECRET_NAME: Final = re.compile(
    "auth|cookie|credential|csrf|jwt|key|link|location|nonce|otp|passw|refresh|secret|session|signature|token|ur[il]|xsrf"
)


@lru_cache(256)
def may_be_secret(name: str) -> bool:
    """Return whether the lower-case name of a field suggests a secret, so that its value must not stay in memory."""
    return _SECRET_NAME.search(name) is not None


def is_storable(name: str, line: bytes) -> bool:
    """Return whether an encoded field may stay in memory: it is short, and its lower-case name suggests no secret."""
    return len(line) <= _MAX_CACHED_LINE and not may_be_secret(name)


class SpecialField(KeyError):
    """A field was looked up that belongs to the framing of the message: the fast path cannot encode it."""


def encode_field(name: str, value: str) -> bytes:
    """Return ``name: value`` with its CRLF.

    Raises:
        TypeError: the name or the value is not a str.
        ValueError: the name is not a token; or the value contains a character other than visible characters, SP, HTAB
            and obs-text, or begins or ends with whitespace. The message names the field and does not quote the value.
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
    """Encoded field lines by field. A line is checked and encoded on first use; after that it costs one look-up.

    Long lines are never stored, nor lines whose names suggest a secret, such as ``Set-Cookie`` or ``X-Api-Key``. The
    table is cleared when it is full.

    Args:
        special: lower-case names of the fields that this table refuses: looking one up raises ``SpecialField``.
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
        if is_storable(lower, line):
            if len(self) >= _MAX_LINES:
                self.clear()
            self[field] = line
        return line
