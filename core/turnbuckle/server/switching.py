"""Hand a connection's transport over to another protocol (RFC 9110, section 7.8)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from turnbuckle.http.serializer import error_response, response_head
from turnbuckle.web.switch import SwitchProtocols

if TYPE_CHECKING:
    from turnbuckle.server.connection import HTTPConnection
    from turnbuckle.web.request import Request

__all__ = ["switch_protocols"]

_log: Final = logging.getLogger("turnbuckle.server")


def switch_protocols(connection: HTTPConnection, request: Request, response: SwitchProtocols) -> None:
    """Send 101 and leave the transport to the protocol that the response names; 500 where that must not be."""
    offered = connection.head.upgrade.decode("latin-1").lower().split(",")
    unread = connection.content is not None and not connection.content.is_complete
    date_line = connection.connections.date_line
    if unread or response.protocol.lower() not in (name.strip(" \t") for name in offered):
        _log.error("%s cannot switch to %s: not offered, or content unread", request, response.protocol)
        connection.transport.write(error_response(500, date_line=date_line, method=connection.head.method))
        connection.end_response(close=True)
        return
    transport = connection.transport
    protocol = response.factory()
    transport.write(response_head(101, response.fields(), b"", date_line))
    early = connection.switch()
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    if early:
        protocol.data_received(early)
