"""Run a server in this process with everything around it: event loop, logging, signals, threads."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Literal, TypeAlias

from turnbuckle.errors import TurnbuckleError
from turnbuckle.server.listen.addresses import BindAddress
from turnbuckle.server.listen.proxied_connection import ProxySettings
from turnbuckle.server.listen.socket_activation import with_passed_sockets
from turnbuckle.server.logs.destinations import occupy_standard_descriptors
from turnbuckle.server.logs.setup import LogSettings, configured_logging
from turnbuckle.server.model.application import Application, LoopFactory
from turnbuckle.server.model.capacity import raise_open_file_limit
from turnbuckle.server.run.readiness import Readiness
from turnbuckle.server.run.sd_notify import Notifier
from turnbuckle.server.run.server import HTTPServer
from turnbuckle.server.run.shutdown import TrackedThreadPool, run_until_settled
from turnbuckle.server.tls.context import TLS

__all__ = ["LoopChoice", "run"]

LoopChoice: TypeAlias = Literal["auto", "asyncio", "uvloop"]
"""The event loop to run on; ``"auto"`` is uvloop where it is installed."""


def run(  # noqa: PLR0913  # all but two by name
    application: Application,
    bind_address: BindAddress,
    *,
    fd_name: str = "",
    ready_file: str = "",
    tls: TLS | None = None,
    proxy: ProxySettings | None = None,
    loop: LoopChoice = "auto",
    log: LogSettings | None = None,
    threads: int = 0,
    serve: Callable[[HTTPServer], Coroutine[object, object, None]] | None = None,
) -> bool:
    """Serve an application until the process gets a stop signal; see ``HTTPServer`` for ``tls`` and ``proxy``.

    Sockets that systemd passes are used, unless the address names descriptors. Tasks that ignore their cancellation are
    abandoned. So are threads that do not end, but the interpreter would wait for them at its exit.

    Args:
        application: the application.
        bind_address: where to listen.
        fd_name: listen only on the sockets with this name that systemd passes; "" for all of them.
        ready_file: path of a file that exists while connections are accepted.
        tls: certificate and options of TLS.
        proxy: proxies that send the PROXY protocol.
        loop: the event loop to run on; with ``"auto"`` the application's own loop takes precedence.
        serve: called instead of ``HTTPServer.serve``; it reports the state of the server itself.
        log: how to log; None for the default settings.
        threads: number of threads for blocking calls; 0 for Python's default.

    Returns:
        Whether threads are still running.

    Raises:
        ListenError: a socket cannot be listened on.
        LifespanError: a lifespan failed.
        TLSError: the certificate or an option of TLS cannot be used.
        TurnbuckleError: the event loop is not installed, or a log file cannot be opened.
    """
    occupy_standard_descriptors()
    bind_address = with_passed_sockets(bind_address, os.environ, fd_name)
    server = HTTPServer.bound_to(application, bind_address, tls=tls, proxy=proxy)
    if serve is None:
        readiness = Readiness(ready_file, Notifier.take_from(os.environ))
        serve = partial(HTTPServer.serve, readiness=readiness)
    pool = TrackedThreadPool(threads or None)
    with (
        configured_logging(log or LogSettings(), secrets=application.secrets),
        asyncio.Runner(loop_factory=_choose_loop_factory(loop, application.loop_factory)) as runner,
    ):
        raise_open_file_limit()
        runner.run(run_until_settled(serve(server), pool))
    return pool.has_calls


def _choose_loop_factory(choice: LoopChoice, chosen: LoopFactory | None) -> LoopFactory | None:
    """Return the factory of the event loop; None for asyncio's own loop.

    Args:
        choice: from the settings.
        chosen: the application's own factory, if it has one.

    Raises:
        TurnbuckleError: the event loop is not installed.
    """
    if choice == "auto" and chosen is not None:
        return chosen
    if choice == "asyncio":
        return None
    try:
        import uvloop
    except ImportError as error:
        if choice == "auto":
            return None
        raise TurnbuckleError(
            "loop 'uvloop' is not installed: pip install 'turnbuckle[uvloop]', or '.[uvloop]' in a clone"
        ) from error
    return uvloop.new_event_loop
