"""The parser ``httptools``: llhttp, the parser of Node.js, reads the lines and the chunks.

llhttp knows about forty methods and rejects all others, accepts other protocols as HTTP (RTSP, ICE), stops at an
upgrade before the content of its request, and stops after ``Connection: close``. The request line is therefore parsed
before, and llhttp gets a replacement that does not change how it reads fields and content.

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
    """Provide the parser ``httptools``."""

    info = PluginInfo(name="httptools_parser")

    def provide_parsers(self, setup: Setup) -> Iterable[ParserProvider]:
        """Return the parser."""
        return [ParserProvider("httptools", httptools_parser)]


def httptools_parser(limits: Limits) -> Parser:
    """Return a parser for one connection, based on httptools."""
    return CutParser(limits, _MessageReader, _WholeRequests().accepts)


@final
class _Callbacks:
    """The callbacks of llhttp, which store one section of fields, or the content of some chunks."""

    def __init__(self) -> None:
        self.fields: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []
        self.is_head_complete = False
        self.is_complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Store a field; llhttp has removed the whitespace before the value, but not after it."""
        self.fields.append((name.lower(), value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        """Note that the head is complete."""
        self.is_head_complete = True

    def on_body(self, data: bytes) -> None:
        """Store some content."""
        self.pieces.append(data)

    def on_message_complete(self) -> None:
        """Note that the message is complete."""
        self.is_complete = True


@final
class _WholeRequests:
    """Requests that llhttp reads as they were received, one after the other on one connection.

    The callbacks are methods of lists, and not Python functions, because every request calls them.

    Attributes:
        on_body: stores some content.
        on_message_complete: removes the mark of the message; it raises if there is none, so two messages are an error.
    """

    def __init__(self) -> None:
        self._pieces: Final[list[bytes]] = []
        self._marks: Final[list[None]] = []
        self.on_body: Final = self._pieces.append
        self.on_message_complete: Final = self._marks.pop
        self._parser: httptools.HttpRequestParser | None = None

    def accepts(self, request: bytes, content_size: int) -> bool:
        """Return whether llhttp takes some bytes for exactly one request with ``content_size`` bytes of content."""
        parser, pieces, marks = self._parser, self._pieces, self._marks
        if parser is None:
            parser = httptools.HttpRequestParser(self)
        self._parser = None
        marks.append(None)
        try:
            parser.feed_data(request)
            is_one = not marks and sum(map(len, pieces)) == content_size
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            # The slow way finds the reason, or reads an upgrade.
            is_one = False
        marks.clear()
        pieces.clear()
        if is_one:
            self._parser = parser
        return is_one


@final
class _MessageReader:
    """Read one message with llhttp: one instance for the head, another for the chunks."""

    def __init__(self, limits: Limits) -> None:
        self._chunk_callbacks = _Callbacks()
        self._chunks: httptools.HttpRequestParser | None = None
        self.trailers: RawFields = ()
        self.is_done = False

    def read_head(self, head: Head) -> RawFields:
        """Return the fields of a head, read by llhttp."""
        # CONNECT has its own form of target. All other methods make no difference to fields and content.
        method = head.method if head.method == b"CONNECT" else b"GET"
        line = b"%s %s HTTP/1.%d" % (method, head.target, head.minor_version)
        callbacks = _Callbacks()
        # At an upgrade, llhttp takes the remaining bytes for another protocol, but here are none.
        with contextlib.suppress(httptools.HttpParserUpgrade):
            _feed(
                httptools.HttpRequestParser(callbacks),
                b"\r\n".join([line, *map(_trimmed, head.field_lines), b"", b""]),
            )
        if not callbacks.is_head_complete or len(callbacks.fields) != len(head.field_lines):
            raise ProtocolError("a field line is not exactly one field")
        return callbacks.fields

    def read_chunks(self, data: bytes) -> bytes:
        """Return the content in some bytes of chunked content, read by llhttp."""
        if self._chunks is None:
            self._chunks = httptools.HttpRequestParser(self._chunk_callbacks)
            self._chunks.feed_data(_CHUNKED)
            self._chunk_callbacks.fields.clear()
        _feed(self._chunks, data)
        content = b"".join(self._chunk_callbacks.pieces)
        self._chunk_callbacks.pieces.clear()
        if self._chunk_callbacks.is_complete:
            self.trailers, self.is_done = self._chunk_callbacks.fields, True
        return content


def _trimmed(line: bytes) -> bytes:
    # llhttp keeps whitespace around some values, such as a tab around "chunked".
    name, colon, value = line.partition(b":")
    return name + colon + value.strip(b" \t")


def _feed(parser: httptools.HttpRequestParser, data: bytes) -> None:
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        raise
    except httptools.HttpParserError as error:
        raise ProtocolError(f"llhttp rejects {data[:40]!r}: {error}") from error
