"""Open the sockets that a server listens on, and report in one line why one cannot be opened.

A socket is bound first and listens later. So a port in use is found before anything else has started, and no connection
is accepted before everything has.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack, suppress
from typing import Final

import attrs

from turnbuckle.errors import ListenError
from turnbuckle.server.listen.addresses import Address, BindAddress, Listener, as_secured, file_identity
from turnbuckle.server.listen.endpoints import Endpoint, parse_endpoint
from turnbuckle.server.listen.socket_activation import adopt_descriptor
from turnbuckle.server.listen.unix_sockets import bind_unix

__all__ = ["bind_again", "open_listeners"]

# A port that the system chose for the first address of a host may be taken on the next address. Binding again lets the
# system choose another.
_PORT_CHOICES: Final = 8
# A name may resolve to IPv4 and IPv6 addresses on a machine that supports only one of the two.
_FAMILY_MISSING: Final = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


def open_listeners(bind_address: BindAddress) -> tuple[Listener, ...]:
    """Bind new sockets and take over inherited ones, as an address says: all of them, or none.

    Raises:
        ListenError: a socket cannot be listened on; the message says which one and why.
    """
    opened: list[Listener] = []
    with ExitStack() as undo:
        for endpoint in bind_address.endpoints:
            for listener in _open(endpoint, bind_address, opened):
                undo.callback(listener.undo)
                opened.append(listener)
        undo.pop_all()
    return as_secured(tuple(opened), bind_address)


def bind_again(listeners: Iterable[Listener]) -> tuple[Listener, ...]:
    """Return listeners for another process: a new socket for each port, and the same one in all other cases.

    Args:
        listeners: opened with ``reuse_port``.

    Raises:
        ListenError: a socket cannot be bound.
    """
    copies: list[Listener] = []
    with ExitStack() as undo:
        for listener in listeners:
            if listener.is_inherited or listener.address.unix:
                copies.append(listener)
                continue
            host, port, *rest = listener.socket.getsockname()
            address = _ResolvedAddress(listener.socket.family, host, tuple(rest))
            try:
                copy = _bind_resolved(address, port, reuse_port=True)
            except OSError as error:
                raise ListenError(_bind_failure(error, host, port), error.errno) from error
            undo.callback(copy.close)
            copies.append(attrs.evolve(copy, address=listener.address))
        undo.pop_all()
    return tuple(copies)


def _open(endpoint: Endpoint, bind_address: BindAddress, opened: Sequence[Listener]) -> Sequence[Listener]:
    """Open the sockets of one endpoint, except for addresses that another endpoint has opened."""
    if endpoint.fd is not None:
        return (adopt_descriptor(endpoint.fd),)
    if endpoint.unix:
        _check_file_is_new(endpoint.unix, opened)
        return (bind_unix(endpoint.unix, bind_address),)
    return _bind_tcp(endpoint, bind_address, {listener.address for listener in opened})


def _check_file_is_new(path: str, opened: Iterable[Listener]) -> None:
    # A socket that is bound but does not listen looks like the file of a dead server, which would be replaced.
    try:
        identity = file_identity(path)
    except (OSError, ValueError):
        return
    if any(listener.inode == identity for listener in opened):
        raise ListenError(f"cannot listen on {path!r}: another path in server.bind leads to the same socket")


def _bind_tcp(endpoint: Endpoint, bind_address: BindAddress, opened: Collection[Address]) -> tuple[Listener, ...]:
    for _ in range(_PORT_CHOICES - 1):
        try:
            return _bind_hosts(endpoint, bind_address, opened)
        except ListenError as error:
            if endpoint.port or error.errno != errno.EADDRINUSE:
                raise
    return _bind_hosts(endpoint, bind_address, opened)


def _bind_hosts(endpoint: Endpoint, bind_address: BindAddress, opened: Collection[Address]) -> tuple[Listener, ...]:
    listeners: list[Listener] = []
    missing: OSError | None = None
    with ExitStack() as undo:
        for address in _resolve_all(endpoint.hosts):
            port = listeners[0].address.port if listeners else endpoint.port
            if Address(host=address.host, port=port) in opened:
                continue
            try:
                listener = _bind_resolved(address, port, reuse_port=bind_address.reuse_port)
            except OSError as error:
                if error.errno not in _FAMILY_MISSING:
                    raise ListenError(_bind_failure(error, address.host, port), error.errno) from error
                missing = error
                continue
            undo.callback(listener.close)
            listeners.append(listener)
        if missing is not None and not listeners:
            names = ", ".join(endpoint.hosts)
            raise ListenError(f"cannot listen on {names}: not an address of this machine", missing.errno) from missing
        undo.pop_all()
    return tuple(listeners)


@attrs.frozen
class _ResolvedAddress:
    """An address that a name resolves to; ``rest`` is the part of an IPv6 socket address after the port."""

    family: socket.AddressFamily
    host: str
    rest: tuple[object, ...]


def _resolve_all(names: Sequence[str]) -> list[_ResolvedAddress]:
    found = {}
    for name in names:
        found.update(dict.fromkeys(_resolve(name)))
    if not found:
        raise ListenError("no host to listen on")
    return list(found)


def _resolve(name: str) -> list[_ResolvedAddress]:
    if not name:
        # The system would listen on every interface. Leaving out the host must not have that effect.
        raise ListenError("the host is empty; 0.0.0.0 or :: listens on every interface")
    bare = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    try:
        infos = socket.getaddrinfo(bare, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        hint = f"; did you mean '--bind {name}'?" if _has_port(name) else ""
        raise ListenError(f"cannot listen on {name!r}: no such host{hint}", getattr(error, "errno", None)) from error
    return [_ResolvedAddress(family, str(address[0]), tuple(address[2:])) for family, _, _, _, address in infos]


def _has_port(name: str) -> bool:
    with suppress(ValueError):
        return bool(parse_endpoint(name).hosts)
    return False


def _bind_resolved(address: _ResolvedAddress, port: int, *, reuse_port: bool) -> Listener:
    # asyncio sets TCP_NODELAY only on sockets whose protocol number is IPPROTO_TCP.
    sock = socket.socket(address.family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # A restarted server must not wait until the kernel has forgotten the last connections of the previous one.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if address.family == socket.AF_INET6:
            # One socket for each family, so that "::" and "0.0.0.0" can be bound separately or together.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setblocking(False)
        sock.bind((address.host, port, *address.rest))
    except BaseException:
        sock.close()
        raise
    return Listener(socket=sock, address=Address(host=address.host, port=sock.getsockname()[1]))


def _bind_failure(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} on {host} is in use"
        case errno.EACCES | errno.EPERM:
            return f"no permission to listen on port {port} of {host}"
    return f"cannot listen on port {port} of {host}: {error.strerror or error}"
