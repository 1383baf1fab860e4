"""Say where a connection comes from, before HTTP is spoken on it: what its transport tells, or a proxy in its place."""

from __future__ import annotations

import asyncio
from typing import Final

import attrs

from turnbuckle.web.peer import Disconnected, Peer
from turnbuckle.web.tls import TLSInfo

__all__ = ["DIRECT", "ConnectionInfo", "address_of", "client_of", "describe_peer"]


@attrs.frozen(kw_only=True)
class ConnectionInfo:
    """What is known of a connection that its transport does not tell.

    Attributes:
        is_proxied: whether a proxy has told both ends, which take the place of those of the transport.
        client: address and port of the client, as the proxy told; None for none.
        server: address and port that the client connected to, as the proxy told; None for none.
        due: when the first head is due at the latest, in the clock's monotonic seconds; None for no such bound.
        tls: how the connection is secured; None if it is not.
    """

    is_proxied: bool = False
    client: tuple[str, int] | None = None
    server: tuple[str, int] | None = None
    due: float | None = None
    tls: TLSInfo | None = None


DIRECT: Final = ConnectionInfo()
"""A connection of which the transport tells everything."""


def describe_peer(transport: asyncio.Transport, arrival: ConnectionInfo, lost: Disconnected) -> Peer:
    """Return the two ends of a connection."""
    return Peer(
        client=arrival.client if arrival.is_proxied else client_of(transport),
        server=arrival.server if arrival.is_proxied else _server_of(transport),
        scheme="http" if transport.get_extra_info("sslcontext") is None else "https",
        tls=arrival.tls,
        lost=lost,
    )


def address_of(transport: asyncio.BaseTransport) -> str:
    """Return who is at the other end of a transport, for the log."""
    client = client_of(transport)
    return f"{client[0]}:{client[1]}" if client is not None else "a Unix socket"


def client_of(transport: asyncio.BaseTransport) -> tuple[str, int] | None:
    """Return address and port of the other end of a transport; None for a Unix socket."""
    client = transport.get_extra_info("peername")
    return (client[0], client[1]) if isinstance(client, tuple) else None


def _server_of(transport: asyncio.BaseTransport) -> tuple[str, int] | str | None:
    server = transport.get_extra_info("sockname")
    match server:
        case (str() as host, int() as port, *_):
            return host, port
        case bytes():
            # A name of Linux's abstract namespace, which begins with NUL.
            return "@" + server.removeprefix(b"\0").decode("utf-8", "surrogateescape")
        case str() if server:
            return "@" + server[1:] if server.startswith("\0") else server
    return None
