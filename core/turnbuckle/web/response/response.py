"""The result of a handler: a status, fields and a body. The server adds the framing and the Date field.

A response is created for every request, so the parts that most responses do not need are created on first use.
"""

from __future__ import annotations

import asyncio
import copy
import re
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import CoroutineType, GeneratorType
from typing import Final, Self, TypeAlias
from urllib.parse import quote

from turnbuckle.http.dates import parse_date
from turnbuckle.web.conditional.preconditions import content_tag, entity_tag, format_last_modified, tag_of_format
from turnbuckle.web.content.json import ENCODE
from turnbuckle.web.foreign_names import RESPONSE_NAMES, add_foreign_names
from turnbuckle.web.headers import HeaderPairs, MutableHeaders, check_field_value
from turnbuckle.web.response.cookies import SameSite, SetCookie
from turnbuckle.web.response.trailers import Trailers, check_trailers, trailer_names

__all__ = [
    "HTML",
    "JSON",
    "FormattedResponse",
    "Redirect",
    "Response",
    "ResponseBody",
    "Stream",
    "Text",
    "json_response",
]

ResponseBody: TypeAlias = bytes | AsyncIterable[bytes | str]
"""The body of a response. A ``str`` was encoded before."""

_TEXT: Final = "text/plain; charset=utf-8"
_HTML: Final = "text/html; charset=utf-8"
_JSON: Final = "application/json"
_BINARY: Final = "application/octet-stream"
_CHECKED_TYPES: Final = frozenset({_TEXT, _HTML, _JSON, _BINARY})


