"""Log one line for each response, through ``logging``, when the application wants it.

Nothing that a client sends can break a line: the method is a token, and a target has passed the grammar, which admits
visible ASCII alone.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from turnbuckle.server.connection import HTTPConnection
    from turnbuckle.web.request import Request

__all__ = ["log_access"]

_log: Final = logging.getLogger("turnbuckle.access")


def log_access(connection: HTTPConnection, request: Request, status: int, length: int) -> None:
    """Log who asked for what, the status, the octets of content, and the milliseconds from head to end, if wanted."""
    if not connection.connections.application.access_log:
        return
    client = request.peer.client
    address = f"{client[0]}:{client[1]}" if client is not None else "-"
    took = (connection.clock.monotonic() - connection.started) * 1000
    _log.info('%s "%s %s" %d %d %.1fms', address, request.method, request.target, status, length, took)
