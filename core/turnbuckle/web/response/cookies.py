"""Parse the Cookie field and serialize the Set-Cookie field (RFC 6265, and rfc6265bis for later additions).

Parsing is linear, limited and lenient: a malformed cookie is dropped and the others are used, because any page of the
same site can set a malformed one. Serializing is strict: a cookie that browsers would ignore raises an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final, Literal, NoReturn, TypeAlias

import attrs

from turnbuckle.errors import BadRequest, MissingKey
from turnbuckle.web.headers import check_field_name
from turnbuckle.web.multidict import MAX_FIELDS

__all__ = ["SameSite", "SetCookie", "parse_cookies"]

SameSite: TypeAlias = Literal["Strict", "Lax", "None"]

_MAX_COOKIE_SIZE: Final = 4096
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

# cookie-octet (RFC 6265, section 4.1.1): no controls, whitespace, quote, comma, semicolon, backslash.
_BARE_VALUE: Final = re.compile(r"[!#-+\--:<-\[\]-~]*")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_TO_ESCAPE: Final = re.compile(rb'["\\,;\x80-\xff]')
_ESCAPED: Final = re.compile(r"\\([0-3][0-7][0-7]|.)")
_DOMAIN: Final = re.compile(r"\.?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
# path-value (section 4.1.1); a browser ignores one that does not begin with a slash.
_PATH: Final = re.compile(r"/[\x20-:<-~]*")


def parse_cookies(lines: Iterable[str], *, limit: int = MAX_FIELDS) -> dict[str, str]:
    """Return the cookies of the Cookie fields by name. If a name is repeated, the first and more specific one counts.

    Quotes around a value are removed. A cookie without a name is dropped, because its value can pretend to be another
    cookie, as in ``=__Host-x=1``.

    Raises:
        BadRequest: there are more cookies than the limit.
    """
    cookies = _RequestCookies()
    count = 0
    for line in lines:
        count += line.count(";") + 1
        if count > limit:
            raise BadRequest(f"{count} cookies exceed {limit}")
        for cookie in line.split(";"):
            name, separator, value = cookie.partition("=")
            name = name.strip(" \t")
            if separator and name and name not in cookies:
                cookies[name] = _decode_value(value.strip(" \t"))
    return cookies


class _RequestCookies(dict[str, str]):
    """The cookies of a request; a cookie that is missing is an error of the client."""

    def __missing__(self, name: str) -> NoReturn:
        raise MissingKey("cookie", name)


def _decode_value(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = value[1:-1]
        if "\\" in value:
            value = _ESCAPED.sub(_unescape, value)
    return value if value.isascii() else value.encode("latin-1", "replace").decode("utf-8", "replace")


def _unescape(found: re.Match[str]) -> str:
    code = found[1]
    return chr(int(code, 8)) if len(code) == 3 else code


def _encode_value(name: str, value: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"value {value!r:.80} of cookie {name!r} is of type {type(value).__name__}; write a str")
    if _BARE_VALUE.fullmatch(value):
        return value
    if _CONTROL.search(value):
        raise ValueError(f"value {value!r} of cookie {name!r} contains a control character")
    # The quoted form with octal escapes is not standardized, but Python's http.cookies and Werkzeug read and write it.
    escaped = _TO_ESCAPE.sub(_escape, value.encode())
    return f'"{escaped.decode("ascii")}"'


def _escape(found: re.Match[bytes]) -> bytes:
    byte = found[0]
    return b"\\" + byte if byte in b'"\\' else b"\\%03o" % byte[0]


def _to_same_site(value: str | None) -> SameSite | None:
    known: dict[str | None, SameSite | None] = {None: None, "strict": "Strict", "lax": "Lax", "none": "None"}
    folded = value.lower() if isinstance(value, str) else value
    if folded not in known:
        raise ValueError(f"same_site must be 'Strict', 'Lax', 'None' or None, not {value!r}")
    return known[folded]


def _to_seconds(value: int | timedelta | None) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    raise TypeError(f"max_age is a whole number of seconds or a timedelta, and not {value!r}")


@attrs.frozen(kw_only=True)
class SetCookie:
    """A cookie to set.

    Attributes:
        name: a token.
        value: any text without control characters; it is quoted if necessary.
        max_age: lifetime in seconds, 0 to delete the cookie; None to keep it until the browser is closed.
        expires: end of its lifetime, with a time zone; for browsers, ``max_age`` takes precedence.
        path: the path below which browsers send it; None for the folder of the request's path.
        domain: the host that gets it together with its subdomains; None for the current host only.
        secure: whether it is sent over https only.
        http_only: whether scripts cannot read it.
        same_site: whether it is sent with requests from other sites; None for the default of the browser.
        partitioned: whether browsers store it separately for each site that embeds this site.

    Raises:
        ValueError: the attributes contradict each other, or browsers would ignore the cookie.
    """

    name: str
    value: str = ""
    max_age: int | None = attrs.field(default=None, converter=_to_seconds)
    expires: datetime | None = None
    path: str | None = "/"
    domain: str | None = None
    secure: bool = False
    http_only: bool = True
    same_site: SameSite | None = attrs.field(default="Lax", converter=_to_same_site)
    partitioned: bool = False

    def __attrs_post_init__(self) -> None:
        check_field_name(self.name)
        kinds: Mapping[str, type] = {"path": str, "domain": str, "expires": datetime}
        for key, kind in kinds.items():
            value = getattr(self, key)
            if value is not None and not isinstance(value, kind):
                raise TypeError(f"{key} of cookie {self.name!r} is a {kind.__name__} or None, and not {value!r:.80}")
        if self.path is not None and not _PATH.fullmatch(self.path):
            raise ValueError(f"path {self.path!r} of cookie {self.name!r} is malformed")
        if self.domain is not None and not _DOMAIN.fullmatch(self.domain):
            raise ValueError(f"domain {self.domain!r} of cookie {self.name!r} is malformed")
        if self.expires is not None and self.expires.tzinfo is None:
            raise ValueError(f"expires of cookie {self.name!r} has no time zone")
        for problem in self._contradictions():
            raise ValueError(f"cookie {self.name!r} {problem}")

    def _contradictions(self) -> Iterator[str]:
        # Browsers compare the prefixes without regard to case (rfc6265bis, section 4.1.3).
        folded = self.name.lower()
        if folded.startswith("__host-") and (self.path != "/" or self.domain is not None):
            yield "has the prefix __Host-, so its path must be '/' and its domain None"
        reasons = {
            "the prefix __Host-": folded.startswith("__host-"),
            "the prefix __Secure-": folded.startswith("__secure-"),
            "same_site='None'": self.same_site == "None",
            "partitioned=True": self.partitioned,
        }
        if not self.secure:
            yield from (f"has {reason}, so it needs secure=True" for reason, applies in reasons.items() if applies)

    def serialize(self) -> str:
        """Return the value of the Set-Cookie field.

        Raises:
            ValueError: the value contains a control character, or the cookie exceeds the size that browsers store.
        """
        pair = f"{self.name}={_encode_value(self.name, self.value)}"
        if len(pair) > _MAX_COOKIE_SIZE:
            raise ValueError(f"cookie {self.name!r} of {len(pair)} bytes exceeds {_MAX_COOKIE_SIZE}")
        return "; ".join([pair, *self._attributes()])

    def _attributes(self) -> Iterator[str]:
        if self.expires is not None:
            yield f"Expires={format_datetime(self.expires.astimezone(UTC), usegmt=True)}"
        if self.max_age is not None:
            yield f"Max-Age={self.max_age:d}"
        if self.domain is not None:
            yield f"Domain={self.domain}"
        if self.path is not None:
            yield f"Path={self.path}"
        if self.same_site is not None:
            yield f"SameSite={self.same_site}"
        flags = {"Secure": self.secure, "HttpOnly": self.http_only, "Partitioned": self.partitioned}
        yield from (name for name, is_set in flags.items() if is_set)

    def deleted(self) -> SetCookie:
        """Return the cookie that makes a browser delete this one."""
        return attrs.evolve(self, value="", max_age=0, expires=_EPOCH)
