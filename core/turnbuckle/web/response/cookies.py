"""Read the Cookie field and write the Set-Cookie field (RFC 6265, and rfc6265bis for what came later).

Reading is linear, bounded and lenient: a broken cookie is dropped and the others stay, since any page of the same site
can set one. Writing is strict: what a browser would ignore raises where it was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final, Literal, TypeAlias

import attrs

from turnbuckle.errors import BadRequest
from turnbuckle.web.headers import check_field_name
from turnbuckle.web.multidict import MAX_FIELDS

__all__ = ["Cookie", "SameSite", "parse_cookies"]

SameSite: TypeAlias = Literal["Strict", "Lax", "None"]

_LARGEST: Final = 4096
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
    """Return the cookies of the Cookie fields by name; of two with one name the first, which is the more specific one.

    Quotes around a value are removed. A cookie without a name is dropped: ``=__Host-x=1`` is one whose value pretends
    to be another cookie.

    Raises:
        BadRequest: there are more cookies than the limit.
    """
    cookies: dict[str, str] = {}
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
    if _BARE_VALUE.fullmatch(value):
        return value
    if _CONTROL.search(value):
        raise ValueError(f"value {value!r} of cookie {name!r} holds a control character")
    # The quoted form with octal escapes is no standard, but what Python's own http.cookies and Werkzeug write and read.
    escaped = _TO_ESCAPE.sub(_escape, value.encode())
    return f'"{escaped.decode("ascii")}"'


def _escape(found: re.Match[bytes]) -> bytes:
    octet = found[0]
    return b"\\" + octet if octet in b'"\\' else b"\\%03o" % octet[0]


def _to_same_site(value: str | None) -> SameSite | None:
    known: dict[str | None, SameSite | None] = {None: None, "strict": "Strict", "lax": "Lax", "none": "None"}
    folded = value.lower() if value is not None else None
    if folded not in known:
        raise ValueError(f"same_site must be 'Strict', 'Lax', 'None' or None, not {value!r}")
    return known[folded]


def _to_seconds(value: int | timedelta | None) -> int | None:
    return int(value.total_seconds()) if isinstance(value, timedelta) else value


@attrs.frozen(kw_only=True)
class Cookie:
    """A cookie to set.

    Attributes:
        name: a token.
        value: any text without control characters; quoted where it must be.
        max_age: seconds to live, 0 to delete it; None for as long as the browser runs.
        expires: the same as a point in time with a time zone; browsers heed ``max_age`` first.
        path: where it is sent to; None for the folder of the request.
        domain: this host and all below it; None for this host alone.
        secure: only over https.
        http_only: kept from scripts.
        same_site: whether other sites' requests carry it; None leaves that to the browser.
        partitioned: kept apart for each site that embeds this one.

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
        if self.path is not None and not _PATH.fullmatch(self.path):
            raise ValueError(f"path {self.path!r} of cookie {self.name!r} is malformed")
        if self.domain is not None and not _DOMAIN.fullmatch(self.domain):
            raise ValueError(f"domain {self.domain!r} of cookie {self.name!r} is malformed")
        if self.expires is not None and self.expires.tzinfo is None:
            raise ValueError(f"expires of cookie {self.name!r} has no time zone")
        for problem in self._contradictions():
            raise ValueError(f"cookie {self.name!r} {problem}")

    def _contradictions(self) -> Iterator[str]:
        # Browsers compare the prefixes without case (rfc6265bis, section 4.1.3).
        folded = self.name.lower()
        if folded.startswith("__host-") and (self.path != "/" or self.domain is not None):
            yield "has the prefix __Host-, so its path must be '/' and its domain None"
        needs = {
            "the prefix __Host-": folded.startswith("__host-"),
            "the prefix __Secure-": folded.startswith("__secure-"),
            "same_site='None'": self.same_site == "None",
            "partitioned=True": self.partitioned,
        }
        if not self.secure:
            yield from (f"has {need}, so it needs secure=True" for need, is_there in needs.items() if is_there)

    def serialize(self) -> str:
        """Return the value of the Set-Cookie field.

        Raises:
            ValueError: the value holds a control character, or the cookie is larger than browsers keep.
        """
        pair = f"{self.name}={_encode_value(self.name, self.value)}"
        if len(pair) > _LARGEST:
            raise ValueError(f"cookie {self.name!r} of {len(pair)} octets exceeds {_LARGEST}")
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

    def deleted(self) -> Cookie:
        """Return the cookie that makes a browser forget this one."""
        return attrs.evolve(self, value="", max_age=0, expires=_EPOCH)
