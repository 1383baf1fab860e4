"""The parser ``h11``: the sans-I/O library h11 reads the lines and the chunks.

An h11 connection also has a state for the responses. Here each request is read by a new one, so it contains no state
except the state of that request. h11 accepts an LF as the end of a line, folded lines and a repeated
``Content-Length``; its input is therefore cut strictly before.

Needs the extra ``h11``: ``pip install 'turnbuckle[h11]'``.

Sources: RFC 9112, sections 3, 5, 6 and 7.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, final

import h11

from turnbuckle import Limits, Parser, ParserProvider, Plugin, PluginInfo, ProtocolError, RawFields, Setup
from turnbuckle_plugins.cutting import CutParser, Head

__all__ = ["H11ParserPlugin", "h11_parser"]

# The input of h11 has been checked against the limits before.
_UNLIMITED: Final = 1 << 62


@final
class H11ParserPlugin(Plugin):
    """Provide the parser ``h11``."""

    info = PluginInfo(name="h11_parser")

    def provide_parsers(self, setup: Setup) -> Iterable[ParserProvider]:
        """Return the parser."""
        return [ParserProvider("h11", h11_parser)]


def h11_parser(limits: Limits) -> Parser:
    """Return a parser for one connection, based on h11."""
    return CutParser(limits, _MessageReader)


@final
class _MessageReader:
    """Read one message with h11."""

    def __init__(self, limits: Limits) -> None:
        self._connection: Final = h11.Connection(h11.SERVER, _UNLIMITED)
        self.trailers: RawFields = ()
        self.is_done = False

    def read_head(self, head: Head) -> RawFields:
        """Return the fields of a head, read by h11."""
        line = b"%s %s HTTP/1.%d" % (head.method, head.target, head.minor_version)
        self._feed(b"\r\n".join([line, *map(_without_zeros, head.field_lines), b"", b""]))
        request = self._next_event()
        # h11 joins folded lines and drops an equal, repeated Content-Length.
        if not isinstance(request, h11.Request) or len(request.headers) != len(head.field_lines):
            raise ProtocolError("a field line is not exactly one field")
        # h11 also rewrites some values, but the checks need the values as sent.
        values = (line.partition(b":")[2].strip(b" \t") for line in head.field_lines)
        return [(name, value) for (name, _), value in zip(request.headers, values, strict=True)]

    def read_chunks(self, data: bytes) -> bytes:
        """Return the content in some bytes of chunked content, read by h11."""
        self._feed(data)
        event = self._next_event()
        if isinstance(event, h11.EndOfMessage):
            self.trailers, self.is_done = list(event.headers), True
        return bytes(event.data) if isinstance(event, h11.Data) else b""

    def _feed(self, data: bytes) -> None:
        self._connection.receive_data(data)

    def _next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        try:
            return self._connection.next_event()
        except h11.RemoteProtocolError as error:
            raise ProtocolError(str(error), status=error.error_status_hint) from error


def _without_zeros(line: bytes) -> bytes:
    # h11 rejects a length of more than twenty digits, leading zeros included. The limits have been checked before.
    name, colon, value = line.partition(b":")
    if name.lower() != b"content-length":
        return line
    return name + colon + (value.strip(b" \t").lstrip(b"0") or b"0")
