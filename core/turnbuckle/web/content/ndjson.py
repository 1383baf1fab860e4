"""Decode lines of JSON while they arrive: newline-delimited JSON, or JSON Lines.

Each line is one JSON text (RFC 8259), which ends with LF or CRLF. Empty lines are skipped. At most one line is stored.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Final, TypeVar

import attrs

from turnbuckle.errors import BadRequest, ContentTooLarge, InvalidInput

__all__ = ["NDJSON_TYPES", "decode_lines"]

T = TypeVar("T")

NDJSON_TYPES: Final = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
"""The media types in use; none of them is registered."""

_EMPTY: Final = (b"", b"\r")


async def decode_lines(pieces: AsyncIterator[bytes], decode: Callable[[bytes], T], limit: int) -> AsyncIterator[T]:
    """Yield the value of each line.

    Args:
        pieces: the content, divided anywhere.
        decode: returns the value of a line, which has no line break at its end.
        limit: the bytes that a line may have.

    Raises:
        BadRequest: a line is not JSON; the error names its number, from 1.
        InvalidInput: ``decode`` raised it; the number of the line is added to its faults.
        ContentTooLarge: a line exceeds the limit.
    """
    number, begun, size = 1, list[bytes](), 0
    async for piece in pieces:
        *complete, rest = piece.split(b"\n")
        for line in complete:
            if line in _EMPTY and not begun:
                # Content that consists of empty lines must not cost much more time than other content of its size.
                number += 1
                continue
            begun.append(line)
            if content := _line(begun, size + len(line), number, limit):
                yield _decoded(content, decode, number)
            number, begun, size = number + 1, [], 0
        if rest:
            begun.append(rest)
            size += len(rest)
            _check_size(size, number, limit)
    if content := _line(begun, size, number, limit):
        yield _decoded(content, decode, number)


def _line(begun: list[bytes], size: int, number: int, limit: int) -> bytes:
    _check_size(size, number, limit)
    return b"".join(begun).strip(b" \t\r")


def _check_size(size: int, number: int, limit: int) -> None:
    if size > limit:
        raise ContentTooLarge(f"line {number} exceeds {limit} bytes")


def _decoded(line: bytes, decode: Callable[[bytes], T], number: int) -> T:
    try:
        return decode(line)
    except InvalidInput as error:
        faults = [attrs.evolve(fault, reason=f"line {number}: {fault.reason}") for fault in error.faults]
        raise InvalidInput(faults, error.status, headers=error.headers) from None
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"line {number} is not JSON") from error
