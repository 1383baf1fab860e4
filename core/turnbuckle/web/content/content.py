"""Read the content of a request: once as a stream, or whole and then as often as wanted.

The server implements ``ContentSource``; it enforces the limit and the deadlines as the octets arrive. ``ContentReader``
owns what has been read so far. Decoding follows RFC 9110, section 8.3, and RFC 8259, section 8.1.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Final, Protocol, final

from turnbuckle.errors import BadRequest
from turnbuckle.http.events import RawFields
from turnbuckle.web.content.json import STANDARD_JSON, JSONCodec

__all__ = ["NO_CONTENT", "ContentReader", "ContentSource", "decode_json", "decode_text", "is_charset"]

_CHARSET: Final = re.compile(
    r"utf-?8|utf-?(16|32)(be|le)?|(us-)?ascii|latin-?1|iso-8859-([1-9]|1[013-6])|windows-125[0-8]|cp125[0-8]"
    r"|koi8-[ru]|euc-(jp|kr)|shift-jis|iso-2022-(jp|kr)|gb(2312|k|18030)|big5"
)


class ContentSource(Protocol):
    """Where the content of one request comes from.

    Attributes:
        limit: octets of content beyond which ``receive`` raises; a handler may raise or lower it before it reads.
        trailers: trailer fields, complete once ``receive`` has returned ``b""``.
    """

    limit: int

    @property
    def trailers(self) -> RawFields:
        """Return the trailer fields received so far."""

    async def receive(self) -> bytes:
        """Return the next octets, or ``b""`` at the end and ever after.

        Raises:
            ContentTooLarge: the content exceeds the limit.
            ProtocolError: the framing of the content is broken.
            ConnectionLost: the client went away before the end.
        """


@final
class _NoContent:
    """The source of a request that has no content."""

    limit = 0
    trailers: RawFields = ()

    async def receive(self) -> bytes:
        return b""


NO_CONTENT: Final[ContentSource] = _NoContent()


@final
class ContentReader:
    """Hands out the content of one request.

    The content passes through once: ``stream`` gives it away piece by piece, ``read`` keeps it. After ``read``,
    ``stream`` still works, from memory; after ``stream``, neither does.
    """

    __slots__ = ("_content", "_failure", "_is_reading", "_is_taken", "_pieces", "_read_ended", "_source")

    def __init__(self, source: ContentSource) -> None:
        self._source: Final = source
        self._content: bytes | None = None
        self._pieces: list[bytes] = []
        self._failure: Exception | None = None
        self._is_taken = False
        self._is_reading = False
        self._read_ended: asyncio.Event | None = None

    async def read(self) -> bytes:
        """Return the whole content; several tasks may ask for it at a time.

        Raises:
            RuntimeError: it was streamed.
        """
        while self._content is None:
            if self._is_reading:
                await self._wait_for_reader()
            elif self._failure is not None:
                raise self._failure
            else:
                self._take()
                await self._read()
        return self._content

    async def _read(self) -> None:
        self._is_reading = True
        # A list joined at the end: appending to bytes would copy everything again for each piece.
        pieces = self._pieces
        try:
            while piece := await self._source.receive():
                pieces.append(piece)
            self._content, self._pieces = b"".join(pieces), []
        except asyncio.CancelledError:
            # Nothing is wrong with the content: another task that waits for it reads on.
            self._is_taken = False
            raise
        except Exception as error:
            self._failure = error
            raise
        finally:
            self._is_reading = False
            if self._read_ended is not None:
                self._read_ended.set()

    async def _wait_for_reader(self) -> None:
        if self._read_ended is None or self._read_ended.is_set():
            self._read_ended = asyncio.Event()
        await self._read_ended.wait()

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield the content as it arrives, in pieces that are never empty.

        Raises:
            RuntimeError: it was streamed already.
        """
        if self._content is not None:
            if self._content:
                yield self._content
            return
        if self._pieces:
            raise RuntimeError("some of the content of this request was read already; the rest can only be read")
        self._take()
        while piece := await self._source.receive():
            yield piece

    def _take(self) -> None:
        if self._is_taken:
            raise RuntimeError("the content of this request was streamed; it can be read only once")
        self._is_taken = True


def decode_text(content: bytes, charset: str) -> str:
    """Decode content that a client says is text.

    Raises:
        BadRequest: the charset is unknown, or the content is not in it.
    """
    if not is_charset(charset):
        raise BadRequest("the content is in an unknown charset")
    try:
        return content.decode(charset)
    except UnicodeError as error:
        raise BadRequest("the content is not text in the charset that it claims") from error


def is_charset(name: str) -> bool:
    """Return whether a charset is one that text can be decoded from.

    Python knows codecs that are none ("zlib" inflates), some that only it uses ("unicode_escape", "punycode", "idna"
    are not linear, or warn), and that of the machine ("mbcs").
    """
    return _CHARSET.fullmatch(name.lower().replace("_", "-")) is not None


def decode_json(content: bytes, codec: JSONCodec = STANDARD_JSON) -> object:
    """Decode content as JSON, which is UTF-8 whatever the Content-Type says (RFC 8259, section 8.1).

    Raises:
        BadRequest: it is not JSON.
    """
    try:
        return codec.decode(content)
    except (ValueError, RecursionError) as error:
        # ValueError covers bad UTF-8, bad syntax and numbers with thousands of digits.
        raise BadRequest("the content is not JSON") from error
