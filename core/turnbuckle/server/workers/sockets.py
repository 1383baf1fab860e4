"""Open the listening sockets of a service with many workers, and distribute them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack

import attrs

from turnbuckle.server.listen.addresses import BindAddress, Listener, as_secured
from turnbuckle.server.listen.listeners import bind_listeners, open_listeners
from turnbuckle.server.listen.socket_activation import adopt_descriptors, take_passed_sockets
from turnbuckle.server.workers.process_env import SupervisorConfig
from turnbuckle.server.workers.settings import Workers

__all__ = ["adopt_socket_sets", "open_socket_sets", "worker_listeners"]


def worker_listeners(config: SupervisorConfig) -> list[tuple[Listener, ...]]:
    """Return the listeners of each worker in turn, or one set that all workers share.

    Raises:
        ListenError: a socket cannot be listened on.
    """
    sets = _socket_sets(config)
    return [as_secured(listeners, config.bind_address) for listeners in sets]


def _socket_sets(config: SupervisorConfig) -> list[tuple[Listener, ...]]:
    if config.successor is not None:
        return adopt_socket_sets(config.successor.sets, config.workers.processes)
    fds = config.bind_address.fds or take_passed_sockets(os.environ, config.fd_name)
    return open_socket_sets(attrs.evolve(config.bind_address, fds=fds), config.workers)


def open_socket_sets(bind_address: BindAddress, policy: Workers) -> list[tuple[Listener, ...]]:
    """Open new sockets, or take over inherited ones: one set for each worker, or one that all workers share.

    Inherited sockets are always shared, and so are Unix sockets, because the kernel distributes connections only
    between sockets on the same port.

    Raises:
        ListenError: a socket cannot be listened on.
    """
    if bind_address.fds:
        return [open_listeners(bind_address)]
    if policy.sockets == "shared" or bind_address.unix:
        return [bind_listeners(bind_address)]
    with ExitStack() as undo:
        sets = [_bind(attrs.evolve(bind_address, reuse_port=True), undo)]
        # If the system chose the port, the other sets use the same one.
        same = attrs.evolve(bind_address, reuse_port=True, port=sets[0][0].address.port)
        sets += [_bind(same, undo) for _ in range(policy.processes - 1)]
        undo.pop_all()
    return sets


def adopt_socket_sets(sets: Sequence[Sequence[int]], count: int) -> list[tuple[Listener, ...]]:
    """Take over socket sets made for another number of workers, and distribute all of them over ``count`` workers.

    Raises:
        ListenError: a descriptor is not a socket to listen on.
    """
    adopted = [adopt_descriptors(fds) for fds in sets]
    size = min(count, len(adopted))
    return [tuple(listener for group in adopted[start::size] for listener in group) for start in range(size)]


def _bind(bind_address: BindAddress, undo: ExitStack) -> tuple[Listener, ...]:
    listeners = bind_listeners(bind_address)
    for listener in listeners:
        undo.callback(listener.close)
    return listeners
