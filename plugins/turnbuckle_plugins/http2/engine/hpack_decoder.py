"""Decode the fields of requests with the library hpack, which is written in Python.

hpack has the tables, the integers and the Huffman code. The loop over a block is here, because hpack's own loop copies
the rest of the block for each literal, which is quadratic, and takes five times as long for a usual head.

The blocks of a client repeat, so the result of a block is stored until the dynamic table changes: a block that changed
nothing means the same again.

Sources: RFC 7541, sections 2.2, 2.3.3, 3.1, 4, 5 and 6.
"""

from __future__ import annotations

from typing import Final, final

from hpack import HPACKError
from hpack.hpack import decode_integer
from hpack.huffman_table import decode_huffman
from hpack.table import HeaderTable

from turnbuckle_plugins.http2.engine.errors import ConnectionFault
from turnbuckle_plugins.http2.engine.field_codec import FieldPair
from turnbuckle_plugins.http2.engine.frames import ErrorCode
from turnbuckle_plugins.http2.engine.request_fields import RequestFields, check_request, check_trailers, make_request

__all__ = ["HpackDecoder"]

_MAX_STORED: Final = 64
# Bytes of a block; larger ones would let a connection keep megabytes of fields.
_MAX_STORED_BLOCK: Final = 1024

# The index of a field in the static table, which begins with 1 (RFC 7541, section 2.3.3).
_STATIC: Final[tuple[FieldPair, ...]] = ((b"", b""), *HeaderTable.STATIC_TABLE)
_STATIC_END: Final = len(_STATIC)

_TABLE_SIZE: Final = 4096
_FIELD_OVERHEAD: Final = 32

# More bytes than hpack accepts for an integer.
_INTEGER_SIZE: Final = 16


@final
class HpackDecoder:
    """The decoder of one connection.

    Args:
        max_size: the largest field section; up to twice as much is decoded, so that it can be refused with 431.
    """

    __slots__ = ("_max_size", "_stored", "_table")

    def __init__(self, max_size: int) -> None:
        self._max_size: Final = 2 * max_size
        self._table: Final = HeaderTable()
        self._stored: Final[dict[bytes, RequestFields]] = {}

    def request(self, stream_id: int, block: bytes, *, ends: bool) -> RequestFields:
        """Return the fields of a request."""
        stored = self._stored.get(block)
        if stored is not None:
            return stored
        table = self._table
        entries = table.dynamic_entries
        before = (table.maxsize, len(entries), entries[0] if entries else None)
        pairs = self._decode(block)
        is_same = before[0] == table.maxsize and before[1] == len(entries) and (not entries or entries[0] is before[2])
        if not is_same:
            self._stored.clear()
        request = make_request(pairs)
        check_request(request)
        if is_same and len(block) <= _MAX_STORED_BLOCK and len(self._stored) < _MAX_STORED:
            self._stored[block] = request
        return request

    def trailers(self, stream_id: int, block: bytes) -> tuple[FieldPair, ...]:
        """Return the trailer fields of a request."""
        self._stored.clear()
        pairs = self._decode(block)
        return check_trailers(pairs)

    def skip(self, stream_id: int, block: bytes) -> None:
        """Decode a block for its changes of the table."""
        self._stored.clear()
        self._decode(block)

    def release(self, stream_id: int, *, may_continue: bool) -> None:
        """Do nothing: the decoder knows no streams."""

    @property
    def is_worn(self) -> bool:
        """Whether the decoder should be renewed: never."""
        return False

    def renew(self) -> None:
        """Do nothing: the table is never emptied."""

    def _decode(self, block: bytes) -> list[FieldPair]:
        try:
            return self._read_fields(block)
        except (HPACKError, IndexError) as error:
            raise ConnectionFault(ErrorCode.COMPRESSION_ERROR, f"a field block cannot be decoded: {error}") from error

    def _read_fields(self, block: bytes) -> list[FieldPair]:
        """Return the fields; an ``IndexError`` means an end within a field, or an index beyond the tables."""
        pairs: list[FieldPair] = []
        at, end, left = 0, len(block), self._max_size
        while at < end:
            first = block[at]
            if first & 0x80:
                index, at = _read_integer(block, at, 7)
                pair = self._entry(index)
            elif first & 0x60 == 0x20:
                at = self._resize(block, at, is_first=not pairs)
                continue
            else:
                pair, at = self._read_literal(block, at, first)
            left -= len(pair[0]) + len(pair[1]) + _FIELD_OVERHEAD
            if left < 0:
                raise ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, "a field section is far too large")
            pairs.append(pair)
        return pairs

    def _entry(self, index: int) -> FieldPair:
        """Return an entry of the tables."""
        if index >= _STATIC_END:
            return self._table.dynamic_entries[index - _STATIC_END]
        if not index:
            raise IndexError("there is no entry 0")
        return _STATIC[index]

    def _read_literal(self, block: bytes, at: int, first: int) -> tuple[FieldPair, int]:
        """Return the literal field that begins at ``at``, and where it ends."""
        is_indexed = first & 0x40
        index, at = _read_integer(block, at, 6 if is_indexed else 4)
        if index:
            name = self._entry(index)[0]
        else:
            name, at = _read_string(block, at)
        value, at = _read_string(block, at)
        if is_indexed:
            self._table.add(name, value)
        return (name, value), at

    def _resize(self, block: bytes, at: int, *, is_first: bool) -> int:
        """Change the size of the dynamic table; return where the next field begins."""
        size, at = _read_integer(block, at, 5)
        if not is_first or size > _TABLE_SIZE:
            raise IndexError(f"the size of the table may not change to {size} here")
        self._table.maxsize = size
        return at


def _read_integer(block: bytes, at: int, bits: int) -> tuple[int, int]:
    """Return an integer with a prefix of ``bits`` bits (RFC 7541, section 5.1), and where it ends."""
    most = (1 << bits) - 1
    number = block[at] & most
    if number < most:
        return number, at + 1
    number, size = decode_integer(block[at : at + _INTEGER_SIZE], bits)
    return number, at + size


def _read_string(block: bytes, at: int) -> tuple[bytes, int]:
    """Return a string (RFC 7541, section 5.2), and where it ends."""
    is_huffman = block[at] & 0x80
    size, at = _read_integer(block, at, 7)
    end = at + size
    if end > len(block):
        raise IndexError("a string is cut short")
    raw = block[at:end]
    return (decode_huffman(raw) if is_huffman else raw), end
