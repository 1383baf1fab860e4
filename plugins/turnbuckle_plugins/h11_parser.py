"""The parser ``h11``: the sans-I/O library of that name reads the lines and the chunks.

h11 is a whole connection, with a state for the responses that it wants to write, too. Here a new one reads each
request, so that no state but that of the request at hand is in it. Its notion of an LF as the end of a line, of folded
lines, and of a ``Content-Length`` that is repeated is generous; what is given to it is cut strictly before.

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

# What is given to h11 was held against the limits before.
_UNLIMITED: Final = 1 << 62


@final
class H11ParserPlugin(Plugin):
    """Offer the parser ``h11``."""

    info = PluginInfo(name="h11_parser")

    def provide_parsers(self, setup: Setup) -> Iterable[ParserProvider]:
        """Offer h11 as a parser."""
        return [ParserProvider("h11", h11_parser)]


def h11_parser(limits: Limits) -> Parser:
    """Return a parser for one connection, which reads with h11."""
    return CutParser(limits, _MessageReader)


@final
class _MessageReader:
    """Reads one message with h11."""

    def __init__(self, limits: Limits) -> None:
        self._connection: Final = h11.Connection(h11.SERVER, _UNLIMITED)
        self.trailers: RawFields = ()
        self.is_done = False

    def read_head(self, head: Head) -> RawFields:
        """Return the fields that h11 finds in the head."""
        line = b"%s %s HTTP/1.%d" % (head.method, head.target, head.minor_version)
        self._feed(b"\r\n".join([line, *map(_without_zeros, head.field_lines), b"", b""]))
        request = self._next_event()
        # h11 joins folded lines and drops a Content-Length that says the same once more.
        if not isinstance(request, h11.Request) or len(request.headers) != len(head.field_lines):
            raise ProtocolError("field lines are not one field each")
        # It also rewrites some values, and those are judged as they were sent.
        values = (line.partition(b":")[2].strip(b" \t") for line in head.field_lines)
        return [(name, value) for (name, _), value in zip(request.headers, values, strict=True)]

    def read_chunks(self, octets: bytes) -> bytes:
        """Return the content that h11 finds in some octets."""
        self._feed(octets)
        event = self._next_event()
        if isinstance(event, h11.EndOfMessage):
            self.trailers, self.is_done = list(event.headers), True
        return bytes(event.data) if isinstance(event, h11.Data) else b""

    def _feed(self, octets: bytes) -> None:
        self._connection.receive_data(octets)

    def _next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        try:
            return self._connection.next_event()
        except h11.RemoteProtocolError as error:
            raise ProtocolError(str(error), status=error.error_status_hint) from error


def _without_zeros(line: bytes) -> bytes:
    # h11 takes no length of more than twenty digits, though those in front be zeros; it was held against the limits.
    name, colon, value = line.partition(b":")
    if name.lower() != b"content-length":
        return line
    return name + colon + (value.strip(b" \t").lstrip(b"0") or b"0")
