"""Open the sockets that a server listens on, and say in one line why one cannot be opened.

A socket is bound first and listens later, so that a port in use is found before anything else is started and nobody is
accepted before everything is. A Unix socket that a dead server left behind is replaced; whatever else is at its path
stays. Its mode and owner are set before it listens, so that nobody connects whom they keep out.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import socket
import stat
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final, final

import attrs

from turnbuckle.errors import ListenError

__all__ = ["Address", "BindAddress", "Listener", "as_secured", "bind", "is_mode"]

# A port that the system chose for the first address of a host may be taken for the next; another choice mends that.
_PORT_CHOICES: Final = 8
# Two machines in one: the name resolves to both families, the machine speaks only one.
_FAMILY_MISSING: Final = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
# sun_path of sockaddr_un, with its NUL: 108 octets on Linux, 104 on the BSDs.
_PATH_SIZE: Final = 104
_PROBE_SECONDS: Final = 1.0
_MODE: Final = re.compile(r"0?[0-7]{3}")


def _as_hosts(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _as_numbers(value: Sequence[int]) -> tuple[int, ...]:
    return tuple(value)


def is_mode(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    """Validate the mode of a file; "" leaves it to the umask.

    Raises:
        ValueError: it is not made of three octal digits.
    """
    if value and not _MODE.fullmatch(value):
        raise ValueError(f'{attribute.name} must be three octal digits, such as "660", not {value!r}')


@attrs.frozen(kw_only=True)
class BindAddress:
    """Where a server is to listen.

    Attributes:
        host: names or addresses; each name counts with all its addresses.
        port: TCP port, the same for all of them; 0 lets the system choose.
        unix: path of a Unix socket to listen on instead; ``@name`` for one that has no file (Linux); "" for none.
        unix_mode: octal mode of its file; "" leaves it to the umask.
        unix_owner: name or number of the user that owns its file; "" for that of the process.
        unix_group: the same for its group.
        backlog: connections that may wait to be accepted.
        reuse_port: let several processes listen on the same port.
        fds: inherited descriptors to listen on instead of all that.
        is_secured: whether TLS is spoken there.
    """

    host: tuple[str, ...] = attrs.field(default=("127.0.0.1",), converter=_as_hosts)
    port: int = 8000
    unix: str = ""
    unix_mode: str = attrs.field(default="", validator=is_mode)
    unix_owner: str = ""
    unix_group: str = ""
    backlog: int = 2048
    reuse_port: bool = False
    fds: tuple[int, ...] = attrs.field(default=(), converter=_as_numbers)
    is_secured: bool = False


@attrs.frozen(kw_only=True)
class Address:
    """Where a server listens: a host and port, or the path of a Unix socket; and whether it speaks TLS."""

    host: str = ""
    port: int = 0
    unix: str = ""
    is_secured: bool = False

    @property
    def url(self) -> str:
        """What a client connects to; ``unix:PATH`` for a Unix socket, which has no URL."""
        if self.unix:
            return f"unix:{self.unix}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.is_secured else 'http'}://{host}:{self.port}"

    def __str__(self) -> str:
        return self.url


@final
@attrs.frozen(kw_only=True)
class Listener:
    """A bound socket.

    Attributes:
        socket: it does not listen yet.
        address: where it is bound, with the port that the system chose.
        inode: device and inode of the file of a Unix socket.
    """

    socket: socket.socket
    address: Address
    inode: tuple[int, int] | None = None

    def close(self) -> None:
        """Close the socket, and remove the file of a Unix socket unless another server has replaced it."""
        self.socket.close()
        if self.inode is None:
            return
        with suppress(OSError):
            if _inode(self.address.unix) == self.inode:
                Path(self.address.unix).unlink()


def bind(endpoint: BindAddress) -> tuple[Listener, ...]:
    """Bind every socket of an endpoint, or none.

    Raises:
        ListenError: one of them cannot be bound; the message says which and why.
    """
    return as_secured(_bind(endpoint), endpoint)


def as_secured(listeners: tuple[Listener, ...], endpoint: BindAddress) -> tuple[Listener, ...]:
    """Return the listeners with addresses that say whether TLS is spoken there, as the endpoint has it."""
    if not endpoint.is_secured:
        return listeners
    return tuple(attrs.evolve(each, address=attrs.evolve(each.address, is_secured=True)) for each in listeners)


def _bind(endpoint: BindAddress) -> tuple[Listener, ...]:
    if endpoint.unix:
        return (_bind_abstract(endpoint) if endpoint.unix.startswith("@") else _bind_unix(endpoint),)
    for _ in range(_PORT_CHOICES - 1):
        try:
            return _bind_tcp(endpoint)
        except ListenError as error:
            if endpoint.port or error.errno != errno.EADDRINUSE:
                raise
    return _bind_tcp(endpoint)


def _bind_tcp(endpoint: BindAddress) -> tuple[Listener, ...]:
    listeners: list[Listener] = []
    missing: OSError | None = None
    with ExitStack() as undo:
        for address in _addresses(endpoint.host):
            port = listeners[0].address.port if listeners else endpoint.port
            try:
                listener = _bind_address(address, port, reuse_port=endpoint.reuse_port)
            except OSError as error:
                if error.errno not in _FAMILY_MISSING:
                    raise ListenError(_why_not(error, address.host, port), error.errno) from error
                missing = error
                continue
            undo.callback(listener.close)
            listeners.append(listener)
        if missing is not None and not listeners:
            names = ", ".join(endpoint.host)
            raise ListenError(f"cannot listen on {names}: not an address of this machine", missing.errno) from missing
        undo.pop_all()
    return tuple(listeners)


@attrs.frozen
class _Found:
    """An address that a name stands for; ``rest`` is what a socket address of IPv6 has behind the port."""

    family: socket.AddressFamily
    host: str
    rest: tuple[object, ...]


def _addresses(names: Sequence[str]) -> list[_Found]:
    found = {}
    for name in names:
        found.update(dict.fromkeys(_addresses_of(name)))
    if not found:
        raise ListenError("no host to listen on")
    return list(found)


def _addresses_of(name: str) -> list[_Found]:
    if not name:
        # The system would take an empty name for every interface, which nobody asks for by leaving something out.
        raise ListenError("the host is empty; 0.0.0.0 or :: listens on every interface")
    bare = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    try:
        infos = socket.getaddrinfo(bare, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise ListenError(f"cannot listen on {name!r}: no such host", getattr(error, "errno", None)) from error
    return [_Found(family, str(address[0]), tuple(address[2:])) for family, _, _, _, address in infos]


def _bind_address(address: _Found, port: int, *, reuse_port: bool) -> Listener:
    # asyncio looks at the protocol number before it turns off the delays of small segments.
    sock = socket.socket(address.family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # A server that comes back must not wait for the last connections of the one before to be forgotten.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if address.family == socket.AF_INET6:
            # One socket a family, so that "::" and "0.0.0.0" can be had apart and together.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setblocking(False)
        sock.bind((address.host, port, *address.rest))
    except BaseException:
        sock.close()
        raise
    return Listener(socket=sock, address=Address(host=address.host, port=sock.getsockname()[1]))


def _why_not(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} on {host} is in use"
        case errno.EACCES | errno.EPERM:
            return f"port {port} on {host} needs a privilege that this process lacks"
    return f"cannot listen on port {port} of {host}: {error.strerror or error}"


def _bind_unix(endpoint: BindAddress) -> Listener:
    path = endpoint.unix
    _check_size(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with ExitStack() as undo:
        undo.callback(sock.close)
        try:
            _clear_stale(path)
            sock.setblocking(False)
            sock.bind(path)
            listener = Listener(socket=sock, address=Address(unix=path), inode=_inode(path))
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


def _inode(path: str) -> tuple[int, int]:
    found = os.lstat(path)
    return found.st_dev, found.st_ino
