"""Report the state of a service to other programs: in the log, in the ready file, and to systemd."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, final

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.errors import TurnbuckleError
from turnbuckle.server.listen.addresses import Address
from turnbuckle.server.run.sd_notify import Notifier

if TYPE_CHECKING:
    from turnbuckle.server.model.clock import Clock

__all__ = ["Readiness", "ServerObserver", "call_repeatedly"]

_log: Final = SafeLogger("turnbuckle.server")

# Bytes of a ready file that are read; its first line is a process ID.
_MAX_LINE: Final = 64


class ServerObserver(Protocol):
    """An object that is notified when a server starts and stops."""

    def started(self, addresses: Sequence[Address], clock: Clock) -> None:
        """Called on the serving loop once connections are accepted."""

    def stopping(self) -> None:
        """Called when the server stops accepting connections."""


@final
class Readiness:
    """Reports the state of a service, whether it has one process or many.

    Args:
        ready_file: path of a file that exists while the service accepts connections; "" for none.
        notifier: sends the notifications to systemd.

    Raises:
        TurnbuckleError: the ready file cannot be written, or another kind of file is at its path.
    """

    def __init__(self, ready_file: str = "", notifier: Notifier | None = None) -> None:
        self._path: Final = Path(ready_file) if ready_file else None
        self.notifier: Final = notifier or Notifier()
        if self._path is not None:
            _check_folder(self._path)
            _check_kind(self._path)
            if not _belongs_to_live_server(self._path):
                self._path.unlink(missing_ok=True)

    def started(self, addresses: Sequence[Address], clock: Clock) -> None:
        """Report that the service is ready, and from now on that this loop is alive."""
        self.ready(addresses)
        if self.notifier.watchdog:
            call_repeatedly(clock, self.notifier.watchdog / 2, self.alive)

    def ready(self, addresses: Sequence[Address]) -> None:
        """Report that the service accepts connections."""
        # With fewer workers than before a hot restart, a worker has several sockets on the same port.
        urls = list(dict.fromkeys(address.url for address in addresses))
        _log.info("listening on %s", ", ".join(urls))
        if self._path is not None:
            self._write("".join(f"{line}\n" for line in (os.getpid(), *urls)))
        self.notifier.notify("READY=1", f"STATUS=listening on {', '.join(urls)}")

    def reloading(self) -> None:
        """Report that the service is being reloaded; it serves meanwhile."""
        # With the time of the reload, systemd does not mistake an earlier READY=1 for its end.
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self.notifier.notify("RELOADING=1", f"MONOTONIC_USEC={now}", "STATUS=reloading")

    def reloaded(self, status: str) -> None:
        """Report the end of a reload, successful or not."""
        self.notifier.notify("READY=1", f"STATUS={status}")

    def stopping(self) -> None:
        """Report that the service no longer accepts connections."""
        self.notifier.notify("STOPPING=1", "STATUS=stopping")
        path = self._path
        with suppress(OSError):
            # Another generation of the service may have written its own file meanwhile.
            if path is not None and _first_line(path) == str(os.getpid()):
                path.unlink()

    def alive(self) -> None:
        """Send a sign of life to systemd's watchdog."""
        self.notifier.notify("WATCHDOG=1")

    def _write(self, text: str) -> None:
        path = self._path
        if path is None:
            return
        written = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            # Other users may be able to write to the folder. A file or link that they left under this name is not
            # written to.
            written.unlink(missing_ok=True)
            with written.open("x", encoding="utf-8") as file:
                file.write(text)
            written.replace(path)
        except OSError as error:
            raise TurnbuckleError(f"cannot write ready file {str(path)!r}: {error.strerror}") from error


def _check_folder(path: Path) -> None:
    folder = path.parent
    if not folder.is_dir():
        raise TurnbuckleError(f"cannot write ready file {str(path)!r}: no folder {str(folder)!r}")
    if not os.access(folder, os.W_OK):
        raise TurnbuckleError(f"cannot write ready file {str(path)!r}: no permission in {str(folder)!r}")


def _check_kind(path: Path) -> None:
    """Refuse to replace a pipe, a device, a socket or a folder; a pipe would make every reader wait for a writer."""
    try:
        mode = path.stat().st_mode
    except OSError:
        # A link to a missing file is replaced, like any other file.
        return
    if not stat.S_ISREG(mode):
        raise TurnbuckleError(f"cannot write ready file {str(path)!r}: it exists and is not a regular file")


def _first_line(path: Path) -> str:
    """Return the first line of a regular file; other kinds of files are not read.

    Raises:
        OSError: the file cannot be read.
    """
    # Without O_NONBLOCK, opening a pipe that another program put there would wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        return file.read(_MAX_LINE).partition(b"\n")[0].decode("ascii", "replace")


def _belongs_to_live_server(path: Path) -> bool:
    """Return whether another server that is alive has written the ready file; a dead server's file is out of date."""
    try:
        pid = int(_first_line(path))
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, ValueError, OverflowError):
        return False
    # In a container, the previous server may have had the same process ID.
    return pid != os.getpid()


def call_repeatedly(clock: Clock, interval: float, callback: Callable[[], None]) -> None:
    """Call ``callback`` now, and then every ``interval`` seconds while the loop runs."""

    def again() -> None:
        callback()
        clock.call_later(interval, again)

    again()
