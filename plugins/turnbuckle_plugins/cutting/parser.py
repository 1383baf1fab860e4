"""A parser around a library that reads the pieces of one message.

The contract of a parser is strict: one event for each call, no bytes read beyond it, and errors are final. A library
that pushes events or reads ahead fulfils it if it gets no more bytes than the next event needs.

Sources: RFC 9112, sections 2.2, 6 and 8.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, TypeAlias, final

from turnbuckle import NEED_DATA, Data, EndOfMessage, Event, Limits, NeedData, ProtocolError, RawFields, RequestHead
from turnbuckle_plugins.cutting.chunks import ChunkCutter, ChunkReader
from turnbuckle_plugins.cutting.head import Head, HeadCutter, content_length, parse_head

__all__ = ["CutParser", "MessageReader"]


class MessageReader(ChunkReader, Protocol):
    """A reader of the pieces of one message; every error is a ``ProtocolError``."""

    def read_head(self, head: Head) -> RawFields:
        """Return the fields of the head: names in lower case, values as sent, without surrounding whitespace."""


_END: Final = EndOfMessage()

MakeReader: TypeAlias = "Callable[[Limits], MessageReader]"
Accepts: TypeAlias = "Callable[[bytes, int], bool]"


@final
class CutParser:
    """A parser that cuts messages into pieces, which a library reads.

    Args:
        limits: limits on the sizes of the parts of a request.
        make_reader: makes the reader of one message.
        accepts: confirms requests that the core has read (see ``turnbuckle.Parser``); None if the library cannot.
    """

    def __init__(self, limits: Limits, make_reader: MakeReader, accepts: Accepts | None = None) -> None:
        self.accepts: Final = accepts
        self._limits: Final = limits
        self._make_reader: Final = make_reader
        self._buffer: Final = bytearray()
        self._head: Final = HeadCutter(limits)
        self._chunks: ChunkCutter | None = None
        self._remaining = 0
        self._in_message = False
        self._at_end = False
        self._error: ProtocolError | None = None

    def feed(self, data: bytes, /) -> None:
        """Add received bytes, split anywhere."""
        if self._error is None:
            self._buffer.extend(data)

    def feed_eof(self) -> None:
        """Signal that the peer will send no more."""
        self._at_end = True

    def trailing_data(self) -> bytes:
        """Return the bytes that were not consumed, and clear the buffer."""
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
        try:
            event = self._next_event()
            if event is NEED_DATA and self._at_end:
                self._check_end()
        except ProtocolError as error:
            self._error = error
            self._buffer.clear()
            raise
        return event

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
