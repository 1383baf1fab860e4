"""Do what the fleet decides: start processes, hear what they say, pass on what signals ask for.

One thread and one selector. The supervisor holds the listening sockets, so that they stay open while workers come and
go; it neither accepts connections nor imports the application, so that there is little in it that could fail.

SIGTERM and SIGINT stop, a second one does not wait; SIGHUP reloads; SIGUSR2 starts another supervisor beside this one,
and stops this one when that one is ready.
"""

from __future__ import annotations

import logging
import math
import os
import random
import selectors
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final, final

import attrs

from turnbuckle.server.listen.addresses import Listener
from turnbuckle.server.logs.setup import configured_logging
from turnbuckle.server.run.readiness import Readiness
from turnbuckle.server.run.sd_notify import Notifier
from turnbuckle.server.workers.actions import Abort, Action, Finished, Kill, Log, Ready, Reloaded, Start, Stop
from turnbuckle.server.workers.fleet import Fleet
from turnbuckle.server.workers.hot_restart import Successor, notify_ready
from turnbuckle.server.workers.process import WorkerProcess
from turnbuckle.server.workers.process_env import SupervisorConfig, WorkerEnvironment, python_command
from turnbuckle.server.workers.reloader import watching
from turnbuckle.server.workers.settings import Workers
from turnbuckle.server.workers.sockets import worker_listeners

__all__ = ["Supervisor", "SupervisorParts", "run_supervisor"]

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2, signal.SIGCHLD)
# Seconds between two signs of life of a worker, and the share of the limit where that is shorter.
_BEAT: Final = 1.0
_BEATS: Final = 4
# Seconds that the requests of an old worker have while somebody waits for what the new code does.
_IMPATIENCE: Final = 2.0
# Seconds that the supervisor sleeps at most.
_LONGEST: Final = 60.0
# The exit status of a process that could not be started.
_NOT_STARTED: Final = 1

_log: Final = logging.getLogger("turnbuckle.server")


@attrs.frozen(kw_only=True)
class SupervisorParts:
    """What a supervisor works with.

    Attributes:
        command: starts a worker.
        policy: how many there are, and when one is replaced.
        listeners: for each worker in turn, those that it listens on; all share the first if there is one alone.
        readiness: how the outside is told.
        abort_after: seconds after which a worker that was told to stop is cut off; 0 leaves it to the worker.
        on_ready: told once all workers serve.
    """

    command: Sequence[str]
    policy: Workers
    listeners: Sequence[Sequence[Listener]]
    readiness: Readiness
    abort_after: float = 0.0
    on_ready: Sequence[Callable[[], None]] = ()


