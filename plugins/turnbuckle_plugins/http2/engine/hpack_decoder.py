"""Decode the fields of requests with the library hpack, which is written in Python.

hpack takes about 5 microseconds for each field. The blocks of a client repeat, so the result of a block is stored until
the dynamic table changes: a block that changed nothing means the same again.

Sources: RFC 7541, sections 2.2, 2.3.3, 3.1 and 4.
"""

from __future__ import annotations

from typing import Final, final

from hpack import Decoder, HPACKError, OversizedHeaderListError

from turnbuckle_plugins.http2.engine.errors import ConnectionFault
from turnbuckle_plugins.http2.engine.field_codec import FieldPair
from turnbuckle_plugins.http2.engine.frames import ErrorCode
from turnbuckle_plugins.http2.engine.request_fields import RequestFields, check_request, check_trailers, make_request

__all__ = ["HpackDecoder"]

_MAX_STORED: Final = 64


@final
class HpackDecoder:
    """The decoder of one connection.

    Args:
        max_size: the largest field section; up to twice as much is decoded, so that it can be refused with 431.
    """

    __slots__ = ("_decoder", "_stored")

    def __init__(self, max_size: int) -> None:
        self._decoder: Final = Decoder(max_header_list_size=2 * max_size)
        self._stored: Final[dict[bytes, RequestFields]] = {}

    def request(self, stream_id: int, block: bytes, *, ends: bool) -> RequestFields:
        """Return the fields of a request."""
        stored = self._stored.get(block)
        if stored is not None:
            return stored
        table = self._decoder.header_table
        entries = table.dynamic_entries
        before = (table.maxsize, len(entries), entries[0] if entries else None)
        pairs = self._decode(block)
        is_same = before[0] == table.maxsize and before[1] == len(entries) and (not entries or entries[0] is before[2])
        if not is_same:
            self._stored.clear()
        request = make_request(pairs)
        check_request(request)
        if is_same and len(self._stored) < _MAX_STORED:
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
            return [(name, value) for name, value in self._decoder.decode(block, raw=True)]
        except OversizedHeaderListError as error:
            raise ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, "a field section is far too large") from error
        except HPACKError as error:
            raise ConnectionFault(ErrorCode.COMPRESSION_ERROR, f"a field block cannot be decoded: {error}") from error
