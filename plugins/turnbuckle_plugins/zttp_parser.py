"""The parser ``zttp``: the sans-I/O library zttp, written in Zig, reads the lines and the chunks.

zttp buffers and pulls as the core's parser does, but its limits are fixed, and it has one error for everything. It
therefore reads heads and chunks that are cut before, within the limits of the server, and the core checks the field
lines after it.

zttp is young: its authors do not yet recommend it for production. Needs the extra ``zttp``:
``pip install 'turnbuckle[zttp]'``.

Sources: RFC 9112, sections 3, 5, 6 and 7.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, final

import zttp

from turnbuckle import Limits, Parser, ParserProvider, Plugin, PluginInfo, ProtocolError, RawFields, Setup
from turnbuckle_plugins.cutting import CutParser, Head

__all__ = ["ZttpParserPlugin", "zttp_parser"]

# zttp refuses a head of more than 100 field lines, so it reads them in groups.
_MAX_LINES: Final = 64

# The fields that zttp reads before chunks; the request line and the fields that were received are read from the head.
_CHUNKED: Final = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@final
class ZttpParserPlugin(Plugin):
    """Provide the parser ``zttp``."""

    info = PluginInfo(name="zttp_parser")

    def provide_parsers(self, setup: Setup) -> Iterable[ParserProvider]:
        """Return the parser."""
        return [ParserProvider("zttp", zttp_parser)]


def zttp_parser(limits: Limits) -> Parser:
    """Return a parser for one connection, based on zttp."""
    return CutParser(limits, _MessageReader, _WholeRequests().accepts)


@final
class _WholeRequests:
    """Requests that zttp reads as they were received, one after the other on one connection."""

    def __init__(self) -> None:
        self._connection: zttp.H1Connection | None = None

    def accepts(self, request: bytes, content_size: int) -> bool:
        """Return whether zttp takes some bytes for exactly one request with ``content_size`` bytes of content."""
        connection = self._connection
        try:
            if connection is None:
                connection = zttp.Connection(zttp.SERVER)
            else:
                self._connection = None
                connection.start_next_cycle()
            head = connection.receive_event(request)
            if type(head) is not zttp.Request or not _has_content(connection, head, content_size):
                return False
        except zttp.ProtocolError:
            # The slow way finds the reason.
            return False
        self._connection = connection
        return True


def _has_content(connection: zttp.H1Connection, head: zttp.Request, size: int) -> bool:
    """Return whether the request of a head has ``size`` bytes of content, and is complete."""
    if head.end_stream:
        return not size
    event = connection.next_event()
    while type(event) is zttp.Data:
        size -= len(event.data)
        event = connection.next_event()
    return type(event) is zttp.EndOfMessage and not size


@final
class _MessageReader:
    """Read one message with zttp: connections of zttp for the head, and another for the chunks."""

    def __init__(self, limits: Limits) -> None:
        self._chunks: zttp.H1Connection | None = None
        self.trailers: RawFields = ()
        self.is_done = False

    def read_head(self, head: Head) -> RawFields:
        """Return the fields of a head, read by zttp."""
        line = b"%s %s HTTP/1.%d" % (head.method, head.target, head.minor_version)
        lines = head.field_lines
        fields: list[tuple[bytes, bytes]] = []
        for start in range(0, max(1, len(lines)), _MAX_LINES):
            fields += _read_lines(line, lines[start : start + _MAX_LINES])
        return fields

    def read_chunks(self, data: bytes) -> bytes:
        """Return the content in some bytes of chunked content, read by zttp."""
        if self._chunks is None:
            self._chunks = zttp.Connection(zttp.SERVER)
            _read(self._chunks, _CHUNKED)
        event = _read(self._chunks, data)
        if isinstance(event, zttp.Data):
            return event.data
        if isinstance(event, zttp.EndOfMessage):
            self.trailers = [(name.lower(), value) for name, value in event.trailers]
            self.is_done = True
        return b""


def _read_lines(request_line: bytes, lines: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    # zttp requires Host, which may be among other lines of the head; the core checks it.
    added = [] if any(line[:5].lower() == b"host:" for line in lines) else [b"Host: a"]
    data = b"\r\n".join([request_line, *added, *lines, b"", b""])
    request = _read(zttp.Connection(zttp.SERVER), data)
    if not isinstance(request, zttp.Request) or len(request.headers) != len(added) + len(lines):
        raise ProtocolError("a field line is not exactly one field")
    return [(name.lower(), value) for name, value in request.headers[len(added) :]]


def _read(connection: zttp.H1Connection, data: bytes) -> object:
    try:
        return connection.receive_event(data)
    except zttp.ProtocolError as error:
        raise ProtocolError(f"zttp rejects {data[:40]!r}: {error}") from error
