"""Say how long a connection waits for each thing, and how much it reads to be polite.

Every wait of the server is bounded by one of these. Deadlines are totals: an octet that trickles in does not move them.

Sources: RFC 9110, sections 15.5.9 (408) and 15.6.4 (503); RFC 9112, section 9.5.
"""

from __future__ import annotations

import math
from typing import TypeVar

import attrs

__all__ = ["Timeouts"]


_Number = TypeVar("_Number", int, float)


def _not_negative(instance: object, attribute: attrs.Attribute[_Number], value: _Number) -> None:
    if isinstance(value, bool) or not 0 <= value < math.inf:
        raise ValueError(f"{attribute.name} must be a number of at least 0, not {value!r}")


@attrs.frozen(kw_only=True)
class Timeouts:
    """Deadlines in seconds; 0 turns one off.

    Attributes:
        head: from accept, or from the first octet of a later request, to the end of the head; beyond it 408.
        content: how long, in total, a handler waits for content beyond what ``content_rate`` grants; beyond it 408.
        content_rate: octets per second that content must come at: each octet received grants its share of a second.
        handler: from the head to the response; beyond it 503.
        write: for a peer to take at least ``write_rate`` octets per second of what is sent; beyond it the connection is
            aborted.
        write_rate: octets per second, on average over ``write`` seconds.
        idle: between two requests; beyond it the connection is closed.
        drain_content: octets of unread content that are read and dropped to keep a connection; beyond it it is closed.
        last_request: for idle connections to send a request once the server was told to stop: it is answered, and the
            last one. After that they are closed.
        linger: how long a closed connection still reads, so that the peer gets to see the last response.
        startup: for each lifespan to be entered; beyond it the start fails.
        shutdown: for requests to finish once the server was told to stop, then for each lifespan to be left.
    """

    head: float = attrs.field(default=15.0, validator=_not_negative)
    content: float = attrs.field(default=30.0, validator=_not_negative)
    content_rate: int = attrs.field(default=500, validator=_not_negative)
    handler: float = attrs.field(default=0.0, validator=_not_negative)
    write: float = attrs.field(default=30.0, validator=_not_negative)
    write_rate: int = attrs.field(default=250, validator=_not_negative)
    idle: float = attrs.field(default=30.0, validator=_not_negative)
    drain_content: int = attrs.field(default=65536, validator=_not_negative)
    last_request: float = attrs.field(default=1.0, validator=_not_negative)
    linger: float = attrs.field(default=2.0, validator=_not_negative)
    startup: float = attrs.field(default=30.0, validator=_not_negative)
    shutdown: float = attrs.field(default=30.0, validator=_not_negative)
