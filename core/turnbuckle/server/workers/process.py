"""Start the process of a worker, talk to it, and learn how it ended."""

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

__all__ = ["WorkerProcess", "spawn"]

# What comes to the whole group of processes, and is for the supervisor alone.
_OURS: Final = (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


@final
class WorkerProcess:
    """A worker as its supervisor has it.

    Args:
        command: starts the interpreter that becomes the worker.
        environ: its environment.
        place: what it is given; the channel is made here.

    Raises:
        OSError: the process cannot be started.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], place: WorkerEnvironment) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            place = attrs.evolve(place, channel=theirs.fileno())
            try:
                self._process: Final = spawn(
                    command, {**environ, WORKER: place.written()}, (theirs.fileno(), *place.fds)
                )
            except OSError:
                ours.close()
                raise
        self.channel: Final = Channel(ours)

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status of its end: 128 and the number of the signal if one ended it; None while it runs."""
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
        """Return what it has said."""
        return self.channel.receive()

    def stop(self) -> None:
        """Let it finish; one that does not listen yet is ended by the signal."""
        self.channel.send(stop=True)
        self._process.terminate()

    def abort(self) -> None:
        """Let it end without waiting for requests."""
        self.channel.send(abort=True)

    def kill(self) -> None:
        """End it, whatever it does."""
        self._process.kill()


def spawn(command: Sequence[str], environ: Mapping[str, str], fds: Sequence[int]) -> subprocess.Popen[bytes]:
    """Start a process that ignores what is for the supervisor alone, until it decides otherwise.

    Raises:
        OSError: it cannot be started.
    """
    with _deaf():
        return subprocess.Popen(command, env=environ, pass_fds=tuple(fds))


@contextmanager
def _deaf() -> Iterator[None]:
    """Let a process that is started meanwhile ignore signals; those that come to this one come later."""
    before_mask = signal.pthread_sigmask(signal.SIG_BLOCK, _OURS)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _OURS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, before_mask)
