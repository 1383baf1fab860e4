"""Find the ends of chunk lines and chunk content, and check them against the limits.

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

# In a trailer line, as in a head: no control except the tab, no bare CR or LF.
_FORBIDDEN: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
# In an incomplete line, a CR at the end may be half of a CRLF.
_NEVER_WHOLE: Final = re.compile(rb"[\x00-\x08\x0a-\x0c\x0e-\x1f\x7f]|\r(?=[^\n])")


# Fields that frame, route, authenticate or describe a message are too late in a trailer (RFC 9110, section 6.5.1).
_NOT_IN_TRAILERS: Final = frozenset(
    b"authorization cache-control connection content-encoding content-length content-range content-type cookie"
    b" expect host if-match if-modified-since if-none-match if-range if-unmodified-since keep-alive max-forwards"
    b" proxy-authorization range set-cookie te trailer transfer-encoding upgrade".split()
)


class ChunkReader(Protocol):
    """A reader of the pieces of chunked content."""

    trailers: RawFields
    is_done: bool

    def read_chunks(self, data: bytes) -> bytes:
        """Read one line with its CRLF, or content of a chunk; return the content."""


class _State(enum.Enum):
    SIZE = "chunk line"
    CONTENT = "chunk content"
    END = "chunk end"
    TRAILERS = "trailer section"


@final
@attrs.define
class ChunkCutter:
    """Cut chunked content off the front of a buffer and pass it to the reader, until ``reader.is_done``."""

    _limits: Limits
    reader: ChunkReader
    _state: _State = _State.SIZE
    _remaining: int = 0
    _content: int = 0
    _extensions: int = 0
    _trailer_size: int = 0
    _trailer_lines: int = 0

    def cut(self, buffer: bytearray) -> bytes:
        """Return the next piece of content; empty if the buffer contains none.

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
        # A CR without its LF does not count, so the limits are the same at any split.
        size = end if end >= 0 else len(buffer) - buffer.endswith(b"\r")
        self._check_size(size, buffer)
        if end < 0:
            if _NEVER_WHOLE.search(buffer) is not None:
                raise ProtocolError(f"byte that is not allowed in a {self._state.value}")
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
            raise ProtocolError(f"chunk line of {size} bytes exceeds {limits.chunk_line}")
        if self._state is _State.TRAILERS and self._trailer_size + size > limits.trailer_section:
            raise ProtocolError(f"trailer section exceeds {limits.trailer_section} bytes", status=431)

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
            raise ProtocolError(f"chunk extensions exceed {self._limits.chunk_extensions} bytes")
        self._remaining = int(size[0], 16)
        self._content += self._remaining
        if self._content > self._limits.content:
            raise ProtocolError(f"content exceeds {self._limits.content} bytes", status=413)
        self._state = _State.CONTENT if self._remaining else _State.TRAILERS
        # Unknown extensions are ignored (section 7.1.1), and all are unknown: the library need not see them.
        self.reader.read_chunks(size[0] + b"\r\n")

    def _read_trailer(self, line: bytes) -> None:
        # A line that begins with whitespace continues the line before it (RFC 9112, section 5.2).
        if _FORBIDDEN.search(line) is not None or line.startswith((b" ", b"\t")):
            raise ProtocolError(f"{line[:40]!r} is not a trailer field line")
        if line:
            self._trailer_size += len(line) + 2
            self._trailer_lines += 1
        limits = self._limits
        if self._trailer_lines > limits.trailer_count or self._trailer_size > limits.trailer_section:
            raise ProtocolError("trailer section exceeds its limits", status=431)
        if line and _TRAILER.match(line) is None:
            # Some libraries report this only at the end of the section.
            raise ProtocolError(f"{line[:40]!r} does not begin with a field name and a colon")
        if line.partition(b":")[0].lower() in _NOT_IN_TRAILERS:
            return
        self.reader.read_chunks(line + b"\r\n")
        if self.reader.is_done is bool(line):
            raise ProtocolError(f"{line[:40]!r} does not end where the trailer section does")
