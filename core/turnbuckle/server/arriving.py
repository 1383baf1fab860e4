"""Choose, once at the start, what a connection that is accepted goes through before HTTP is spoken on it.

What is switched off costs nothing: a plain server makes an ``HTTPConnection`` for each connection, and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from turnbuckle.server.connection import HTTPConnection
from turnbuckle.server.connections import Connections
from turnbuckle.server.tls import Certificates

__all__ = ["first_protocol"]


def first_protocol(connections: Connections, certificates: Certificates | None) -> Callable[[], asyncio.BaseProtocol]:
    """Return what makes the first protocol of each connection that is accepted.

    Args:
        connections: what they share.
        certificates: what they are secured with; None for not at all.
    """
    if certificates is None:
        return partial(HTTPConnection, connections)
    # The modules of TLS take their time to import.
    from turnbuckle.server.handshake import TLSHandshake

    return partial(TLSHandshake, connections, certificates)
