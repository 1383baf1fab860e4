"""``turnbuckle openapi``: print the OpenAPI document of an app, or check a file against it."""

from __future__ import annotations

import difflib
import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import click

from turnbuckle.cli.options import AppOptions, takes_target
from turnbuckle.cli.reporting import CommandFailed, ServingFailed, reporting_errors, warn

if TYPE_CHECKING:
    from turnbuckle.plan import Plan

__all__ = ["openapi"]

_KIND: Final = "openapi"
_MAX_LINES: Final = 100


@click.command(short_help="Print the OpenAPI document of an app.")
@takes_target
@click.option(
    "--check",
    "checked",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Compare FILE with the document, print the differences, and exit with status 1 if there are any.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the document to FILE.",
)
def openapi(options: AppOptions, *, checked: Path | None, output: Path | None) -> None:
    """Print the OpenAPI document of an app as JSON.

    The plugin 'openapi' builds the document. If the app does not enable it, it is enabled for this command only. The
    same app always has the same document.
    """
    with reporting_errors():
        plan = _plan_with_document(options)
        warn(plan.diagnostics)
    text = _text_of(_document_of(plan))
    if checked is not None:
        _check(checked, text)
    elif output is not None:
        output.write_text(text, encoding="utf-8")
    else:
        click.echo(text, nl=False)


def _plan_with_document(options: AppOptions) -> Plan:
    plan = options.resolve()
    is_disabled = options.no_plugins or any(
        plugin.name == _KIND and plugin.state == "disabled" for plugin in plan.plugins
    )
    if _KIND in plan.components or is_disabled:
        return plan
    # Its routes are left out, so that they cannot conflict with routes of the app.
    enabled = attrs.evolve(options, plugins=(*options.plugins, _KIND))
    return enabled.with_setting("openapi", "plugin.openapi.path", "").resolve()


def _document_of(plan: Plan) -> object:
    """Return the attribute ``document`` of the component.

    Raises:
        CommandFailed: 3; there is no such component.
    """
    from turnbuckle.setup import Setup
    from turnbuckle.startup.compile.components import Components

    if _KIND not in plan.components:
        raise CommandFailed("error: no document, because the plugin 'openapi' is disabled")
    setup = Setup(settings=plan.settings, app_name=plan.app_name, converters=plan.converters)
    document: object = getattr(Components(plan, setup).get(_KIND), "document", None)
    return document


def _text_of(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _check(path: Path, text: str) -> None:
    """Compare a file with the document.

    Raises:
        ServingFailed: they differ; the message has the differences.
    """
    written = path.read_text(encoding="utf-8")
    with suppress(ValueError):
        # Only the content counts, and not its layout.
        written = _text_of(json.loads(written))
    if written == text:
        click.echo(f"{path} is up to date")
        return
    diff = list(difflib.unified_diff(written.splitlines(), text.splitlines(), str(path), "the app", lineterm=""))
    more = [f"... and {len(diff) - _MAX_LINES} more lines"] if len(diff) > _MAX_LINES else []
    raise ServingFailed("\n".join([*diff[:_MAX_LINES], *more, f"error: {path} differs from the document of the app"]))