class Response:
    """A response.

    Args:
        body: text is sent as UTF-8; an async iterable of bytes or text is streamed.
        status: a status code.
        headers: fields to send, as a mapping or as pairs; they are copied.
        content_type: by default text/plain for text, application/octet-stream for bytes and streams, and none for an
            empty body. A Content-Type in ``headers`` takes precedence.
        trailers: fields to send after the content, as a mapping, as pairs, or as a function that returns them and is
            called after the last piece of a stream.

    Attributes:
        body: the encoded body.
        status: see above.

    Raises:
        ValueError: the status, a field or the content type cannot be sent.
        TypeError: the body has a type that cannot be sent.
    """

    __slots__ = ("__weakref__", "_content_type", "_headers", "_trailers", "body", "status")

    def __init__(
        self,
        body: str | bytes | AsyncIterable[bytes | str] = b"",
        status: int = 200,
        headers: HeaderPairs | None = None,
        content_type: str | None = None,
        *,
        trailers: Trailers | None = None,
    ) -> None:
        self.body: ResponseBody
        if type(body) is str:
            # A lone surrogate cannot be encoded. It can come from JSON content, and must not cause an error here.
            self.body = body.encode("utf-8", "replace")
            self._content_type = content_type or (_TEXT if body else None)
        elif type(body) is bytes:
            self.body = body
            self._content_type = content_type or (_BINARY if body else None)
        else:
            self.body, default_type = _convert_body(body)
            self._content_type = content_type or default_type
        self.status = status if status == 200 else _check_status(status)
        self._headers = None if headers is None else MutableHeaders(headers)
        if content_type and content_type not in _CHECKED_TYPES:
            check_field_value("Content-Type", content_type)
        self._trailers: Trailers | None = None
        if trailers is not None:
            self.trailers = trailers

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status} {self.content_type}>"

    def copy(self) -> Self:
        """Return a response with the same content and its own fields.

        Middleware that adds a secret, such as a cookie, adds it to a copy: a handler may return one response for the
        requests of several clients.
        """
        kind = type(self)
        if kind not in _WITHOUT_OWN_ATTRIBUTES:
            made = copy.copy(self)
        else:
            # The general way takes five times as long.
            made = kind.__new__(kind)
            made.body = self.body
            made.status = self.status
            made._content_type = self._content_type
            made._headers = None
            made._trailers = self._trailers
        if self._headers is not None:
            made._headers = MutableHeaders(self._headers)
        return made

    @property
    def headers(self) -> MutableHeaders:
        """Return the fields that were set. Framing, Date and the default Content-Type are added when they are sent."""
        headers = self._headers
        if headers is None:
            headers = self._headers = MutableHeaders()
        return headers

    @property
    def content_type(self) -> str | None:
        """Return the Content-Type that will be sent. Setting it replaces the previous one."""
        in_headers = self._headers.get("content-type") if self._headers is not None else None
        return in_headers or self._content_type

    @content_type.setter
    def content_type(self, content_type: str | None) -> None:
        if self._headers is not None:
            self._headers.discard("content-type")
        self._content_type = content_type and check_field_value("Content-Type", content_type)

    @property
    def trailers(self) -> Trailers | None:
        """The fields that follow the content, or the function that returns them; None for none. They may be set.

        The field ``Trailer`` announces them. For fields that a function returns, set it in ``headers`` if their names
        are known. On HTTP/1.1, trailers are sent only to a client that asks for them with ``TE: trailers``, and not
        after a stream whose Content-Length is announced.

        Setting a field that cannot be sent in trailers raises ``ValueError``.
        """
        return self._trailers

    @trailers.setter
    def trailers(self, trailers: Trailers | None) -> None:
        if trailers is None:
            self._trailers = None
            self.headers.discard("trailer")
            return
        if callable(trailers) and isinstance(self.body, bytes):
            # The content is complete.
            trailers = trailers()
        stored = self._trailers = check_trailers(trailers)
        if names := trailer_names(stored):
            self.headers.set("Trailer", names)

    def fields(self) -> list[tuple[str, str]]:
        """Return all names and values to send, except for the fields that the serializer adds."""
        headers = self._headers
        content_type = self._content_type
        if headers is None:
            return [("Content-Type", content_type)] if content_type is not None else []
        pairs = headers.items()
        if content_type is not None and "content-type" not in headers:
            pairs.insert(0, ("Content-Type", content_type))
        return pairs

    def etag(self, value: str | int | None = None, *, weak: bool = False) -> Self:
        """Set the ETag, and return the response. The server then answers 304 to a client that has this version.

        Args:
            value: a text or number that is different for each version of the content, such as a version number; by
                default, the hash of the body.
            weak: whether versions with the same value may differ in their bytes, but not in their meaning.

        Raises:
            TypeError: the body is a stream, which has no hash, so that a value is needed.
        """
        if value is None:
            if not isinstance(self.body, bytes):
                raise TypeError("the bytes of a stream are not known yet; pass a value, as in response.etag(version)")
            tag = content_tag(self.body)
            tag = f"W/{tag}" if weak else tag
        else:
            tag = entity_tag(value, weak=weak)
        self.headers.set("ETag", tag)
        return self

    @property
    def last_modified(self) -> datetime | None:
        """The time of the Last-Modified field, in whole seconds; None if there is none. It may be set and removed.

        Setting it raises ``ValueError`` for a time without a time zone.
        """
        seconds = parse_date(self._headers.get("last-modified", "")) if self._headers is not None else None
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)

    @last_modified.setter
    def last_modified(self, when: datetime | None) -> None:
        if when is None:
            self.headers.discard("last-modified")
        else:
            self.headers.set("Last-Modified", format_last_modified(when))

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
        """Set a cookie; ``turnbuckle.web.response.cookies.SetCookie`` describes the arguments.

        Raises:
            ValueError: browsers would ignore the cookie.
        """
        cookie = SetCookie(
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
        """Delete a cookie in the browser; path, domain, secure and partitioned must be the same as when it was set."""
        cookie = SetCookie(name=name, path=path, domain=domain, secure=secure, partitioned=partitioned)
        self.headers.add("Set-Cookie", cookie.deleted().serialize())


add_foreign_names(Response, RESPONSE_NAMES)


def json_response(content: bytes) -> Response:
    """Return ``Response(content, content_type="application/json")``, without the checks of its arguments."""
    response = _new_response(Response)
    response.body = content
    response.status = 200
    response._content_type = _JSON
    response._headers = None
    response._trailers = None
    return response


_new_response: Final = Response.__new__


def _check_status(status: int) -> int:
    if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
        raise ValueError(f"status must be a whole number from 100 to 599, not {status!r}")
    return int(status)


def _convert_body(body: object) -> tuple[ResponseBody, str | None]:
    if isinstance(body, str):
        return body.encode("utf-8", "replace"), _TEXT if body else None
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body), _BINARY if body else None
    if isinstance(body, AsyncIterable):
        return body, _BINARY
    if isinstance(body, CoroutineType):
        name = body.__qualname__
        body.close()
        raise TypeError(f"a body cannot be the coroutine {name}(...); 'await' is missing")
    raise TypeError(f"a body must be str, bytes or an async iterable of them, not {type(body).__qualname__}")


