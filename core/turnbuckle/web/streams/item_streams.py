"""Send the items of an iterator, one line for each: as JSON (NDJSON) or as rows of a table (CSV, RFC 4180).

An async iterator is read on the event loop, and each item is sent when it is there. A plain iterator is read in a
thread, many items at a time, because a call into a thread costs more than most items.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from turnbuckle.web.content.json import ENCODE
from turnbuckle.web.headers import HeaderPairs
from turnbuckle.web.response.file import content_disposition
from turnbuckle.web.response.response import Stream
from turnbuckle.web.streams.csv_lines import CSVEncoder
from turnbuckle.web.streams.stream_context import STREAM_CONTEXT

__all__ = ["CSV", "NDJSON"]

Items: TypeAlias = AsyncIterable[object] | Iterable[object]

# Bytes that a thread encodes before they are sent, and seconds after which it sends fewer.
_PIECE_SIZE: Final = 32 * 1024
_PIECE_SECONDS: Final = 0.1


class NDJSON(Stream):
    """A response with one JSON text in each line.

    Args:
        items: an iterable, async or not; ``turnbuckle.web.content.json.encode_json`` describes its items.

    Raises:
        TypeError: ``items`` is no iterable of values, such as a text or a dict.
    """

    __slots__ = ()

    def __init__(self, items: Items, status: int = 200, headers: HeaderPairs | None = None) -> None:
        encode = ENCODE.get()
        # Outside of texts, which cannot contain it, a line break of JSON is whitespace.
        lines = _encode_items(items, lambda item: encode(item).replace(b"\n", b" ") + b"\n", "NDJSON")
        super().__init__(lines, status, headers, "application/x-ndjson")


class CSV(Stream):
    """A response with a table as comma-separated values (RFC 4180).

    Args:
        rows: an iterable, async or not. A row is a sequence of values, or has names for them: a mapping, or an instance
            of an attrs class, a dataclass, a ``msgspec.Struct`` or a named tuple.
        header: the names of the columns, for the first line; also selects the values of rows with names. Without it,
            the names of the first row are used, if it has names.
        delimiter: the character between two values.
        escape_formulas: put an apostrophe before texts that spreadsheets would run as a formula. The file then does not
            contain the same texts.
        byte_order_mark: begin with U+FEFF, which Excel needs to read other characters than ASCII.
        download_as: the name under which browsers save the file; None to leave this to them.

    Raises:
        TypeError: ``rows`` is no iterable of rows, or the delimiter is not one character.
        ValueError: a field of the response cannot be sent.
    """

    __slots__ = ()

    def __init__(  # noqa: PLR0913  # the options by name
        self,
        rows: Items,
        header: Sequence[str] | None = None,
        status: int = 200,
        headers: HeaderPairs | None = None,
        *,
        delimiter: str = ",",
        escape_formulas: bool = False,
        byte_order_mark: bool = False,
        download_as: str | None = None,
    ) -> None:
        encoder = CSVEncoder(header, delimiter=delimiter, escape_formulas=escape_formulas)
        first = ("\ufeff".encode() if byte_order_mark else b"") + encoder.header_line()
        super().__init__(_encode_items(rows, encoder.row, "CSV", first), status, headers, "text/csv; charset=utf-8")
        if download_as is not None:
            self.headers.set("Content-Disposition", content_disposition(download_as))


def _encode_items(
    items: Items, encode: Callable[[object], bytes], name: str, first: bytes = b""
) -> AsyncIterator[bytes] | Iterator[bytes]:
    if isinstance(items, AsyncIterable):
        return _encode_each(items, encode, first)
    if not isinstance(items, Iterable) or isinstance(items, str | bytes | bytearray | Mapping):
        raise TypeError(f"{name} takes an iterable of items, such as a list or a generator, not {_kind(items)}")
    return _encode_many(iter(items), encode, first)


def _kind(items: object) -> str:
    return type(items).__qualname__


async def _encode_each(
    items: AsyncIterable[object], encode: Callable[[object], bytes], first: bytes
) -> AsyncIterator[bytes]:
    try:
        if first:
            yield first
        async for item in items:
            yield encode(item)
    finally:
        close = getattr(items, "aclose", None)
        if close is not None:
            await close()


def _encode_many(items: Iterator[object], encode: Callable[[object], bytes], first: bytes) -> Iterator[bytes]:
    context = STREAM_CONTEXT.get(None)
    lines, size = [first] if first else [], len(first)
    began = context.clock.monotonic() if context is not None else 0.0
    try:
        for item in items:
            line = encode(item)
            lines.append(line)
            size += len(line)
            now = context.clock.monotonic() if context is not None else 0.0
            if size >= _PIECE_SIZE or now - began >= _PIECE_SECONDS:
                yield b"".join(lines)
                lines, size, began = [], 0, now
        if lines:
            yield b"".join(lines)
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()
