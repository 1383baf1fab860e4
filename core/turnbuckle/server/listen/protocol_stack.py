"""Build the protocol factory for accepted connections (PROXY header, TLS, first bytes, HTTP), once at startup.

Layers that are turned off cost nothing: a plain server makes one ``HTTPConnection`` for each connection.
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
    """Return the factory of the first protocol on each accepted connection.

    Args:
        server: the state that the connections share.
        certificates: the certificates for TLS; None serves without TLS.
        proxies: the proxies that send the PROXY header; None expects no header.
    """
    # A layer that is turned off is not imported.
    factory: Callable[..., asyncio.Protocol] = partial(HTTPConnection, server)
    if certificates is not None:
        from turnbuckle.server.tls.handshake import TLSHandshake

        factory = partial(TLSHandshake, server, certificates)
    elif server.application.prefaces:
        from turnbuckle.server.listen.preface import PrefaceConnection

        factory = partial(PrefaceConnection, server)
    if proxies is not None:
        from turnbuckle.server.listen.proxied_connection import ProxiedConnection

        return partial(ProxiedConnection, server, proxies, factory)
    return factory
