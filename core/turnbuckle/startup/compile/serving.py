"""Serve an application as its settings say; ``App.run`` and the command line share this."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence

import attrs

from turnbuckle.server.model.application import Application
from turnbuckle.server.run.runner import run
from turnbuckle.server.run.server import HTTPServer
from turnbuckle.settings import Settings

__all__ = ["run_with_settings"]


def run_with_settings(
    application: Application,
    settings: Settings,
    *,
    fds: Sequence[int] | None = None,
    serve: Callable[[HTTPServer], Coroutine[object, object, None]] | None = None,
) -> bool:
    """Serve an application in this process until it is stopped; return whether threads are left that do not end.

    Args:
        application: the application.
        settings: the addresses to listen on, and all options of the server.
        fds: file descriptors of inherited sockets, instead of the ones in the settings.
        serve: replaces ``HTTPServer.serve``, and may report the progress to a supervisor.

    Raises:
        ListenError: listening on a socket failed.
        LifespanError: a lifespan failed.
        TLSError: the TLS configuration cannot be used.
        TurnbuckleError: the loop is not installed, or a file to log to cannot be opened.
    """
    server = settings.server
    return run(
        application,
        server.bind_address() if fds is None else attrs.evolve(server.bind_address(), fds=fds),
        fd_name=server.fd_name,
        threads=server.threads,
        ready_file=server.ready_file,
        tls=settings.tls,
        proxy=settings.proxy,
        loop=server.loop,
        log=settings.log,
        serve=serve,
    )
