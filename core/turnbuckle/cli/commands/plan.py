"""``turnbuckle plan``: show what was decided about an app, and why; lock it, or compare it with another."""

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


@click.command(cls=OptionalValueCommand, short_help="Show what an app is made of, and why.")
@may_take_target
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.option("--all", "shows_all", is_flag=True, help="Show what is built in or at its default, too.")
@click.option("--lock", cls=OptionalValue, metavar="[=FILE]", help="Write a composition lock (turnbuckle.lock).")
@click.option(
    "--diff", nargs=2, metavar="A B", help="Say how B differs from A: each a lock, a plan in JSON, or a TARGET."
)
def plan(asked: AppOptions, *, as_json: bool, shows_all: bool, lock: str | None, diff: tuple[str, str] | None) -> None:
    """Show the plan of an app: parser, plugins, settings, and each scope with its middleware and routes.

    Every part is shown with where it comes from, every choice with its rule and with what lost. JSON always holds all;
    docs/use/introspection.md describes it.
    """
    if diff is not None and (asked.target is not NO_TARGET or lock is not None):
        raise click.UsageError("--diff takes two things to compare, and neither a TARGET beside them nor --lock.")
    with reporting_errors():
        if diff is not None:
            _show_differences(asked, diff, as_json)
        elif lock is not None:
            _lock(asked, lock)
        else:
            _show(asked, as_json, shows_all)


def _show(asked: AppOptions, as_json: bool, shows_all: bool) -> None:
    from turnbuckle.startup.report.plan_json import plan_as_json
    from turnbuckle.startup.report.plan_text import plan_as_text

    resolved = asked.resolve()
    if as_json:
        click.echo(json.dumps(plan_as_json(resolved), indent=2, ensure_ascii=False))
    else:
        click.echo(plan_as_text(resolved, settings=shows_all), nl=False)


def _lock(asked: AppOptions, file: str) -> None:
    from turnbuckle.cli.lock import write_lock

    write_lock(asked, asked.resolve(), file)


def _show_differences(asked: AppOptions, diff: tuple[str, str], as_json: bool) -> None:
    from turnbuckle.startup.report.diff import differences

    found = differences(*(_composition(asked, each) for each in diff))
    if as_json:
        data = [{"text": each.text, "is_upgrade": each.is_upgrade} for each in found]
        click.echo(json.dumps({"schema": "turnbuckle.diff/1", "differences": data}, indent=2, ensure_ascii=False))
        return
    for each in found:
        click.echo(each.text)
    if not found:
        click.echo(f"{diff[1]} is put together as {diff[0]} is")


def _composition(asked: AppOptions, what: str) -> Composition:
    from turnbuckle.startup.report.lock import composition_of, read_composition

    if what.endswith((".lock", ".json")) or (Path(what).is_file() and not what.endswith(".py")):
        return read_composition(Path(what))
    target = TARGET.convert(what, None, None)
    return composition_of(attrs.evolve(asked, target=target).resolve())
