"""Pass content through a transform while it is read, for middleware such as a decompressor.

``TransformedContent`` is the source of the transformed content. A transform has no I/O and is no iterator that awaits:
a task that reads can be cancelled between any two pieces, and another one may continue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Final, Protocol, final

from turnbuckle.errors import ContentTooLarge
from turnbuckle.http.events import RawFields
from turnbuckle.web.content.content import ContentSource

__all__ = ["ContentTransform", "TransformedContent"]

# Produced bytes after which other connections get a turn.
_MAX_IN_A_TURN: Final = 256 * 1024
# Bytes that a transform may remove from content that is close to its limit: the frame of compressed content.
_OVERHEAD: Final = 1024


class ContentTransform(Protocol):
    """A function from the received content to the content that handlers read; made for one request."""

    def transform(self, data: bytes, /) -> Iterable[bytes]:
        """Return the pieces that follow from the next received bytes.

        The pieces are requested one at a time, so a generator bounds the memory and the time that they take.

        Raises:
            HTTPError: the content is malformed, or not accepted.
        """

    def finish(self) -> Iterable[bytes]:
        """Return the last pieces; called once, at the end of the received content.

        Raises:
            HTTPError: the content is not complete.
        """


@final
class TransformedContent:
    """The transformed content of one request; a ``ContentSource``.

    Args:
        source: the source of the received content.
        transform: the transform.
    """

    __slots__ = ("_failure", "_in_this_turn", "_is_complete", "_limit", "_pieces", "_produced", "_source", "_transform")

    def __init__(self, source: ContentSource, transform: ContentTransform) -> None:
        self._source: Final = source
        self._transform: Final = transform
        self._limit = source.limit
        self._pieces: Iterator[bytes] = iter(())
        self._produced = 0
        self._in_this_turn = 0
        self._is_complete = False
        self._failure: Exception | None = None

    @property
    def limit(self) -> int:
        """The maximum number of transformed bytes; the received content may be hardly longer."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        self._limit = limit
        self._source.limit = limit + _OVERHEAD

    @property
    def trailers(self) -> RawFields:
        """Return the trailer fields received so far."""
        return self._source.trailers

    def take(self) -> None:
        """Return None: the content has to be transformed first."""

    async def receive(self) -> bytes:
        """Return the next bytes; ``b""`` at the end, and on every later call.

        Raises:
            ContentTooLarge: the transformed content exceeds ``limit``.
            Exception: as the source and the transform raise.
        """
        if self._failure is not None:
            raise self._failure
        while not (piece := self._next_piece()):
            if self._is_complete:
                return b""
            data = await self._source.receive()
            self._is_complete = not data
            self._pieces = self._transformed(data)
        await self._share_the_loop(len(piece))
        return piece

    def _transformed(self, data: bytes) -> Iterator[bytes]:
        # A generator, so that the errors of the transform occur where the pieces are requested.
        yield from self._transform.transform(data) if data else self._transform.finish()

    def _next_piece(self) -> bytes:
        """Return the next piece that needs no further data; ``b""`` if there is none."""
        try:
            piece = next((piece for piece in self._pieces if piece), b"")
            self._produced += len(piece)
            if self._produced > self._limit:
                raise ContentTooLarge
        except Exception as error:
            self._failure = error
            raise
        return piece

    async def _share_the_loop(self, size: int) -> None:
        self._in_this_turn += size
        if self._in_this_turn >= _MAX_IN_A_TURN:
            self._in_this_turn = 0
            await asyncio.sleep(0)
