"""``turnbuckle plan``: show how an app is composed, and why; lock the composition, or compare two of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from turnbuckle.cli.options import AppOptions, OptionalValue, OptionalValueCommand, may_take_target
from turnbuckle.cli.reporting import reporting_errors
from turnbuckle.cli.target import NO_TARGET, TARGET

if TYPE_CHECKING:
    from turnbuckle.startup.report.diff import Composition

__all__ = ["plan"]


@click.command(cls=OptionalValueCommand, short_help="Show how an app is composed, and why.")
@may_take_target
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.option("--all", "shows_all", is_flag=True, help="Show built-in parts and default values as well.")
@click.option("--lock", cls=OptionalValue, metavar="[=FILE]", help="Write a composition lock (turnbuckle.lock).")
@click.option(
    "--diff", nargs=2, metavar="A B", help="Show how B differs from A; each is a lock, a plan in JSON, or a TARGET."
)
def plan(
    options: AppOptions, *, as_json: bool, shows_all: bool, lock: str | None, diff: tuple[str, str] | None
) -> None:
    """Show the plan of an app: parser, plugins, settings, and each scope with its middleware and routes.

    Every part is shown with its source, every choice with its rule and the rejected candidates. JSON always contains
    all; docs/use/introspection.md describes it.
    """
    if diff is not None and (options.target is not NO_TARGET or lock is not None):
        raise click.UsageError("--diff cannot be combined with a TARGET or --lock.")
    with reporting_errors():
        if diff is not None:
            _show_differences(options, diff, as_json)
        elif lock is not None:
            _lock(options, lock)
        else:
            _show(options, as_json, shows_all)


def _show(options: AppOptions, as_json: bool, shows_all: bool) -> None:
    from turnbuckle.startup.report.plan_json import plan_as_json
    from turnbuckle.startup.report.plan_text import plan_as_text

    resolved = options.resolve()
    if as_json:
        click.echo(json.dumps(plan_as_json(resolved), indent=2, ensure_ascii=False))
    else:
        click.echo(plan_as_text(resolved, settings=shows_all), nl=False)


def _lock(options: AppOptions, file: str) -> None:
    from turnbuckle.cli.lock import write_lock

    write_lock(options, options.resolve(), file)


def _show_differences(options: AppOptions, diff: tuple[str, str], as_json: bool) -> None:
    from turnbuckle.startup.report.diff import differences

    found = differences(*(_composition(options, name) for name in diff))
    if as_json:
        data = [{"text": difference.text, "is_upgrade": difference.is_upgrade} for difference in found]
        click.echo(json.dumps({"schema": "turnbuckle.diff/1", "differences": data}, indent=2, ensure_ascii=False))
        return
    for difference in found:
        click.echo(difference.text)
    if not found:
        click.echo(f"{diff[1]} has the same composition as {diff[0]}")


def _composition(options: AppOptions, name: str) -> Composition:
    from turnbuckle.startup.report.lock import composition_of, read_composition

    if name.endswith((".lock", ".json")) or (Path(name).is_file() and not name.endswith(".py")):
        return read_composition(Path(name))
    target = TARGET.convert(name, None, None)
    return composition_of(attrs.evolve(options, target=target).resolve())
