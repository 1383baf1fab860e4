"""Describe a connection before its first request: by the facts of its transport, or of a proxy header."""

from __future__ import annotations

import asyncio
from typing import Final

import attrs

from turnbuckle.web.peer import LazyEvent, Peer
from turnbuckle.web.tls import TLSInfo
from turnbuckle.web.trusted_addresses import canonical_address

__all__ = ["DIRECT", "ConnectionInfo", "address_of", "client_of", "describe_peer"]


@attrs.frozen(kw_only=True)
class ConnectionInfo:
    """Facts about a connection that its transport does not have.

    Attributes:
        is_proxied: whether ``client`` and ``server`` replace the addresses of the transport.
        client: address and port of the client as the proxy reported them; None if it did not.
        server: address and port that the client connected to, as the proxy reported them; None if it did not.
        due: when the first head is due at the latest, in the clock's monotonic seconds; None for the usual deadline.
        tls: how the connection is secured; None if it is not.
    """

    is_proxied: bool = False
    client: tuple[str, int] | None = None
    server: tuple[str, int] | None = None
    due: float | None = None
    tls: TLSInfo | None = None


DIRECT: Final = ConnectionInfo()
"""A connection without a proxy header and without TLS."""


def describe_peer(transport: asyncio.Transport, info: ConnectionInfo, lost: LazyEvent) -> Peer:
    """Return the two ends of a connection."""
    return Peer(
        client=_spelled(info.client) if info.is_proxied else client_of(transport),
        server=_spelled(info.server) if info.is_proxied else _server_of(transport),
        scheme="http" if transport.get_extra_info("sslcontext") is None else "https",
        tls=info.tls,
        lost=lost,
    )


def _spelled(address: tuple[str, int] | None) -> tuple[str, int] | None:
    return (canonical_address(address[0]), address[1]) if address is not None else None


def address_of(transport: asyncio.BaseTransport) -> str:
    """Return the address of the client, for the log."""
    client = client_of(transport)
    return f"{client[0]}:{client[1]}" if client is not None else "a Unix socket"


def client_of(transport: asyncio.BaseTransport) -> tuple[str, int] | None:
    """Return address and port of the client; None for a Unix socket."""
    client = transport.get_extra_info("peername")
    return (canonical_address(client[0]), client[1]) if isinstance(client, tuple) else None


def _server_of(transport: asyncio.BaseTransport) -> tuple[str, int] | str | None:
    server = transport.get_extra_info("sockname")
    match server:
        case (str() as host, int() as port, *_):
            return canonical_address(host), port
        case bytes():
            # A name of Linux's abstract namespace, which begins with NUL.
            return "@" + server.removeprefix(b"\0").decode("utf-8", "surrogateescape")
        case str() if server:
            return "@" + server[1:] if server.startswith("\0") else server
    return None
