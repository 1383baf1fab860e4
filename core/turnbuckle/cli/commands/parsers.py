"""``turnbuckle parsers``: compare the installed parsers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from turnbuckle.cli.reporting import reporting_errors, verbose_option

if TYPE_CHECKING:
    from turnbuckle.http.events import ParserFactory

__all__ = ["parsers"]


@click.group(short_help="Compare parsers.")
def parsers() -> None:
    """Compare the parsers of all installed plugins, enabled or not."""


@parsers.command(short_help="Compare parsers with the core's own.")
@click.option("--parser", "names", multiple=True, metavar="NAME", help="A parser to compare; all of them by default.")
@click.option(
    "--mutations",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Damaged copies of each request.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed causes the same damage.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@verbose_option
def diff(names: tuple[str, ...], mutations: int, seed: int, as_json: bool) -> None:
    """Read valid and invalid requests with every parser, and name the RFC for every difference.

    Each parser runs behind the guard of the core, as in a server. The exit status is 1 if there are differences that no
    RFC permits.
    """
    from turnbuckle.testing.differential import compare_parsers, installed_parsers

    with reporting_errors():
        installed = installed_parsers()
        chosen = _chosen(installed.parsers, names)
        report = compare_parsers(chosen, mutations=mutations, seed=seed, notes=installed.notes)
    click.echo(json.dumps(report.data(), indent=2) if as_json else str(report))
    if report.unexplained:
        click.get_current_context().exit(1)


def _chosen(installed: Mapping[str, ParserFactory], names: tuple[str, ...]) -> Mapping[str, ParserFactory]:
    from turnbuckle.testing.differential import REFERENCE

    unknown = [name for name in names if name not in installed and name != REFERENCE]
    if unknown:
        there = ", ".join(sorted({REFERENCE, *installed}))
        raise click.BadParameter(
            f"no installed parser is named {unknown[0]!r}; there is {there}", param_hint="--parser"
        )
    return {name: installed[name] for name in names if name in installed} if names else installed
