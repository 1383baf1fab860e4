"""Serve with worker processes: replace this process by their supervisor, and run the supervisor."""

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
    """Return whether worker processes serve the app."""
    from turnbuckle.server.workers.process_env import is_successor

    return is_reloading or plan.settings.workers.are_supervised or is_successor()


def serve_with_workers(options: AppOptions, plan: Plan, *, is_reloading: bool) -> None:
    """Continue as the supervisor of the workers; this does not return.

    Args:
        options: the options of the command line.
        plan: the plan of the app, for its settings.
        is_reloading: whether there is one worker, which is replaced when a file changes.

    Raises:
        TurnbuckleError: files are to be watched, but watchfiles is not installed.
    """
    from turnbuckle.server.workers.process_env import SupervisorConfig, become_supervisor
    from turnbuckle.server.workers.reloader import check_watching

    settings = plan.settings
    workers, watched = settings.workers, None
    if is_reloading:
        check_watching()
        # Settings for production may have more workers, which would only slow down each reload.
        workers = attrs.evolve(workers, count=1)
        watched = _watched(options, plan)
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
    """Run the supervisor until it is stopped.

    Raises:
        CommandFailed: 3; the workers cannot start; the message is the reason of one of them.
        ServingFailed: 1; the workers failed in another way.
        ListenError: a socket cannot be opened.
    """
    from turnbuckle.server.workers.process_env import read_supervisor_config
    from turnbuckle.server.workers.supervisor import run_supervisor

    end = run_supervisor(read_supervisor_config(os.environ))
    if end.reason:
        raise (CommandFailed if end.status == CommandFailed.exit_code else ServingFailed)(end.reason)


def _watched(options: AppOptions, plan: Plan) -> Watched:
    from turnbuckle.server.workers.reloader import Watched

    reload = plan.settings.reload
    file = options.file.parent if options.file is not None else Path()
    folders = dict.fromkeys(
        str(folder.resolve()) for folder in (Path(), options.target.folder, file, *map(Path, reload.folders))
    )
    return Watched(folders=tuple(folders), suffixes=reload.suffixes)
