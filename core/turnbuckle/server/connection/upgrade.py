"""Hand a connection's transport over to another protocol (RFC 9110, section 7.8), and keep an eye on it.

The other protocol deals with its peer alone: it is given the transport's callbacks as they are, and has no deadlines
but its own. It still counts as a connection, and a server that stops tells it so.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol, final

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.http.serializer import content_size, error_response, response_head
from turnbuckle.server.connection.admission import AdmissionStatus
from turnbuckle.web.response.upgrade import SwitchProtocols

if TYPE_CHECKING:
    from turnbuckle.server.connection.connection import HTTPConnection
    from turnbuckle.server.connection.server_state import ServerState
    from turnbuckle.web.peer import Disconnected, Peer
    from turnbuckle.web.request.request import Request

__all__ = ["SwitchedConnection", "switch_protocols"]

_log: Final = SafeLogger("turnbuckle.server")


def switch_protocols(connection: HTTPConnection, request: Request, response: SwitchProtocols) -> None:
    """Send 101 and leave the transport to the protocol that the response names.

    What was not offered is a mistake of the handler: 500. Content that nobody read is one of the client, and where it
    ends the new protocol would not know: 400.
    """
    offered = connection.head.upgrade.decode("latin-1").lower().split(",")
    date_line = connection.server.date_line
    if response.protocol.lower() not in (name.strip(" \t") for name in offered):
        _log.error("%s cannot switch to %s: not offered", request, response.protocol)
        data = error_response(500, date_line=date_line, method=connection.head.method)
        connection.transport.write(data)
        _log_end(connection, 500, content_size(data))
        connection.end_response(close=True)
        return
    if connection.content is not None and not connection.content.is_complete:
        connection.refuse(400)
        return
    transport = connection.transport
    protocol = response.factory()
    transport.write(response_head(101, response.fields(), b"", date_line))
    _log_end(connection, 101, 0)
    switched = SwitchedConnection(connection, protocol, f"{request}, switched to {response.protocol}")
    early = connection.switch(switched)
    transport.set_protocol(switched)
    protocol.connection_made(transport)
    if early:
        protocol.data_received(early)
    if connection.server.connections.is_draining:
        switched.close_when_idle()


class Parting(Protocol):
    """What is known of a connection that leaves its transport to another protocol."""

    @property
    def server(self) -> ServerState:
        """The state that it shares with the other connections."""

    @property
    def transport(self) -> asyncio.Transport:
        """What is left."""

    @property
    def lost(self) -> Disconnected:
        """What tells that the peer is gone."""

    @property
    def peer(self) -> Peer:
        """The two ends."""


@final
class SwitchedConnection(asyncio.Protocol):
    """What a transport calls once another protocol has it: that protocol, and at the end the server, too.

    Args:
        connection: what leaves it to the other protocol; it was let in, and is counted.
        protocol: what takes over.
        holder: what keeps the connection open, in words.
    """

    # The methods of the other protocol are found in these at once: nothing stands between it and its transport.
    __slots__ = (
        "_lost",
        "_peer",
        "_protocol",
        "_server",
        "_transport",
        "data_received",
        "deadline",
        "eof_received",
        "holder",
        "pause_writing",
        "resume_writing",
    )

    data_received: Callable[[bytes], None]  # type: ignore[assignment]  # transports name no argument
    eof_received: Callable[[], bool | None]
    pause_writing: Callable[[], None]
    resume_writing: Callable[[], None]

    def __init__(self, connection: Parting, protocol: asyncio.Protocol, holder: str) -> None:
        self._server: Final = connection.server
        self._transport: Final = connection.transport
        self._protocol: Final = protocol
        self._lost: Final = connection.lost
        self._peer: Final = connection.peer
        self.holder: Final = holder
        self.deadline = math.inf
        self.data_received = protocol.data_received
        self.eof_received = protocol.eof_received
        self.pause_writing = protocol.pause_writing
        self.resume_writing = protocol.resume_writing

    def connection_lost(self, exc: Exception | None) -> None:
        """Learn, and tell, that the peer is gone."""
        self._lost.set()
        self._server.admission.leave(self._peer, AdmissionStatus.ADMITTED)
        self._server.connections.discard(self)
        self._protocol.connection_lost(exc)

    def expire(self, now: float) -> None:
        """Nothing is due: what another protocol waits for, and how long, is its own business."""

    def disable_keep_alive(self) -> None:
        """Nothing is announced: there are no responses any more."""

    def close_when_idle(self) -> None:
        """Tell the protocol to part from its peer, if it can be told; else close."""
        tell = getattr(self._protocol, "close_when_idle", None)
        if callable(tell):
            tell()
        else:
            self._transport.close()

    def abort(self) -> None:
        """Cut the peer off."""
        self._transport.abort()


def _log_end(connection: HTTPConnection, status: int, octets: int) -> None:
    access = connection.server.access
    if access is not None:
        access.ended(connection, status, octets)
