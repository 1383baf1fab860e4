"""Read the content of a request: once as a stream, or completely and then any number of times.

The server implements ``ContentSource``, which enforces the limit and the deadlines while bytes arrive.
``ContentReader`` owns the content that was read. Decoding follows RFC 9110, section 8.3, and RFC 8259, section 8.1.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Final, Protocol, final

from turnbuckle.errors import BadRequest
from turnbuckle.http.events import RawFields
from turnbuckle.web.content.json import STANDARD_JSON, JSONCodec

__all__ = ["NO_CONTENT", "ContentReader", "ContentSource", "StoredContent", "decode_json"]


class ContentSource(Protocol):
    """The source of the content of one request.

    Attributes:
        limit: the maximum number of bytes of content; beyond it ``receive`` raises. A handler may change the limit
            before it reads.
        trailers: trailer fields, complete once ``receive`` has returned ``b""``.
    """

    limit: int

    @property
    def trailers(self) -> RawFields:
        """Return the trailer fields received so far."""

    def take(self) -> bytes | None:
        """Return the complete content if it has arrived and nothing of it was received; else None.

        Raises:
            ContentTooLarge: the content exceeds the limit.
        """

    async def receive(self) -> bytes:
        """Return the next bytes, or ``b""`` at the end of the content and on every later call.

        Raises:
            ContentTooLarge: the content exceeds the limit.
            ProtocolError: the framing of the content is broken.
            ConnectionLost: the client disconnected before the end of the content.
        """


@final
class _NoContent:
    """The source of a request that has no content."""

    limit = 0
    trailers: RawFields = ()

    def take(self) -> bytes:
        return b""

    async def receive(self) -> bytes:
        return b""


NO_CONTENT: Final[ContentSource] = _NoContent()


@final
class StoredContent:
    """A source whose content was read before.

    Args:
        content: the content.
        limit: see ``ContentSource``.
        trailers: the trailer fields.
    """

    def __init__(self, content: bytes, limit: int, trailers: RawFields) -> None:
        self._content: bytes | None = content
        self.limit = limit
        self.trailers: RawFields = trailers

    def take(self) -> bytes | None:
        """Return the content once; then None."""
        content, self._content = self._content, None
        return content

    async def receive(self) -> bytes:
        """Return the content once; then ``b""``."""
        return self.take() or b""


@final
class ContentReader:
    """Reads the content of one request.

    The source delivers the content only once. ``stream`` yields it piece by piece without storing it; ``read`` stores
    it. After ``read``, ``stream`` yields the stored content; after ``stream``, both raise.

    Args:
        source: the source of the content.
        content: the complete content if the caller has taken it from the source.
    """

    __slots__ = ("_content", "_failure", "_is_claimed", "_is_reading", "_is_taken", "_read_ended", "_source", "_stored")

    def __init__(self, source: ContentSource, content: bytes | None = None) -> None:
        self._source: Final = source
        self._content = content
        self._stored: io.BytesIO | None = None
        self._failure: Exception | None = None
        self._is_claimed = content is not None
        self._is_reading = False
        self._read_ended: asyncio.Event | None = None

    async def read(self) -> bytes:
        """Return the complete content. Several tasks may call this at the same time.

        Raises:
            RuntimeError: the content was streamed.
        """
        self.received()
        while self._content is None:
            if self._is_reading:
                await self._wait_for_reader()
            elif self._failure is not None:
                raise self._failure
            else:
                self._claim()
                await self._read()
        return self._content

    def received(self) -> bytes | None:
        """Return the complete content if that needs no wait; else None.

        Raises:
            ContentTooLarge: the content exceeds the limit.
        """
        if self._content is None and not self._is_claimed:
            content = self._source.take()
            if content is not None:
                self._content, self._is_claimed = content, True
        return self._content

    def release(self) -> ContentSource:
        """Return a source of the whole content, which another reader may read; this reader is then not used any more.

        Raises:
            RuntimeError: the content was streamed, or is being read.
        """
        source = self._source
        if self._content is not None:
            return StoredContent(self._content, source.limit, source.trailers)
        if self._is_claimed or self._stored is not None:
            raise RuntimeError("content that was streamed, or is being read, cannot be transformed")
        return source

    async def _read(self) -> None:
        self._is_reading = True
        try:
            while piece := await self._source.receive():
                self._store(piece)
            self._content = b"" if self._stored is None else self._stored.getvalue()
            self._stored = None
        except asyncio.CancelledError:
            # Only this task was cancelled. Another task that waits for the content continues to read.
            self._is_claimed = False
            raise
        except Exception as error:
            self._failure = error
            raise
        finally:
            self._is_reading = False
            if self._read_ended is not None:
                self._read_ended.set()

    def _store(self, piece: bytes) -> None:
        # One growing buffer, whose bytes are the content in the end. A list of pieces that is joined takes twice the
        # memory, and six times the time for 10 MB, because the system has to supply each page twice.
        if self._stored is None:
            self._stored = io.BytesIO(piece)
            self._stored.seek(0, io.SEEK_END)
        else:
            self._stored.write(piece)

    async def _wait_for_reader(self) -> None:
        if self._read_ended is None or self._read_ended.is_set():
            self._read_ended = asyncio.Event()
        await self._read_ended.wait()

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield the content as it arrives, in pieces that are never empty.

        Raises:
            RuntimeError: the content was streamed already.
        """
        if self._content is not None:
            if self._content:
                yield self._content
            return
        if self._stored is not None:
            raise RuntimeError("a part of the content was read already; use read() for the rest")
        self._claim()
        while piece := await self._source.receive():
            yield piece

    async def next_piece(self) -> bytes:
        """Return the next piece of the content as it arrives; ``b""`` at its end, and on every later call.

        Unlike a step of ``stream``, a call that is cancelled loses nothing, and may be repeated.

        Raises:
            RuntimeError: the content was streamed or read before.
        """
        # Few requests need it. Initializing the slot would cost time on every request with content.
        if not hasattr(self, "_is_taken"):
            self._claim()
            self._is_taken = True
        return await self._source.receive()

    def _claim(self) -> None:
        if self._is_claimed:
            raise RuntimeError("the content of this request was streamed; it can be read only once")
        self._is_claimed = True


def decode_json(content: bytes, codec: JSONCodec = STANDARD_JSON) -> object:
    """Decode content as JSON, which is always UTF-8, even if the Content-Type has a charset (RFC 8259, section 8.1).

    Raises:
        BadRequest: the content is not JSON.
    """
    try:
        return codec.decode(content)
    except (ValueError, RecursionError) as error:
        # ValueError is raised for invalid UTF-8, invalid syntax and numbers with thousands of digits.
        raise BadRequest("the content is not JSON") from error
