"""Define the states of an HTTP connection and the transitions between them.

A state names the party that the connection waits for. ``server/connection/connection.py`` has the table of reactions to
events in each state. The tests of the server check each change against ``TRANSITIONS``, and the drawing in
``docs/architecture.md`` is generated from it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["ANSWERING", "TAKES_CONTENT", "TRANSITIONS", "WAITS_FOR_HEAD", "ConnectionState"]


class ConnectionState(enum.IntEnum):
    """What a connection is waiting for. The members are integers because they index the tables of reactions."""

    HEAD = 0  # the peer, to complete a head: from accept, or from the first byte of a later request
    IDLE = 1  # the peer, to send another request, which it need not
    HANDLING = 2  # the application, to answer; it may in turn wait for content
    SENDING = 3  # the application, to produce the rest of a response, or the peer, to read it
    FLUSHING = 4  # the peer, to read a whole response before the next request is parsed
    DROPPING = 5  # the peer, to send the rest of content that the handler did not read
    LINGERING = 6  # the peer, to notice that the connection ends
    CLOSING = 7  # the transport, to send its buffered data
    CLOSED = 8  # nothing
    SWITCHED = 9  # nothing: another protocol has taken over
    YIELDING = 10  # the next turn of the loop: the other connections are served first


WAITS_FOR_HEAD: Final = frozenset({ConnectionState.HEAD, ConnectionState.IDLE})
"""The states in which received bytes go to the parser at once."""

ANSWERING: Final = frozenset({ConnectionState.HANDLING, ConnectionState.SENDING})
"""The states in which a response is not complete."""

TAKES_CONTENT: Final = ANSWERING | {ConnectionState.DROPPING}
"""The states in which content is parsed."""

TRANSITIONS: Final[Mapping[ConnectionState, Mapping[ConnectionState, str]]] = MappingProxyType(
    {
        ConnectionState.HEAD: {
            ConnectionState.IDLE: "connected, first_byte applies",
            ConnectionState.HANDLING: "head complete",
            ConnectionState.LINGERING: "refused",
            ConnectionState.CLOSING: "end of input, or cut off",
            ConnectionState.CLOSED: "connection lost",
        },
        ConnectionState.IDLE: {
            ConnectionState.HEAD: "head begun",
            ConnectionState.HANDLING: "head complete",
            ConnectionState.LINGERING: "refused",
            ConnectionState.CLOSING: "end of input, or idle too long",
            ConnectionState.CLOSED: "connection lost",
            ConnectionState.YIELDING: "enough served in this turn",
        },
        ConnectionState.YIELDING: {
            ConnectionState.IDLE: "next turn",
            ConnectionState.CLOSING: "cut off",
            ConnectionState.CLOSED: "connection lost",
        },
        ConnectionState.HANDLING: {
            ConnectionState.IDLE: "response sent",
            ConnectionState.SENDING: "head of a stream sent",
            ConnectionState.FLUSHING: "response sent, peer reads slowly",
            ConnectionState.DROPPING: "response sent, content unread",
            ConnectionState.LINGERING: "last response sent, or refused",
            ConnectionState.CLOSING: "last response sent, or cut off",
            ConnectionState.CLOSED: "connection lost",
            ConnectionState.SWITCHED: "101 sent",
        },
        ConnectionState.SENDING: {
            ConnectionState.IDLE: "response sent",
            ConnectionState.FLUSHING: "response sent, peer reads slowly",
            ConnectionState.DROPPING: "response sent, content unread",
            ConnectionState.LINGERING: "last response sent",
            ConnectionState.CLOSING: "last response sent, or cut off",
            ConnectionState.CLOSED: "connection lost",
        },
        ConnectionState.FLUSHING: {
            ConnectionState.IDLE: "response read",
            ConnectionState.CLOSING: "response not read in time",
            ConnectionState.CLOSED: "connection lost",
        },
        ConnectionState.DROPPING: {
            ConnectionState.IDLE: "content dropped",
            ConnectionState.FLUSHING: "content dropped, peer reads slowly",
            ConnectionState.LINGERING: "content malformed or too slow",
            ConnectionState.CLOSING: "end of input, or cut off",
            ConnectionState.CLOSED: "connection lost",
        },
        ConnectionState.LINGERING: {
            ConnectionState.CLOSING: "end of input, too much of it, or too late",
            ConnectionState.CLOSED: "connection lost",
        },
        ConnectionState.CLOSING: {ConnectionState.CLOSED: "connection lost"},
        ConnectionState.CLOSED: {},
        ConnectionState.SWITCHED: {},
    }
)
"""The states that may follow each state, and the cause of each transition."""
