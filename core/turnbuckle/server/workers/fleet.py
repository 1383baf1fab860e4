"""Decide which workers to start, stop and replace.

Pure: the caller reports events with the time, and gets actions.

Theory of operation
===================

There is one slot for each worker that is to serve. A slot has a current worker, or waits for the time to start one.
While its worker is being replaced, the slot also has a successor. The successor is started first, and the current
worker is stopped once the successor serves. So a new worker that fails does no harm, and there are never fewer workers
than configured. Only one slot at a time is being replaced, whatever the reason.

Until all workers have served once, a worker that fails ends everything, because it would fail again. Later it counts as
a crash, and its slot starts another after a pause.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from typing import Final, final

from turnbuckle.server.workers.actions import Abort, Action, Exit, Kill, Log, Ready, Reloaded, Start, Stop
from turnbuckle.server.workers.settings import Workers
from turnbuckle.server.workers.slots import Backoff, WorkerPhase, WorkerSlot, WorkerState

__all__ = ["Fleet"]

# Seconds that an aborted worker may take to end; the server itself needs at most one.
_ABORT_SECONDS: Final = 5.0


@final
class Fleet:
    """The workers of one supervisor.

    Args:
        policy: number of workers, and when a worker is replaced.
        random: returns numbers from 0 to 1.
        abort_after: seconds after which a stopped worker is aborted; 0 leaves that to the worker's own timeout.
    """

    def __init__(self, policy: Workers, random: Callable[[], float], *, abort_after: float = 0.0) -> None:
        self._policy: Final = policy
        self._random: Final = random
        self._abort_after: Final = abort_after or math.inf
        self._slots: Final = [WorkerSlot(number, self._backoff()) for number in range(policy.processes)]
        self._workers: Final[dict[int, WorkerState]] = {}
        self._actions: list[Action] = []
        self._number = 0
        self._has_started = False
        self._is_stopping = False
        self._drained = Exit()
        # Slots whose workers a reload has not replaced yet.
        self._outdated: Final[set[int]] = set()
        self._is_reloading = False
        self._recycling: Final = self._backoff()
        self._recycle_at = 0.0

    # -- results for the supervisor

    def actions(self) -> list[Action]:
        """Return the actions to perform; each is returned once."""
        actions, self._actions = self._actions, []
        return actions

    def next_deadline(self) -> float:
        """Return the latest time for the next call of ``tick``."""
        return min(self._deadlines(), default=math.inf)

    # -- events reported by the supervisor

    def start(self, now: float) -> None:
        """Start all workers."""
        for slot in self._slots:
            self._spawn(slot, now)

    def stop(self, now: float) -> None:
        """Stop all workers once they have finished their requests; on the second call, abort the requests."""
        workers = list(self._workers.values())
        if self._is_stopping:
            for worker in workers:
                self._abort(worker, now)
        self._is_stopping = True
        for worker in workers:
            self._stop(worker, now)
        self._end_if_empty()

    def reload(self, now: float) -> None:
        """Replace all workers, one after another."""
        if self._is_stopping:
            return
        self._log(logging.INFO, "reloading")
        self._is_reloading = True
        self._outdated.update(slot.number for slot in self._slots)
        for slot in self._slots:
            successor, slot.successor = slot.successor, None
            if successor is not None:
                # It may have loaded code or settings that have changed since.
                self._stop(successor, now)
            if slot.current is None:
                slot.backoff.reset()
                slot.start_at = now
        self.tick(now)

    def ready(self, number: int, now: float) -> None:
        """Record that a worker serves."""
        worker = self._workers.get(number)
        if worker is None or worker.phase is not WorkerPhase.STARTING:
            return
        worker.phase = WorkerPhase.SERVING
        worker.since = worker.last_heard = now
        slot = self._slots[worker.slot]
        if slot.successor is worker:
            before, slot.current, slot.successor = slot.current, worker, None
            if before is not None:
                self._stop(before, now)
            self._recycling.reset()
        if not self._has_started and self._all_serve():
            self._has_started = True
            self._actions.append(Ready())
        self._continue_replacing(now)

    def heartbeat(self, number: int, now: float, *, requests: int, memory: int) -> None:
        """Record a sign of life from a worker's event loop.

        Args:
            number: of the worker.
            now: the time.
            requests: how many requests it has received.
            memory: bytes of its resident memory.
        """
        worker = self._workers.get(number)
        if worker is not None:
            worker.last_heard, worker.requests, worker.memory = now, requests, memory
            self._continue_replacing(now)

    def refused(self, number: int, reason: str) -> None:
        """Record why a worker cannot serve; it is about to end."""
        worker = self._workers.get(number)
        if worker is not None:
            worker.reason = reason

    def ended(self, number: int, now: float, *, ending: str, status: int) -> None:
        """Record that the process of a worker has ended.

        Args:
            number: of the worker.
            now: the time.
            ending: how it ended, in words, such as ``"exit status 1"``.
            status: its exit status.
        """
        worker = self._workers.pop(number, None)
        if worker is None:
            return
        slot = self._slots[worker.slot]
        if worker.phase is not WorkerPhase.STOPPING and not self._has_started:
            self._fail_start(worker, now, ending, status)
        elif slot.successor is worker:
            slot.successor = None
            if not self._is_stopping:
                self._keep_current(worker, now, ending)
        elif slot.current is worker:
            slot.current = None
            if not self._is_stopping:
                self._handle_crash(slot, worker, now, ending)
        self._end_if_empty()
        self._continue_replacing(now)

    def tick(self, now: float) -> None:
        """Do everything that is due."""
        for slot in self._slots:
            if slot.start_at <= now and slot.current is None and not self._is_stopping:
                self._spawn(slot, now)
        for worker in tuple(self._workers.values()):
            self._check_deadlines(worker, now)
        self._continue_replacing(now)

    # -- one worker

    def _spawn(self, slot: WorkerSlot, now: float) -> None:
        self._number += 1
        factor = 1 + self._policy.jitter * self._random()
        worker = WorkerState(
            number=self._number,
            slot=slot.number,
            since=now,
            last_heard=now,
            max_requests=(self._policy.max_requests or math.inf) * factor,
            max_age=(self._policy.max_age or math.inf) * factor,
            max_memory=(self._policy.max_memory or math.inf) * factor,
        )
        self._workers[worker.number] = worker
        slot.start_at = math.inf
        self._outdated.discard(slot.number)
        if slot.current is None:
            slot.current = worker
        else:
            slot.successor = worker
        self._actions.append(Start(worker.number, slot.number))

    def _stop(self, worker: WorkerState, now: float) -> None:
        if worker.phase is not WorkerPhase.STOPPING:
            worker.phase = WorkerPhase.STOPPING
            worker.last_heard = now
            worker.abort_at = now + self._abort_after
            self._actions.append(Stop(worker.number))

    def _abort(self, worker: WorkerState, now: float) -> None:
        worker.phase = WorkerPhase.STOPPING
        worker.abort_at = math.inf
        worker.kill_at = min(worker.kill_at, now + _ABORT_SECONDS)
        self._actions.append(Abort(worker.number))

    def _kill(self, worker: WorkerState) -> None:
        # From now on only the end of its process matters, which the supervisor will report.
        worker.abort_at = worker.kill_at = worker.last_heard = math.inf
        self._actions.append(Kill(worker.number))

    def _check_deadlines(self, worker: WorkerState, now: float) -> None:
        if worker.abort_at <= now:
            self._abort(worker, now)
        elif worker.kill_at <= now:
            self._kill(worker)
        elif self._silence_limit(worker) <= now:
            if worker.phase is WorkerPhase.STARTING:
                worker.reason = f"not serving within {self._policy.startup:g} s (workers.startup)"
            else:
                silence = f"has not answered for {self._policy.heartbeat:g} s (workers.heartbeat)"
                self._log(logging.ERROR, f"killing worker {worker.number}, which {silence}")
            self._kill(worker)

    def _silence_limit(self, worker: WorkerState) -> float:
        limit = self._policy.startup if worker.phase is WorkerPhase.STARTING else self._policy.heartbeat
        return worker.last_heard + (limit or math.inf)

    # -- one slot after its worker has ended

    def _fail_start(self, worker: WorkerState, now: float, ending: str, status: int) -> None:
        """Fail the start: the next worker would fail for the same reason."""
        if not self._drained.reason:
            reason = worker.reason or f"error: a worker ended with {ending} before it served"
            self._drained = Exit(reason, status or 1)
        self._is_stopping = True
        for other in self._workers.values():
            self._stop(other, now)
            other.abort_at = min(other.abort_at, now + _ABORT_SECONDS)

    def _keep_current(self, worker: WorkerState, now: float, ending: str) -> None:
        """Record that the current worker stays, because its successor failed."""
        self._recycle_at = now + self._recycling.pause()
        self._log_reason(worker)
        if self._is_reloading:
            self._outdated.clear()
            self._is_reloading = False
            text = f"reload failed, keeping the old workers: a new one ended with {ending}"
            self._log(logging.ERROR, text)
            self._actions.append(Reloaded("reload failed"))
        else:
            text = f"worker {worker.number}, which was to replace another, ended with {ending}"
            self._log(logging.ERROR, text)

    def _handle_crash(self, slot: WorkerSlot, worker: WorkerState, now: float, ending: str) -> None:
        if slot.successor is not None:
            slot.current, slot.successor = slot.successor, None
            self._log(logging.ERROR, f"worker {worker.number} ended with {ending} while it was being replaced")
            return
        lasted = now - worker.since if worker.phase is WorkerPhase.SERVING else 0.0
        pause = slot.backoff.pause(lasted)
        slot.start_at = now + pause
        self._log_reason(worker)
        self._log(logging.ERROR, f"worker {worker.number} ended with {ending}; starting another in {pause:g} s")

    def _continue_replacing(self, now: float) -> None:
        """Start the next replacement, unless one is in progress."""
        if self._is_stopping or not self._has_started or self._is_replacing():
            return
        if self._outdated:
            serving_slots = [slot for slot in self._slots if slot.number in self._outdated and slot.is_serving]
            if serving_slots:
                self._spawn(serving_slots[0], now)
            return
        if self._is_reloading:
            if self._all_serve():
                self._is_reloading = False
                self._log(logging.INFO, "reloaded")
                self._actions.append(Reloaded("reloaded"))
        elif now >= self._recycle_at:
            self._recycle(now)

    def _recycle(self, now: float) -> None:
        for slot in self._slots:
            worker = slot.current
            if worker is None or worker.phase is not WorkerPhase.SERVING:
                continue
            reason = worker.recycle_reason(now)
            if reason:
                self._log(logging.INFO, f"replacing worker {worker.number} after {reason}")
                self._spawn(slot, now)
                return

    # -- all of them

    def _all_serve(self) -> bool:
        return all(slot.is_serving for slot in self._slots)

    def _is_replacing(self) -> bool:
        return any(slot.successor is not None for slot in self._slots)

    def _end_if_empty(self) -> None:
        if self._is_stopping and not self._workers:
            self._actions.append(self._drained)

    def _deadlines(self) -> Iterator[float]:
        for worker in self._workers.values():
            yield min(worker.abort_at, worker.kill_at, self._silence_limit(worker))
        if self._is_stopping:
            return
        for slot in self._slots:
            yield slot.start_at
        # While a replacement is in progress, the ages of the other workers do not matter.
        if self._has_started and not self._is_reloading and not self._is_replacing():
            for worker in self._workers.values():
                if worker.phase is WorkerPhase.SERVING:
                    yield max(worker.since + worker.max_age, self._recycle_at)

    def _backoff(self) -> Backoff:
        return Backoff(self._policy.backoff, self._policy.longest_backoff, self._policy.healthy)

    def _log_reason(self, worker: WorkerState) -> None:
        for line in worker.reason.splitlines():
            self._log(logging.ERROR, f"worker {worker.number}: {line}")

    def _log(self, level: int, text: str) -> None:
        self._actions.append(Log(level, text))
