"""The words between a parser and a connection.

A *parser* is sans-I/O, one per connection, and pulled: the connection feeds octets in and asks for one event at a
time. It never runs ahead of what is asked, which is back-pressure and pipelining in one: the next request just waits.

The contract of a parser, in the order in which a connection uses it:

* ``feed(data)`` takes octets as they came off the wire, at any split.
* ``feed_eof()`` says that the peer will send no more.
* ``next_event()`` returns ``RequestHead``, then ``Data`` any number of times, then ``EndOfMessage``, then the next
  ``RequestHead``; or ``NEED_DATA`` when the octets at hand do not complete an event. After ``feed_eof`` between two
  messages it goes on returning ``NEED_DATA``; within a message it raises.
* ``trailing_data()`` hands over whatever was fed and not yet consumed, after an upgrade, and leaves the parser empty.
  Between two messages it does so, too, and what is then fed again is parsed as if it had never been taken.
* ``ProtocolError`` is raised by ``next_event`` alone, carries the status to answer with, and ends the parser: each
  later call raises the same error.

Sources: RFC 9112, sections 2 to 7.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import Final, Literal, Protocol, TypeAlias, final

import attrs

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
        content_length: octets of content that follow; None if the content is chunked; 0 if there is none.
        keep_alive: whether the sender lets the connection persist (RFC 9112, section 9.3).
        expects_continue: whether the sender waits for 100 before it sends content (RFC 9110, section 10.1.1).
        upgrade: the value of ``Upgrade`` if the sender may switch protocols here, else empty (RFC 9110, section 7.8).

    A parser of another make sets the first four and leaves the rest: the connection computes those from ``fields``
    itself. A head is not changed once it was delivered: a parser may deliver it again for another request.
    """

    method: bytes
    target: bytes
    minor_version: int
    fields: RawFields = attrs.field(eq=tuple)
    content_length: int | None = 0
    keep_alive: bool = True
    expects_continue: bool = False
    upgrade: bytes = b""


@final
@attrs.define(eq=True)
class Data:
    """Some content, never empty, with any transfer coding removed."""

    data: bytes


@final
@attrs.define(eq=True)
class EndOfMessage:
    """The request is complete; ``trailers`` holds the trailer fields, with those that must not be there removed."""

    trailers: RawFields = ()


Event: TypeAlias = RequestHead | Data | EndOfMessage


class Parser(Protocol):
    """What a connection asks of a parser; see the module's text for the contract."""

    def feed(self, data: bytes, /) -> None:
        """Take octets off the wire."""

    def feed_eof(self) -> None:
        """Learn that the peer will send no more."""

    def next_event(self) -> Event | Literal[NeedData.NEED_DATA]:
        """Return the next event.

        Raises:
            ProtocolError: the peer broke HTTP; its status is what the client should see.
        """

    def trailing_data(self) -> bytes:
        """Return, and forget, the octets that were fed and not consumed."""


ParserFactory: TypeAlias = Callable[[Limits], Parser]
"""Makes one parser for one connection."""
