"""Start another supervisor that takes over the sockets, and learn when it is ready."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Final, final

from turnbuckle.server.workers.process import spawn
from turnbuckle.server.workers.process_env import SUCCESSOR, SuccessorEnvironment

__all__ = ["Successor", "notify_ready"]

_READY: Final = b"ready"


@final
class Successor:
    """Another supervisor, as this one has it.

    Args:
        command: starts it.
        environ: its environment.
        sets: the sockets that it takes over, as their descriptors, by worker.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], sets: Sequence[Sequence[int]]) -> None:
        self._pipe, theirs = os.pipe()
        os.set_blocking(self._pipe, False)
        place = SuccessorEnvironment(pipe=theirs, sets=tuple(tuple(each) for each in sets))
        fds = (theirs, *(fd for each in sets for fd in each))
        try:
            self._process: Final = spawn(command, {**environ, SUCCESSOR: place.written()}, fds)
        except OSError:
            os.close(self._pipe)
            raise
        finally:
            os.close(theirs)
        self.is_ready = False
        self.is_gone = False

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._pipe

    def look(self) -> None:
        """Learn what has become of it."""
        try:
            said = os.read(self._pipe, len(_READY))
        except BlockingIOError:
            return
        self.is_ready = said == _READY
        self.is_gone = not said

    def close(self) -> None:
        """Ask no more, and leave no trace of one that has ended."""
        os.close(self._pipe)
        self._process.poll()


def notify_ready(pipe: int) -> None:
    """Tell the supervisor before this one that it may go."""
    os.write(pipe, _READY)
    os.close(pipe)
