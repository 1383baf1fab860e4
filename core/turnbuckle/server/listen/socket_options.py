"""Set what the kernel holds for a connection: octets that a peer does not take must not pile up there, either."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Final

__all__ = ["keep_little_unsent"]

# A kernel takes megabytes for a peer that reads nothing, and cuts them into segments as small as the peer asks for.
# With this it takes more only when less has not been sent yet; what is on its way to a fast peer is not counted.
_MAX_UNSENT: Final = 128 * 1024


def keep_little_unsent(listener: socket.socket) -> None:
    """Let the kernel take little more than it can send, on all connections that a socket accepts."""
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    if option is None or listener.family not in (socket.AF_INET, socket.AF_INET6):
        return
    # Kernels that know no such option do without.
    with suppress(OSError):
        listener.setsockopt(socket.IPPROTO_TCP, option, _MAX_UNSENT)
