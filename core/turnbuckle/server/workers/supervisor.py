"""Perform the actions of the fleet: start processes, read their messages, handle signals.

One thread and one selector. The supervisor keeps the listening sockets open while workers come and go. It neither
accepts connections nor imports the application, so little in it can fail.

SIGTERM and SIGINT stop it, and a second one aborts open requests. SIGHUP reloads. SIGUSR2 starts another supervisor
beside this one, which stops when the other is ready.
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
from turnbuckle.server.workers.actions import Abort, Action, Exit, Kill, Log, Ready, Reloaded, Start, Stop
from turnbuckle.server.workers.fleet import Fleet
from turnbuckle.server.workers.hot_restart import Successor, notify_ready
from turnbuckle.server.workers.process import WorkerProcess, unblock_signals
from turnbuckle.server.workers.process_env import SupervisorConfig, WorkerEnvironment, python_command
from turnbuckle.server.workers.reloader import watching
from turnbuckle.server.workers.settings import Workers
from turnbuckle.server.workers.sockets import worker_listeners

__all__ = ["Supervisor", "SupervisorParts", "run_supervisor"]

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2, signal.SIGCHLD)
# Seconds between two signs of life of a worker; a quarter of ``workers.heartbeat`` if that is less.
_HEARTBEAT_INTERVAL: Final = 1.0
_HEARTBEATS_PER_LIMIT: Final = 4
# Seconds that the requests of an old worker may take during development, while the developer waits for the new code.
_RELOAD_ABORT_SECONDS: Final = 2.0
# Maximum seconds that the supervisor sleeps.
_MAX_SLEEP: Final = 60.0
# The exit status of a process that could not be started.
_NOT_STARTED: Final = 1

_log: Final = logging.getLogger("turnbuckle.server")


@attrs.frozen(kw_only=True)
class SupervisorParts:
    """The parts of a supervisor.

    Attributes:
        command: starts a worker.
        policy: number of workers, and when a worker is replaced.
        listeners: the listeners of each worker in turn; with one set, all workers share it.
        readiness: reports the state of the service to other programs.
        abort_after: seconds after which a stopped worker is aborted; 0 leaves that to the worker's own timeout.
        on_ready: called once all workers serve.
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
        self._pending_calls: Final[deque[Callable[[float], None]]] = deque()
        self._selector: Final = selectors.DefaultSelector()
        self._wake_up, self._woken = socket.socketpair()
        self._wake_up.setblocking(False)
        self._woken.setblocking(False)
        self._listeners: Sequence[Sequence[Listener]] = parts.listeners
        self._successor: Successor | None = None
        self._was_ready = False
        self._has_handed_over = False
        self._end: Exit | None = None
        self._watchdog_at = math.inf

    def run(self) -> Exit:
        """Serve until stopped; return how that ended."""
        _log.info("supervisor %d starts %d workers", os.getpid(), self._parts.policy.processes)
        with self._selector, self._wake_up, self._woken, self._signals():
            self._selector.register(self._woken, selectors.EVENT_READ)
            self._fleet.start(time.monotonic())
            while True:
                self._perform_actions()
                if self._end is not None:
                    return self._end
                self._wait()
                self._handle_events(time.monotonic())

    def request_reload(self) -> None:
        """Replace all workers; may be called from any thread."""
        self._pending_calls.append(self._reload)
        self._wake_up.send(b"\0")

    # -- one turn

    def _wait(self) -> None:
        due = min(self._fleet.next_deadline(), self._watchdog_at) - time.monotonic()
        for key, _ in self._selector.select(max(0.0, min(due, _MAX_SLEEP))):
            if key.fileobj is self._woken:
                self._woken.recv(4096)

    def _handle_events(self, now: float) -> None:
        while self._pending_calls:
            self._pending_calls.popleft()(now)
        for number, process in list(self._processes.items()):
            # Check the exit status first, then read messages, so that no message sent before the end is missed.
            status = process.status
            self._read_messages(number, process, now)
            if status is not None:
                self._remove(number, process, now, status)
        if self._successor is not None:
            self._check_successor(self._successor, now)
        if now >= self._watchdog_at:
            self._parts.readiness.alive()
            self._watchdog_at = now + self._parts.readiness.notifier.watchdog / 2
        self._fleet.tick(now)

    def _read_messages(self, number: int, process: WorkerProcess, now: float) -> None:
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
                self._fleet.heartbeat(number, now, requests=_as_number(requests), memory=_as_number(memory))
        if not process.channel.is_open():
            # Otherwise select() would report its end for ever. The end of the process follows.
            self._selector.unregister(process.channel)

    def _remove(self, number: int, process: WorkerProcess, now: float, status: int) -> None:
        del self._processes[number]
        if process.channel.is_open():
            self._selector.unregister(process.channel)
        process.channel.close()
        self._fleet.ended(number, now, ending=process.ending, status=status)

    # -- requests from signals and the file watcher

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
            _log.warning("another supervisor is already starting")
            return
        environ = {**os.environ, **self._parts.readiness.notifier.variables()}
        try:
            self._successor = Successor(self._parts.command, environ, self._listeners)
        except OSError as error:
            _log.error("cannot start another supervisor: %s", error.strerror)
            return
        _log.info("started another supervisor: process %d", self._successor.pid)
        self._selector.register(self._successor, selectors.EVENT_READ)

    def _check_successor(self, successor: Successor, now: float) -> None:
        """Stop if the successor is ready; carry on without it if it is gone."""
        successor.update()
        if successor.is_ready:
            _log.info("process %d is ready and takes over", successor.pid)
            self._hand_over(successor)
            self._stop(now)
        elif successor.is_gone:
            _log.error("the other supervisor failed to start; this one carries on")
            self._close_successor(successor)

    def _hand_over(self, successor: Successor) -> None:
        self._parts.readiness.notifier.notify(f"MAINPID={successor.pid}")
        self._has_handed_over = True
        # A Unix socket's file belongs to the successor now.
        self._listeners = [
            [attrs.evolve(listener, inode=None) for listener in listeners] for listeners in self._listeners
        ]
        self._close_successor(successor)

    def _close_successor(self, successor: Successor) -> None:
        self._selector.unregister(successor)
        successor.close()
        self._successor = None

    # -- actions of the fleet

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
                self._report_ready()
            case Reloaded(text):
                self._parts.readiness.reloaded(text)
            case Exit():
                self._close_listeners()
                self._end = action
                if not action.reason:
                    _log.info("stopped")

    def _start(self, number: int, slot: int) -> None:
        policy, sets = self._parts.policy, self._listeners
        listeners = sets[slot % len(sets)]
        environment = WorkerEnvironment(
            channel=-1,
            fds=tuple(listener.socket.fileno() for listener in listeners),
            heartbeat_interval=min(_HEARTBEAT_INTERVAL, (policy.heartbeat or math.inf) / _HEARTBEATS_PER_LIMIT),
            counts_requests=bool(policy.max_requests),
            reports_memory=bool(policy.max_memory),
        )
        try:
            process = WorkerProcess(self._parts.command, os.environ, environment)
        except OSError as error:
            self._fleet.refused(number, f"error: cannot start a process: {error.strerror}")
            self._fleet.ended(number, time.monotonic(), ending="no process", status=_NOT_STARTED)
            return
        self._processes[number] = process
        self._selector.register(process.channel, selectors.EVENT_READ)

    def _report_ready(self) -> None:
        self._was_ready = True
        readiness = self._parts.readiness
        readiness.ready([listener.address for listener in self._listeners[0]])
        if readiness.notifier.watchdog:
            self._watchdog_at = time.monotonic()
        for callback in self._parts.on_ready:
            callback()

    def _close_listeners(self) -> None:
        for listeners in self._listeners:
            for listener in listeners:
                if self._was_ready:
                    listener.close()
                else:
                    # The previous supervisor still needs the sockets and files that it handed over.
                    listener.undo()

    # -- signals

    @contextmanager
    def _signals(self) -> Iterator[None]:
        previous = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        wake_up = signal.set_wakeup_fd(self._wake_up.fileno(), warn_on_full_buffer=False)
        unblock_signals()
        try:
            yield
        finally:
            signal.set_wakeup_fd(wake_up)
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: object) -> None:
        match number:
            case signal.SIGTERM | signal.SIGINT:
                self._pending_calls.append(self._stop)
            case signal.SIGHUP:
                self._pending_calls.append(self._reload)
            case signal.SIGUSR2:
                self._pending_calls.append(self._start_successor)


def _as_number(value: object) -> int:
    return value if isinstance(value, int) else 0


def run_supervisor(config: SupervisorConfig) -> Exit:
    """Serve with workers until stopped; return how that ended.

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
        abort_after=_RELOAD_ABORT_SECONDS if config.watched is not None else 0.0,
        on_ready=() if config.successor is None else (partial(notify_ready, config.successor.pipe),),
    )
