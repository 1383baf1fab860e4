"""Percent-encode and decode paths (RFC 3986, sections 2.1 and 3.3).

A path is cut at its raw slashes first and decoded afterwards, so ``%2F`` stays inside a segment. A path whose
escapes are malformed (``%zz``), or do not spell UTF-8, names nothing: it is refused as a whole rather than
guessed at, because two readings of one path is how filters are bypassed.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, unquote

# pchar without what quote() keeps anyway (letters, digits, "_.-~"):
#   pchar = unreserved / pct-encoded / sub-delims / ":" / "@"
_PCHAR: Final = "!$&'()*+,;=:@"
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


def encode_segment(text: str) -> str:
    """Return ``text`` as one segment; a slash in it becomes ``%2F``.

    Raises:
        UnicodeEncodeError: it holds a lone surrogate, which UTF-8 cannot carry.
    """
    return quote(text, safe=_PCHAR)


def encode_segments(text: str) -> str:
    """Return ``text`` as several segments, its slashes between them.

    A leading slash becomes ``%2F``: written raw it would make an empty segment, and ``//`` at the front of a
    path is read by clients as the beginning of a host name.
    """
    encoded = quote(text, safe=_PCHAR + "/")
    return "%2F" + encoded[1:] if encoded.startswith("/") else encoded


def normalize_path(path: str) -> str:
    """Return a percent-encoded path that is safe in a ``Location`` field: it means the same path, and a path only.

    Slashes at the front become one, and whatever may not stand in a path is encoded: browsers read ``\\`` as
    a slash and drop line breaks, so ``/\\host`` would lead away just as ``//host`` does.
    """
    return "/" + quote(path.lstrip("/"), safe=_PCHAR + "/%", errors="replace")


def find_bad_escape(text: str) -> int | None:
    """Return the position of the first ``%`` without two hexadecimal digits behind it, or None."""
    found = _BAD_ESCAPE.search(text)
    return found.start() if found else None


def decode_segment(text: str) -> str:
    """Return a segment with its escapes, known to be well-formed, decoded.

    Raises:
        UnicodeDecodeError: the escapes do not spell UTF-8.
    """
    return unquote(text, errors="strict") if "%" in text else text


def decode_path(path: str) -> list[str] | None:
    """Return the decoded segments of a path, or None if it does not begin with a slash or cannot be decoded."""
    if path[:1] != "/":
        return None
    segments = path[1:].split("/")
    if "%" not in path and path.isascii():
        return segments
    if _BAD_ESCAPE.search(path):
        return None
    try:
        path.encode()  # a character outside of ASCII stands for itself, but a lone surrogate for nothing
        return [decode_segment(segment) for segment in segments]
    except UnicodeError:
        return None
