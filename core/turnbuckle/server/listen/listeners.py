"""Open the sockets that a server listens on, and say in one line why one cannot be opened.

A socket is bound first and listens later, so that a port in use is found before anything else is started and nobody is
accepted before everything is.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

import attrs

from turnbuckle.errors import ListenError
from turnbuckle.server.listen.addresses import Address, BindAddress, Listener, as_secured
from turnbuckle.server.listen.socket_activation import adopt
from turnbuckle.server.listen.unix_sockets import bind_unix

__all__ = ["bind_listeners", "open_listeners"]

# A port that the system chose for the first address of a host may be taken for the next; another choice mends that.
_PORT_CHOICES: Final = 8
# Two machines in one: the name resolves to both families, the machine speaks only one.
_FAMILY_MISSING: Final = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


def open_listeners(endpoint: BindAddress) -> tuple[Listener, ...]:
    """Take over the inherited descriptors of an endpoint, or bind its sockets if it has none.

    Raises:
        ListenError: that cannot be done; the message says with which and why.
    """
    return as_secured(adopt(endpoint.fds), endpoint) if endpoint.fds else bind_listeners(endpoint)


def bind_listeners(endpoint: BindAddress) -> tuple[Listener, ...]:
    """Bind every socket of an endpoint, or none.

    Raises:
        ListenError: one of them cannot be bound; the message says which and why.
    """
    return as_secured(_bind(endpoint), endpoint)


def _bind(endpoint: BindAddress) -> tuple[Listener, ...]:
    if endpoint.unix:
        return (bind_unix(endpoint),)
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
