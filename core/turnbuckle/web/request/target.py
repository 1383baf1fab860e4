"""Take a request target apart (RFC 9112, section 3.2).

Pure. The parser has refused what is no target at all; what is left here is which part means what.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

__all__ = ["Target", "decode_path_lossy", "parse_target"]

_MAX_KEPT_LENGTH: Final = 256
_MAX_KEPT: Final = 1024


class Target(NamedTuple):
    """The parts of a request target.

    Attributes:
        raw_path: still percent-encoded; ``"*"`` for the whole server, ``""`` for the authority-form.
        path: decoded as UTF-8, with replacement characters for what is not UTF-8.
        query: still percent-encoded, without the question mark.
        authority: ``host[:port]`` of the absolute-form and authority-form, else ``""``.
    """

    raw_path: str
    path: str
    query: str
    authority: str


def parse_target(target: bytes) -> Target:
    """Take a request target apart; short ones are remembered, up to a bound."""
    if len(target) <= _MAX_KEPT_LENGTH:
        return _parse_known(target)
    return _parse(target)


def _parse(target: bytes) -> Target:
    text = target.decode("latin-1")
    if text.startswith("/"):
        raw_path, _, query = text.partition("?")
        return Target(raw_path, decode_path_lossy(raw_path), query, "")
    if text == "*":
        return Target("*", "*", "", "")
    scheme, separator, rest = text.partition("://")
    if not separator or "/" in scheme:
        return Target("", "", "", text)
    before, _, query = rest.partition("?")
    authority, slash, path = before.partition("/")
    # An empty path is the root (RFC 9110, section 4.2.3); userinfo names nobody that could be trusted (section 4.2.4).
    raw_path = slash + path or "/"
    return Target(raw_path, decode_path_lossy(raw_path), query, authority.rpartition("@")[2])


_parse_known: Final = lru_cache(maxsize=_MAX_KEPT)(_parse)


def decode_path_lossy(raw_path: str) -> str:
    """Return a percent-encoded path as people read it; octets that are not UTF-8 become replacement characters."""
    if "%" not in raw_path and raw_path.isascii():
        return raw_path
    return unquote_to_bytes(raw_path.encode("latin-1")).decode("utf-8", "replace")
