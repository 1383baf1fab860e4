"""Serialize response heads and complete responses, so that no application can make one ambiguous (RFC 9112).

How a connection uses it
========================

``full_response`` serializes a response whose content is complete as one piece. ``common_response`` is its hot path: one
look-up per field line and one join. A field that affects the framing or the choice of the content, and a status or
method without content, takes the careful path, which costs a few microseconds more.

A response whose content follows later takes five steps, each pure::

    length = announced_length(fields)                                # the application may know it
    framing = choose_framing(method, minor_version, status, length)
    close = close or wants_close(fields) or framing is BodyFraming.UNTIL_CLOSE
    head = response_head(
        status, fields, framing_line(framing, method, status, length), date_line + connection_line(minor_version, close)
    )
    writer = BodyWriter(framing, length)                             # then writer.write(data)..., writer.end()

The fields that the server and the application share: only the server decides about Transfer-Encoding and Keep-Alive, so
they are refused from an application. Its Upgrade is sent with the connection option ``upgrade``. It may announce a
Content-Length, which must be correct. Connection options of the application and of the server are merged; if either has
``close``, the connection closes. A Date or Server field of the application replaces the server's. ``own_lines``
contains the server's lines for these fields, each with its CRLF.

Sources: RFC 9110, sections 6.6.1, 7.6.1, 8.6, 10.2.4 and 15; RFC 9112, sections 2 to 6 and 9.6.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, final

from turnbuckle.http.body_writer import (
    BodyFraming,
    BodyWriter,
    LengthMismatch,
    choose_framing,
    chunk,
    framing_line,
    last_chunk,
)
from turnbuckle.http.encoded_fields import EncodedFields, Field, SpecialField, encode_field
from turnbuckle.http.status import REASON_PHRASES, reason_phrase

__all__ = [
    "CLOSE_LINE",
    "KEEP_ALIVE_LINE",
    "BodyFraming",
    "BodyWriter",
    "Field",
    "LengthMismatch",
    "announced_length",
    "choose_framing",
    "chunk",
    "chunked_response",
    "common_response",
    "connection_line",
    "content_size",
    "error_content",
    "error_response",
    "framing_line",
    "full_response",
    "interim_response",
    "last_chunk",
    "response_head",
    "wants_close",
]

CLOSE_LINE: Final = b"Connection: close\r\n"
KEEP_ALIVE_LINE: Final = b"Connection: keep-alive\r\n"

# Content-Length = 1*DIGIT; int() itself would also accept "+5", " 5 " and "1_0", and digits beyond ASCII.
_CONTENT_LENGTH: Final = re.compile(r"[0-9]{1,18}")
# Connection = #connection-option, connection-option = token
_CONNECTION: Final = re.compile(r"[\t ,!#$%&'*+\-.^_`|~0-9A-Za-z]*")

# The fields of the connection and of the framing. All others are encoded without a look at their meaning.
_FRAMING_FIELDS: Final = frozenset(
    {"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding", "upgrade"}
)
# The fields that decide, together with the request, which part of the content is sent (RFC 9110, sections 13 and 14),
# and whether trailers are sent (section 6.5).
_SELECTION_FIELDS: Final = frozenset({"accept-ranges", "etag", "last-modified", "trailer"})
_OWN_FIELDS: Final = frozenset({"keep-alive", "transfer-encoding"})
_STATUSES_WITHOUT_CONTENT: Final = frozenset({204, 205, 304})
_SPECIAL_METHODS: Final = frozenset({b"HEAD", b"CONNECT"})


def _status_line(status: int) -> bytes:
    if not isinstance(status, int) or not 100 <= status <= 599:
        raise ValueError(f"a status must be a whole number from 100 to 599, not {status!r}")
    # The version is the server's own, even if the client's is HTTP/1.0 (RFC 9110, section 6.2).
    return f"HTTP/1.1 {status:d} {reason_phrase(status)}\r\n".encode("ascii")


@final
class _LengthLines(dict[int, bytes]):
    """The last line of the head of a response with content, by length of the content."""

    def __missing__(self, length: int) -> bytes:
        line = b"Content-Length: %d\r\n\r\n" % length
        if len(self) >= 4096:
            self.clear()
        self[length] = line
        return line


_STATUS_LINES: Final = {status: _status_line(status) for status in REASON_PHRASES if status >= 200 or status == 101}
_CONTENT_STATUS_LINES: Final = {
    status: line for status, line in _STATUS_LINES.items() if status >= 200 and status not in _STATUSES_WITHOUT_CONTENT
}
# These three are caches. Clearing them at any time only changes how long a response takes.
_common_line: Final = EncodedFields(special=_FRAMING_FIELDS | _SELECTION_FIELDS).__getitem__
_field_line: Final = EncodedFields(special=_FRAMING_FIELDS).__getitem__
_LENGTH_LINES: Final = _LengthLines()


def full_response(status: int, fields: Sequence[Field], body: bytes, own_lines: bytes, method: bytes = b"GET") -> bytes:
    """Return a complete final response. Content is omitted if the method or the status forbids it.

    Args:
        status: 200 to 599.
        fields: of the application, in order.
        body: the complete content.
        own_lines: Date, Server and Connection lines of the server.
        method: of the request.

    Raises:
        LengthMismatch: the fields announce a different Content-Length.
        TypeError: a field name or value is not a str.
        ValueError: the status is not final, or a field cannot be sent.
    """
    if method not in _SPECIAL_METHODS:
        try:
            start = _CONTENT_STATUS_LINES[status]
            return b"".join((start, *map(_field_line, fields), own_lines, _LENGTH_LINES[len(body)], body))
        except KeyError:
            pass
    return _careful_response(status, fields, body, own_lines, method)


def chunked_response(
    status: int, fields: Sequence[Field], body: bytes, own_lines: bytes, trailers: Sequence[Field]
) -> bytes:
    """Return a complete response whose content is one chunk, because trailers follow it.

    Raises:
        TypeError: a field name or value is not a str.
        ValueError: a field cannot be sent.
    """
    line = framing_line(BodyFraming.CHUNKED, b"GET", status, None)
    return response_head(status, fields, line, own_lines) + chunk(body) + last_chunk(trailers)


def common_response(status: int, fields: Sequence[Field], body: bytes, own_lines: bytes, method: bytes) -> bytes | None:
    """Return what ``full_response`` returns; None if that needs the careful path.

    If the fields contain a Connection field, it needs the careful path. So with a result, ``wants_close`` is false. If
    they contain an ETag, Last-Modified, Accept-Ranges or Trailer, it needs that path as well: the caller has to compare
    them with the fields of the request.
    """
    if method in _SPECIAL_METHODS:
        return None
    try:
        start = _CONTENT_STATUS_LINES[status]
        return b"".join((start, *map(_common_line, fields), own_lines, _LENGTH_LINES[len(body)], body))
    except KeyError:
        return None


def _careful_response(status: int, fields: Sequence[Field], body: bytes, own_lines: bytes, method: bytes) -> bytes:
    if status == 101:
        raise ValueError("101 is not the status of a response with a body")
    framing = choose_framing(method, 1, status, len(body))
    length = announced_length(fields)
    # A 304, and a HEAD response without a body, do not show the length that the response to GET would have.
    if framing is BodyFraming.LENGTH or (method == b"HEAD" and body and status not in _STATUSES_WITHOUT_CONTENT):
        length = _check_length(length, len(body))
    head = response_head(status, fields, framing_line(framing, method, status, length), own_lines)
    return head + body if framing is BodyFraming.LENGTH else head


def _check_length(announced: int | None, actual: int) -> int:
    if announced is not None and announced != actual:
        raise LengthMismatch(announced, actual)
    return actual


def response_head(status: int, fields: Sequence[Field], framing_line: bytes, own_lines: bytes) -> bytes:
    """Return the head of a response; content, if any, follows as the framing requires.

    Args:
        status: 101, or 200 to 599.
        fields: of the application; a Content-Length among them is not sent, because ``framing_line`` contains it.
        framing_line: the result of ``framing_line()``.
        own_lines: Date, Server and Connection lines of the server.

    Raises:
        TypeError: a field name or value is not a str.
        ValueError: the status is not valid here, or a field cannot be sent.
    """
    try:
        start = _STATUS_LINES[status]
        return b"".join((start, *map(_field_line, fields), own_lines, framing_line, b"\r\n"))
    except KeyError:
        return _careful_head(status, fields, framing_line, own_lines)


def _careful_head(status: int, fields: Sequence[Field], framing_line: bytes, own_lines: bytes) -> bytes:
    if status < 200 and status != 101:
        raise ValueError(f"{status!r} is not the status of a final response")
    start = _STATUS_LINES.get(status) or _status_line(status)
    return b"".join((start, *_careful_lines(fields, own_lines), framing_line, b"\r\n"))


def _careful_lines(fields: Sequence[Field], own_lines: bytes) -> list[bytes]:
    own = {line.partition(b":")[0].lower(): line for line in own_lines.splitlines(keepends=True)}
    lines: list[bytes] = []
    replaced: set[str] = set()
    options: list[str] = []
    for name, value in fields:
        lower = name.lower()
        if lower not in _FRAMING_FIELDS:
            lines.append(_field_line((name, value)))
        elif lower == "connection":
            options += _connection_options(value)
        elif lower in _OWN_FIELDS:
            raise ValueError(f"field {name!r} is set by the server: it follows from the content and the connection")
        elif lower == "upgrade":
            # RFC 9110, section 7.8: its sender must also send the connection option.
            options.append("upgrade")
            lines.append(encode_field(name, value))
        elif lower in replaced:
            raise ValueError(f"field {name!r} appears twice")
        elif lower != "content-length":
            replaced.add(lower)
            own.pop(lower.encode("ascii"), None)
            lines.append(encode_field(name, value))
    own_connection = own.pop(b"connection", b"").partition(b":")[2].strip().decode("ascii")
    return [*lines, *own.values(), _joined_connection(options + _connection_options(own_connection))]


def _joined_connection(options: list[str]) -> bytes:
    unique = {option.lower(): option for option in options}
    if "close" in unique:
        # close is sent last, and never together with keep-alive.
        unique.pop("keep-alive", None)
        unique["close"] = unique.pop("close")
    return encode_field("Connection", ", ".join(unique.values())) if unique else b""


def _connection_options(value: str) -> list[str]:
    if not _CONNECTION.fullmatch(value):
        raise ValueError("value of field 'Connection' is not a list of tokens")
    options = (option.strip(" \t") for option in value.split(","))
    return [option for option in options if option]


def connection_line(minor_version: int, close: bool) -> bytes:
    """Return the server's Connection line: ``close``, or ``keep-alive`` for an HTTP/1.0 client, or b"".

    Args:
        minor_version: of the request; without the line, an HTTP/1.0 client expects the connection to close.
        close: whether the connection ends with this response.
    """
    if close:
        return CLOSE_LINE
    return KEEP_ALIVE_LINE if minor_version == 0 else b""


def wants_close(fields: Sequence[Field]) -> bool:
    """Return whether the application's fields contain ``Connection: close``."""
    for name, value in fields:
        # Compare the length first: it rules out nearly every field and costs less than lower().
        if len(name) == 10 and name.lower() == "connection" and "close" in _connection_options(value.lower()):
            return True
    return False


