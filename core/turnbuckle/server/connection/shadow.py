"""Run a second parser beside the first one on some connections, and log where the two disagree.

Theory of operation. Whether a connection is shadowed is drawn when its parser is made; one that is not has the parser
that it would have without a shadow, and costs nothing. On one that is, octets and events are noted in a queue, and a
thread of its own reads them and asks the shadow. So a shadow may raise, be slow, or never come back: it holds up
nobody. What waits in the queue is bounded; beyond the bound connections go unshadowed, which with a shadow that hangs
means all of them, for good.

Each connection is logged once at most, and all of them together a few times a minute; the counts go on.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final, Literal, TypeAlias, final

import attrs

from turnbuckle.errors import ProtocolError
from turnbuckle.http.events import Data, Event, NeedData, Parser, ParserFactory
from turnbuckle.http.limits import Limits
from turnbuckle.http.shadow import Disagreement, Saw, ShadowReader

__all__ = ["Shadow", "ShadowCounts"]

_log: Final = logging.getLogger("turnbuckle.shadow")

# Octets that may wait for the thread, each note counting for some, too.
_BOUND: Final = 8 * 1024 * 1024
_NOTE: Final = 256
# So many lines in so many seconds.
_MAX_LINES: Final = 10
_PERIOD: Final = 60.0

_Kind: TypeAlias = Literal["fed", "saw", "end", "mark"]


@final
@attrs.define
class ShadowCounts:
    """What the shadow of one process has seen.

    Attributes:
        connections: that were shadowed.
        requests: that were the same to both parsers.
        disagreements: connections on which the two disagreed.
        failures: connections on which the shadow raised what a parser must not.
        skipped: connections that were drawn, but not shadowed, as the shadow did not keep up.
    """

    connections: int = 0
    requests: int = 0
    disagreements: int = 0
    failures: int = 0
    skipped: int = 0


@final
class Shadow:
    """Makes the parsers of a server that has a shadow parser.

    Args:
        first: makes the parsers whose word counts.
        second: makes those that are compared with them.
        name: of the second one, for the log.
        sample: the share of connections that are shadowed, from 0 to 1.
        draw: returns a number from 0 up to 1 for each connection.
        monotonic: returns seconds, to log in moderation.

    Attributes:
        counts: what was seen so far.
    """

    def __init__(
        self,
        first: ParserFactory,
        second: ParserFactory,
        *,
        name: str,
        sample: float,
        draw: Callable[[], float] = random.random,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._first: Final = first
        self._second: Final = second
        self._name: Final = name
        self._sample: Final = sample
        self._draw: Final = draw
        self._monotonic: Final = monotonic
        self._queue: SimpleQueue[tuple[_Follower, _Kind, object]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._noted = 0
        self._done = 0
        self._lines = 0
        self._period_began = 0.0
        self.counts: Final = ShadowCounts()

    def __call__(self, limits: Limits) -> Parser:
        """Return the parser of one connection, shadowed or not."""
        parser = self._first(limits)
        if self._draw() >= self._sample:
            return parser
        if self.waiting > _BOUND:
            self.counts.skipped += 1
            return parser
        return _Shadowed(parser, self._follow(limits), self)

    @property
    def waiting(self) -> int:
        """How much waits for the thread, in octets."""
        return self._noted - self._done

    def note(self, follower: _Follower, kind: _Kind, what: object, octets: int = 0) -> bool:
        """Leave a note for the thread; return whether there was room for it."""
        if self.waiting > _BOUND:
            return False
        self._noted += octets + _NOTE
        self._queue.put((follower, kind, what))
        return True

    def flush(self, seconds: float = 5.0) -> bool:
        """Wait until all that was noted so far was read; return whether it was, in time. Blocks the caller."""
        read = threading.Event()
        self._queue.put((_Follower(self._second, Limits(), is_over=True), "mark", read))
        return read.wait(seconds)

    def _follow(self, limits: Limits) -> _Follower:
        self.counts.connections += 1
        if self._thread is None or not self._thread.is_alive():
            # Begun here and not at start: a process that forks workers has none of their threads.
            self._thread = threading.Thread(target=self._read_notes, name="turnbuckle-shadow", daemon=True)
            self._thread.start()
        return _Follower(self._second, limits)

    # -- in the thread

    def _read_notes(self) -> None:
        while True:
            follower, kind, what = self._queue.get()
            if isinstance(what, threading.Event):
                what.set()
                continue
            try:
                self._read(follower, kind, what)
            except Exception as error:  # noqa: BLE001  # a shadow may raise anything
                follower.reader = None
                follower.is_over = True
                self.counts.failures += 1
                self._tell("the parser %r failed as a shadow: %s", self._name, _brief(error))
            finally:
                self._done += (len(what) if isinstance(what, bytes) else _size_of(what)) + _NOTE

    def _read(self, follower: _Follower, kind: _Kind, what: object) -> None:
        if follower.is_over:
            return
        reader = follower.reader
        if reader is None:
            reader = follower.reader = ShadowReader(follower.factory(follower.limits))
        if kind == "fed":
            reader.feed(what)  # type: ignore[arg-type]  # octets, of this kind
        elif kind == "end":
            reader.feed_eof()
        else:
            before = reader.requests
            difference = reader.follow(what)  # type: ignore[arg-type]  # what the first parser saw
            self.counts.requests += reader.requests - before
            if difference is not None:
                self._disagree(follower, difference)

    def _disagree(self, follower: _Follower, difference: Disagreement) -> None:
        follower.is_over, follower.reader = True, None
        counts = self.counts
        counts.disagreements += 1
        self._tell(
            "the parser %r disagrees as a shadow (%d of %d connections): served was %s; it saw %s",
            self._name,
            counts.disagreements,
            counts.connections,
            difference.expected,
            difference.found,
        )

    def _tell(self, message: str, *arguments: object) -> None:
        now = self._monotonic()
        if now - self._period_began >= _PERIOD:
            self._period_began, self._lines = now, 0
        self._lines += 1
        if self._lines <= _MAX_LINES:
            _log.warning(message, *arguments)


@final
@attrs.define(eq=False)
class _Follower:
    """One connection, as the thread knows it; its reader is made there, so that even making one harms nobody."""

    factory: ParserFactory
    limits: Limits
    reader: ShadowReader | None = None
    is_over: bool = False


@final
class _Shadowed:
    """A parser that notes what it was fed and what it has seen."""

    __slots__ = ("_follower", "_is_silent", "_parser", "_shadow")

    def __init__(self, parser: Parser, follower: _Follower, shadow: Shadow) -> None:
        self._parser: Final = parser
        self._shadow: Final = shadow
        self._follower: _Follower | None = follower
        self._is_silent = False

    def feed(self, data: bytes, /) -> None:
        """Pass octets on, and note them."""
        self._parser.feed(data)
        self._note("fed", bytes(data), len(data))
        self._is_silent = False

    def feed_eof(self) -> None:
        """Pass the end of input on, and note it."""
        self._parser.feed_eof()
        self._note("end", None)
        self._is_silent = False

    def next_event(self) -> Event | Literal[NeedData.NEED_DATA]:
        """Return the parser's next event, and note it.

        Raises:
            ProtocolError: the parser's own.
        """
        try:
            event = self._parser.next_event()
        except ProtocolError as error:
            self._note("saw", error)
            # An error is final, and told again at every call.
            self._follower = None
            raise
        if event is not NeedData.NEED_DATA:
            self._is_silent = False
            self._note("saw", event, _size_of(event))
        elif not self._is_silent:
            self._is_silent = True
            self._note("saw", event)
        return event

    def trailing_data(self) -> bytes:
        """Return what the parser did not consume; another protocol is nothing for a shadow."""
        octets = self._parser.trailing_data()
        if octets:
            self._follower = None
        return octets

    def _note(self, kind: _Kind, what: Saw | bytes | None, octets: int = 0) -> None:
        follower = self._follower
        if follower is None:
            return
        if follower.is_over or not self._shadow.note(follower, kind, what, octets):
            self._follower = None


def _size_of(what: object) -> int:
    return len(what.data) if isinstance(what, Data) else 0


def _brief(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:200]!r}"