class Text(Response):
    """A plain text response."""

    __slots__ = ()

    def __init__(self, text: str, status: int = 200, headers: HeaderPairs | None = None) -> None:
        super().__init__(text, status, headers, _TEXT)


class HTML(Response):
    """An HTML response. Values inserted into the text must be escaped before."""

    __slots__ = ()

    def __init__(self, html: str, status: int = 200, headers: HeaderPairs | None = None) -> None:
        super().__init__(html, status, headers, _HTML)


class JSON(Response):
    """A JSON response; ``turnbuckle.schema.json_encoding.encode_json`` describes the values that can be sent.

    While an app serves a request, its component ``json`` encodes the value, if it has one.

    Raises:
        TypeError: the value contains an object that has no JSON form.
        ValueError: the value contains NaN, an infinity, or itself.
    """

    __slots__ = ()

    def __init__(self, value: object, status: int = 200, headers: HeaderPairs | None = None) -> None:
        super().__init__(ENCODE.get()(value), status, headers, _JSON)


class FormattedResponse(Response):
    """A response in one of the formats of the app's codecs. Its ETag is different in each of them."""

    __slots__ = ()

    def etag(self, value: str | int | None = None, *, weak: bool = False) -> Self:
        """Set the ETag for a value, with the format in it; the hash of the body needs none."""
        super().etag(value, weak=weak)
        if value is not None:
            self.headers.set("ETag", tag_of_format(self.headers["etag"], self.content_type or ""))
        return self


class Redirect(Response):
    """A response that redirects the client to another location.

    Args:
        location: a URL or path; it is percent-encoded if necessary, including line breaks and other control
            characters. Two or more slashes at its start are replaced by one, so that a path from a request cannot
            refer to another host. A lone surrogate, which has no encoding, is replaced by U+FFFD.
        status: with 303 the client sends a GET; with 307 and 308 it repeats the request; 301 and 308 are permanent.

    Raises:
        ValueError: the location is empty, or the status is not a redirect.
    """

    __slots__ = ()

    def __init__(self, location: str, status: int = 302, headers: HeaderPairs | None = None) -> None:
        if status not in _REDIRECTS:
            raise ValueError(f"status of a redirect must be one of {sorted(_REDIRECTS)}, not {status!r}")
        encoded = _encode_location(location)
        super().__init__(f"See {encoded}", status, headers, _TEXT)
        self.headers.set("Location", encoded)


_REDIRECTS: Final = frozenset({300, 301, 302, 303, 307, 308})
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_LEADING_SLASHES: Final = re.compile(r"\A[/\\]{2,}")
# reserved and unreserved characters (RFC 3986, section 2), and "%", because encoded text must not be encoded again
_URI_CHARACTERS: Final = ":/?#[]@!$&'()*+,;=-._~%"


def _encode_location(location: str) -> str:
    if not location:
        raise ValueError("the location of a redirect is empty; write for example Redirect(location or '/')")
    return quote(_SURROGATES.sub("\ufffd", _LEADING_SLASHES.sub("/", location)), _URI_CHARACTERS)


class Stream(Response):
    """A response whose body is produced while it is sent.

    Args:
        content: an async iterable, or a plain iterable, whose items are produced in a thread.
        content_type: application/octet-stream by default.
        trailers: fields to send after the content, or a function that returns them and is called after the last piece.
    """

    __slots__ = ()

    def __init__(
        self,
        content: AsyncIterable[bytes | str] | Iterable[bytes | str],
        status: int = 200,
        headers: HeaderPairs | None = None,
        content_type: str | None = None,
        *,
        trailers: Trailers | None = None,
    ) -> None:
        pieces = content if isinstance(content, AsyncIterable) else _iterate_in_thread(iter(content))
        super().__init__(pieces, status, headers, content_type, trailers=trailers)


async def _iterate_in_thread(pieces: Iterator[bytes | str]) -> AsyncIterator[bytes | str]:
    try:
        # A future cannot store a StopIteration, so next() gets a default.
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece
    finally:
        if isinstance(pieces, GeneratorType) and pieces.gi_frame is not None:
            # Close the generator, which may have an open file. If it still runs in a thread, that is not possible.
            with suppress(ValueError):
                await asyncio.to_thread(pieces.close)


_WITHOUT_OWN_ATTRIBUTES: Final[frozenset[type[Response]]] = frozenset(
    {Response, Text, HTML, JSON, Redirect, FormattedResponse}
)
