"""Log one line for each response, and for each refusal, on its way to whoever listens.

Owns the rule that there is one: a connection keeps a request as ``unlogged`` until its line is written, whoever ends
it. There is no such object where the access log is off.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, final

from turnbuckle.server.logs.escapes import truncate
from turnbuckle.server.logs.records import AccessEntry, Outcome
from turnbuckle.server.logs.setup import access_sink
from turnbuckle.server.model.clock import Clock
from turnbuckle.server.model.connection_state import ConnectionState
from turnbuckle.web.peer import Peer

if TYPE_CHECKING:
    from turnbuckle.web.request.request import Request

__all__ = ["AccessLog", "LoggedConnection"]

# A peer decides how long these are, and the queue must not let it decide how much memory they take.
_LONGEST: Final = 2048
_MAX_ID: Final = 128


class LoggedConnection(Protocol):
    """The parts of a connection that the access log reads.

    Attributes:
        unlogged: the request that is being served, until its line is written.
        peer: the client.
        state: decides whether a refusal is logged.
        started: when the head of the request was complete, in monotonic seconds.
        is_aborted: whether the server closed the connection early.
    """

    unlogged: Request | None
    peer: Peer
    state: ConnectionState
    started: float
    is_aborted: bool


@final
class AccessLog:
    """Writes the access log of one server.

    Args:
        clock: of the server.
        queries: whether queries are logged.
    """

    __slots__ = ("_clock", "_queries", "_sink")

    def __init__(self, clock: Clock, *, queries: bool = True) -> None:
        self._clock: Final = clock
        self._queries: Final = queries
        self._sink: Callable[[AccessEntry], None] | None = None

    def ended(self, connection: LoggedConnection, status: int, octets: int, *, complete: bool = True) -> None:
        """Log the end of the response to the request that a connection serves, unless it was logged before.

        Args:
            connection: the connection.
            status: that was sent; 0 if none was.
            octets: of content that were sent.
            complete: whether that was all of it.
        """
        request = connection.unlogged
        if request is not None:
            outcome: Outcome = "complete"
            if not complete:
                outcome = "broken" if connection.is_aborted else "disconnected"
            self._log(connection, request, status=status, octets=octets, outcome=outcome)

    def refused(self, connection: LoggedConnection, status: int, octets: int, reason: str) -> None:
        """Log that a connection itself answered with an error: in place of the application, or to what was no request.

        Args:
            connection: the connection.
            status: that was sent.
            octets: of content that were sent.
            reason: why, in words.
        """
        request = connection.unlogged
        if request is not None:
            self._log(
                connection, request, status=status, octets=octets, outcome="refused", reason=truncate(reason, _LONGEST)
            )
        elif connection.state <= ConnectionState.IDLE:
            self._emit(
                AccessEntry(
                    client=_client(connection.peer),
                    status=status,
                    octets=octets,
                    outcome="refused",
                    reason=truncate(reason, _LONGEST),
                    time=self._clock.wall(),
                )
            )

    def _log(
        self,
        connection: LoggedConnection,
        request: Request,
        *,
        status: int,
        octets: int,
        outcome: Outcome,
        reason: str = "",
    ) -> None:
        # Its line is written: whoever else ends it, finds nothing to log.
        connection.unlogged = None
        head = request.head
        # Of two lines the last one; which of them counts is nothing that a log decides.
        fields = dict(head.fields)
        route = request.route
        self._emit(
            AccessEntry(
                client=_client(request.peer),
                method=_text(head.method),
                target=self._clean(head.target),
                version="HTTP/1.1" if head.minor_version else "HTTP/1.0",
                status=status,
                octets=octets,
                seconds=self._clock.monotonic() - connection.started,
                request_id=request.id[:_MAX_ID],
                outcome=outcome,
                reason=reason,
                host=_text(fields.get(b"host", b"")),
                referer=self._clean(fields.get(b"referer", b"")),
                user_agent=_text(fields.get(b"user-agent", b"")),
                route=route.path if route is not None else "",
                time=self._clock.wall(),
            )
        )

    def _clean(self, reference: bytes) -> str:
        return _text(reference if self._queries else reference.partition(b"?")[0].partition(b"#")[0])

    def _emit(self, entry: AccessEntry) -> None:
        sink = self._sink
        if sink is None:
            # Not before: what an application sets up while it starts counts.
            sink = self._sink = access_sink()
        # A handler of the application's own may raise anything. The response is out, and what comes next on its
        # connection must not depend on a log.
        with suppress(Exception):
            sink(entry)


def _text(value: bytes) -> str:
    text = value.decode("latin-1")
    return text if len(text) <= _LONGEST else truncate(text, _LONGEST)


def _client(peer: Peer) -> str:
    if peer.client is None:
        return "unix"
    host, port = peer.client
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
