"""Log one line for each response and for each refused request, and call the monitors of the server.

A connection keeps a request as ``unlogged`` until its line is written, whichever part ends the request; so each request
gets exactly one line. If the access log is off and there are no monitors, no ``AccessLog`` is made.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, final

import attrs

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.server.logs.escapes import truncate
from turnbuckle.server.logs.records import AccessEntry
from turnbuckle.server.logs.setup import access_sink
from turnbuckle.server.model.clock import Clock
from turnbuckle.server.model.connection_state import WAITS_FOR_HEAD, ConnectionState
from turnbuckle.server.model.monitor import Outcome, ResponseEnd
from turnbuckle.web.peer import Peer

if TYPE_CHECKING:
    from turnbuckle.web.request.request import Request
    from turnbuckle.web.response.upgrade import SwitchedEnd

__all__ = ["AccessLog", "LoggedExchange"]

# Maximum characters of a field and of a request id. A peer chooses their length and must not choose how much memory the
# queue takes.
_MAX_FIELD: Final = 2048
_MAX_REQUEST_ID: Final = 128


_log: Final = SafeLogger("turnbuckle.server")


class _CountedContent(Protocol):
    @property
    def received_bytes(self) -> int:
        """Number of bytes of content that were received."""


class _StartedExchange(Protocol):
    unlogged: Request | None
    started: float

    @property
    def content(self) -> _CountedContent | None:
        """The content of the request; None if it has none."""


@attrs.define
class _Switched:
    """A request whose connection has switched to another protocol."""

    started: float
    unlogged: Request | None
    content: _CountedContent | None = None


class LoggedExchange(_StartedExchange, Protocol):
    """A request and its response, as the access log sees them.

    Attributes:
        unlogged: the request, until its line is written.
        started: when the head of the request was complete, in monotonic seconds.
    """

    @property
    def peer(self) -> Peer:
        """The two ends of the connection."""

    @property
    def state(self) -> ConnectionState:
        """The state of the connection; decides whether a refusal without a request is logged."""

    @property
    def is_aborted(self) -> bool:
        """Whether the server closed the connection before the response was complete."""


@final
class AccessLog:
    """Writes the access log of one server.

    Args:
        clock: the clock of the server.
        queries: whether query strings are logged.
        is_on: whether lines are written, and not only monitors called.
    """

    __slots__ = ("_clock", "_is_on", "_monitors", "_queries", "_sink")

    def __init__(self, clock: Clock, *, queries: bool = True, is_on: bool = True) -> None:
        self._clock: Final = clock
        self._queries: Final = queries
        self._is_on: Final = is_on
        self._monitors: Final[list[Callable[[ResponseEnd], object]]] = []
        self._sink: Callable[[AccessEntry], None] | None = None

    def observe(self, function: Callable[[ResponseEnd], object]) -> None:
        """Call a function at the end of each response."""
        self._monitors.append(function)

    def ended(self, exchange: LoggedExchange, status: int, content_bytes: int, *, complete: bool = True) -> None:
        """Log the end of the response to the current request, unless it is logged already.

        Args:
            exchange: the request and its response.
            status: the status that was sent; 0 if none was.
            content_bytes: bytes of content that were sent.
            complete: whether the whole response was sent.
        """
        request = exchange.unlogged
        if request is not None:
            outcome: Outcome = "complete"
            if not complete:
                outcome = "broken" if exchange.is_aborted else "disconnected"
            self._log(exchange, request, status=status, content_bytes=content_bytes, outcome=outcome)

    def refused(self, exchange: LoggedExchange, status: int, content_bytes: int, reason: str) -> None:
        """Log that the connection itself answered with an error: in place of the application, or before a request was
        parsed.

        Args:
            exchange: the request and its response.
            status: the status that was sent.
            content_bytes: bytes of content that were sent.
            reason: why, in words.
        """
        request = exchange.unlogged
        if request is not None:
            self._log(
                exchange,
                request,
                status=status,
                content_bytes=content_bytes,
                outcome="refused",
                reason=truncate(reason, _MAX_FIELD),
            )
        elif exchange.state in WAITS_FOR_HEAD:
            self._log_refused_connection(exchange.peer, status, content_bytes, reason)

    def ended_switch(self, request: Request, started: float, end: SwitchedEnd) -> None:
        """Log the end of a connection that a request has switched to another protocol.

        Args:
            request: the request.
            started: when its head was complete, in monotonic seconds.
            end: the end.
        """
        self._log(
            _Switched(started, request),
            request,
            status=101,
            content_bytes=end.sent_bytes,
            outcome="closed" if end.is_complete else "disconnected",
            reason=truncate(end.reason, _MAX_FIELD),
        )

    def ended_connection(self, peer: Peer, reason: str) -> None:
        """Log that the server ended a connection whose peer misbehaved.

        Args:
            peer: the two ends of the connection.
            reason: why, in words.
        """
        self._log_refused_connection(peer, 0, 0, reason)

    def _log_refused_connection(self, peer: Peer, status: int, content_bytes: int, reason: str) -> None:
        if self._monitors:
            self._notify(ResponseEnd(None, status, "refused", content_bytes, reason=reason))
        if self._is_on:
            self._emit(
                AccessEntry(
                    client=_client_text(peer),
                    status=status,
                    content_bytes=content_bytes,
                    outcome="refused",
                    reason=truncate(reason, _MAX_FIELD),
                    time=self._clock.wall(),
                )
            )

    def _log(
        self,
        exchange: _StartedExchange,
        request: Request,
        *,
        status: int,
        content_bytes: int,
        outcome: Outcome,
        reason: str = "",
    ) -> None:
        # From here on no other caller finds this request unlogged.
        exchange.unlogged = None
        seconds = self._clock.monotonic() - exchange.started
        if self._monitors:
            content = exchange.content
            received = 0 if content is None else content.received_bytes
            self._notify(ResponseEnd(request, status, outcome, content_bytes, received, seconds, reason))
        if not self._is_on:
            return
        head = request.head
        # If a field is repeated, the last line is logged; the log does not decide which one counts.
        fields = dict(head.fields)
        route = request.route
        self._emit(
            AccessEntry(
                client=_client_text(request.peer),
                method=_text(head.method),
                target=self._reference_text(head.target),
                version=request.peer.protocol if head.minor_version else "HTTP/1.0",
                status=status,
                content_bytes=content_bytes,
                seconds=seconds,
                request_id=request.id[:_MAX_REQUEST_ID],
                outcome=outcome,
                reason=reason,
                host=_text(fields.get(b"host", b"")),
                referer=self._reference_text(fields.get(b"referer", b"")),
                user_agent=_text(fields.get(b"user-agent", b"")),
                route=route.path if route is not None else "",
                time=self._clock.wall(),
            )
        )

    def _notify(self, end: ResponseEnd) -> None:
        for monitor in self._monitors:
            try:
                monitor(end)
            except Exception:  # noqa: BLE001  # of a plugin; the response is sent
                _log.exception("a monitor failed at the end of %s", end.request or "a refused connection")

    def _reference_text(self, reference: bytes) -> str:
        return _text(reference if self._queries else reference.partition(b"?")[0].partition(b"#")[0])

    def _emit(self, entry: AccessEntry) -> None:
        sink = self._sink
        if sink is None:
            # Look up the sink with the first entry, because an application may set up logging while it starts.
            sink = self._sink = access_sink()
        # A log handler of the application may raise anything. The response is sent, and the next request on the
        # connection must not depend on a log.
        with suppress(Exception):
            sink(entry)


def _text(value: bytes) -> str:
    text = value.decode("latin-1")
    return text if len(text) <= _MAX_FIELD else truncate(text, _MAX_FIELD)


def _client_text(peer: Peer) -> str:
    if peer.client is None:
        return "unix"
    host, port = peer.client
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
