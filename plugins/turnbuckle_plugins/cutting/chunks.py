"""Find where the lines and the content of chunks end, and hold them against the limits.

Sources: RFC 9112, section 7.1; RFC 9110, section 6.5.1.
"""

from __future__ import annotations

import enum
import re
from typing import Final, Protocol, final

import attrs

from turnbuckle import Limits, ProtocolError, RawFields

__all__ = ["ChunkCutter", "ChunkReader"]

# chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED: Final = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
_EXTENSIONS: Final = re.compile(
    rb"(?:[ \t]*;[ \t]*" + _TOKEN + rb"(?:[ \t]*=[ \t]*(?:" + _TOKEN + rb"|" + _QUOTED + rb"))?)*"
)
_TRAILER: Final = re.compile(_TOKEN + rb":")
_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,16}")

# In a trailer line, as in a head: no controls but the tab, no CR or LF alone.
_FORBIDDEN: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
# In a line that has no CRLF yet, a CR at its end may be half of one.
_NEVER_WHOLE: Final = re.compile(rb"[\x00-\x08\x0a-\x0c\x0e-\x1f\x7f]|\r(?=[^\n])")


# Fields that frame, route, authenticate or describe a message come too late in a trailer (RFC 9110, section 6.5.1).
_NOT_IN_TRAILERS: Final = frozenset(
    b"authorization cache-control connection content-encoding content-length content-range content-type cookie"
    b" expect host if-match if-modified-since if-none-match if-range if-unmodified-since keep-alive max-forwards"
    b" proxy-authorization range set-cookie te trailer transfer-encoding upgrade".split()
)


class ChunkReader(Protocol):
    """What reads the pieces of chunked content."""

    trailers: RawFields
    is_done: bool

    def read_chunks(self, octets: bytes) -> bytes:
        """Take one line with its CRLF, or some of the content of a chunk; return the content in it."""


class _State(enum.Enum):
    SIZE = "chunk line"
    CONTENT = "chunk content"
    END = "end of a chunk"
    TRAILERS = "trailer section"


@final
@attrs.define
class ChunkCutter:
    """Cuts chunked content off the front of a buffer and has it read, until ``reader.is_done``."""

    _limits: Limits
    reader: ChunkReader
    _state: _State = _State.SIZE
    _remaining: int = 0
    _content: int = 0
    _extensions: int = 0
    _trailer_octets: int = 0
    _trailer_lines: int = 0

    def cut(self, buffer: bytearray) -> bytes:
        """Return the next piece of content; empty if the buffer holds none.

        Raises:
            ProtocolError: 400 for a malformed chunk, 413 for content and 431 for trailers beyond the limits.
        """
        while not self.reader.is_done:
            if self._state is _State.CONTENT:
                return self._cut_content(buffer)
            line = self._cut_line(buffer)
            if line is None:
                break
            self._read_line(line)
        return b""

    def _cut_content(self, buffer: bytearray) -> bytes:
        piece = bytes(buffer[: self._remaining])
        del buffer[: self._remaining]
        self._remaining -= len(piece)
        if not self._remaining:
            self._state = _State.END
        return self.reader.read_chunks(piece) if piece else b""

    def _cut_line(self, buffer: bytearray) -> bytes | None:
        end = buffer.find(b"\r\n")
        # A CR that waits for its LF is no part of the line: the limits hold alike at any split.
        size = end if end >= 0 else len(buffer) - buffer.endswith(b"\r")
        self._check_size(size, buffer)
        if end < 0:
            if _NEVER_WHOLE.search(buffer) is not None:
                raise ProtocolError(f"octet that no {self._state.value} may hold")
            if size and self._state is _State.SIZE and _SIZE.match(buffer) is None:
                raise ProtocolError(f"{bytes(buffer[:40])!r} does not begin with a chunk size")
            return None
        line = bytes(buffer[:end])
        del buffer[: end + 2]
        return line

    def _check_size(self, size: int, buffer: bytearray) -> None:
        limits = self._limits
        if self._state is _State.END and size:
            raise ProtocolError(f"chunk content is followed by {bytes(buffer[:2])!r}, not by CRLF")
        if self._state is _State.SIZE and size > limits.chunk_line:
            raise ProtocolError(f"chunk line of {size} octets exceeds {limits.chunk_line}")
        if self._state is _State.TRAILERS and self._trailer_octets + size > limits.trailer_section:
            raise ProtocolError(f"trailer section exceeds {limits.trailer_section} octets", status=431)

    def _read_line(self, line: bytes) -> None:
        if self._state is _State.SIZE:
            self._read_size(line)
        elif self._state is _State.TRAILERS:
            self._read_trailer(line)
        else:
            self._state = _State.SIZE
            self.reader.read_chunks(b"\r\n")

    def _read_size(self, line: bytes) -> None:
        size = _SIZE.match(line)
        if size is None or _EXTENSIONS.fullmatch(line, size.end()) is None:
            raise ProtocolError(f"{line[:40]!r} is not a chunk size")
        self._extensions += len(line) - size.end()
        if self._extensions > self._limits.chunk_extensions:
            raise ProtocolError(f"chunk extensions exceed {self._limits.chunk_extensions} octets")
        self._remaining = int(size[0], 16)
        self._content += self._remaining
        if self._content > self._limits.content:
            raise ProtocolError(f"content exceeds {self._limits.content} octets", status=413)
        self._state = _State.CONTENT if self._remaining else _State.TRAILERS
        # No extension is known here, and unknown ones are ignored (section 7.1.1): the library need not see them.
        self.reader.read_chunks(size[0] + b"\r\n")

    def _read_trailer(self, line: bytes) -> None:
        # A line that begins with whitespace is folded onto the one before it (RFC 9112, section 5.2).
        if _FORBIDDEN.search(line) is not None or line.startswith((b" ", b"\t")):
            raise ProtocolError(f"{line[:40]!r} is not a trailer field line")
        if line:
            self._trailer_octets += len(line) + 2
            self._trailer_lines += 1
        limits = self._limits
        if self._trailer_lines > limits.trailer_count or self._trailer_octets > limits.trailer_section:
            raise ProtocolError("trailer section exceeds its limits", status=431)
        if line and _TRAILER.match(line) is None:
            # Some libraries wait for the end of the section before they say so.
            raise ProtocolError(f"{line[:40]!r} does not begin with a field name and a colon")
        if line.partition(b":")[0].lower() in _NOT_IN_TRAILERS:
            return
        self.reader.read_chunks(line + b"\r\n")
        if self.reader.is_done is bool(line):
            raise ProtocolError(f"{line[:40]!r} does not end where the trailer section does")
