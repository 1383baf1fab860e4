"""Hot restart: start another supervisor that takes over the sockets, and learn when it is ready."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Final, final

from turnbuckle.server.listen.addresses import Listener
from turnbuckle.server.workers.process import spawn
from turnbuckle.server.workers.process_env import SUCCESSOR, SuccessorEnvironment

__all__ = ["Successor", "notify_ready"]

_READY: Final = b"ready"


@final
class Successor:
    """The new supervisor, seen from the old one.

    Args:
        command: starts it.
        environ: its environment.
        sets: the sockets that it takes over, one set for each worker.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], sets: Sequence[Sequence[Listener]]) -> None:
        self._pipe, theirs = os.pipe()
        os.set_blocking(self._pipe, False)
        listeners = {listener.socket.fileno(): listener for listeners in sets for listener in listeners}
        variable = SuccessorEnvironment(
            pipe=theirs,
            sets=[[listener.socket.fileno() for listener in listeners] for listeners in sets],
            files=[(fd, *listener.inode) for fd, listener in listeners.items() if listener.inode is not None],
        ).to_json()
        try:
            self._process: Final = spawn(command, {**environ, SUCCESSOR: variable}, (theirs, *listeners))
        except OSError:
            os.close(self._pipe)
            raise
        finally:
            os.close(theirs)
        self.is_ready = False
        self.is_gone = False

    @property
    def pid(self) -> int:
        """Its process ID."""
        return self._process.pid

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._pipe

    def update(self) -> None:
        """Update ``is_ready`` and ``is_gone``."""
        try:
            said = os.read(self._pipe, len(_READY))
        except BlockingIOError:
            return
        self.is_ready = said == _READY
        self.is_gone = not said

    def close(self) -> None:
        """Close the pipe, and collect the exit status if the process has ended."""
        os.close(self._pipe)
        self._process.poll()


def notify_ready(pipe: int) -> None:
    """Notify the previous supervisor that this one has taken over."""
    os.write(pipe, _READY)
    os.close(pipe)
