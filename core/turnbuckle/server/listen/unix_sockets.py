"""Bind Unix sockets."""

from __future__ import annotations

import errno
import os
import re
import shutil
import socket
import stat
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from turnbuckle.errors import ListenError
from turnbuckle.server.listen.addresses import Address, BindAddress, Listener, file_identity

__all__ = ["bind_unix"]

# sun_path of sockaddr_un, with its NUL: 108 octets on Linux, 104 on the BSDs.
_PATH_SIZE: Final = 104
_PROBE_SECONDS: Final = 1.0


def bind_unix(endpoint: BindAddress) -> Listener:
    """Bind the Unix socket of an endpoint."""
    return _bind_abstract(endpoint) if endpoint.unix.startswith("@") else _bind_file(endpoint)


def _bind_file(endpoint: BindAddress) -> Listener:
    path = endpoint.unix
    _check_size(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with ExitStack() as undo:
        undo.callback(sock.close)
        try:
            _clear_stale(path)
            sock.setblocking(False)
            sock.bind(path)
            listener = Listener(socket=sock, address=Address(unix=path), inode=file_identity(path))
            undo.callback(listener.close)
            _set_access(path, endpoint)
        except ListenError:
            raise
        except (OSError, ValueError) as error:
            raise _unix_error(path, error) from error
        undo.pop_all()
    return listener


def _bind_abstract(endpoint: BindAddress) -> Listener:
    """Bind a name of Linux's abstract namespace: without a file there is nothing to remove, and nobody to keep out."""
    name = endpoint.unix
    _check_size(name)
    if endpoint.unix_mode or endpoint.unix_owner or endpoint.unix_group:
        raise ListenError(f"cannot listen on {name!r}: a socket without a file has no mode, owner or group")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.bind(b"\0" + os.fsencode(name[1:]))
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise ListenError(f"socket {name!r} is in use", error.errno) from error
        raise _unix_error(name, error) from error
    return Listener(socket=sock, address=Address(unix=name))


def _check_size(path: str) -> None:
    size = len(os.fsencode(path))
    if size >= _PATH_SIZE:
        raise ListenError(f"cannot listen on {path!r}: path of {size} bytes exceeds {_PATH_SIZE - 1}")


def _unix_error(path: str, error: OSError | ValueError) -> ListenError:
    reason = getattr(error, "strerror", None) or error
    return ListenError(f"cannot listen on {path!r}: {reason}", getattr(error, "errno", None))


def _set_access(path: str, endpoint: BindAddress) -> None:
    owner, group = (_id_or_name(each) for each in (endpoint.unix_owner, endpoint.unix_group))
    try:
        if owner is not None:
            shutil.chown(path, owner)
        if group is not None:
            shutil.chown(path, group=group)
        if endpoint.unix_mode:
            Path(path).chmod(int(endpoint.unix_mode, 8))
    except LookupError as error:
        raise ListenError(f"cannot listen on {path!r}: {error.args[0]}") from error
    except PermissionError as error:
        whose = ":".join(str(each) for each in (endpoint.unix_owner, endpoint.unix_group))
        raise ListenError(f"cannot give {path!r} to {whose!r}: {error.strerror}", error.errno) from error


def _id_or_name(text: str) -> int | str | None:
    return int(text) if re.fullmatch("[0-9]+", text) else text or None


def _clear_stale(path: str) -> None:
    """Remove a socket that nobody listens on.

    Raises:
        ListenError: somebody does, or it is not a socket.
    """
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ListenError(f"cannot listen on {path!r}: it exists and is not a socket", errno.EEXIST)
    if _answers(path):
        raise ListenError(f"socket {path!r} is in use", errno.EADDRINUSE)
    Path(path).unlink()


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PROBE_SECONDS)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return False
        except (TimeoutError, BlockingIOError):
            # Its queue is full: a server that is alive, and busy.
            return True
    return True
