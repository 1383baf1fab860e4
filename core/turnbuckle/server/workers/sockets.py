"""Open the sockets of a service with many workers, and deal them out."""

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
    """Return the listeners of each worker in turn, or one set that all of them share.

    Raises:
        ListenError: a socket cannot be listened on.
    """
    sets = _sets(config)
    return [as_secured(listeners, config.bind_address) for listeners in sets]


def _sets(config: SupervisorConfig) -> list[tuple[Listener, ...]]:
    if config.successor is not None:
        return adopt_socket_sets(config.successor.sets, config.workers.processes)
    fds = config.bind_address.fds or take_passed_sockets(os.environ, config.fd_name)
    return open_socket_sets(attrs.evolve(config.bind_address, fds=fds), config.workers)


def open_socket_sets(bind_address: BindAddress, policy: Workers) -> list[tuple[Listener, ...]]:
    """Return the listeners of each worker in turn, or one set that all of them share.

    Inherited sockets are always shared, and so are those without a port: the kernel deals out ports alone.

    Raises:
        ListenError: a socket cannot be listened on.
    """
    if bind_address.fds:
        return [open_listeners(bind_address)]
    if policy.sockets == "shared" or bind_address.unix:
        return [bind_listeners(bind_address)]
    with ExitStack() as undo:
        sets = [_bind(attrs.evolve(bind_address, reuse_port=True), undo)]
        # Where the system was to choose a port, it has; the others are on the same.
        same = attrs.evolve(bind_address, reuse_port=True, port=sets[0][0].address.port)
        sets += [_bind(same, undo) for _ in range(policy.processes - 1)]
        undo.pop_all()
    return sets


def adopt_socket_sets(sets: Sequence[Sequence[int]], count: int) -> list[tuple[Listener, ...]]:
    """Take over the sockets of another number of workers, so that there is somebody for each of them.

    Raises:
        ListenError: one of them is no socket to listen on.
    """
    adopted = [adopt_descriptors(each) for each in sets]
    size = min(count, len(adopted))
    return [tuple(listener for each in adopted[start::size] for listener in each) for start in range(size)]


def _bind(bind_address: BindAddress, undo: ExitStack) -> tuple[Listener, ...]:
    listeners = bind_listeners(bind_address)
    for listener in listeners:
        undo.callback(listener.close)
    return listeners
