"""Take over sockets that were opened before this process began: by systemd, a supervisor, or whoever passes a number.

Sources: sd_listen_fds(3): LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import MutableMapping, Sequence
from typing import Final

from turnbuckle.errors import ListenError
from turnbuckle.server.listen.addresses import Address, Listener

__all__ = ["adopt", "take_passed_sockets"]

# systemd passes sockets from here on, without gaps.
_FIRST: Final = 3
_VARIABLES: Final = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
# A service with more sockets than this has none: the number is a mistake.
_MOST: Final = 1024


def adopt(fds: Sequence[int]) -> tuple[Listener, ...]:
    """Return listeners on inherited descriptors; no child process will inherit them.

    Raises:
        ListenError: one of them is no stream socket; none is taken then.
    """
    listeners: list[Listener] = []
    try:
        for fd in fds:
            listeners.append(_adopt(fd))
    except ListenError:
        for listener in listeners:
            listener.socket.detach()
        raise
    return tuple(listeners)


def take_passed_sockets(environ: MutableMapping[str, str], name: str = "") -> tuple[int, ...]:
    """Return the descriptors that systemd passed to this process, and remove what it says of them.

    Args:
        environ: the environment of the process; child processes must not take the sockets for theirs.
        name: only those of this name (``FileDescriptorName=`` in the unit); all when empty.

    Raises:
        ListenError: none has the name, or the variables make no sense.
    """
    pid, count, names = (environ.pop(variable, "") for variable in _VARIABLES)
    if not count or pid != str(os.getpid()):
        return ()
    if not (count.isascii() and count.isdecimal() and int(count[:9]) <= _MOST):
        raise ListenError(f"LISTEN_FDS is no number of sockets: {count!r}")
    fds = tuple(range(_FIRST, _FIRST + int(count)))
    if not name:
        return fds
    named = tuple(fd for fd, each in zip(fds, names.split(":"), strict=False) if each == name)
    if not named:
        raise ListenError(f"systemd passed no socket named {name!r}; LISTEN_FDNAMES is {names!r}")
    return named


def _adopt(fd: int) -> Listener:
    try:
        sock = socket.socket(fileno=fd)
    except OSError as error:
        reason = "is not open" if error.errno == errno.EBADF else "is not a socket"
        raise ListenError(f"cannot listen on descriptor {fd}: it {reason}", error.errno) from error
    if sock.type != socket.SOCK_STREAM or sock.family not in {socket.AF_INET, socket.AF_INET6, socket.AF_UNIX}:
        sock.detach()
        raise ListenError(f"cannot listen on descriptor {fd}: it is no stream socket of TCP or Unix")
    sock.setblocking(False)
    sock.set_inheritable(False)
    return Listener(socket=sock, address=_address(sock))


def _address(sock: socket.socket) -> Address:
    name = sock.getsockname()
    if sock.family == socket.AF_UNIX:
        return Address(unix=f"@{os.fsdecode(name[1:])}" if isinstance(name, bytes) else name)
    return Address(host=name[0], port=name[1])
