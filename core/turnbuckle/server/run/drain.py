"""Wait for the requests of a server that stops, and abort those that do not finish in time.

Connections, and functions that run after responses, have ``timeouts.shutdown`` seconds. The log names those that delay
the stop.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain, islice
from typing import Final, final

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.server.connection.server_state import ServerState
from turnbuckle.server.listen.accepting import Acceptor

__all__ = ["Drain"]

_log: Final = SafeLogger("turnbuckle.server")

# Seconds that cancelled handlers may take to end.
_CANCEL_SECONDS: Final = 1.0

# Seconds after which the log names the connections that delay a stop, and how many it names.
_GRACE_SECONDS: Final = 1.0
_MAX_NAMED: Final = 10


@final
class Drain:
    """The end of the connections of one server.

    Args:
        state: the state that the connections share.
        acceptors: accept connections, and may have some that are not served yet.
    """

    def __init__(self, state: ServerState, acceptors: Sequence[Acceptor] = ()) -> None:
        self._state: Final = state
        self._acceptors: Final = acceptors

    async def run(self) -> None:
        """Wait for the requests until the shutdown timeout, then abort them."""
        state = self._state
        timeouts, connections = state.application.timeouts, state.connections
        connections.begin_drain(timeouts.last_request)
        seconds = timeouts.shutdown
        call_later = state.clock.call_later
        timers = [call_later(_GRACE_SECONDS, partial(_log_pending, state))]
        if seconds:
            timers.append(call_later(seconds, self._abort_late))
        try:
            for acceptor in self._acceptors:
                await acceptor.wait_until_settled()
            if connections.open:
                _log.info("waiting for %s", _count(len(connections.open), "connection"))
            await connections.drained()
            await state.response_work.drained()
        finally:
            for timer in timers:
                timer.cancel()

    def abort(self) -> None:
        """Abort every connection, and cancel what still runs."""
        state = self._state
        for acceptor in self._acceptors:
            acceptor.abort()
        state.connections.abort_all()
        state.response_work.cancel_all()
        state.clock.call_later(_CANCEL_SECONDS, self._give_up_on_handlers)

    def _abort_late(self) -> None:
        _log.warning("aborting %s that did not finish in time", _unfinished(self._state, "connection"))
        _log_pending(self._state)
        self.abort()

    def _give_up_on_handlers(self) -> None:
        state = self._state
        if not (state.connections.open or state.response_work.count):
            return
        _log.warning("cancelled but still running: %s", _unfinished(state, "handler"))
        _log_pending(state)
        state.connections.give_up()
        state.response_work.give_up()


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _unfinished(state: ServerState, noun: str) -> str:
    """Return the number of open connections, as a number of ``noun``, and of functions after responses."""
    connections, functions = len(state.connections.open), state.response_work.count
    counts = [_count(connections, noun)] if connections or not functions else []
    if functions:
        counts.append(_count(functions, "function") + " after responses")
    return " and ".join(counts)


def _log_pending(state: ServerState) -> None:
    connections, work = state.connections.open, state.response_work
    pending = chain((connection.description for connection in connections), work.pending())
    for description in islice(pending, _MAX_NAMED):
        _log.warning("still waiting for %s", description)
    if (number := len(connections) + work.count) > _MAX_NAMED:
        _log.warning("and for %d more", number - _MAX_NAMED)
