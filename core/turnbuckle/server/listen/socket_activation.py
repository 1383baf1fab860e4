"""Listen on sockets that another process opened before this one began: systemd, a supervisor, a process manager.

Sources: sd_listen_fds(3): LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import MutableMapping
from typing import Final

import attrs

from turnbuckle.errors import ListenError
from turnbuckle.server.listen.addresses import Address, BindAddress, Listener

__all__ = ["adopt_descriptor", "take_passed_sockets", "with_passed_sockets"]

# systemd passes descriptors from this number on, without gaps.
_FIRST_FD: Final = 3
_VARIABLES: Final = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
# A larger number of sockets is a mistake.
_MAX_SOCKETS: Final = 1024


def with_passed_sockets(bind_address: BindAddress, environ: MutableMapping[str, str], name: str = "") -> BindAddress:
    """Return a ``BindAddress`` with the sockets of systemd in the place of all others.

    If it names descriptors itself, it is returned unchanged.

    Args:
        bind_address: where to listen without sockets of systemd.
        environ: the environment of the process, as for ``take_passed_sockets``.
        name: take only the sockets with this name; "" takes all.

    Raises:
        ListenError: no socket has the name, or the variables are malformed.
    """
    if any(endpoint.fd is not None for endpoint in bind_address.endpoints):
        return bind_address
    fds = take_passed_sockets(environ, name)
    return attrs.evolve(bind_address, fds=fds) if fds else bind_address


def take_passed_sockets(environ: MutableMapping[str, str], name: str = "") -> tuple[int, ...]:
    """Return the descriptors that systemd passed to this process, and remove the variables that announce them.

    Args:
        environ: the environment of the process. Without the variables, child processes do not take the sockets for
            their own.
        name: return only the sockets with this name (``FileDescriptorName=`` in the unit); "" returns all.

    Raises:
        ListenError: no socket has the name, or the variables are malformed.
    """
    pid, count, names = (environ.pop(variable, "") for variable in _VARIABLES)
    if not count or pid != str(os.getpid()):
        return ()
    if not (count.isascii() and count.isdecimal() and int(count[:9]) <= _MAX_SOCKETS):
        raise ListenError(f"LISTEN_FDS is not a number of sockets: {count!r}")
    fds = tuple(range(_FIRST_FD, _FIRST_FD + int(count)))
    if not name:
        return fds
    named = tuple(fd for fd, fd_name in zip(fds, names.split(":"), strict=False) if fd_name == name)
    if not named:
        raise ListenError(f"systemd passed no socket named {name!r}; LISTEN_FDNAMES is {names!r}")
    return named


def adopt_descriptor(fd: int) -> Listener:
    """Return a listener on an inherited descriptor; child processes will not inherit it.

    Raises:
        ListenError: it is not a stream socket; it is left as it was then.
    """
    try:
        sock = socket.socket(fileno=fd)
    except OSError as error:
        reason = "is not open" if error.errno == errno.EBADF else "is not a socket"
        raise ListenError(f"cannot listen on descriptor {fd}: it {reason}", error.errno) from error
    if sock.type != socket.SOCK_STREAM or sock.family not in {socket.AF_INET, socket.AF_INET6, socket.AF_UNIX}:
        sock.detach()
        raise ListenError(f"cannot listen on descriptor {fd}: it is not a TCP or Unix stream socket")
    sock.setblocking(False)
    sock.set_inheritable(False)
    return Listener(socket=sock, address=_address(sock), is_inherited=True)


def _address(sock: socket.socket) -> Address:
    name = sock.getsockname()
    if sock.family == socket.AF_UNIX:
        return Address(unix=f"@{os.fsdecode(name[1:])}" if isinstance(name, bytes) else name)
    return Address(host=name[0], port=name[1])
