"""A parser around a library that reads the pieces of one message.

The contract of a parser is strict: one event for each call, no bytes read beyond it, and errors are final. A library
that pushes events or reads ahead fulfils it if it gets no more bytes than the next event needs.

Sources: RFC 9112, sections 2.2, 6 and 8.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Protocol, TypeAlias, final

from turnbuckle import NEED_DATA, Data, EndOfMessage, Event, Limits, NeedData, ProtocolError, RawFields, RequestHead
from turnbuckle_plugins.cutting.chunks import ChunkCutter, ChunkReader
from turnbuckle_plugins.cutting.head import Head, HeadCutter, content_length, parse_head

__all__ = ["CutParser", "MessageReader"]


class MessageReader(ChunkReader, Protocol):
    """A reader of the pieces of one message; every error is a ``ProtocolError``."""

    def takes(self, head: bytes) -> bool:
        """Return whether the library accepts a head as received, and takes it for a request without content."""

    def read_head(self, head: Head) -> RawFields:
        """Return the fields of the head: names in lower case, values as sent, without surrounding whitespace."""


# A head that all libraries can read as it is: request-line = method SP origin-form SP HTTP-version
_PLAIN_REQUEST_LINE: Final = re.compile(rb"(GET|POST|HEAD|PUT|DELETE|OPTIONS|PATCH) (/[!-~]*+) HTTP/1\.1(?=\r\n)")

_END: Final = EndOfMessage()

MakeReader: TypeAlias = "Callable[[Limits], MessageReader]"


@final
class CutParser:
    """A parser that cuts messages into pieces, which a library reads.

    Args:
        limits: limits on the sizes of the parts of a request.
        make_reader: makes the reader of one message.
    """

    def __init__(self, limits: Limits, make_reader: MakeReader) -> None:
        self._limits: Final = limits
        self._make_reader: Final = make_reader
        self._plain_reader: Final = make_reader(limits)
        self._buffer: Final = bytearray()
        # Bytes that were fed between two requests while the buffer was empty: usually one whole head.
        self._fresh = b""
        self._head: Final = HeadCutter(limits)
        self._chunks: ChunkCutter | None = None
        self._remaining = 0
        self._in_message = False
        self._at_end = False
        self._error: ProtocolError | None = None

    def feed(self, data: bytes, /) -> None:
        """Add received bytes, split anywhere."""
        if self._error is None:
            if not self._buffer and not self._fresh and not self._in_message and type(data) is bytes:
                self._fresh = data
            else:
                self._use_buffer()
                self._buffer.extend(data)

    def _use_buffer(self) -> None:
        if self._fresh:
            self._buffer.extend(self._fresh)
            self._fresh = b""

    def feed_eof(self) -> None:
        """Signal that the peer will send no more."""
        self._at_end = True

    def trailing_data(self) -> bytes:
        """Return the bytes that were not consumed, and clear the buffer."""
        self._use_buffer()
        data = bytes(self._buffer)
        self._buffer.clear()
        self._head.forget()
        return data

    def next_event(self) -> Event | NeedData:
        """Return the next event, or ``NEED_DATA``.

        Raises:
            ProtocolError: 400, 413, 414, 431, 501 or 505; raised again by every later call.
        """
        if self._error is not None:
            raise ProtocolError(str(self._error), status=self._error.status)
        if self._in_message and not self._remaining and self._chunks is None:
            self._in_message = False
            return _END
        if self._fresh:
            head = self._read_plain(self._fresh)
            if head is not None:
                return head
            self._use_buffer()
        try:
            event = self._next_event()
            if event is NEED_DATA and self._at_end:
                self._check_end()
        except ProtocolError as error:
            self._error = error
            self._buffer.clear()
            raise
        return event

    def _read_plain(self, received: bytes) -> RequestHead | None:
        """Return a head that the library reads as it is; None for all other input.

        The core checks the field lines after the library, so the library need not report each of them.
        """
        end = received.find(b"\r\n\r\n") + 4
        if end < 5 or end > self._head.harmless_size:
            return None
        found = _PLAIN_REQUEST_LINE.match(received)
        if found is None or not self._plain_reader.takes(received[:end]):
            return None
        self._fresh = b""
        if end < len(received):
            self._buffer.extend(received[end:])
        self._in_message = True
        method, target = found.groups()
        return RequestHead.from_lines(method, target, 1, received[found.end() : end - 2])

    def _next_event(self) -> Event | NeedData:
        if not self._in_message:
            return self._read_head() if self._buffer else NEED_DATA
        if self._chunks is not None:
            return self._read_chunks(self._chunks)
        return self._read_content()

    def _check_end(self) -> None:
        # Some clients send an empty line after their content; it does not begin a request (RFC 9112, section 2.2).
        if self._in_message or bytes(self._buffer[:3]) not in (b"", b"\r\n"):
            raise ProtocolError("the peer stopped sending in the middle of a request")

    def _read_head(self) -> Event | NeedData:
        lines = self._head.cut(self._buffer)
        if lines is None:
            return NEED_DATA
        head, reader = parse_head(lines), self._make_reader(self._limits)
        # Before the library reads it: some libraries repair ambiguous fields, and none has these statuses.
        length = content_length(head.field_lines, self._limits)
        fields = reader.read_head(head)
        self._chunks = ChunkCutter(self._limits, reader) if length is None else None
        self._remaining = length or 0
        self._in_message = True
        return RequestHead(head.method, head.target, head.minor_version, fields)

    def _read_content(self) -> Event | NeedData:
        data = bytes(self._buffer[: self._remaining])
        del self._buffer[: self._remaining]
        self._remaining -= len(data)
        return Data(data) if data else NEED_DATA

    def _read_chunks(self, chunks: ChunkCutter) -> Event | NeedData:
        data = chunks.cut(self._buffer)
        if data:
            return Data(data)
        return self._end_message(chunks.reader.trailers) if chunks.reader.is_done else NEED_DATA

    def _end_message(self, trailers: RawFields) -> EndOfMessage:
        self._in_message, self._chunks = False, None
        return EndOfMessage(tuple(trailers)) if trailers else _END
