"""Log one line for each response, through ``logging``, when the application wants it.

Nothing that a client sends can break a line: the method is a token, and a target has passed the grammar, which admits
visible ASCII alone.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from turnbuckle.http.events import RequestHead
from turnbuckle.server.application import Application
from turnbuckle.web.peer import Peer

if TYPE_CHECKING:
    from turnbuckle.server.connection import HTTPConnection
    from turnbuckle.web.request import Request

__all__ = ["log_access", "log_refusal"]

_log: Final = logging.getLogger("turnbuckle.access")


def log_access(connection: HTTPConnection, request: Request, status: int, length: int) -> None:
    """Log who asked for what, the status, the octets of content, and the milliseconds from head to end, if wanted."""
    if not connection.connections.application.access_log:
        return
    took = (connection.clock.monotonic() - connection.started) * 1000
    _log.info('%s "%s %s" %d %d %.1fms', _address(request.peer), request.method, request.target, status, length, took)


def log_refusal(application: Application, peer: Peer, status: int, head: RequestHead | None) -> None:
    """Log, if wanted, that a client was answered by the connection itself.

    Args:
        application: says whether.
        peer: who was.
        status: of the answer.
        head: what was asked for; None if what the client sent was no request.
    """
    if application.access_log:
        asked = f"{head.method.decode('latin-1')} {head.target.decode('latin-1')}" if head is not None else "-"
        _log.info('%s "%s" %d', _address(peer), asked, status)


def _address(peer: Peer) -> str:
    return f"{peer.client[0]}:{peer.client[1]}" if peer.client is not None else "-"
