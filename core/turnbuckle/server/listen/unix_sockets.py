"""Bind Unix sockets, with a file or in Linux's abstract namespace.

A socket file that a dead server left behind is replaced; any other file at the path stays. The mode and owner of the
file are set before the socket listens, so that no client connects before it is excluded by them.
"""

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

# The size of sun_path in sockaddr_un, with its NUL: 108 bytes on Linux, 104 on the BSDs.
_PATH_SIZE: Final = 104
_PROBE_SECONDS: Final = 1.0


def bind_unix(path: str, bind_address: BindAddress) -> Listener:
    """Bind one Unix socket.

    Args:
        path: path of its file; ``@name`` for a socket without a file.
        bind_address: the mode and the owner of the file.

    Raises:
        ListenError: it cannot be bound; the message says why.
    """
    return _bind_abstract(path, bind_address) if path.startswith("@") else _bind_file(path, bind_address)


def _bind_file(path: str, bind_address: BindAddress) -> Listener:
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
            _set_access(path, bind_address)
        except ListenError:
            raise
        except (OSError, ValueError) as error:
            raise _unix_error(path, error) from error
        undo.pop_all()
    return listener


def _bind_abstract(name: str, bind_address: BindAddress) -> Listener:
    """Bind a name in Linux's abstract namespace: there is no file to remove, and none that could exclude clients."""
    _check_size(name)
    if bind_address.unix_mode or bind_address.unix_owner or bind_address.unix_group:
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


def _set_access(path: str, bind_address: BindAddress) -> None:
    owner, group = _id_or_name(bind_address.unix_owner), _id_or_name(bind_address.unix_group)
    try:
        if owner is not None:
            shutil.chown(path, owner)
        if group is not None:
            shutil.chown(path, group=group)
        if bind_address.unix_mode:
            Path(path).chmod(int(bind_address.unix_mode, 8))
    except LookupError as error:
        raise ListenError(f"cannot listen on {path!r}: {error.args[0]}") from error
    except PermissionError as error:
        whose = f"{bind_address.unix_owner}:{bind_address.unix_group}"
        raise ListenError(f"cannot give {path!r} to {whose!r}: {error.strerror}", error.errno) from error


def _id_or_name(text: str) -> int | str | None:
    return int(text) if re.fullmatch("[0-9]+", text) else text or None


def _clear_stale(path: str) -> None:
    """Remove the file of a socket on which no server listens.

    Raises:
        ListenError: a server listens on it, or the file is not a socket.
    """
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ListenError(f"cannot listen on {path!r}: it exists and is not a socket", errno.EEXIST)
    if _has_server(path):
        raise ListenError(f"socket {path!r} is in use", errno.EADDRINUSE)
    Path(path).unlink()


def _has_server(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PROBE_SECONDS)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return False
        except (TimeoutError, BlockingIOError):
            # The backlog is full: a server is alive, and busy.
            return True
    return True
