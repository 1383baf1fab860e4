"""``turnbuckle serve``: run an app until told to stop."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from turnbuckle.cli.lock import check_lock, locked_option
from turnbuckle.cli.options import AppOptions, OptionalValueCommand, takes_target
from turnbuckle.cli.reporting import CommandFailed, reporting_errors, warn
from turnbuckle.server.workers.process_env import SUPERVISOR, WORKER

if TYPE_CHECKING:
    from turnbuckle.plan import Plan
    from turnbuckle.server.model.application import Application
    from turnbuckle.server.workers.worker import Worker

__all__ = ["serve"]


@click.command(cls=OptionalValueCommand, short_help="Serve an app until told to stop.")
@takes_target
@click.option("--host", metavar="ADDRESS", help="Listen on this address.")
@click.option("--port", type=int, metavar="NUMBER", help="Listen on this port; 0 for any.")
@click.option("--unix", metavar="PATH", help="Listen on a Unix socket instead.")
@click.option("--unix-mode", metavar="MODE", help="Octal mode of its file, such as 660.")
@click.option("--fd", type=int, metavar="NUMBER", help="Listen on an inherited socket instead.")
@click.option("--ready-file", metavar="PATH", help="A file that is there while connections are accepted.")
@click.option("--workers", type=int, metavar="NUMBER", help="Serve with so many processes; 0: one for each processor.")
@click.option("--reload", "is_reloading", is_flag=True, help="Begin anew when a file changes; for development.")
@click.option("--tls-cert", metavar="FILE", help="Serve https with this certificate chain, in PEM.")
@click.option("--tls-key", metavar="FILE", help="The private key of the certificate.")
@click.option("--access-log/--no-access-log", default=None, help="Log each response.")
@click.option(
    "--log-level", type=click.Choice(["critical", "error", "warning", "info", "debug"]), help="How much is logged."
)
@click.option("--log-format", type=click.Choice(["text", "json"]), help="How a line of the log looks.")
@click.option("--loop", type=click.Choice(["auto", "asyncio", "uvloop"]), help="The event loop to run on.")
@locked_option
def serve(  # noqa: PLR0913  # one argument for each option, as click has it
    asked: AppOptions,
    *,
    host: str | None,
    port: int | None,
    unix: str | None,
    fd: int | None,
    ready_file: str | None,
    workers: int | None,
    is_reloading: bool,
    unix_mode: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    access_log: bool | None,
    log_level: str | None,
    log_format: str | None,
    loop: str | None,
    locked: str | None,
) -> None:
    """Serve an app until SIGINT or SIGTERM; a second signal does not wait for requests.

    With --workers, SIGHUP replaces the workers one by one, and SIGUSR2 the supervisor: see docs/operate/deployment.md.

    All problems are shown before anything is served. Where there is a composition lock, what differs from it is a
    warning, and a problem with --locked.
    """
    if is_reloading and workers is not None:
        raise click.UsageError("--reload serves with one process, and does not go with --workers.")
    asked = (
        asked.with_setting("--host", "server.host", host)
        .with_setting("--port", "server.port", port)
        .with_setting("--unix", "server.unix", unix)
        .with_setting("--unix-mode", "server.unix_mode", unix_mode)
        .with_setting("--fd", "server.fds", None if fd is None else [fd])
        .with_setting("--ready-file", "server.ready_file", ready_file)
        .with_setting("--workers", "workers.count", workers)
        .with_setting("--access-log", "log.access", access_log)
        .with_setting("--log-level", "log.level", log_level)
        .with_setting("--log-format", "log.format", log_format)
        .with_setting("--tls-cert", "tls.cert", tls_cert)
        .with_setting("--tls-key", "tls.key", tls_key)
        .with_setting("--loop", "server.loop", loop)
    )
    if WORKER in os.environ:
        _work(asked, locked)
    else:
        with reporting_errors():
            _serve(asked, locked, is_reloading=is_reloading)


def _serve(asked: AppOptions, locked: str | None, *, is_reloading: bool) -> None:
    from turnbuckle.cli.supervisor import serve_as_supervisor, serve_with_workers, wants_workers

    if SUPERVISOR in os.environ:
        serve_as_supervisor()
        return
    plan, application = asked.compile()
    warn(plan.diagnostics)
    check_lock(asked, plan, locked)
    if wants_workers(plan, is_reloading=is_reloading):
        serve_with_workers(asked, plan, is_reloading=is_reloading)
    else:
        _run(application, plan, None)


def _work(asked: AppOptions, locked: str | None) -> None:
    """Serve as one of many; why that cannot be is for the supervisor to tell, once."""
    from turnbuckle.server.workers.worker import Worker

    worker = Worker.take_from(os.environ)
    try:
        with reporting_errors():
            plan, application = asked.compile()
            if locked is not None:
                check_lock(asked, plan, locked)
            _run(worker.with_request_count(application), plan, worker)
    except CommandFailed as failure:
        if worker.has_served:
            raise
        worker.refuse(failure.text)
        sys.exit(failure.exit_code)


def _run(application: Application, plan: Plan, worker: Worker | None) -> None:
    from turnbuckle.startup.compile.serving import run_as_set

    fds, serve = (None, None) if worker is None else (worker.fds, worker.serve)
    if run_as_set(application, plan.settings, fds=fds, serve=serve):
        # The interpreter would wait for its threads, whatever they wait for.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
