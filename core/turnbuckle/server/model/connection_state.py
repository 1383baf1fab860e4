"""Name what a connection can be waiting for; ``connection.py`` holds the table of what each state makes of events."""

from __future__ import annotations

import enum

__all__ = ["ConnectionState"]


class ConnectionState(enum.IntEnum):
    """What a connection is waiting for."""

    HEAD = 0  # the peer, to complete a head: from accept, or from the first octet of a later request
    IDLE = 1  # the peer, to send another request, which it need not
    HANDLING = 2  # the application, to answer; it may in turn wait for content
    SENDING = 3  # the application, to produce the rest of a response, or the peer, to take it
    FLUSHING = 4  # the peer, to take a whole response before another request is looked at
    DROPPING = 5  # the peer, to send the rest of content that nobody read
    LINGERING = 6  # the peer, to notice that the connection ends
    CLOSING = 7  # the transport, to send what it holds
    CLOSED = 8  # nobody
    SWITCHED = 9  # another protocol has taken over
