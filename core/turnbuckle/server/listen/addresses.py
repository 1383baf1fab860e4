"""Addresses to listen on, and the listeners bound to them."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, final

import attrs

__all__ = ["Address", "BindAddress", "Listener", "as_secured", "file_identity", "is_mode"]

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
            if file_identity(self.address.unix) == self.inode:
                Path(self.address.unix).unlink()


def as_secured(listeners: tuple[Listener, ...], endpoint: BindAddress) -> tuple[Listener, ...]:
    """Return the listeners with addresses that say whether TLS is spoken there, as the endpoint has it."""
    if not endpoint.is_secured:
        return listeners
    return tuple(attrs.evolve(each, address=attrs.evolve(each.address, is_secured=True)) for each in listeners)


def file_identity(path: str) -> tuple[int, int]:
    """Return the device and inode of a file."""
    found = os.lstat(path)
    return found.st_dev, found.st_ino
