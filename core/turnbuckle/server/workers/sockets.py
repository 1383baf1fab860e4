"""Open the listening sockets of a service with many workers, and distribute them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack

import attrs

from turnbuckle.server.listen.addresses import BindAddress, Listener, as_secured
from turnbuckle.server.listen.listeners import bind_again, open_listeners
from turnbuckle.server.listen.socket_activation import adopt_descriptor, with_passed_sockets
from turnbuckle.server.workers.process_env import SuccessorEnvironment, SupervisorConfig
from turnbuckle.server.workers.settings import Workers

__all__ = ["adopt_socket_sets", "open_socket_sets", "worker_listeners"]


def worker_listeners(config: SupervisorConfig) -> list[tuple[Listener, ...]]:
    """Return the listeners of each worker in turn, or one set that all workers share.

    Raises:
        ListenError: a socket cannot be listened on.
    """
    if config.successor is None:
        return open_socket_sets(with_passed_sockets(config.bind_address, os.environ, config.fd_name), config.workers)
    sets = adopt_socket_sets(config.successor, config.workers.processes)
    return [as_secured(listeners, config.bind_address) for listeners in sets]


def open_socket_sets(bind_address: BindAddress, policy: Workers) -> list[tuple[Listener, ...]]:
    """Open new sockets, or take over inherited ones: one set for each worker, or one that all workers share.

    Inherited sockets are in all sets, and so are Unix sockets, because the kernel distributes connections only between
    sockets on the same port.

    Raises:
        ListenError: a socket cannot be listened on.
    """
    if policy.sockets == "shared" or not any(endpoint.hosts for endpoint in bind_address.endpoints):
        return [open_listeners(bind_address)]
    with ExitStack() as undo:
        sets = [open_listeners(attrs.evolve(bind_address, reuse_port=True))]
        undo.callback(_undo, sets)
        for _ in range(policy.processes - 1):
            sets.append(bind_again(sets[0]))
        undo.pop_all()
    return sets


def adopt_socket_sets(successor: SuccessorEnvironment, count: int) -> list[tuple[Listener, ...]]:
    """Take over the socket sets of another supervisor, and distribute all of them over ``count`` workers.

    Raises:
        ListenError: a descriptor is not a socket to listen on.
    """
    sets = successor.sets
    inodes = {fd: (device, inode) for fd, device, inode in successor.files}
    # A socket that all workers share is in each of their sets.
    adopted = {
        fd: attrs.evolve(adopt_descriptor(fd), inode=inodes.get(fd))
        for fd in dict.fromkeys(fd for fds in sets for fd in fds)
    }
    size = min(count, len(sets))
    return [
        tuple(adopted[fd] for fd in dict.fromkeys(fd for fds in sets[start::size] for fd in fds))
        for start in range(size)
    ]


def _undo(sets: Sequence[Sequence[Listener]]) -> None:
    for listener in dict.fromkeys(listener for listeners in sets for listener in listeners):
        listener.undo()
