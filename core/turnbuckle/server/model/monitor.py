"""Describe the end of each response and the figures of the server, for plugins that measure.

A lifespan passes a function to ``setup.monitor``. The server calls it where it writes the access log, so it sees the
status and the size that were sent, streams and WebSockets at their end, and requests that never reached the app.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, final

import attrs

if TYPE_CHECKING:
    from turnbuckle.web.request.request import Request

__all__ = ["MonitoredServer", "Outcome", "ResponseEnd", "ServerFigures"]

Outcome: TypeAlias = Literal["complete", "refused", "broken", "disconnected", "closed"]
"""How a response ended: it was sent completely; the connection itself answered with an error; the server closed the
connection early; the peer left early. A connection that has switched to another protocol has a second end: it was
closed as the protocol demands, or the peer left early.
"""


@final
@attrs.define(eq=False)
class ResponseEnd:
    """The end of a response.

    Attributes:
        request: the request; None if the connection was refused before a request was parsed.
        status: the status that was sent; 0 if none was, and 101 at the end of a connection that has switched.
        outcome: how it ended.
        sent_bytes: bytes of content that were sent.
        received_bytes: bytes of content that were received.
        seconds: from the end of the head of the request to the end of the response.
        reason: why a request was refused, or the end of a switched connection, in words; "" if unknown.
    """

    request: Request | None
    status: int
    outcome: Outcome
    sent_bytes: int = 0
    received_bytes: int = 0
    seconds: float = 0.0
    reason: str = ""


@final
@attrs.frozen(kw_only=True)
class ServerFigures:
    """Present figures of a server.

    Attributes:
        connections: number of open connections; 0 on a host that owns them.
        accepted: number of connections that were admitted since the start.
        rejected: number of connections that were not admitted, by status: 503 for too many of all addresses, 429 for
            too many of one address.
        requests: number of requests whose responses have not ended.
        response_work: number of functions after responses that wait or run.
    """

    connections: int
    accepted: int
    rejected: Mapping[int, int]
    requests: int
    response_work: int


class MonitoredServer(Protocol):
    """A server, as ``setup.monitor`` sees it."""

    def observe(self, function: Callable[[ResponseEnd], object]) -> None:
        """Call a function at the end of each response."""

    def figures(self) -> ServerFigures:
        """Return the present figures."""