@final
class Supervisor:
    """Runs the workers of one service."""

    def __init__(self, parts: SupervisorParts) -> None:
        self._parts: Final = parts
        self._fleet: Final = Fleet(parts.policy, random.random, abort_after=parts.abort_after)
        self._processes: Final[dict[int, WorkerProcess]] = {}
        self._asked: Final[deque[Callable[[float], None]]] = deque()
        self._selector: Final = selectors.DefaultSelector()
        self._wake_up, self._woken = socket.socketpair()
        self._wake_up.setblocking(False)
        self._woken.setblocking(False)
        self._listeners: Sequence[Sequence[Listener]] = parts.listeners
        self._successor: Successor | None = None
        self._has_handed_over = False
        self._end: Finished | None = None
        self._watchdog_at = math.inf

    def run(self) -> Finished:
        """Serve until told to stop, and return how that ended."""
        _log.info("supervisor %d begins with %d workers", os.getpid(), self._parts.policy.processes)
        with self._selector, self._wake_up, self._woken, self._signals():
            self._selector.register(self._woken, selectors.EVENT_READ)
            self._fleet.start(time.monotonic())
            while True:
                self._perform_actions()
                if self._end is not None:
                    return self._end
                self._wait()
                self._turn(time.monotonic())

    def request_reload(self) -> None:
        """Replace all workers; may be called from any thread."""
        self._asked.append(self._reload)
        self._wake_up.send(b"\0")

    # -- one turn

    def _wait(self) -> None:
        due = min(self._fleet.due(), self._watchdog_at) - time.monotonic()
        for key, _ in self._selector.select(max(0.0, min(due, _LONGEST))):
            if key.fileobj is self._woken:
                self._woken.recv(4096)

    def _turn(self, now: float) -> None:
        while self._asked:
            self._asked.popleft()(now)
        for number, process in list(self._processes.items()):
            # First how it ended, then what it said: so nothing that it said before its end is missed.
            status = process.status
            self._hear(number, process, now)
            if status is not None:
                self._bury(number, process, now, status)
        if self._successor is not None:
            self._follow(self._successor, now)
        if now >= self._watchdog_at:
            self._parts.readiness.alive()
            self._watchdog_at = now + self._parts.readiness.notifier.watchdog / 2
        self._fleet.tick(now)

    def _hear(self, number: int, process: WorkerProcess, now: float) -> None:
        if not process.channel.is_open():
            return
        for message in process.receive():
            if "ready" in message:
                _log.info("worker %d (process %d) serves", number, process.pid)
                self._fleet.ready(number, now)
            elif "refused" in message:
                self._fleet.refused(number, str(message["refused"]))
            else:
                requests, memory = message.get("requests"), message.get("memory")
                self._fleet.heard(number, now, requests=_number(requests), memory=_number(memory))
        if not process.channel.is_open():
            # Or select() would tell the end of it for ever; that of the process follows.
            self._selector.unregister(process.channel)

    def _bury(self, number: int, process: WorkerProcess, now: float, status: int) -> None:
        del self._processes[number]
        if process.channel.is_open():
            self._selector.unregister(process.channel)
        process.channel.close()
        self._fleet.gone(number, now, ending=process.ending, status=status)

    # -- what is asked for

    def _stop(self, now: float) -> None:
        _log.info("stopping")
        if not self._has_handed_over:
            self._parts.readiness.stopping()
        self._close_listeners()
        self._fleet.stop(now)

    def _reload(self, now: float) -> None:
        self._parts.readiness.reloading()
        self._fleet.reload(now)

    def _start_successor(self, now: float) -> None:
        if self._successor is not None:
            _log.warning("another supervisor is starting already")
            return
        sets = [[listener.socket.fileno() for listener in each] for each in self._listeners]
        environ = {**os.environ, **self._parts.readiness.notifier.variables()}
        try:
            self._successor = Successor(self._parts.command, environ, sets)
        except OSError as error:
            _log.error("cannot start another supervisor: %s", error.strerror)
            return
        _log.info("started another supervisor: process %d", self._successor.pid)
        self._selector.register(self._successor, selectors.EVENT_READ)

    def _follow(self, successor: Successor, now: float) -> None:
        """Stop when the successor is ready; go on without it when it is gone."""
        successor.look()
        if successor.is_ready:
            _log.info("process %d is ready and takes over", successor.pid)
            self._hand_over(successor)
            self._stop(now)
        elif successor.is_gone:
            _log.error("the other supervisor did not start; this one goes on")
            self._forget(successor)

    def _hand_over(self, successor: Successor) -> None:
        self._parts.readiness.notifier.tell(f"MAINPID={successor.pid}")
        self._has_handed_over = True
        # The file of a Unix socket belongs to the successor now.
        self._listeners = [[attrs.evolve(each, inode=None) for each in some] for some in self._listeners]
        self._forget(successor)

    def _forget(self, successor: Successor) -> None:
        self._selector.unregister(successor)
        successor.close()
        self._successor = None

    # -- what the fleet decides

    def _perform_actions(self) -> None:
        for action in self._fleet.actions():
            self._perform(action)

    def _perform(self, action: Action) -> None:
        match action:
            case Start(number, slot):
                self._start(number, slot)
            case Stop(number):
                self._processes[number].stop()
            case Abort(number):
                self._processes[number].abort()
            case Kill(number):
                self._processes[number].kill()
            case Log(level, text):
                _log.log(level, "%s", text)
            case Ready():
                self._tell_ready()
            case Reloaded(text):
                self._parts.readiness.reloaded(text)
            case Finished():
                self._close_listeners()
                self._end = action
                if not action.reason:
                    _log.info("stopped")

    def _start(self, number: int, slot: int) -> None:
        policy, sets = self._parts.policy, self._listeners
        listeners = sets[slot % len(sets)]
        place = WorkerEnvironment(
            channel=-1,
            fds=tuple(listener.socket.fileno() for listener in listeners),
            beat=min(_BEAT, (policy.heartbeat or math.inf) / _BEATS),
            counts_requests=bool(policy.max_requests),
            tells_memory=bool(policy.max_memory),
        )
        try:
            process = WorkerProcess(self._parts.command, os.environ, place)
        except OSError as error:
            self._fleet.refused(number, f"error: cannot start a process: {error.strerror}")
            self._fleet.gone(number, time.monotonic(), ending="no process", status=_NOT_STARTED)
            return
        self._processes[number] = process
        self._selector.register(process.channel, selectors.EVENT_READ)

    def _tell_ready(self) -> None:
        readiness = self._parts.readiness
        readiness.ready([listener.address for listener in self._listeners[0]])
        if readiness.notifier.watchdog:
            self._watchdog_at = time.monotonic()
        for callback in self._parts.on_ready:
            callback()

    def _close_listeners(self) -> None:
        for listeners in self._listeners:
            for listener in listeners:
                listener.close()

    # -- signals

    @contextmanager
    def _signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        wake_up = signal.set_wakeup_fd(self._wake_up.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wake_up)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame: object) -> None:
        match number:
            case signal.SIGTERM | signal.SIGINT:
                self._asked.append(self._stop)
            case signal.SIGHUP:
                self._asked.append(self._reload)
            case signal.SIGUSR2:
                self._asked.append(self._start_successor)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def run_supervisor(config: SupervisorConfig) -> Finished:
    """Serve with workers until told to stop, and return how that ended.

    Raises:
        ListenError: a socket cannot be listened on.
        TurnbuckleError: the ready file cannot be written.
    """
    with configured_logging(config.log):
        supervisor = Supervisor(_parts(config))
        with watching(config.watched, supervisor.request_reload):
            return supervisor.run()


def _parts(config: SupervisorConfig) -> SupervisorParts:
    readiness = Readiness(config.ready_file, Notifier.take_from(os.environ))
    return SupervisorParts(
        command=python_command(),
        policy=config.workers,
        listeners=worker_listeners(config),
        readiness=readiness,
        abort_after=_IMPATIENCE if config.watched is not None else 0.0,
        on_ready=() if config.successor is None else (partial(notify_ready, config.successor.pipe),),
    )
