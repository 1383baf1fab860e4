"""Run a second parser beside the first one on some connections, and log where the two disagree.

Theory of operation. Whether a connection is shadowed is drawn when its parser is made. A connection that is not drawn
gets the plain parser and costs nothing. On a shadowed connection, bytes and events are put into a queue; a separate
thread reads the queue and asks the shadow. A shadow may therefore raise, be slow, or hang without delaying any request.
The queue is bounded. When it is full, new connections are not shadowed; a shadow that hangs thus ends the shadowing
for good.

At most one line is logged for each connection, and at most a few lines a minute for all of them; the counts go on.
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

from turnbuckle import Data, Event, Limits, NeedData, Parser, ParserFactory, ProtocolError
from turnbuckle_plugins.shadow_parser.comparison import Disagreement, ParserResult, ShadowReader

__all__ = ["ShadowCounts", "ShadowParserFactory"]

_log: Final = logging.getLogger("turnbuckle.shadow")

# Bytes that may wait in the queue, and how many bytes each note counts for besides its data.
_MAX_WAITING: Final = 8 * 1024 * 1024
_NOTE_SIZE: Final = 256
# At most so many log lines in so many seconds.
_MAX_LINES: Final = 10
_PERIOD: Final = 60.0

_Kind: TypeAlias = Literal["fed", "saw", "end", "mark"]


@final
@attrs.define
class ShadowCounts:
    """The counts of the shadow in one process.

    Attributes:
        connections: connections that were shadowed.
        requests: requests that were the same for both parsers.
        disagreements: connections on which the two parsers disagreed.
        failures: connections on which the shadow raised an exception other than ``ProtocolError``.
        skipped: connections that were drawn but not shadowed, because the shadow did not keep up.
    """

    connections: int = 0
    requests: int = 0
    disagreements: int = 0
    failures: int = 0
    skipped: int = 0


@final
class ShadowParserFactory:
    """Make the parsers of a server that has a shadow parser.

    Args:
        first: makes the parsers that decide.
        second: makes the parsers that are compared with them.
        name: name of the second parser, for the log.
        sample: the share of connections that are shadowed, from 0 to 1.
        draw: returns a number from 0 up to 1 for each connection.
        monotonic: returns seconds, to limit the rate of log lines.

    Attributes:
        counts: the counts so far.
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
        self._queued = 0
        self._done = 0
        self._lines = 0
        self._period_began = 0.0
        self.counts: Final = ShadowCounts()

    def __call__(self, limits: Limits) -> Parser:
        """Return the parser of one connection, shadowed or not."""
        parser = self._first(limits)
        if self._draw() >= self._sample:
            return parser
        if self.waiting > _MAX_WAITING:
            self.counts.skipped += 1
            return parser
        return _ShadowedParser(parser, self._follow(limits), self)

    @property
    def waiting(self) -> int:
        """The size of the queue, in bytes."""
        return self._queued - self._done

    def note(self, follower: _Follower, kind: _Kind, value: object, length: int = 0) -> bool:
        """Put a note into the queue; return False if the queue is full."""
        if self.waiting > _MAX_WAITING:
            return False
        self._queued += length + _NOTE_SIZE
        self._queue.put((follower, kind, value))
        return True

    def flush(self, seconds: float = 5.0) -> bool:
        """Wait until the thread has read all notes so far; return False on a timeout. Blocks the caller."""
        was_read = threading.Event()
        self._queue.put((_Follower(self._second, Limits(), is_over=True), "mark", was_read))
        return was_read.wait(seconds)

    def _follow(self, limits: Limits) -> _Follower:
        self.counts.connections += 1
        if self._thread is None or not self._thread.is_alive():
            # Started here and not at startup: a fork has none of the threads of its parent.
            self._thread = threading.Thread(target=self._read_notes, name="turnbuckle-shadow", daemon=True)
            self._thread.start()
        return _Follower(self._second, limits)

    # -- in the thread

    def _read_notes(self) -> None:
        while True:
            follower, kind, value = self._queue.get()
            if isinstance(value, threading.Event):
                value.set()
                continue
            try:
                self._read(follower, kind, value)
            except Exception as error:  # noqa: BLE001  # a shadow may raise anything
                follower.reader = None
                follower.is_over = True
                self.counts.failures += 1
                self._warn("the parser %r failed as a shadow: %s", self._name, _brief(error))
            finally:
                self._done += (len(value) if isinstance(value, bytes) else _size_of(value)) + _NOTE_SIZE

    def _read(self, follower: _Follower, kind: _Kind, value: object) -> None:
        if follower.is_over:
            return
        reader = follower.reader
        if reader is None:
            reader = follower.reader = ShadowReader(follower.factory(follower.limits))
        if kind == "fed":
            reader.feed(value)  # type: ignore[arg-type]  # bytes, for this kind
        elif kind == "end":
            reader.feed_eof()
        else:
            before = reader.requests
            difference = reader.follow(value)  # type: ignore[arg-type]  # a result of the first parser, for this kind
            self.counts.requests += reader.requests - before
            if difference is not None:
                self._disagree(follower, difference)

    def _disagree(self, follower: _Follower, difference: Disagreement) -> None:
        follower.is_over, follower.reader = True, None
        counts = self.counts
        counts.disagreements += 1
        self._warn(
            "the parser %r disagrees as a shadow (%d of %d connections): served was %s; it saw %s",
            self._name,
            counts.disagreements,
            counts.connections,
            difference.expected,
            difference.found,
        )

    def _warn(self, message: str, *arguments: object) -> None:
        now = self._monotonic()
        if now - self._period_began >= _PERIOD:
            self._period_began, self._lines = now, 0
        self._lines += 1
        if self._lines <= _MAX_LINES:
            _log.warning(message, *arguments)


