"""Say to the outside how far a server is: in the log, in a file, and to systemd."""

from __future__ import annotations

import os
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


class ServerObserver(Protocol):
    """Whoever is told how far a server is."""

    def started(self, addresses: Sequence[Address], clock: Clock) -> None:
        """Learn that connections are accepted; called on the serving loop."""

    def stopping(self) -> None:
        """Learn that no more will be."""


@final
class Readiness:
    """What the outside is told of a service, whether it is one process or many.

    Args:
        ready_file: path of a file that is there as long as the service accepts connections; "" for none.
        notifier: the way to systemd.

    Raises:
        TurnbuckleError: the file cannot be written.
    """

    def __init__(self, ready_file: str = "", notifier: Notifier | None = None) -> None:
        self._path: Final = Path(ready_file) if ready_file else None
        self.notifier: Final = notifier or Notifier()
        if self._path is not None:
            _check_folder(self._path)
            if not _is_of_another(self._path):
                self._path.unlink(missing_ok=True)

    def started(self, addresses: Sequence[Address], clock: Clock) -> None:
        """Say that the service is ready, and from now on that this loop is alive."""
        self.ready(addresses)
        if self.notifier.watchdog:
            call_repeatedly(clock, self.notifier.watchdog / 2, self.alive)

    def ready(self, addresses: Sequence[Address]) -> None:
        """Say that the service accepts connections."""
        urls = [address.url for address in addresses]
        _log.info("listening on %s", ", ".join(urls))
        if self._path is not None:
            self._write("".join(f"{each}\n" for each in (os.getpid(), *urls)))
        self.notifier.tell("READY=1", f"STATUS=listening on {', '.join(urls)}")

    def reloading(self) -> None:
        """Say that the service is being reloaded; it goes on to serve."""
        # systemd wants to know when, so that it takes no older READY for the answer.
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self.notifier.tell("RELOADING=1", f"MONOTONIC_USEC={now}", "STATUS=reloading")

    def reloaded(self, status: str) -> None:
        """Say that reloading has come to its end, whatever that was."""
        self.notifier.tell("READY=1", f"STATUS={status}")

    def stopping(self) -> None:
        """Say that the service accepts nobody any more."""
        self.notifier.tell("STOPPING=1", "STATUS=stopping")
        path = self._path
        with suppress(OSError):
            # Another generation of the service may have written its own meanwhile.
            if path is not None and path.read_text(encoding="utf-8").startswith(f"{os.getpid()}\n"):
                path.unlink()

    def alive(self) -> None:
        """Keep the watchdog of systemd quiet."""
        self.notifier.tell("WATCHDOG=1")

    def _write(self, text: str) -> None:
        path = self._path
        if path is None:
            return
        written = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            # Others may write to its folder, too: what they left under this name, such as a link, is not written to.
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


def _is_of_another(path: Path) -> bool:
    """Tell whether a server that is alive has written a ready file; one that a dead server left says what is not so."""
    try:
        pid = int(path.read_text(encoding="utf-8").partition("\n")[0])
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, ValueError, OverflowError):
        return False
    # In a container, the one before had the same number.
    return pid != os.getpid()


def call_repeatedly(clock: Clock, interval: float, callback: Callable[[], None]) -> None:
    """Call ``callback`` now and every ``interval`` seconds, as long as the loop runs."""

    def again() -> None:
        callback()
        clock.call_later(interval, again)

    again()
