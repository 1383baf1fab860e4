"""Split a request target into its parts (RFC 9112, section 3.2).

Pure. The parser has already refused malformed targets, so every target here has one of the four valid forms.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

__all__ = ["COMMON_METHODS", "Target", "decode_path_lossy", "parse_target", "url_of_host"]

COMMON_METHODS: Final[Mapping[bytes, str]] = {
    name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
}
"""The texts of the most frequent methods."""


class Target(NamedTuple):
    """The parts of a request target.

    Attributes:
        raw_path: percent-encoded; ``"*"`` for the asterisk-form, ``""`` for the authority-form.
        query: percent-encoded, without the question mark.
        authority: ``host[:port]`` of the absolute-form and authority-form, else ``""``.
    """

    raw_path: str
    query: str
    authority: str


def parse_target(target: bytes) -> Target:
    """Split a request target into its parts."""
    text = target.decode("latin-1")
    if text.startswith("/"):
        raw_path, _, query = text.partition("?")
        return Target(raw_path, query, "")
    if text == "*":
        return Target("*", "", "")
    scheme, separator, rest = text.partition("://")
    if not separator or "/" in scheme:
        return Target("", "", text)
    before, _, query = rest.partition("?")
    authority, slash, path = before.partition("/")
    # An empty path is the root (RFC 9110, section 4.2.3). Userinfo is dropped, because it cannot be trusted (section
    # 4.2.4).
    raw_path = slash + path or "/"
    return Target(raw_path, query, authority.rpartition("@")[2])


def decode_path_lossy(raw_path: str) -> str:
    """Decode a percent-encoded path for display; bytes that are not UTF-8 are replaced by U+FFFD.

    Routes are matched with ``turnbuckle.routing.escapes.decode_path`` instead, which refuses such a path: two different
    paths must not become the same text where it decides about access.
    """
    if "%" not in raw_path and raw_path.isascii():
        return raw_path
    return unquote_to_bytes(raw_path.encode("latin-1")).decode("utf-8", "replace")


def url_of_host(reference: str, base: str) -> str:
    """Return the URL of a route with a host, as a request sees the app: with its scheme, its port and its prefix.

    A redirect cannot use the reference: it would fold the slashes at the start, so that no text leads to another host.

    Args:
        reference: ``//host/path``, as routers build it.
        base: the URL of the app: scheme, authority and prefix.
    """
    scheme, _, rest = base.partition("://")
    authority, slash, prefix = rest.partition("/")
    host, path_slash, path = reference[2:].partition("/")
    _, colon, port = authority.rpartition(":")
    return f"{scheme}://{host}{colon + port if port.isdecimal() else ''}{slash}{prefix}{path_slash}{path}"