def announced_length(fields: Sequence[Field]) -> int | None:
    """Return the Content-Length that the application announces, or None.

    Raises:
        ValueError: the value is not a decimal number, or two lines have different values.
    """
    length: int | None = None
    for name, value in fields:
        if len(name) != 14 or name.lower() != "content-length":
            continue
        if not _CONTENT_LENGTH.fullmatch(value):
            raise ValueError(f"Content-Length {value[:32]!r} is not a decimal number")
        if length not in (None, int(value)):
            raise ValueError(f"Content-Length is announced as {length} and as {value!r}")
        length = int(value)
    return length


def interim_response(status: int, fields: Sequence[Field] = ()) -> bytes:
    """Return an interim response, such as 100 or 103. HTTP/1.0 clients must not get one (RFC 9110, section 15.2).

    Raises:
        ValueError: the status is not interim, or is 101, which ends HTTP/1.1 on the connection; or a field cannot be
            sent.
    """
    if not 100 <= status <= 199 or status == 101:
        raise ValueError(f"{status!r} is not the status of an interim response")
    try:
        return b"".join((_status_line(status), *map(_field_line, fields), b"\r\n"))
    except SpecialField as error:
        raise ValueError(f"field {error.args[0]!r} must not be sent in an interim response") from None


def content_size(response: bytes) -> int:
    """Return the number of bytes of content in a complete response."""
    return len(response) - response.index(b"\r\n\r\n") - 4


def error_content(status: int) -> bytes:
    """Return the content of an error response: the reason phrase as text, without the cause."""
    return f"{reason_phrase(status) or status}\n".encode("ascii")


def error_response(
    status: int, *, date_line: bytes, close: bool = True, method: bytes = b"GET", retry_after: int = 0
) -> bytes:
    """Return the response to a request that cannot be served: the reason phrase as text, without the cause.

    Args:
        status: 400 to 599.
        date_line: Date line of the server, and its Server line if it sends one.
        close: whether the connection ends with this response.
        method: of the request, if it is known; HEAD gets no content.
        retry_after: seconds after which the client may try again (RFC 9110, section 10.2.3); 0 to send no such field.
    """
    body = error_content(status)
    own_lines = date_line + CLOSE_LINE if close else date_line
    fields = [("Content-Type", "text/plain; charset=utf-8")]
    if retry_after:
        fields.append(("Retry-After", str(retry_after)))
    return full_response(status, fields, body, own_lines, method)
