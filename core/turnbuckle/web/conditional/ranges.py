"""Parse the Range field, and format several ranges of content as multipart/byteranges (RFC 9110, section 14).

A server may ignore the field and send the whole content. This is done if the field has another unit, is malformed, or
asks for more ranges than ``_MAX_RANGES``, or for more bytes than there are, because its ranges overlap. So no request
makes the server send more than the content and the heads of some parts.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Final, NamedTuple, final

from turnbuckle.web.response.file_body import FileBody

__all__ = ["ByteRange", "MultipartRanges", "parse_ranges"]

_MAX_RANGES: Final = 16

# ranges-specifier = range-unit "=" range-set; range units are compared without regard to case.
_SPECIFIER: Final = re.compile(r"bytes=(.*)", re.IGNORECASE)
# int-range = first-pos "-" [ last-pos ], suffix-range = "-" suffix-length
_RANGE: Final = re.compile(r"([0-9]*)-([0-9]*)")
# No file is as large. The conversion of longer numbers would cost time.
_MAX_DIGITS: Final = 18
_HUGE: Final = 10**_MAX_DIGITS


class ByteRange(NamedTuple):
    """A part of content: ``start`` is the position of its first byte, ``stop`` the position after its last byte."""

    start: int
    stop: int

    def content_range(self, size: int) -> str:
        """Return the Content-Range field for a part of content of ``size`` bytes."""
        return f"bytes {self.start}-{self.stop - 1}/{size}"


def parse_ranges(value: str, size: int) -> Sequence[ByteRange] | None:
    """Return the ranges that can be sent, in the order of the field.

    Args:
        value: the Range field.
        size: number of bytes of the content.

    Returns:
        None if the field is ignored, and nothing if none of its ranges can be satisfied, which is to be answered with
        416.
    """
    specifier = _SPECIFIER.fullmatch(value)
    if specifier is None or not size:
        # Some clients ask for a range of everything, in order to limit the size. No range fits empty content.
        return None
    texts = [text.strip(" \t") for text in specifier[1].split(",", _MAX_RANGES)]
    if len(texts) > _MAX_RANGES:
        return None
    ranges = []
    for text in filter(None, texts):
        bounds = _parse_bounds(text, size)
        if bounds is None:
            return None
        ranges.append(bounds)
    satisfiable = [bounds for bounds in ranges if bounds.start < bounds.stop]
    is_excessive = sum(bounds.stop - bounds.start for bounds in satisfiable) > size
    return None if is_excessive or not ranges else satisfiable


def _parse_bounds(text: str, size: int) -> ByteRange | None:
    """Return one range, which is empty if it cannot be satisfied; None if it is malformed."""
    found = _RANGE.fullmatch(text)
    if found is None or text == "-":
        return None
    first, last = found.groups()
    if not first:
        return ByteRange(max(0, size - _number(last)), size)
    start = _number(first)
    if last and _number(last) < start:
        return None
    return ByteRange(start, min(size, _number(last) + 1 if last else size))


def _number(digits: str) -> int:
    digits = digits.lstrip("0")
    return _HUGE if len(digits) > _MAX_DIGITS else int(digits or "0")


@final
class MultipartRanges:
    """Several ranges of content, as multipart/byteranges (section 14.6).

    Args:
        content: the complete content.
        ranges: the ranges to send, in this order.
        size: number of bytes of the complete content.
        content_type: of the complete content, for each part; "" if it has none.

    Attributes:
        content_type: the Content-Type of the response.
        length: number of bytes of the body.
    """

    __slots__ = ("_content", "_heads", "_ranges", "_reading", "_tail", "content_type", "length")

    def __init__(self, content: bytes | FileBody, ranges: Sequence[ByteRange], size: int, content_type: str) -> None:
        # Random, so that no content can contain it, including content that a client has stored.
        boundary = secrets.token_hex(16)
        type_line = f"Content-Type: {content_type}\r\n" if content_type else ""
        self.content_type: Final = f"multipart/byteranges; boundary={boundary}"
        self._content: Final = content
        self._ranges: Final = ranges
        self._heads: Final = [
            f"\r\n--{boundary}\r\n{type_line}Content-Range: {bounds.content_range(size)}\r\n\r\n".encode("latin-1")
            for bounds in ranges
        ]
        self._tail: Final = f"\r\n--{boundary}--\r\n".encode("ascii")
        in_heads = sum(map(len, self._heads)) + len(self._tail)
        self.length: Final = in_heads + sum(bounds.stop - bounds.start for bounds in ranges)
        self._reading: AsyncGenerator[bytes, None] | None = None

    def join(self) -> bytes:
        """Return the body as one piece, for content that is in memory."""
        content = self._content
        if not isinstance(content, bytes):
            raise TypeError("only content in memory is joined")
        parts = [head + content[slice(*bounds)] for head, bounds in zip(self._heads, self._ranges, strict=True)]
        return b"".join([*parts, self._tail])

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body in pieces."""
        self._reading = self._pieces()
        return self._reading

    async def aclose(self) -> None:
        """Close the file if it is open. The server calls this when it stops sending."""
        if self._reading is not None:
            await self._reading.aclose()
        if isinstance(self._content, FileBody):
            await self._content.aclose()

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        content = self._content
        if isinstance(content, bytes):
            yield self.join()
            return
        for head, (start, stop) in zip(self._heads, self._ranges, strict=True):
            yield head
            async with aclosing(content.read(start, stop)) as part:
                async for piece in part:
                    yield piece
        yield self._tail
