"""Serve with workers: become their supervisor, or be one of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from turnbuckle.cli.reporting import CommandFailed, ServingFailed

if TYPE_CHECKING:
    from turnbuckle.cli.options import AppOptions
    from turnbuckle.plan import Plan
    from turnbuckle.server.workers.reloader import Watched

__all__ = ["serve_as_supervisor", "serve_with_workers", "wants_workers"]


def wants_workers(plan: Plan, *, is_reloading: bool) -> bool:
    """Tell whether an app is served by other processes than this one."""
    from turnbuckle.server.workers.process_env import is_successor

    return is_reloading or plan.settings.workers.are_supervised or is_successor()


def serve_with_workers(asked: AppOptions, plan: Plan, *, is_reloading: bool) -> None:
    """Go on as the supervisor of workers; this does not return.

    Args:
        asked: what the command line asks for.
        plan: of the app, for its settings.
        is_reloading: whether there is one worker, which is replaced when a file has changed.

    Raises:
        TurnbuckleError: files are to be watched, and watchfiles is not installed.
    """
    from turnbuckle.server.workers.process_env import SupervisorConfig, become_supervisor
    from turnbuckle.server.workers.reloader import check_watching

    settings = plan.settings
    workers, watched = settings.workers, None
    if is_reloading:
        check_watching()
        # Settings for production may ask for more than one; nobody wants to wait for them while developing.
        workers = attrs.evolve(workers, count=1)
        watched = _watched(asked, plan)
    config = SupervisorConfig(
        bind_address=attrs.evolve(settings.server.bind_address(), is_secured=settings.tls.is_configured),
        fd_name=settings.server.fd_name,
        ready_file=settings.server.ready_file,
        workers=workers,
        log=settings.log,
        watched=watched,
    )
    become_supervisor(config)


def serve_as_supervisor() -> None:
    """Be a supervisor until told to stop.

    Raises:
        CommandFailed: 3; the workers cannot start, for the reason that one of them gave.
        ServingFailed: 1; they failed in another way.
        ListenError: a socket cannot be listened on.
    """
    from turnbuckle.server.workers.process_env import read_supervisor_config
    from turnbuckle.server.workers.supervisor import run_supervisor

    end = run_supervisor(read_supervisor_config(os.environ))
    if end.reason:
        raise (CommandFailed if end.status == CommandFailed.exit_code else ServingFailed)(end.reason)


def _watched(asked: AppOptions, plan: Plan) -> Watched:
    from turnbuckle.server.workers.reloader import Watched

    reload = plan.settings.reload
    file = asked.file.parent if asked.file is not None else Path()
    folders = dict.fromkeys(
        str(each.resolve()) for each in (Path(), asked.target.folder, file, *map(Path, reload.folders))
    )
    return Watched(folders=tuple(folders), suffixes=reload.suffixes)
