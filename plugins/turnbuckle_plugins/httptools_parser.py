"""The parser ``httptools``: llhttp, the parser of Node.js, reads the lines and the chunks.

llhttp knows some forty methods and refuses the rest, takes other protocols for HTTP (RTSP, ICE), stops at an upgrade
before the content of its request, and will not go on after ``Connection: close``. Whatever a request line says, it is
taken apart before, and llhttp is shown one that changes nothing about how it reads fields and content.

Needs the extra ``httptools``: ``pip install 'turnbuckle[httptools]'``.

Sources: RFC 9112, sections 3, 5, 6 and 7; RFC 9110, sections 7.8 and 9.1.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Final, final

import httptools

from turnbuckle import Limits, Parser, ParserProvider, Plugin, PluginInfo, ProtocolError, RawFields, Setup
from turnbuckle_plugins.cutting import CutParser, Head

__all__ = ["HttptoolsParserPlugin", "httptools_parser"]

_CHUNKED: Final = b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"


@final
class HttptoolsParserPlugin(Plugin):
    """Offer the parser ``httptools``."""

    info = PluginInfo(name="httptools_parser")

    def provide_parsers(self, setup: Setup) -> Iterable[ParserProvider]:
        """Offer llhttp as a parser."""
        return [ParserProvider("httptools", httptools_parser)]


def httptools_parser(limits: Limits) -> Parser:
    """Return a parser for one connection, which reads with httptools."""
    return CutParser(limits, _MessageReader)


@final
class _Callbacks:
    """What llhttp has told of one section of fields, or of some chunks."""

    def __init__(self) -> None:
        self.fields: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []
        self.is_head_complete = False
        self.is_complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field; llhttp has removed the whitespace before the value, and nothing after it."""
        self.fields.append((name.lower(), value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        """Learn that the head is complete."""
        self.is_head_complete = True

    def on_body(self, data: bytes) -> None:
        """Take some content."""
        self.pieces.append(data)

    def on_message_complete(self) -> None:
        """Learn that the message is complete."""
        self.is_complete = True


@final
class _MessageReader:
    """Reads one message with llhttp: its head, and in another instance its chunks."""

    def __init__(self, limits: Limits) -> None:
        self._told = _Callbacks()
        self._chunks: httptools.HttpRequestParser | None = None
        self.trailers: RawFields = ()
        self.is_done = False

    def read_head(self, head: Head) -> RawFields:
        """Return the fields that llhttp finds in the head."""
        # CONNECT has a form of target of its own; all other methods are alike to what follows them.
        method = head.method if head.method == b"CONNECT" else b"GET"
        line = b"%s %s HTTP/1.%d" % (method, head.target, head.minor_version)
        reporting_errors = _Callbacks()
        # At an upgrade llhttp takes the rest for another protocol, but there is no rest here.
        with contextlib.suppress(httptools.HttpParserUpgrade):
            _feed(
                httptools.HttpRequestParser(reporting_errors),
                b"\r\n".join([line, *map(_trimmed, head.field_lines), b"", b""]),
            )
        if not reporting_errors.is_head_complete or len(reporting_errors.fields) != len(head.field_lines):
            raise ProtocolError("field lines are not one field each")
        return reporting_errors.fields

    def read_chunks(self, octets: bytes) -> bytes:
        """Return the content that llhttp finds in some octets."""
        if self._chunks is None:
            self._chunks = httptools.HttpRequestParser(self._told)
            self._chunks.feed_data(_CHUNKED)
            self._told.fields.clear()
        _feed(self._chunks, octets)
        content = b"".join(self._told.pieces)
        self._told.pieces.clear()
        if self._told.is_complete:
            self.trailers, self.is_done = self._told.fields, True
        return content


def _trimmed(line: bytes) -> bytes:
    # llhttp takes whitespace around some values for a part of them, such as a tab around "chunked".
    name, colon, value = line.partition(b":")
    return name + colon + value.strip(b" \t")


def _feed(parser: httptools.HttpRequestParser, octets: bytes) -> None:
    try:
        parser.feed_data(octets)
    except httptools.HttpParserUpgrade:
        raise
    except httptools.HttpParserError as error:
        raise ProtocolError(f"llhttp refuses {octets[:40]!r}: {error}") from error
