"""Percent-encode and decode paths (RFC 3986, sections 2.1 and 3.3).

A path is split at its raw slashes first and decoded afterwards, so ``%2F`` stays inside a segment. A path with
malformed escapes (``%zz``), or with escapes that are not UTF-8, matches no route. It is refused as a whole, because a
path that two programs read differently lets clients bypass filters.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, unquote

# pchar without the characters that quote() always keeps (letters, digits, "_.-~"):
#   pchar = unreserved / pct-encoded / sub-delims / ":" / "@"
_PCHAR: Final = "!$&'()*+,;=:@"
# Texts that need no escape; quote() takes ten times as long to find that out.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.\-~]*")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


def encode_segment(text: str) -> str:
    """Encode a text as one segment; a slash in it becomes ``%2F``.

    Raises:
        UnicodeEncodeError: the text contains a lone surrogate, which has no UTF-8 encoding.
    """
    return text if _PLAIN.fullmatch(text) is not None else quote(text, safe=_PCHAR)


def encode_segments(text: str) -> str:
    """Encode a text as several segments, which its slashes separate.

    A leading slash becomes ``%2F``: a raw slash would make an empty segment, and clients read ``//`` at the start of a
    path as the start of a host name.
    """
    encoded = quote(text, safe=_PCHAR + "/")
    return "%2F" + encoded[1:] if encoded.startswith("/") else encoded


def normalize_path(path: str) -> str:
    """Return a percent-encoded path in a form that a ``Location`` field cannot turn into another host.

    Several slashes at the start become one, and characters that are not allowed in a path are encoded: browsers read
    ``\\`` as a slash and remove line breaks, so ``/\\host`` would lead to another host just as ``//host`` does.
    """
    return "/" + quote(path.lstrip("/"), safe=_PCHAR + "/%", errors="replace")


def find_bad_escape(text: str) -> int | None:
    """Return the position of the first ``%`` that two hexadecimal digits do not follow, or None."""
    found = _BAD_ESCAPE.search(text)
    return found.start() if found else None


def decode_segment(text: str) -> str:
    """Decode the escapes of a segment; they must be well-formed.

    Raises:
        UnicodeDecodeError: the escapes are not UTF-8.
    """
    return unquote(text, errors="strict") if "%" in text else text


def decode_path(path: str) -> list[str] | None:
    """Return the decoded segments of a path, or None if it does not start with a slash or cannot be decoded."""
    if path[:1] != "/":
        return None
    segments = path[1:].split("/")
    if "%" not in path and path.isascii():
        return segments
    if _BAD_ESCAPE.search(path):
        return None
    try:
        path.encode()  # a non-ASCII character is accepted, but a lone surrogate is not
        return [decode_segment(segment) for segment in segments]
    except UnicodeError:
        return None
