"""Records of listening: where to listen, where a socket is bound, and the bound socket."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, final

import attrs

from turnbuckle.server.listen.endpoints import Endpoint, parse_endpoint

__all__ = ["Address", "BindAddress", "Listener", "are_endpoints", "as_secured", "file_identity", "is_mode"]

_MODE: Final = re.compile(r"0?[0-7]{3}")


def _as_hosts(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _as_numbers(value: Sequence[int]) -> tuple[int, ...]:
    return tuple(value)


def are_endpoints(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    """Validate a list of places to listen on.

    Raises:
        ValueError: an entry is malformed; the message says what to write.
    """
    for text in value:
        parse_endpoint(text)


def is_mode(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    """Validate the octal mode of a file; "" is valid and leaves the mode to the umask.

    Raises:
        ValueError: the value is not three octal digits.
    """
    if value and not _MODE.fullmatch(value):
        raise ValueError(f'{attribute.name} must be three octal digits, such as "660", not {value!r}')


@attrs.frozen(kw_only=True)
class BindAddress:
    """Where a server is to listen.

    Attributes:
        host: names or IP addresses; a name stands for all of its addresses.
        port: TCP port, the same for every address; 0 lets the system choose one.
        bind: places to listen on, as ``parse_endpoint`` parses them; host, port and unix are ignored then.
        unix: path of a Unix socket, instead of host and port; ``@name`` for an abstract socket (Linux); "" for none.
        unix_mode: octal mode of each Unix socket's file; "" leaves it to the umask.
        unix_owner: name or number of the user who owns the file; "" for the user of the process.
        unix_group: name or number of the file's group; "" for the group of the process.
        backlog: how many connections may wait to be accepted.
        reuse_port: let several processes listen on the same port.
        fds: inherited descriptors to listen on; host, port, bind and unix are ignored then.
        is_secured: whether connections use TLS.
    """

    host: tuple[str, ...] = attrs.field(default=("127.0.0.1",), converter=_as_hosts)
    port: int = 8000
    bind: tuple[str, ...] = attrs.field(default=(), converter=_as_hosts, validator=are_endpoints)
    unix: str = ""
    unix_mode: str = attrs.field(default="", validator=is_mode)
    unix_owner: str = ""
    unix_group: str = ""
    backlog: int = 2048
    reuse_port: bool = False
    fds: tuple[int, ...] = attrs.field(default=(), converter=_as_numbers)
    is_secured: bool = False

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The places to listen on, each of them once."""
        if self.fds:
            return tuple(Endpoint(fd=fd) for fd in dict.fromkeys(self.fds))
        if self.bind:
            return tuple(dict.fromkeys(map(parse_endpoint, self.bind)))
        return (Endpoint(unix=self.unix) if self.unix else Endpoint(hosts=self.host, port=self.port),)


@attrs.frozen(kw_only=True)
class Address:
    """Where a server listens: a host and port, or the path of a Unix socket; and whether connections use TLS."""

    host: str = ""
    port: int = 0
    unix: str = ""
    is_secured: bool = False

    @property
    def url(self) -> str:
        """The URL that clients connect to; ``unix:PATH`` for a Unix socket, which has no URL."""
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
        socket: does not listen yet.
        address: where it is bound, with the port that the system chose.
        inode: device and inode of a Unix socket's file; None for every other socket.
        is_inherited: whether another process opened it.
    """

    socket: socket.socket
    address: Address
    inode: tuple[int, int] | None = None
    is_inherited: bool = False

    def undo(self) -> None:
        """Close the socket as ``close`` does, but leave an inherited one open."""
        if self.is_inherited:
            self.socket.detach()
        else:
            self.close()

    def close(self) -> None:
        """Close the socket, and remove a Unix socket's file unless another server has replaced it."""
        self.socket.close()
        if self.inode is None:
            return
        with suppress(OSError):
            if file_identity(self.address.unix) == self.inode:
                Path(self.address.unix).unlink()


def as_secured(listeners: tuple[Listener, ...], bind_address: BindAddress) -> tuple[Listener, ...]:
    """Return the listeners with addresses that say ``https`` if connections use TLS."""
    if not bind_address.is_secured:
        return listeners
    return tuple(
        attrs.evolve(listener, address=attrs.evolve(listener.address, is_secured=True)) for listener in listeners
    )


def file_identity(path: str) -> tuple[int, int]:
    """Return the device and inode of a file; the file itself if it is a symbolic link."""
    found = os.lstat(path)
    return found.st_dev, found.st_ino
