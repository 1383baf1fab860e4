"""Store the cookies that a server sets, as a browser with one site would (RFC 6265, section 5).

The jar supports path, Secure, Expires and Max-Age. It has no domains, because all hosts of a test are one site.
SameSite and HttpOnly have no meaning for a client without pages and scripts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, final
from urllib.parse import urlsplit

import attrs

from turnbuckle.http.dates import parse_date
from turnbuckle.server.model.clock import Clock

__all__ = ["CookieJar", "StoredCookie"]

_MAX_AGE: Final = re.compile(r"-?[0-9]{1,18}")


@attrs.frozen(kw_only=True)
class StoredCookie:
    """One cookie of a jar.

    Attributes:
        name: its name.
        value: as it was received, quotes included.
        path: the path to which it is sent, with all paths below it.
        is_secure: whether it is sent over https only.
        expires: wall time at which it expires; None for the life of the jar.
        attributes: all attributes of the Set-Cookie field, names in lower case.
    """

    name: str
    value: str
    path: str = "/"
    is_secure: bool = False
    expires: float | None = None
    attributes: Mapping[str, str] = attrs.field(factory=dict)

    def matches_path(self, path: str) -> bool:
        """Return whether the cookie is sent to a path (RFC 6265, section 5.1.4)."""
        return path == self.path or path.startswith(self.path if self.path.endswith("/") else self.path + "/")


@final
class CookieJar:
    """Cookies by name and path: ``jar["name"]`` is the value for the shortest path, such as ``/``.

    Args:
        clock: the clock by which cookies expire.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock: Final = clock
        self._cookies: Final[dict[tuple[str, str], StoredCookie]] = {}

    def set(self, name: str, value: str, *, path: str = "/") -> None:
        """Store a cookie, as if the server had set it."""
        self._cookies[name, path] = StoredCookie(name=name, value=value, path=path)

    def update(self, cookies: Mapping[str, str]) -> None:
        """Store several cookies for all paths."""
        for name, value in cookies.items():
            self.set(name, value)

    def clear(self) -> None:
        """Remove all cookies."""
        self._cookies.clear()

    def receive(self, lines: Iterable[str], url: str) -> None:
        """Store, replace or delete cookies by the Set-Cookie fields of a response.

        Args:
            lines: the values of the fields.
            url: the URL of the request.
        """
        for line in lines:
            cookie = parse_set_cookie(line, default_path=_default_path(urlsplit(url).path), now=self._clock.wall())
            if cookie is not None:
                self._cookies[cookie.name, cookie.path] = cookie
        self._expire()

    def pairs_for(self, url: str) -> list[tuple[str, str]]:
        """Return the names and values of the cookies for a URL, longest path first."""
        self._expire()
        parts = urlsplit(url)
        matching = [
            cookie
            for cookie in self._cookies.values()
            if cookie.matches_path(parts.path or "/") and (parts.scheme == "https" or not cookie.is_secure)
        ]
        matching.sort(key=lambda cookie: -len(cookie.path))
        return [(cookie.name, cookie.value) for cookie in matching]

    def __getitem__(self, name: str) -> str:
        found = [cookie for cookie in self if cookie.name == name]
        if not found:
            raise KeyError(name)
        return min(found, key=lambda cookie: len(cookie.path)).value

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the value of a cookie, or the default."""
        try:
            return self[name]
        except KeyError:
            return default

    def __contains__(self, name: object) -> bool:
        return any(cookie.name == name for cookie in self)

    def __iter__(self) -> Iterator[StoredCookie]:
        self._expire()
        return iter(list(self._cookies.values()))

    def __len__(self) -> int:
        self._expire()
        return len(self._cookies)

    def _expire(self) -> None:
        now = self._clock.wall()
        for key, cookie in list(self._cookies.items()):
            if cookie.expires is not None and cookie.expires <= now:
                del self._cookies[key]


def parse_set_cookie(line: str, *, default_path: str = "/", now: float = 0.0) -> StoredCookie | None:
    """Return the cookie of a Set-Cookie field, or None if it has no name.

    Args:
        line: the value of the field.
        default_path: the path of a cookie without the attribute Path.
        now: wall time, to which Max-Age is added.
    """
    pair, *rest = line.split(";")
    name, separator, value = pair.partition("=")
    if not separator or not name.strip():
        return None
    attributes = {}
    for item in rest:
        key, _, text = item.partition("=")
        attributes[key.strip().lower()] = text.strip()
    path = attributes.get("path", "")
    return StoredCookie(
        name=name.strip(),
        value=value.strip(),
        path=path if path.startswith("/") else default_path,
        is_secure="secure" in attributes,
        expires=_expiry(attributes, now),
        attributes=attributes,
    )


def _expiry(attributes: Mapping[str, str], now: float) -> float | None:
    # Max-Age has precedence over Expires, in any order (RFC 6265, section 5.3, step 3).
    max_age = attributes.get("max-age", "")
    if _MAX_AGE.fullmatch(max_age):
        return now + int(max_age)
    return parse_date(attributes["expires"], now=now) if "expires" in attributes else None


def _default_path(path: str) -> str:
    # RFC 6265, section 5.1.4: the path up to its last slash, without that slash.
    return path[: path.rfind("/")] or "/"
