"""Decide whether a refused request is for a page, and which addresses are safe for a redirect after the login."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from turnbuckle import Request

__all__ = ["login_url", "safe_next", "wants_page"]

_MAX_NEXT: Final = 2000
# A path of this site: no second slash, which would begin a host; no backslash, which browsers read as a slash; no
# blank or control character, which browsers remove before they read the URL; only ASCII, as in any request target.
_LOCAL: Final = re.compile(r"/(?![/\\])[!-\[\]-~]*")


def safe_next(request: Request, value: str | None, default: str = "/") -> str:
    """Return the address to go to after the login, if it is a path of this site; otherwise the default.

    Args:
        request: the request; its query parameter or form field ``next`` is usually the value.
        value: the address, which a foreign site may have chosen.
        default: the address if the value is missing or not safe.
    """
    return value if value and len(value) <= _MAX_NEXT and _LOCAL.fullmatch(value) else request.with_prefix(default)


def wants_page(request: Request) -> bool:
    """Return whether a browser loads a page, rather than a program or a script of a page."""
    headers = request.headers
    mode = headers.get("sec-fetch-mode")
    if mode is not None and mode != "navigate":
        return False
    return "text/html" in headers.get("accept", "").lower()


def login_url(request: Request, path: str) -> str:
    """Return the address of the login page, with the address of this request in ``next`` if it can be repeated."""
    target = request.with_prefix(request.raw_path) + (f"?{request.query}" if request.query else "")
    base = request.with_prefix(path)
    if request.method not in {"GET", "HEAD"} or len(target) > _MAX_NEXT or not _LOCAL.fullmatch(target):
        return base
    return f"{base}{'&' if '?' in path else '?'}next={quote(target, safe='/')}"