@final
@attrs.define(eq=False)
class _Follower:
    """The thread's state of one connection. The thread makes the reader, because making it may fail or hang."""

    factory: ParserFactory
    limits: Limits
    reader: ShadowReader | None = None
    is_over: bool = False


@final
class _ShadowedParser:
    """A parser that notes its input and its results for the shadow."""

    __slots__ = ("_factory", "_follower", "_is_waiting", "_parser")

    def __init__(self, parser: Parser, follower: _Follower, factory: ShadowParserFactory) -> None:
        self._parser: Final = parser
        self._factory: Final = factory
        self._follower: _Follower | None = follower
        self._is_waiting = False

    def feed(self, data: bytes, /) -> None:
        """Feed bytes to the parser, and note them."""
        self._parser.feed(data)
        self._note("fed", bytes(data), len(data))
        self._is_waiting = False

    def feed_eof(self) -> None:
        """Pass on the end of input, and note it."""
        self._parser.feed_eof()
        self._note("end", None)
        self._is_waiting = False

    def next_event(self) -> Event | Literal[NeedData.NEED_DATA]:
        """Return the parser's next event, and note it.

        Raises:
            ProtocolError: raised by the parser.
        """
        try:
            event = self._parser.next_event()
        except ProtocolError as error:
            self._note("saw", error)
            # The error is final: each later call raises it again.
            self._follower = None
            raise
        if event is not NeedData.NEED_DATA:
            self._is_waiting = False
            self._note("saw", event, _size_of(event))
        elif not self._is_waiting:
            self._is_waiting = True
            self._note("saw", event)
        return event

    def trailing_data(self) -> bytes:
        """Return the bytes that the parser did not consume. The shadow does not follow the next protocol."""
        trailing = self._parser.trailing_data()
        if trailing:
            self._follower = None
        return trailing

    def _note(self, kind: _Kind, value: ParserResult | bytes | None, length: int = 0) -> None:
        follower = self._follower
        if follower is None:
            return
        if follower.is_over or not self._factory.note(follower, kind, value, length):
            self._follower = None


def _size_of(value: object) -> int:
    return len(value.data) if isinstance(value, Data) else 0


def _brief(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:200]!r}"
