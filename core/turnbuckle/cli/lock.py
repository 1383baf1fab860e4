"""Write the composition lock of an app, and check an app against it."""

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
        help="Fail if the composition of the app differs from its lock (turnbuckle.lock beside its settings).",
    )(command)


def check_lock(options: AppOptions, plan: Plan, locked: str | None) -> int:
    """Compare a plan with its lock, if there is one: each difference is a warning, or an error with ``--locked``.

    Returns:
        The number of printed warnings.

    Raises:
        StartupError: there is a difference and ``--locked`` was given, or the lock cannot be read.
    """
    path = _lock_path(options, locked or "")
    if locked is None and not path.is_file():
        return 0
    from turnbuckle.errors import Problem, StartupError
    from turnbuckle.startup.report.lock import compare_with_lock

    found = compare_with_lock(plan, path, is_binding=locked is not None)
    warn([diagnostic for diagnostic in found if diagnostic.level != "error"])
    warnings = sum(diagnostic.level == "warning" for diagnostic in found)
    errors = [Problem(diagnostic) for diagnostic in found if diagnostic.level == "error"]
    if errors:
        raise StartupError(errors)
    return warnings


def write_lock(options: AppOptions, plan: Plan, file: str) -> None:
    """Write the lock of a plan, and print the differences from the previous lock.

    Raises:
        CommandFailed: 3; the lock cannot be written.
    """
    from turnbuckle.cli.reporting import CommandFailed
    from turnbuckle.startup.report.diff import differences
    from turnbuckle.startup.report.lock import composition_of, lock_text, read_composition

    path, composition = _lock_path(options, file), composition_of(plan)
    before = read_composition(path) if path.is_file() else None
    try:
        path.write_text(lock_text(composition), encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"error: {str(path)!r} cannot be written: {error.strerror}") from error
    click.echo(f"{path} is {'written' if before is None else 'updated'}: {_size(plan)}")
    for difference in differences(before, composition) if before is not None else ():
        click.echo(f"  {difference.text}")


def _lock_path(options: AppOptions, file: str) -> Path:
    from turnbuckle.startup.report.lock import LOCK_NAME

    return Path(file) if file else options.folder / LOCK_NAME


def _size(plan: Plan) -> str:
    plugins = sum(plugin.state == "enabled" for plugin in plan.plugins)
    middleware = sum(len(scope.middleware) for scope in plan.root.walk())
    routes = sum(1 for _ in plan.routes())
    return f"{_counted(plugins, 'plugin')}, {middleware} middleware, {_counted(routes, 'route')}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
