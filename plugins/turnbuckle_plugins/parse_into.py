"""Use an object with ``parse_into(request, buffer)`` as the parser.

The object fills in a request step by step: ``method``, ``target`` or ``path``, ``headers`` and ``body``. It is called
with the available bytes in a ``bytearray``, returns the bytes that it did not use, and sets ``request.finished`` when
the request is complete. An instance is shared by all connections; of a class, each connection gets its own instance.

The adapter does not rely on how such a parser understands HTTP. It reads the field lines from the bytes itself, because
a ``dict`` of headers cannot show that a field was repeated. The bytes that the parser used must be the bytes of the
head and the content. Chunked content is rejected with 501, because the adapter cannot see where the parser ends it. The
core checks the rest of the framing. A request is passed on when it is complete, so ``Expect: 100-continue`` has no use
here.

Sources: RFC 9112, sections 2.2, 6.3 and 11.2.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Final, Literal, Protocol, cast, final
from urllib.parse import quote

import attrs

from turnbuckle import (
    NEED_DATA,
    Data,
    EndOfMessage,
    Event,
    HTTPError,
    Limits,
    NeedData,
    ParserProvider,
    Plugin,
    PluginInfo,
    ProtocolError,
    RawFields,
    RequestHead,
    Setup,
)

__all__ = ["IncomingRequest", "ParseIntoConfig", "ParseIntoParser", "ParseIntoPlugin"]

_END_OF_HEAD: Final = b"\r\n\r\n"
_TARGET_CHARACTERS: Final = "/?:@!$&'()*+,;=-._~%[]#"


class StepParser(Protocol):
    """The object to adapt."""

    def parse_into(self, request: IncomingRequest, buffer: bytearray) -> bytes | bytearray | None:
        """Fill in the request as far as the bytes allow, and return the unused bytes."""


@attrs.define(slots=False)
class IncomingRequest:
    """The request that the object fills in; it may set other attributes as well.

    Attributes:
        method: for example ``"GET"``.
        target: as received; the path with the query.
        path: used if there is no target.
        version: for example ``"HTTP/1.1"``.
        headers: fields by name.
        body: the content.
        finished: whether the request is complete.
    """

    method: str | bytes = ""
    target: str | bytes = ""
    path: str | bytes = ""
    version: str | bytes = ""
    headers: dict[str, str] = attrs.field(factory=dict)
    body: bytes | bytearray | str = b""
    finished: bool = False


@final
class _HeadRecorder:
    """Record the head of a request, and count the bytes after it."""

    def __init__(self, data: bytes | bytearray) -> None:
        self._head = bytearray()
        self._skipped = 0
        self._end = -1
        self.seen = 0
        self.add(data)

    def add(self, data: bytes | bytearray) -> None:
        """Add bytes as they were fed."""
        self.seen += len(data)
        if self._end >= 0:
            return
        start = max(0, len(self._head) - len(_END_OF_HEAD) + 1)
        self._head += data
        if start == 0:
            # Empty lines before a request line do not belong to it, and the parser may skip them.
            before = len(self._head)
            self._head = self._head.lstrip(b"\r\n")
            self._skipped += before - len(self._head)
        found = self._head.find(_END_OF_HEAD, start)
        if found >= 0:
            self._end = found + len(_END_OF_HEAD)
            del self._head[self._end :]

    @property
    def has_begun(self) -> bool:
        """Whether there was more than empty lines."""
        return bool(self._head)

    @property
    def head_size(self) -> int:
        """The size of the head so far, in bytes."""
        return len(self._head)

    @property
    def after_head(self) -> int | None:
        """Number of bytes after the head; None if the head is not complete."""
        return None if self._end < 0 else self.seen - self._skipped - self._end

    def lines(self) -> list[bytes]:
        """Return the request line and the field lines.

        Raises:
            ProtocolError: the head has no end, or the end of a line is ambiguous.
        """
        if self._end < 0:
            raise ProtocolError("the end of the head is ambiguous")
        lines = bytes(self._head[: -len(_END_OF_HEAD)]).split(b"\r\n")
        if any(b"\r" in line or b"\n" in line for line in lines):
            raise ProtocolError("a line of the head ends without CRLF")
        return lines


@final
class ParseIntoParser:
    """A parser around an object that fills in requests.

    Args:
        parser: the object.
        limits: limits on the sizes of the parts of a request.
    """

    def __init__(self, parser: StepParser, limits: Limits) -> None:
        self._parser: Final = parser
        self._limits: Final = limits
        self._events: Final[deque[Event]] = deque()
        self._at_end = False
        self._error: ProtocolError | None = None
        self._begin(bytearray())

    def _begin(self, rest: bytearray) -> None:
        self._buffer = rest
        self._recorder = _HeadRecorder(rest)
        self._request = IncomingRequest()
        self._is_stale = bool(rest)

    def feed(self, data: bytes, /) -> None:
        """Add received bytes."""
        self._buffer += data
        self._recorder.add(data)
        self._is_stale = self._is_stale or bool(data)

    def feed_eof(self) -> None:
        """Signal that the peer will send no more."""
        self._at_end = True

    def trailing_data(self) -> bytes:
        """Return the bytes that were not consumed, and clear the buffer."""
        rest = bytes(self._buffer)
        self._begin(bytearray())
        return rest

    def next_event(self) -> Event | Literal[NeedData.NEED_DATA]:
        """Return the next event.

        Raises:
            ProtocolError: the object rejected the request, or the request exceeds the limits.
        """
        if self._error is not None:
            raise self._error
        try:
            if not self._events and self._is_stale:
                self._parse()
            if not self._events:
                self._check_incomplete_request()
        except ProtocolError as error:
            self._error = error
            raise
        return self._events.popleft() if self._events else NEED_DATA

    def _parse(self) -> None:
        self._is_stale = False
        progress = True
        while progress and not self._request.finished:
            before = len(self._buffer)
            self._step()
            # A step without unread bytes may still find that the request is complete.
            progress = len(self._buffer) < before
        if self._request.finished:
            self._finish()

    def _step(self) -> None:
        try:
            rest = self._parser.parse_into(self._request, self._buffer)
        except ProtocolError:
            raise
        except HTTPError as error:
            raise ProtocolError(error.detail or "rejected by the parser", status=error.status) from error
        except Exception as error:
            raise ProtocolError(f"the parser failed with {type(error).__name__}: {error}") from error
        if rest is not None and rest is not self._buffer:
            self._buffer = bytearray(rest)

    def _finish(self) -> None:
        line, *field_lines = self._recorder.lines()
        fields = _fields(field_lines)
        if any(name == b"transfer-encoding" for name, _ in fields):
            raise ProtocolError("chunked content is not supported with this parser", status=501)
        body = self._request.body
        content = body.encode() if isinstance(body, str) else bytes(body)
        if len(content) != (self._recorder.after_head or 0) - len(self._buffer):
            raise ProtocolError(
                f"the parser returned {len(content)} bytes of content for a different number of received bytes"
            )
        self._check_content(len(content))
        self._events.append(_head(self._request, line, fields, len(content)))
        if content:
            self._events.append(Data(content))
        self._events.append(EndOfMessage())
        self._begin(self._buffer)

    def _check_incomplete_request(self) -> None:
        recorder = self._recorder
        if self._at_end and recorder.has_begun:
            raise ProtocolError("the connection ended within a request")
        limit = self._limits.request_line + self._limits.header_section
        if recorder.head_size > limit:
            raise ProtocolError(f"head of more than {limit} bytes", status=431)
        self._check_content(recorder.after_head or 0)

    def _check_content(self, size: int) -> None:
        if size > self._limits.content:
            raise ProtocolError(f"content of {size} bytes exceeds {self._limits.content}", status=413)


def _head(request: IncomingRequest, line: bytes, fields: RawFields, length: int) -> RequestHead:
    minor_version = 0 if line.endswith(b"HTTP/1.0") else 1
    return RequestHead(_to_bytes(request.method), _target(request, line), minor_version, fields, length)


def _fields(lines: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
    fields = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon:
            raise ProtocolError("a line of the header section is not a field line")
        fields.append((name.lower(), value.strip(b" \t")))
    return fields


def _target(request: IncomingRequest, line: bytes) -> bytes:
    target = _to_bytes(request.target or request.path)
    query = line.split(b" ")[1].partition(b"?")[2] if line.count(b" ") >= 2 else b""
    if query and b"?" not in target:
        target += b"?" + query
    return target


def _to_bytes(text: str | bytes) -> bytes:
    # A parser that decodes the path returns characters that a target cannot contain.
    return quote(text, _TARGET_CHARACTERS).encode() if isinstance(text, str) else bytes(text)


@attrs.frozen
class ParseIntoConfig:
    """Settings of the adapter, used when it is enabled by name.

    Attributes:
        parser: the object or class to use, as ``"module:name"``; "" for none.
    """

    parser: str = ""


@final
class ParseIntoPlugin(Plugin[ParseIntoConfig]):
    """Provide an object with ``parse_into`` as the parser ``parse_into``.

    Args:
        parser: an object that all connections share, or a class of which each connection has an instance; None to use
            the settings.
    """

    info = PluginInfo(name="parse_into")

    def __init__(self, parser: object = None) -> None:
        self._parser = parser

    def provide_parsers(self, setup: Setup[ParseIntoConfig]) -> list[ParserProvider]:
        """Return the adapted parser, if there is one."""
        parser = self._parser
        config = setup.config
        if parser is None and config.parser:
            module, _, name = config.parser.partition(":")
            parser = getattr(import_module(module), name)
        return [] if parser is None else [ParserProvider("parse_into", _factory(parser))]


def _factory(parser: object) -> Callable[[Limits], ParseIntoParser]:
    if isinstance(parser, type):
        make = cast("Callable[[], StepParser]", parser)
        return lambda limits: ParseIntoParser(make(), limits)
    shared = cast("StepParser", parser)
    return lambda limits: ParseIntoParser(shared, limits)
