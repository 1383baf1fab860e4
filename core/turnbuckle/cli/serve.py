"""``turnbuckle serve``: run an app until told to stop."""

from __future__ import annotations

import click

from turnbuckle.cli.failures import told, warn
from turnbuckle.cli.locking import hold_to_lock, locked_option
from turnbuckle.cli.optional_values import OptionalValueCommand
from turnbuckle.cli.options import Asked, takes_target

__all__ = ["serve"]


@click.command(cls=OptionalValueCommand, short_help="Serve an app until told to stop.")
@takes_target
@click.option("--host", metavar="ADDRESS", help="Listen on this address.")
@click.option("--port", type=int, metavar="NUMBER", help="Listen on this port; 0 for any.")
@click.option("--unix", metavar="PATH", help="Listen on a Unix socket instead.")
@click.option("--unix-mode", metavar="MODE", help="Octal mode of its file, such as 660.")
@click.option("--fd", type=int, metavar="NUMBER", help="Listen on an inherited socket instead.")
@click.option("--ready-file", metavar="PATH", help="A file that is there while connections are accepted.")
@click.option("--access-log/--no-access-log", default=None, help="Log each response.")
@click.option(
    "--log-level", type=click.Choice(["critical", "error", "warning", "info", "debug"]), help="How much is logged."
)
@click.option("--log-format", type=click.Choice(["text", "json"]), help="How a line of the log looks.")
@click.option("--loop", type=click.Choice(["auto", "asyncio", "uvloop"]), help="The event loop to run on.")
@locked_option
def serve(  # noqa: PLR0913  # one argument for each option, as click has it
    asked: Asked,
    *,
    host: str | None,
    port: int | None,
    unix: str | None,
    fd: int | None,
    ready_file: str | None,
    unix_mode: str | None,
    access_log: bool | None,
    log_level: str | None,
    log_format: str | None,
    loop: str | None,
    locked: str | None,
) -> None:
    """Serve an app until SIGINT or SIGTERM; a second signal does not wait for requests.

    All problems are shown before anything is served. Where there is a composition lock, what differs from it is a
    warning, and a problem with --locked.
    """
    asked = (
        asked.with_setting("--host", "server.host", host)
        .with_setting("--port", "server.port", port)
        .with_setting("--unix", "server.unix", unix)
        .with_setting("--unix-mode", "server.unix_mode", unix_mode)
        .with_setting("--fd", "server.fds", None if fd is None else [fd])
        .with_setting("--ready-file", "server.ready_file", ready_file)
        .with_setting("--access-log", "log.access", access_log)
        .with_setting("--log-level", "log.level", log_level)
        .with_setting("--log-format", "log.format", log_format)
        .with_setting("--loop", "server.loop", loop)
    )
    with told():
        _serve(asked, locked)


def _serve(asked: Asked, locked: str | None) -> None:
    from turnbuckle.server.run import run
    from turnbuckle.startup.sparing import compile_plan

    plan, application = compile_plan(asked.resolve())
    warn(plan.diagnostics)
    hold_to_lock(asked, plan, locked)
    server = plan.settings.server
    run(
        application,
        host=server.host,
        port=server.port,
        unix=server.unix,
        unix_mode=server.unix_mode,
        unix_owner=server.unix_owner,
        unix_group=server.unix_group,
        backlog=server.backlog,
        reuse_port=server.reuse_port,
        fds=server.fds,
        fd_name=server.fd_name,
        ready_file=server.ready_file,
        loop=server.loop,
        log=plan.settings.log,
    )
