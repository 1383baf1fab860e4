"""Tell systemd, or whoever set NOTIFY_SOCKET, how far the service is.

Sources: sd_notify(3), sd_watchdog_enabled(3).
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping
from typing import Final, final

from turnbuckle._safe_logger import SafeLogger

__all__ = ["Notifier"]

_VARIABLES: Final = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")

_log: Final = SafeLogger("turnbuckle.server")


@final
class Notifier:
    """Sends messages to one socket; to none when its path is empty.

    Args:
        path: of a datagram socket; ``@name`` for one without a file.
        watchdog: seconds within which it wants to hear that the process is alive; 0 if it does not.
    """

    def __init__(self, path: str = "", watchdog: float = 0.0) -> None:
        self._address: Final = f"\0{path[1:]}" if path.startswith("@") else path
        self.watchdog: Final = watchdog if path else 0.0

    @classmethod
    def take_from(cls, environ: MutableMapping[str, str]) -> Notifier:
        """Return what the environment asks for, and remove it there: child processes do not speak for the service."""
        path, microseconds, pid = (environ.pop(variable, "") for variable in _VARIABLES)
        is_number = microseconds.isascii() and microseconds.isdecimal()
        is_watched = is_number and pid in {"", str(os.getpid())}
        return cls(path, int(microseconds) / 1_000_000 if is_watched else 0.0)

    def variables(self) -> dict[str, str]:
        """Return the environment that lets another process speak for the service."""
        if not self._address:
            return {}
        path = self._address.replace("\0", "@")
        return {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": str(int(self.watchdog * 1_000_000))}

    def tell(self, *assignments: str) -> None:
        """Send assignments such as ``"READY=1"``; that nobody takes them stops nothing."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                sock.setblocking(False)
                sock.sendto("\n".join(assignments).encode(), self._address)
        except OSError as error:
            _log.warning("nobody listens on NOTIFY_SOCKET: %s", error.strerror or error)
