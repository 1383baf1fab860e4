"""Choose how a response marks the end of its content, and frame the content accordingly (RFC 9112, sections 6 and 7).

This module writes chunks and compares the length of the content with the announced length. It does not know the header
section, except for the one line that the framing adds to it.

Sources: RFC 9110, sections 6.4.1, 6.5.1, 8.6, 9.3.2 and 15.3.6; RFC 9112, sections 6.1 to 6.3 and 7.1.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Final, assert_never, final

import attrs

from turnbuckle.errors import TurnbuckleError
from turnbuckle.http.encoded_fields import Field, encode_field

__all__ = [
    "NOT_SENT_IN_TRAILERS",
    "BodyFraming",
    "BodyWriter",
    "LengthMismatch",
    "choose_framing",
    "chunk",
    "framing_line",
    "last_chunk",
]

_CHUNKED_LINE: Final = b"Transfer-Encoding: chunked\r\n"

# RFC 9110, section 6.5.1: framing, routing, request modifiers, authentication, and how to process the content.
NOT_SENT_IN_TRAILERS: Final = frozenset(
    {
        "authorization",
        "cache-control",
        "connection",
        "content-encoding",
        "content-length",
        "content-range",
        "content-type",
        "date",
        "expect",
        "expires",
        "host",
        "keep-alive",
        "location",
        "max-forwards",
        "pragma",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "range",
        "retry-after",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "vary",
        "www-authenticate",
    }
)
"""The lower-case names of the fields that must not be sent in trailers."""


class LengthMismatch(TurnbuckleError, ValueError):
    """The length of the content differs from the announced Content-Length.

    If the head was sent already, the connection must be aborted: only then does the recipient know that the message is
    incomplete (RFC 9112, section 8).
    """

    def __init__(self, announced: int, actual: int) -> None:
        super().__init__(f"content of {actual} bytes does not match the announced Content-Length of {announced}")
        self.announced: Final = announced
        self.actual: Final = actual


class BodyFraming(enum.Enum):
    """How a recipient learns where the content ends."""

    NONE = "none"
    """No content is sent, even if the application produced some."""
    LENGTH = "length"
    CHUNKED = "chunked"
    UNTIL_CLOSE = "until close"
    """The end of the connection is the end of the content: a last resort, for HTTP/1.0 only."""


def _forbids_length(method: bytes, status: int) -> bool:
    return status < 200 or status == 204 or (method == b"CONNECT" and status < 300)


def choose_framing(method: bytes, minor_version: int, status: int, length: int | None) -> BodyFraming:
    """Choose the framing of a response.

    Args:
        method: of the request.
        minor_version: of the request; chunks are never sent to an HTTP/1.0 client.
        status: of the response.
        length: bytes of content, or None if that is not known in advance.
    """
    if method == b"HEAD" or status in (205, 304) or _forbids_length(method, status):
        return BodyFraming.NONE
    if length is not None:
        return BodyFraming.LENGTH
    return BodyFraming.CHUNKED if minor_version >= 1 else BodyFraming.UNTIL_CLOSE


def framing_line(framing: BodyFraming, method: bytes, status: int, length: int | None) -> bytes:
    """Return the one field line that the framing needs, or b"".

    Args:
        framing: the result of ``choose_framing`` for the same response.
        method: of the request.
        status: of the response.
        length: bytes of content; for HEAD and 304, the bytes that the response to GET would have, or None to send no
            Content-Length.
    """
    if _forbids_length(method, status):
        return b""
    if status == 205:
        # A 205 never has content, and unlike a 204 it has to state that (RFC 9110, section 15.3.6).
        return b"Content-Length: 0\r\n"
    match framing:
        case BodyFraming.LENGTH:
            return b"Content-Length: %d\r\n" % (length or 0)
        case BodyFraming.CHUNKED:
            return _CHUNKED_LINE
        case BodyFraming.UNTIL_CLOSE:
            return b""
        case BodyFraming.NONE:
            return b"" if length is None else b"Content-Length: %d\r\n" % length
        case _:
            assert_never(framing)


def chunk(data: bytes) -> bytes:
    """Return ``data`` as one chunk, or b"" for empty data, because an empty chunk would end the content."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def last_chunk(trailers: Iterable[Field] = ()) -> bytes:
    """Return the end of chunked content.

    Raises:
        ValueError: a trailer field is malformed, or RFC 9110, section 6.5.1, forbids it in trailers.
    """
    lines = [b"0\r\n"]
    for name, value in trailers:
        lines.append(encode_field(name, value))
        if name.lower() in NOT_SENT_IN_TRAILERS:
            raise ValueError(f"field {name!r} must not be sent in a trailer section")
    lines.append(b"\r\n")
    return b"".join(lines)


@final
@attrs.define
class BodyWriter:
    """Frames the content of one streamed response, and checks it against the announced length.

    Attributes:
        framing: as announced in the head.
        length: the announced number of bytes, for ``BodyFraming.LENGTH``.
        written: bytes of content so far.
        is_ended: whether ``end`` was called.
    """

    framing: BodyFraming
    length: int | None = None
    written: int = attrs.field(default=0, init=False)
    is_ended: bool = attrs.field(default=False, init=False)

    def write(self, data: bytes) -> bytes:
        """Return the bytes to send for a piece of content; none if the response must not have content.

        Raises:
            LengthMismatch: the content exceeds the announced length; ``data`` must not be sent.
            RuntimeError: ``end`` was called before.
        """
        if self.is_ended:
            raise RuntimeError("content was written after its end")
        if self.framing is BodyFraming.NONE:
            return b""
        self.written += len(data)
        if self.framing is BodyFraming.CHUNKED:
            return chunk(data)
        if self.framing is BodyFraming.LENGTH and self.written > (self.length or 0):
            raise LengthMismatch(self.length or 0, self.written)
        return data

    def count(self, size: int) -> None:
        """Count content that was sent without ``write``, at most as much as was announced."""
        self.written += size

    def end(self, trailers: Iterable[Field] = ()) -> bytes:
        """Return the bytes that end the content. Trailers are dropped unless the framing is chunked.

        Raises:
            LengthMismatch: the content is shorter than the announced length.
            RuntimeError: ``end`` was called before.
            ValueError: a trailer field cannot be sent.
        """
        if self.is_ended:
            raise RuntimeError("content was ended twice")
        self.is_ended = True
        if self.framing is BodyFraming.CHUNKED:
            return last_chunk(trailers)
        if self.framing is BodyFraming.LENGTH and self.written != (self.length or 0):
            raise LengthMismatch(self.length or 0, self.written)
        return b""
