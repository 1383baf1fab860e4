"""The events that a parser reports to a connection, and the interface of a parser.

A *parser* does no I/O. Each connection has its own: the connection feeds bytes to it and asks for one event at a time.
The parser never reads further than the event it returns, which provides both back-pressure and pipelining: the next
request waits in the buffer.

The contract of a parser, in the order in which a connection uses it:

* ``feed(data)`` takes bytes as they were received, at any split.
* ``feed_eof()`` marks the end of the input.
* ``next_event()`` returns ``RequestHead``, then ``Data`` any number of times, then ``EndOfMessage``, then the next
  ``RequestHead``; or ``NEED_DATA`` if the bytes fed so far do not complete an event. After ``feed_eof`` it keeps
  returning ``NEED_DATA`` between two messages, and raises within a message.
* ``trailing_data()`` returns all bytes that were fed and not yet consumed, for use after an upgrade, and leaves the
  parser empty. It may also be called between two messages; bytes that are then fed again are parsed as if they had
  never been removed.
* Only ``next_event`` raises ``ProtocolError``. The error has the status of the response and is final: each later call
  raises the same error.

A third-party parser may have one more method, which makes it faster:

* ``accepts(request, content_size)`` is called only between two messages, when no byte that was fed is unconsumed. It
  returns whether the parser takes ``request`` for exactly one request with ``content_size`` bytes of content, and
  changes nothing that the other methods depend on. The bytes are not fed if the result is true; the core has read them
  already. Otherwise they are fed, and the parser finds the reason to refuse them, or reads them.

Sources: RFC 9112, sections 2 to 7.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias, final

import attrs

from turnbuckle.http.fields import FieldSection
from turnbuckle.http.limits import Limits

__all__ = [
    "NEED_DATA",
    "Data",
    "EndOfMessage",
    "Event",
    "NeedData",
    "Parser",
    "ParserFactory",
    "RawFields",
    "RequestHead",
]

RawFields: TypeAlias = Sequence[tuple[bytes, bytes]]
"""Field lines in the order received: each a lower-case field name and a value without surrounding whitespace."""


@final
class NeedData(enum.Enum):
    """The type of ``NEED_DATA``."""

    NEED_DATA = "NEED_DATA"


NEED_DATA: Final = NeedData.NEED_DATA


@final
@attrs.define(eq=True)
class RequestHead:
    """A request line and header section, complete.

    Attributes:
        method: as received, for example ``b"GET"``.
        target: as received (RFC 9112, section 3.2).
        minor_version: 0 for HTTP/1.0; 1 for HTTP/1.1 and every later 1.x.
        fields: the field lines in order; names in lower case, values without surrounding whitespace.
        content_length: bytes of content that follow; None if the content is chunked; 0 if there is none.
        keep_alive: whether the sender lets the connection persist (RFC 9112, section 9.3).
        expects_continue: whether the sender waits for 100 before it sends content (RFC 9110, section 10.1.1).
        upgrade: the value of ``Upgrade`` if the sender may switch protocols here, else empty (RFC 9110, section 7.8).

    A third-party parser sets only the first four attributes; the connection computes the others from ``fields``. It may
    set ``lines`` instead of ``fields``, with ``from_lines``: the field lines as received, which are cut when ``fields``
    is first read, because most handlers read none or few of them. The core's own parser does the same.
    """

    method: bytes
    target: bytes
    minor_version: int
    fields: RawFields = attrs.field(eq=tuple)
    content_length: int | None = 0
    keep_alive: bool = True
    expects_continue: bool = False
    upgrade: bytes = b""
    lines: bytes = attrs.field(default=b"", init=False, eq=False, repr=False)

    @classmethod
    def from_lines(cls, method: bytes, target: bytes, minor_version: int, lines: bytes) -> RequestHead:
        r"""Return a head whose fields are cut when they are read; the connection validates the lines.

        Args:
            method: as received.
            target: as received.
            minor_version: 0 for HTTP/1.0; 1 for HTTP/1.1 and every later 1.x.
            lines: the field lines as received, each between two CRLFs: ``b"\r\nHost: a\r\nAccept: */*\r\n"``.
        """
        # The constructor would set the fields, and cost a call.
        head = object.__new__(cls)
        head.method = method
        head.target = target
        head.minor_version = minor_version
        head.lines = lines
        head.content_length = 0
        head.keep_alive = True
        head.expects_continue = False
        head.upgrade = b""
        return head

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> RawFields:
            # Python calls this only for an attribute that is not set.
            if name != "fields":
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            self.fields = fields = FieldSection(self.lines)
            return fields


@final
@attrs.define(eq=True)
class Data:
    """A piece of content, never empty, with any transfer coding removed."""

    data: bytes


@final
@attrs.define(eq=True)
class EndOfMessage:
    """The request is complete. ``trailers`` holds the trailer fields, without fields that are forbidden in trailers."""

    trailers: RawFields = ()


Event: TypeAlias = RequestHead | Data | EndOfMessage


class Parser(Protocol):
    """The interface of a parser; the docstring of this module describes the contract."""

    def feed(self, data: bytes, /) -> None:
        """Take bytes that were received."""

    def feed_eof(self) -> None:
        """Mark the end of the input: the peer will send no more."""

    def next_event(self) -> Event | Literal[NeedData.NEED_DATA]:
        """Return the next event.

        Raises:
            ProtocolError: the peer violated HTTP; ``status`` is the status of the response.
        """

    def trailing_data(self) -> bytes:
        """Return the bytes that were fed and not consumed, and drop them."""


ParserFactory: TypeAlias = Callable[[Limits], Parser]
"""Returns a new parser for one connection."""
