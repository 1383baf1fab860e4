"""``turnbuckle serve``: serve an app until it is stopped."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

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

ValueT = TypeVar("ValueT")


def _one(context: click.Context, option: click.Parameter, values: Sequence[ValueT]) -> ValueT | None:
    # Of two ports, click would use the last one without a word.
    if len(values) > 1:
        raise click.UsageError(
            f"{option.opts[0]} was given {len(values)} times. --bind takes several addresses, "
            "as in '--bind 127.0.0.1:8000 --bind [::1]:8001 --bind unix:PATH'.",
            context,
        )
    return values[0] if values else None


@click.command(cls=OptionalValueCommand, short_help="Serve an app until it is stopped.")
@takes_target
@click.option("--host", "hosts", multiple=True, metavar="ADDRESS", help="Listen on this address; may be repeated.")
@click.option(
    "--port", type=int, multiple=True, callback=_one, metavar="NUMBER", help="Listen on this port; 0 for any."
)
@click.option(
    "-b",
    "--bind",
    "places",
    multiple=True,
    metavar="ADDRESS",
    help="Listen on HOST:PORT, [IPV6]:PORT, unix:PATH or fd:NUMBER; may be repeated.",
)
@click.option("--unix", multiple=True, callback=_one, metavar="PATH", help="Listen on a Unix socket instead.")
@click.option("--unix-mode", metavar="MODE", help="Octal mode of its file, such as 660.")
@click.option("--fd", "fds", type=int, multiple=True, metavar="NUMBER", help="Listen on an inherited socket instead.")
@click.option("--ready-file", metavar="PATH", help="A file that exists while connections are accepted.")
@click.option("--workers", type=int, metavar="NUMBER", help="Number of processes that serve; 0: one per processor.")
@click.option("--reload", "is_reloading", is_flag=True, help="Restart when a file changes; for development.")
@click.option("--tls-cert", metavar="FILE", help="Serve https with this certificate chain, in PEM.")
@click.option("--tls-key", metavar="FILE", help="The private key of the certificate.")
@click.option("--http2-cleartext", is_flag=True, help="Serve HTTP/2 without TLS as well; enables the plugin http2.")
@click.option("--access-log/--no-access-log", default=None, help="Log each response.")
@click.option(
    "--log-level", type=click.Choice(["critical", "error", "warning", "info", "debug"]), help="The lowest logged level."
)
@click.option("--log-format", type=click.Choice(["text", "json"]), help="The format of log lines.")
@click.option("--loop", type=click.Choice(["auto", "asyncio", "uvloop"]), help="The event loop to run on.")
@locked_option
def serve(  # noqa: PLR0913  # click passes one argument for each option
    options: AppOptions,
    *,
    hosts: tuple[str, ...],
    port: int | None,
    places: tuple[str, ...],
    unix: str | None,
    fds: tuple[int, ...],
    ready_file: str | None,
    workers: int | None,
    is_reloading: bool,
    unix_mode: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    http2_cleartext: bool,
    access_log: bool | None,
    log_level: str | None,
    log_format: str | None,
    loop: str | None,
    locked: str | None,
) -> None:
    """Serve an app until SIGINT or SIGTERM; a second signal does not wait for requests.

    With --workers, SIGHUP replaces the workers one by one, and SIGUSR2 the supervisor: see docs/operate/deployment.md.

    All problems are shown before anything is served. If there is a composition lock, each difference is a warning; with
    --locked it is an error.
    """
    if is_reloading and workers is not None:
        raise click.UsageError("--reload serves with one process and cannot be combined with --workers.")
    if http2_cleartext:
        options = options.with_plugin("http2").with_setting("--http2-cleartext", "plugin.http2.cleartext", True)
    options = (
        options.with_setting("--host", "server.host", ",".join(hosts) if hosts else None)
        .with_setting("--port", "server.port", port)
        .with_setting("--bind", "server.bind", json.dumps(places, ensure_ascii=False) if places else None)
        .with_setting("--unix", "server.unix", unix)
        .with_setting("--unix-mode", "server.unix_mode", unix_mode)
        .with_setting("--fd", "server.fds", list(fds) or None)
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
        _work(options, locked)
    else:
        with reporting_errors():
            _serve(options, locked, is_reloading=is_reloading)


def _serve(options: AppOptions, locked: str | None, *, is_reloading: bool) -> None:
    from turnbuckle.cli.supervisor import serve_as_supervisor, serve_with_workers, wants_workers

    if SUPERVISOR in os.environ:
        serve_as_supervisor()
        return
    plan, application = options.compile(serves=True)
    warn(plan.diagnostics)
    check_lock(options, plan, locked)
    if wants_workers(plan, is_reloading=is_reloading):
        serve_with_workers(options, plan, is_reloading=is_reloading)
    else:
        _run(application, plan, None)


def _work(options: AppOptions, locked: str | None) -> None:
    """Serve as a worker; the supervisor reports once why the workers cannot start."""
    from turnbuckle.server.workers.worker import Worker

    worker = Worker.take_from(os.environ)
    try:
        with reporting_errors():
            plan, application = options.compile(serves=True)
            if locked is not None:
                check_lock(options, plan, locked)
            _run(worker.with_request_count(application), plan, worker)
    except CommandFailed as failure:
        if worker.has_served:
            raise
        worker.refuse(failure.text)
        sys.exit(failure.exit_code)


def _run(application: Application, plan: Plan, worker: Worker | None) -> None:
    from turnbuckle.startup.compile.serving import run_with_settings

    fds, serve = (None, None) if worker is None else (worker.fds, worker.serve)
    if run_with_settings(application, plan.settings, fds=fds, serve=serve):
        # The interpreter would wait for its threads without a limit.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
