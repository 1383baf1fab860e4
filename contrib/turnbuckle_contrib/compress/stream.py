"""Encode the body of a response while it is sent.

Each piece is flushed, so that the recipient has it as soon as without a coding; only the pieces of files are not. Large
pieces are encoded in a thread. A body that never waits and consists of small pieces gives other connections a turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from typing import Final, final

from turnbuckle_contrib.compress.encoders import Encoder

__all__ = ["THREAD_SIZE", "CompressedStream"]

THREAD_SIZE: Final = 32 * 1024
"""Bytes whose encoding would block the event loop for longer than the change to a thread takes."""

# Bytes that are encoded on the loop before other connections get a turn.
_MAX_IN_A_TURN: Final = 64 * 1024


@final
class CompressedStream:
    """The body of a compressed response.

    Args:
        body: the body of the app's response.
        make: makes the encoder, which has its memory from then on.
        flushes: whether each piece is sent at once.
    """

    __slots__ = ("_body", "_flushes", "_make", "_pieces")

    def __init__(self, body: AsyncIterable[bytes | str], make: Callable[[], Encoder], *, flushes: bool) -> None:
        self._body: Final = body
        self._make: Final = make
        self._flushes: Final = flushes
        self._pieces: AsyncGenerator[bytes, None] | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the encoded pieces."""
        self._pieces = self._encoded()
        return self._pieces

    async def aclose(self) -> None:
        """Close the body of the app's response. The server calls this when it stops sending."""
        if self._pieces is not None:
            await self._pieces.aclose()
        close = getattr(self._body, "aclose", None)
        if close is not None:
            await close()

    async def _encoded(self) -> AsyncGenerator[bytes, None]:
        encoder = self._make()
        in_this_turn = 0
        async for piece in self._body:
            data = piece.encode("utf-8", "replace") if isinstance(piece, str) else piece
            if len(data) >= THREAD_SIZE:
                output = await asyncio.to_thread(self._encode, encoder, data)
            else:
                output = self._encode(encoder, data)
                in_this_turn += len(data)
                if in_this_turn >= _MAX_IN_A_TURN:
                    in_this_turn = 0
                    await asyncio.sleep(0)
            if output:
                yield output
        yield encoder.finish()

    def _encode(self, encoder: Encoder, data: bytes) -> bytes:
        output = encoder.encode(data)
        return output + encoder.flush() if self._flushes and data else output
