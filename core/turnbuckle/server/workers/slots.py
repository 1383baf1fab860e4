"""Records of the fleet: one slot for each worker that is to serve, the state of a worker, the pauses between starts."""

from __future__ import annotations

import enum
import math
from typing import Final, final

import attrs

__all__ = ["Backoff", "WorkerPhase", "WorkerSlot", "WorkerState"]


class WorkerPhase(enum.Enum):
    """The part of its life that a worker is in."""

    STARTING = "starting"
    SERVING = "serving"
    STOPPING = "stopping"


@final
class Backoff:
    """Pauses between attempts, each twice as long as the one before.

    Args:
        first: seconds of the first pause.
        longest: seconds of the longest pause.
        healthy: seconds of success after which the next pause is the first one again; 0 for never.
    """

    def __init__(self, first: float, longest: float, healthy: float) -> None:
        self._first: Final = first
        self._longest: Final = longest
        self._healthy: Final = healthy
        self._next = first

    def pause(self, lasted: float = 0.0) -> float:
        """Return the seconds to wait after a failure.

        Args:
            lasted: seconds that the attempt was successful before it failed.
        """
        if lasted >= self._healthy > 0:
            self.reset()
        pause = min(self._next, self._longest)
        self._next = min(2 * self._next, self._longest)
        return pause

    def reset(self) -> None:
        """Start again with the first pause."""
        self._next = self._first


@final
@attrs.define(kw_only=True, eq=False)
class WorkerState:
    """One worker.

    Attributes:
        number: of the worker; no other worker gets the same.
        slot: number of its slot.
        since: when it was started, then when it began to serve.
        last_heard: when its last message arrived, or when its phase changed.
        max_requests: requests after which it is replaced.
        max_age: seconds of serving after which it is replaced.
        max_memory: bytes of resident memory above which it is replaced.
        phase: starting, serving or stopping.
        requests: how many requests it has received.
        memory: bytes of its resident memory.
        reason: why it cannot serve, as it reported; "" if it reported nothing.
        abort_at: when its requests are aborted.
        kill_at: when its process is killed.
    """

    number: int
    slot: int
    since: float
    last_heard: float
    max_requests: float
    max_age: float
    max_memory: float
    phase: WorkerPhase = WorkerPhase.STARTING
    requests: int = 0
    memory: int = 0
    reason: str = ""
    abort_at: float = math.inf
    kill_at: float = math.inf

    def recycle_reason(self, now: float) -> str:
        """Return which limit of use the worker has reached, in words; "" if none."""
        if self.requests >= self.max_requests:
            return f"{self.requests} requests"
        if now - self.since >= self.max_age:
            return f"{now - self.since:.0f} s"
        if self.memory >= self.max_memory:
            return f"growing to {self.memory} bytes"
        return ""


@final
@attrs.define(eq=False)
class WorkerSlot:
    """The place of one worker.

    Attributes:
        number: of the slot, from 0.
        backoff: pauses before a worker that crashed is replaced.
        current: the worker of the slot; None between a crash and the next start.
        successor: the worker that is to replace it; None while none is starting.
        start_at: when to start a worker, while there is none.
    """

    number: int
    backoff: Backoff
    current: WorkerState | None = None
    successor: WorkerState | None = None
    start_at: float = math.inf

    @property
    def is_serving(self) -> bool:
        """Whether its current worker serves."""
        return self.current is not None and self.current.phase is WorkerPhase.SERVING
