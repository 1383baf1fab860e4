"""What a handler answers with: a status, fields and a body; the server adds the framing and the Date.

A response is made for every request, so what most of them do not need is made when it is first touched.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from types import GeneratorType
from typing import Final, TypeAlias
from urllib.parse import quote

from turnbuckle.http.dates import format_date
from turnbuckle.web.content.json import ENCODE
from turnbuckle.web.headers import HeaderPairs, MutableHeaders, check_field_value
from turnbuckle.web.response.cookies import Cookie, SameSite
from turnbuckle.web.response.files import FileBody, content_disposition, guess_content_type

__all__ = ["HTML", "JSON", "Body", "File", "Redirect", "Response", "Stream", "Text"]

Body: TypeAlias = bytes | AsyncIterable[bytes | str]
"""What a response holds once it is made; text has been encoded."""

_TEXT: Final = "text/plain; charset=utf-8"
_HTML: Final = "text/html; charset=utf-8"
_JSON: Final = "application/json"
_OCTETS: Final = "application/octet-stream"
_CHECKED_TYPES: Final = frozenset({_TEXT, _HTML, _JSON, _OCTETS})


class Response:
    """A response.

    Args:
        body: text is sent as UTF-8; an async iterable of bytes or text is sent as it comes.
        status: a status code.
        headers: fields to send, by name or as pairs; copied.
        content_type: by default text/plain for text, application/octet-stream for bytes and streams, and none for an
            empty body. A Content-Type in ``headers`` goes first.

    Attributes:
        body: what will be sent, encoded.
        status: see above.

    Raises:
        ValueError: the status, a field or the content type cannot be sent.
        TypeError: the body is of no kind that can be sent.
    """

    __slots__ = ("__weakref__", "_content_type", "_headers", "body", "status")

    def __init__(
        self,
        body: str | bytes | AsyncIterable[bytes | str] = b"",
        status: int = 200,
        headers: HeaderPairs | None = None,
        content_type: str | None = None,
    ) -> None:
        self.body: Body
        if type(body) is str:
            # A lone surrogate is no text; JSON content can bring one in, and must not be able to make this fail.
            self.body = body.encode("utf-8", "replace")
            self._content_type = content_type or (_TEXT if body else None)
        elif type(body) is bytes:
            self.body = body
            self._content_type = content_type or (_OCTETS if body else None)
        else:
            self.body, default_type = _convert_body(body)
            self._content_type = content_type or default_type
        self.status = status if status == 200 else _check_status(status)
        self._headers = None if headers is None else MutableHeaders(headers)
        if content_type and content_type not in _CHECKED_TYPES:
            check_field_value("Content-Type", content_type)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status} {self.content_type}>"

    @property
    def headers(self) -> MutableHeaders:
        """Return the fields that were set; framing, Date and a default Content-Type are added when they are sent."""
        headers = self._headers
        if headers is None:
            headers = self._headers = MutableHeaders()
        return headers

    @property
    def content_type(self) -> str | None:
        """Return the Content-Type that will be sent; setting it replaces any other."""
        in_headers = self._headers.get("content-type") if self._headers is not None else None
        return in_headers or self._content_type

    @content_type.setter
    def content_type(self, content_type: str | None) -> None:
        if self._headers is not None:
            self._headers.discard("content-type")
        self._content_type = content_type and check_field_value("Content-Type", content_type)

    def fields(self) -> list[tuple[str, str]]:
        """Return all names and values to send, but for those that the serializer decides."""
        headers = self._headers
        content_type = self._content_type
        if headers is None:
            return [("Content-Type", content_type)] if content_type is not None else []
        pairs = headers.items()
        if content_type is not None and "content-type" not in headers:
            pairs.insert(0, ("Content-Type", content_type))
        return pairs

    def set_cookie(  # noqa: PLR0913 - one keyword for each attribute that the Set-Cookie field has
        self,
        name: str,
        value: str = "",
        *,
        max_age: int | timedelta | None = None,
        expires: datetime | None = None,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        http_only: bool = True,
        same_site: SameSite | None = "Lax",
        partitioned: bool = False,
    ) -> None:
        """Set a cookie; ``turnbuckle.web.response.cookies.Cookie`` says what each argument means.

        Raises:
            ValueError: browsers would ignore it.
        """
        cookie = Cookie(
            name=name,
            value=value,
            max_age=max_age,
            expires=expires,
            path=path,
            domain=domain,
            secure=secure,
            http_only=http_only,
            same_site=same_site,
            partitioned=partitioned,
        )
        self.headers.add("Set-Cookie", cookie.serialize())

    def delete_cookie(
        self,
        name: str,
        *,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        partitioned: bool = False,
    ) -> None:
        """Make the browser forget a cookie; path, domain, secure and partitioned must be as when it was set."""
        cookie = Cookie(name=name, path=path, domain=domain, secure=secure, partitioned=partitioned)
        self.headers.add("Set-Cookie", cookie.deleted().serialize())


def _check_status(status: int) -> int:
    if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
        raise ValueError(f"status must be a whole number from 100 to 599, not {status!r}")
    return int(status)


def _convert_body(body: object) -> tuple[Body, str | None]:
    if isinstance(body, str):
        return body.encode("utf-8", "replace"), _TEXT if body else None
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body), _OCTETS if body else None
    if isinstance(body, AsyncIterable):
        return body, _OCTETS
    raise TypeError(f"a body is str, bytes or an async iterable of them, not {type(body).__qualname__}")


class Text(Response):
    """A response of plain text."""

    __slots__ = ()

    def __init__(self, text: str, status: int = 200, headers: HeaderPairs | None = None) -> None:
        super().__init__(text, status, headers, _TEXT)


class HTML(Response):
    """A response of HTML; what goes into it must have been escaped."""

    __slots__ = ()

    def __init__(self, html: str, status: int = 200, headers: HeaderPairs | None = None) -> None:
        super().__init__(html, status, headers, _HTML)


class JSON(Response):
    """A response of JSON; ``turnbuckle.web.content.json`` says what can be sent.

    While an app serves a request, it is written by the app's component ``json``, if there is one.

    Raises:
        TypeError: the value holds something that has no JSON form.
        ValueError: it holds NaN or an infinity, or contains itself.
    """

    __slots__ = ()

    def __init__(self, value: object, status: int = 200, headers: HeaderPairs | None = None) -> None:
        super().__init__(ENCODE.get()(value), status, headers, _JSON)


class Redirect(Response):
    """Send the client elsewhere.

    Args:
        location: a URL or path; percent-encoded where needed. Two slashes at its start are taken as one: a path that
            came from a request must not be able to name another host.
        status: 303 makes the client GET; 307 and 308 repeat the request there; 301 and 308 are for ever.

    Raises:
        ValueError: the location is empty or holds a control character, or the status is none that redirects.
    """

    __slots__ = ()

    def __init__(self, location: str, status: int = 302, headers: HeaderPairs | None = None) -> None:
        if status not in _REDIRECTS:
            raise ValueError(f"status of a redirect must be one of {sorted(_REDIRECTS)}, not {status!r}")
        encoded = _encode_location(location)
        super().__init__(f"See {encoded}", status, headers, _TEXT)
        self.headers.set("Location", encoded)


_REDIRECTS: Final = frozenset({300, 301, 302, 303, 307, 308})
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_LEADING_SLASHES: Final = re.compile(r"[/\\]{2,}")
# reserved and unreserved characters (RFC 3986, section 2), and "%", as what is encoded must not be encoded again
_URI_CHARACTERS: Final = ":/?#[]@!$&'()*+,;=-._~%"


def _encode_location(location: str) -> str:
    if not location or _CONTROL.search(location):
        raise ValueError(f"location {location!r} is empty or holds a control character")
    return quote(_LEADING_SLASHES.sub("/", location, count=1) if location[0] in "/\\" else location, _URI_CHARACTERS)


class Stream(Response):
    """A response whose body is made while it is sent.

    Args:
        content: an async iterable, or a plain iterable, which is stepped through in a thread.
        content_type: application/octet-stream by default.
    """

    __slots__ = ()

    def __init__(
        self,
        content: AsyncIterable[bytes | str] | Iterable[bytes | str],
        status: int = 200,
        headers: HeaderPairs | None = None,
        content_type: str | None = None,
    ) -> None:
        pieces = content if isinstance(content, AsyncIterable) else _step_in_thread(iter(content))
        super().__init__(pieces, status, headers, content_type)


async def _step_in_thread(pieces: Iterator[bytes | str]) -> AsyncIterator[bytes | str]:
    try:
        # StopIteration cannot pass through a future, hence the default.
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece
    finally:
        if isinstance(pieces, GeneratorType) and pieces.gi_frame is not None:
            # It may hold a file, for a client that is gone. A step that still runs in a thread cannot be ended.
            with suppress(ValueError):
                await asyncio.to_thread(pieces.close)


class File(Response):
    """A response whose body is a file.

    Args:
        path: where it is; never take it from a client without checking it.
        content_type: by default what the name suggests.
        download_as: have browsers save it under this name instead of showing it.

    Raises:
        OSError: there is no such file, or it is not a regular one.
    """

    __slots__ = ()

    def __init__(
        self,
        path: str | os.PathLike[str],
        status: int = 200,
        headers: HeaderPairs | None = None,
        content_type: str | None = None,
        *,
        download_as: str | None = None,
    ) -> None:
        body = FileBody(path)
        super().__init__(body, status, headers, content_type or guess_content_type(body.path))
        self.headers.set("Content-Length", str(body.size))
        self.headers.setdefault("Last-Modified", format_date(body.modified).decode("ascii"))
        if download_as is not None:
            self.headers.set("Content-Disposition", content_disposition(download_as))
