"""Start the process of a worker, send it commands, and learn how it ended."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final, final

import attrs

from turnbuckle.server.workers.channel import Channel, Message
from turnbuckle.server.workers.process_env import WORKER, WorkerEnvironment

__all__ = ["WorkerProcess", "spawn", "unblock_signals"]

# Signals that the whole process group gets, but that only the supervisor handles.
_SUPERVISOR_SIGNALS: Final = (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


@final
class WorkerProcess:
    """A worker's process, seen from the supervisor.

    Args:
        command: starts the interpreter that becomes the worker.
        environ: its environment.
        settings: its own settings; its end of the channel is added here.

    Raises:
        OSError: the process cannot be started.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], settings: WorkerEnvironment) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            settings = attrs.evolve(settings, channel=theirs.fileno())
            try:
                self._process: Final = spawn(
                    command, {**environ, WORKER: settings.to_json()}, (theirs.fileno(), *settings.fds)
                )
            except OSError:
                ours.close()
                raise
        self.channel: Final = Channel(ours)

    @property
    def pid(self) -> int:
        """Its process ID."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Its exit status, 128 plus the signal number if a signal ended it; None while it runs."""
        code = self._process.poll()
        return 128 - code if code is not None and code < 0 else code

    @property
    def ending(self) -> str:
        """How it ended, in words."""
        code = self._process.poll() or 0
        if code >= 0:
            return f"exit status {code}"
        with suppress(ValueError):
            return f"signal {signal.Signals(-code).name}"
        return f"signal {-code}"

    def receive(self) -> list[Message]:
        """Return the messages that have arrived from it."""
        return self.channel.receive()

    def stop(self) -> None:
        """Stop it once it has finished its requests; if it does not read messages yet, the signal ends it."""
        self.channel.send(stop=True)
        self._process.terminate()

    def abort(self) -> None:
        """Stop it without waiting for its requests."""
        self.channel.send(abort=True)

    def kill(self) -> None:
        """Kill it."""
        self._process.kill()


def spawn(command: Sequence[str], environ: Mapping[str, str], fds: Sequence[int]) -> subprocess.Popen[bytes]:
    """Start a process that the supervisor's signals do not reach until it calls ``unblock_signals``.

    Raises:
        OSError: it cannot be started.
    """
    with _ignoring_signals():
        return subprocess.Popen(command, env=environ, pass_fds=tuple(fds))


def unblock_signals() -> None:
    """Unblock the signals that were blocked when a supervisor started this process; handlers must be installed."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SUPERVISOR_SIGNALS)


@contextmanager
def _ignoring_signals() -> Iterator[None]:
    """Make processes started in the block ignore the supervisor's signals; this process gets them after the block.

    The processes inherit the blocked signals as well.
    """
    previous_mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SUPERVISOR_SIGNALS)
    previous = {number: signal.signal(number, signal.SIG_IGN) for number in _SUPERVISOR_SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, previous_mask)
