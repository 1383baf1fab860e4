"""Compress the fields of responses, and the interface of the libraries that decompress the fields of requests.

The library hpack compresses. Most of its time goes into a search of both tables for each field, so the bytes of a field
are stored while they are valid: literals for ever, because they refer to no dynamic table; references to the dynamic
table until the next insertion, which changes all indices.

Sources: RFC 7541, sections 2.3, 4, 6 and 7.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Protocol, TypeAlias, final

from hpack import Encoder

from turnbuckle import may_be_secret
from turnbuckle_plugins.http2.engine.request_fields import RequestFields

__all__ = ["DecoderFactory", "FieldDecoder", "FieldEncoder", "FieldPair"]

FieldPair: TypeAlias = tuple[bytes, bytes]
"""The name of a field in lower case, and its value."""

_TABLE_SIZE: Final = 4096
_MAX_LITERALS: Final = 1024

# Rarely the same twice: they would only evict other fields from the table.
_NEVER_INDEXED: Final = frozenset(
    {b"date", b"content-length", b"content-range", b"etag", b"last-modified", b"location", b"expires"}
)
# Bytes of the largest value that is stored.
_MAX_STORED: Final = 1024


class FieldDecoder(Protocol):
    """One direction of HPACK for one connection, as a library implements it.

    The table of a connection changes with each block, so every block that was received is decoded exactly once and in
    order, by one of the three methods. Each of them may raise ``ConnectionFault``: COMPRESSION_ERROR for a block that
    cannot be decoded, ENHANCE_YOUR_CALM for a block that becomes more than twice as large as the limits allow. Less is
    returned, so that the server can answer 431.
    """

    def request(self, stream_id: int, block: bytes, *, ends: bool) -> RequestFields:
        """Return the fields of a request on a new stream.

        Raises:
            StreamFault: the request is malformed.
        """

    def trailers(self, stream_id: int, block: bytes) -> tuple[FieldPair, ...]:
        """Return the trailer fields of a request.

        Raises:
            StreamFault: they are malformed.
        """

    def skip(self, stream_id: int, block: bytes) -> None:
        """Decode a block and drop its fields, because its stream is refused or was reset."""

    def release(self, stream_id: int, *, may_continue: bool) -> None:
        """Forget a closed stream. A block of it can follow if ``may_continue``: the client did not know."""

    @property
    def is_worn(self) -> bool:
        """Whether the engine should make the client empty its table, and then call ``renew``."""

    def renew(self) -> None:
        """Go on with an empty table."""


DecoderFactory: TypeAlias = Callable[[int], FieldDecoder]
"""Makes the decoder of a connection; the argument is the largest field section, as SETTINGS_MAX_HEADER_LIST_SIZE."""


@final
class _Literals(dict[FieldPair, bytes]):
    """Fields as literals or references to the static table, which all connections share."""

    def __missing__(self, pair: FieldPair) -> bytes:
        block = Encoder().add(pair, sensitive=False, huffman=True)
        if not block[0] & 0x80:
            # Not in the static table: a literal that leaves the dynamic table as it is.
            block = Encoder().add(pair, sensitive=True, huffman=True)
        if len(self) >= _MAX_LITERALS:
            self.clear()
        self[pair] = block
        return block


_literals: Final = _Literals()
_statuses: Final[dict[int, bytes]] = {}


@final
class FieldEncoder:
    """Encode the field blocks of one connection.

    A field enters the dynamic table when the process sends it for the second time; until then it is a literal.
    """

    __slots__ = ("_block_of", "_blocks", "_encoder", "_is_resized")

    def __init__(self) -> None:
        self._encoder: Final = Encoder()
        self._blocks: Final = _Blocks(self._encoder)
        self._block_of: Final = self._blocks.__getitem__
        self._is_resized = False

    def limit_table(self, size: int) -> None:
        """Use at most ``size`` bytes of the peer's table, as its SETTINGS_HEADER_TABLE_SIZE demands."""
        size = min(size, _TABLE_SIZE)
        if size != self._encoder.header_table_size:
            self._encoder.header_table_size = size
            self._is_resized = True
            self._blocks.clear()

    def encode_response(self, status: int, fields: Iterable[FieldPair]) -> bytes:
        """Return the block of the head of a response."""
        block = _statuses.get(status)
        if block is None:
            block = _statuses[status] = _literals[b":status", b"%d" % status]
        if self._is_resized:
            block = self._size_changes() + block
        return block + b"".join(map(self._block_of, fields))

    def encode_trailers(self, fields: Iterable[FieldPair]) -> bytes:
        """Return the block of trailer fields."""
        before = self._size_changes() if self._is_resized else b""
        return before + b"".join(map(self._block_of, fields))

    def _size_changes(self) -> bytes:
        self._is_resized = False
        return self._encoder.encode(())


@final
class _Blocks(dict[FieldPair, bytes]):
    """The encoded fields of one connection; they are valid until a field is inserted into the table."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self._encoder: Final = encoder

    def __missing__(self, pair: FieldPair) -> bytes:
        if len(pair[1]) > _MAX_STORED or may_be_secret(pair[0].decode("ascii")):
            # Stored in no table, and marked as never indexed (RFC 7541, section 7.1.3).
            return Encoder().add(pair, sensitive=True, huffman=False)
        is_known = pair in _literals
        block = _literals[pair]
        if is_known and pair[0] not in _NEVER_INDEXED and not block[0] & 0x80:
            block = self._encoder.add(pair, sensitive=False, huffman=True)
            if not block[0] & 0x80:
                # An insertion changes the index of each entry.
                self.clear()
                return block
        elif not is_known or len(self) >= _MAX_LITERALS:
            return block
        self[pair] = block
        return block
