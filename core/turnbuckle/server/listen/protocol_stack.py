"""Choose, once at the start, what a connection that is accepted goes through before HTTP is spoken on it.

What is switched off costs nothing: a plain server makes an ``HTTPConnection`` for each connection, and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from turnbuckle.server.connection.connection import HTTPConnection
from turnbuckle.server.connection.server_state import ServerState
from turnbuckle.server.tls.context import Certificates
from turnbuckle.web.trusted_addresses import TrustedAddresses

__all__ = ["protocol_factory"]


def protocol_factory(
    server: ServerState, certificates: Certificates | None, proxies: TrustedAddresses | None
) -> Callable[[], asyncio.Protocol]:
    """Return what makes the first protocol of each connection that is accepted.

    Args:
        server: the state that the connections share.
        certificates: what they are secured with; None for not at all.
        proxies: who sends the PROXY protocol; None for nobody.
    """
    # What is not wanted is not imported, either.
    arrive: Callable[..., asyncio.Protocol] = partial(HTTPConnection, server)
    if certificates is not None:
        from turnbuckle.server.tls.handshake import TLSHandshake

        arrive = partial(TLSHandshake, server, certificates)
    if proxies is not None:
        from turnbuckle.server.listen.proxied_connection import ProxiedConnection

        return partial(ProxiedConnection, server, proxies, arrive)
    return arrive
