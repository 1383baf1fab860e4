"""Decode the chunked transfer coding (RFC 9112, section 7.1).

A small state machine over one buffer: chunk line, chunk content, the CRLF after it, and the trailer section. It reads
bytes only when asked to, and limits everything that carries no content: chunk lines, extensions and trailers.
"""

from __future__ import annotations

import enum
from typing import Final, final

import attrs

from turnbuckle.errors import ProtocolError
from turnbuckle.http.events import RawFields
from turnbuckle.http.fields import parse_trailer_line
from turnbuckle.http.grammar import CHUNK_LINE, FORBIDDEN_IN_HEAD
from turnbuckle.http.limits import Limits

__all__ = ["NOT_IN_TRAILERS", "ChunkedReader"]

# Fields that frame, route, authenticate or describe the message are forbidden in trailers (RFC 9110, section 6.5.1).
NOT_IN_TRAILERS: Final = frozenset(
    b"authorization cache-control connection content-encoding content-length content-range content-type cookie"
    b" expect host if-match if-modified-since if-none-match if-range if-unmodified-since keep-alive max-forwards"
    b" proxy-authorization range set-cookie te trailer transfer-encoding upgrade".split()
)

_HEX: Final = frozenset(b"0123456789ABCDEFabcdef")

# The maximum number of chunks in one piece: enough to make the call worthwhile, few enough to let other connections
# proceed.
_MAX_CHUNKS_PER_PIECE: Final = 64


class _State(enum.Enum):
    LINE = "chunk line"
    CONTENT = "chunk content"
    END = "end of a chunk"
    TRAILERS = "trailer section"
    DONE = "done"


@final
@attrs.define
class ChunkedReader:
    """Reads the chunks of one message from a buffer that its owner fills.

    The owner calls ``read`` again whenever it has more bytes. Once ``is_done`` is true, the trailer section has ended
    and ``trailers`` holds its fields.
    """

    _limits: Limits
    _state: _State = _State.LINE
    _remaining: int = 0
    _content: int = 0
    _chunks: int = 0
    _extensions: int = 0
    _trailer_size: int = 0
    _trailer_lines: int = 0
    trailers: list[tuple[bytes, bytes]] = attrs.field(factory=list)

    @property
    def is_done(self) -> bool:
        """Whether the message is complete."""
        return self._state is _State.DONE

    def read(self, buffer: bytes, start: int) -> tuple[bytes, int]:
        """Read chunks from ``buffer[start:]``.

        Returns:
            A piece of content, empty if there is none yet, and the position after the last byte that was read.

        Raises:
            ProtocolError: 400 for a malformed chunk or trailer field, 413 for content beyond the limit, and 431 for
                trailers beyond the limits.
        """
        pieces: list[bytes] = []
        position = start
        while self._state is not _State.DONE and len(pieces) < _MAX_CHUNKS_PER_PIECE:
            if self._state is _State.CONTENT:
                piece = buffer[position : position + self._remaining]
                after = position + len(piece)
                self._add_content(piece, pieces)
            else:
                after = self._read_line(buffer, position)
            if after == position:
                break
            position = after
        return (pieces[0] if len(pieces) == 1 else b"".join(pieces)), position

    def _add_content(self, piece: bytes, pieces: list[bytes]) -> None:
        if piece:
            pieces.append(piece)
            self._remaining -= len(piece)
            if not self._remaining:
                self._state = _State.END

    def _read_line(self, buffer: bytes, position: int) -> int:
        """Read one line and return the position after it, or ``position`` if the line is incomplete."""
        if self._state is _State.END:
            return self._read_chunk_end(buffer, position)
        end = buffer.find(b"\r\n", position)
        # A CR at the end of the buffer may belong to the CRLF. It is not counted as part of the line, so that the
        # limits apply equally at any split.
        size = (end if end >= 0 else len(buffer) - buffer.endswith(b"\r")) - position
        if self._state is _State.LINE:
            self._check_line_size(size)
            if end >= 0:
                self._start_chunk(buffer[position:end])
        else:
            self._check_trailer_size(size)
            if end >= 0:
                self._add_trailer(buffer[position:end])
        if end < 0 and FORBIDDEN_IN_HEAD.search(buffer, position) is not None:
            # For example an LF without a CR. No later byte can make the line valid, so it is refused at once.
            raise ProtocolError(f"byte that is not allowed in a {self._state.value}")
        if end < 0 and size and self._state is _State.LINE and buffer[position] not in _HEX:
            raise ProtocolError(f"{buffer[position : position + 40]!r} does not begin with a chunk size")
        return end + 2 if end >= 0 else position

    def _read_chunk_end(self, buffer: bytes, position: int) -> int:
        end = buffer[position : position + 2]
        if not b"\r\n".startswith(end):
            raise ProtocolError(f"chunk content is followed by {end!r}, not by CRLF")
        if len(end) < 2:
            return position
        self._state = _State.LINE
        return position + 2

    def _check_line_size(self, size: int) -> None:
        if size > self._limits.chunk_line:
            raise ProtocolError(f"chunk line of {size} bytes exceeds {self._limits.chunk_line}")

    def _start_chunk(self, line: bytes) -> None:
        found = CHUNK_LINE.fullmatch(line)
        if found is None:
            raise ProtocolError(f"{line[:40]!r} is not a chunk size")
        self._extensions += len(found[2])
        if self._extensions > self._limits.chunk_extensions:
            raise ProtocolError(f"chunk extensions exceed {self._limits.chunk_extensions} bytes")
        self._chunks += 1
        if self._chunks > self._limits.chunk_count:
            raise ProtocolError(f"more than {self._limits.chunk_count} chunks")
        self._remaining = int(found[1], 16)
        self._content += self._remaining
        if self._content > self._limits.content:
            raise ProtocolError(f"content exceeds {self._limits.content} bytes", status=413)
        self._state = _State.CONTENT if self._remaining else _State.TRAILERS

    def _check_trailer_size(self, size: int) -> None:
        limits = self._limits
        if self._trailer_size + size > limits.trailer_section or self._trailer_lines > limits.trailer_count:
            raise ProtocolError("trailer section exceeds its limits", status=431)

    def _add_trailer(self, line: bytes) -> None:
        if not line:
            self._state = _State.DONE
            return
        self._trailer_size += len(line) + 2
        self._trailer_lines += 1
        self._check_trailer_size(0)
        name, value = parse_trailer_line(line)
        if name not in NOT_IN_TRAILERS:
            self.trailers.append((name, value))

    def received_trailers(self) -> RawFields:
        """Return the trailer fields, without the fields that are forbidden in trailers."""
        return tuple(self.trailers)
