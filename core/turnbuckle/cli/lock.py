"""Write the lock of an app, and hold an app to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from turnbuckle.cli.options import AppOptions, OptionalValue
from turnbuckle.cli.reporting import warn

if TYPE_CHECKING:
    from turnbuckle.plan import Plan

__all__ = ["check_lock", "locked_option", "write_lock"]

CommandT = TypeVar("CommandT", bound=Callable[..., object])


def locked_option(command: CommandT) -> CommandT:
    """Add ``--locked``, for ``check_lock``."""
    return click.option(
        "--locked",
        cls=OptionalValue,
        metavar="[=FILE]",
        help="Refuse to go on if the app is not put together as its lock says (turnbuckle.lock beside its settings).",
    )(command)


def check_lock(asked: AppOptions, plan: Plan, locked: str | None) -> int:
    """Hold a plan against the lock: a warning for each difference if there is a lock, an error with ``--locked``.

    Returns:
        How many warnings were printed.

    Raises:
        StartupError: the lock is binding and something differs, or it cannot be read.
    """
    path = _lock_path(asked, locked or "")
    if locked is None and not path.is_file():
        return 0
    from turnbuckle.errors import Problem, StartupError
    from turnbuckle.startup.report.lock import compare_with_lock

    found = compare_with_lock(plan, path, is_binding=locked is not None)
    warn([each for each in found if each.level != "error"])
    warnings = sum(each.level == "warning" for each in found)
    errors = [Problem(each) for each in found if each.level == "error"]
    if errors:
        raise StartupError(errors)
    return warnings


def write_lock(asked: AppOptions, plan: Plan, file: str) -> None:
    """Write the lock of a plan, and say in what it differs from the one that was there.

    Raises:
        CommandFailed: 3; it cannot be written.
    """
    from turnbuckle.cli.reporting import CommandFailed
    from turnbuckle.startup.report.diff import differences
    from turnbuckle.startup.report.lock import composition_of, lock_text, read_composition

    path, composition = _lock_path(asked, file), composition_of(plan)
    before = read_composition(path) if path.is_file() else None
    try:
        path.write_text(lock_text(composition), encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"error: {str(path)!r} cannot be written: {error.strerror}") from error
    click.echo(f"{path} is {'written' if before is None else 'written again'}: {_size(plan)}")
    for each in differences(before, composition) if before is not None else ():
        click.echo(f"  {each.text}")


def _lock_path(asked: AppOptions, file: str) -> Path:
    from turnbuckle.startup.report.lock import LOCK_NAME

    return Path(file) if file else asked.folder / LOCK_NAME


def _size(plan: Plan) -> str:
    plugins = sum(plugin.state == "enabled" for plugin in plan.plugins)
    middleware = sum(len(scope.middleware) for scope in plan.root.walk())
    routes = sum(1 for _ in plan.routes())
    return f"{_counted(plugins, 'plugin')}, {middleware} middleware, {_counted(routes, 'route')}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
