"""Notify systemd, or another program that sets NOTIFY_SOCKET, of the state of the service.

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
    """Sends messages to a notification socket, or nowhere if its path is empty.

    Args:
        path: of a datagram socket; ``@name`` for an abstract socket.
        watchdog: seconds within which the receiver expects a sign of life; 0 if it expects none.
    """

    def __init__(self, path: str = "", watchdog: float = 0.0) -> None:
        self._address: Final = f"\0{path[1:]}" if path.startswith("@") else path
        self.watchdog: Final = watchdog if path else 0.0

    @classmethod
    def take_from(cls, environ: MutableMapping[str, str]) -> Notifier:
        """Return the notifier that the environment describes, and remove its variables for child processes."""
        path, microseconds, pid = (environ.pop(variable, "") for variable in _VARIABLES)
        is_number = microseconds.isascii() and microseconds.isdecimal()
        is_watched = is_number and pid in {"", str(os.getpid())}
        return cls(path, int(microseconds) / 1_000_000 if is_watched else 0.0)

    def variables(self) -> dict[str, str]:
        """Return the environment variables that let another process notify on behalf of the service."""
        if not self._address:
            return {}
        path = self._address.replace("\0", "@")
        return {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": str(int(self.watchdog * 1_000_000))}

    def notify(self, *assignments: str) -> None:
        """Send assignments such as ``"READY=1"``; a failure is only logged."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                sock.setblocking(False)
                sock.sendto("\n".join(assignments).encode(), self._address)
        except OSError as error:
            _log.warning("cannot send to NOTIFY_SOCKET: %s", error.strerror or error)
