"""``turnbuckle why``: explain why a part of an app was chosen."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from turnbuckle.cli.options import AppOptions, takes_target
from turnbuckle.cli.reporting import reporting_errors

if TYPE_CHECKING:
    from turnbuckle.plan import Plan
    from turnbuckle.startup.report.why import Answer

__all__ = ["why"]


class _Questions(click.Group):
    """A group whose commands are kinds of parts; a part without its kind is answered with a suggestion."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command."""
        if args[0].startswith("-") or self.get_command(ctx, args[0]) is not None:
            return super().resolve_command(ctx, args)
        from turnbuckle.cli.hints import no_such_question

        raise click.UsageError(no_such_question(args[0], self.list_commands(ctx)), ctx)


@click.group(cls=_Questions, short_help="Explain why a part of an app was chosen.")
def why() -> None:
    """Explain a part of an app: the choice, its rule, the rejected candidates, and where to change it."""


def _json_option(command: Callable[..., None]) -> Callable[..., None]:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(command)


@why.command("parser", short_help="Why this parser.")
@takes_target
@_json_option
def _parser(options: AppOptions, *, as_json: bool) -> None:
    """Explain why the app has its parser."""
    from turnbuckle.startup.report.why import why_parser

    _answer(options, as_json, why_parser)


@why.command("router", short_help="Why these routers.")
@takes_target
@_json_option
def _router(options: AppOptions, *, as_json: bool) -> None:
    """Explain why the app has its router, and scopes have their own routers."""
    from turnbuckle.startup.report.why import why_router

    _answer(options, as_json, why_router)


@why.command("component", short_help="Why this component, such as json.")
@click.argument("kind")
@takes_target
@_json_option
def _component(options: AppOptions, *, kind: str, as_json: bool) -> None:
    """Explain why the app has its component of a KIND, such as json."""
    from turnbuckle.startup.report.why import why_component

    _answer(options, as_json, lambda plan: why_component(plan, kind))


@why.command("middleware", short_help="Why a middleware has its position.")
@click.argument("name")
@takes_target
@_json_option
def _middleware(options: AppOptions, *, name: str, as_json: bool) -> None:
    """Explain why the middleware NAME has its position."""
    from turnbuckle.startup.report.why_middleware import why_middleware

    _answer(options, as_json, lambda plan: why_middleware(plan, name))


@why.command("plugin", short_help="Why a plugin is enabled, with its parts.")
@click.argument("name")
@takes_target
@_json_option
def _plugin(options: AppOptions, *, name: str, as_json: bool) -> None:
    """Explain why the plugin NAME is enabled or not: what enables or requires it, and the parts that it provides."""
    from turnbuckle.startup.report.why_plugins import why_plugin

    _answer(options, as_json, lambda plan: why_plugin(plan, name))


@why.command("protocol", short_help="Which plugin speaks a protocol.")
@click.argument("token")
@takes_target
@_json_option
def _protocol(options: AppOptions, *, token: str, as_json: bool) -> None:
    """Show which plugin speaks a protocol; TOKEN is a token of the Upgrade field or ALPN, or its name."""
    from turnbuckle.startup.report.why_plugins import why_protocol

    _answer(options, as_json, lambda plan: why_protocol(plan, token))


@why.command("command", short_help="Which plugin provides a command.")
@click.argument("name")
@takes_target
@_json_option
def _command(options: AppOptions, *, name: str, as_json: bool) -> None:
    """Show which plugin provides the command NAME of the command line."""
    from turnbuckle.startup.report.why_plugins import why_command

    _answer(options, as_json, lambda plan: why_command(plan, name))


@why.command("response", short_help="How values of a type become responses.")
@click.argument("type_name", metavar="TYPE")
@takes_target
@_json_option
def _response(options: AppOptions, *, type_name: str, as_json: bool) -> None:
    """Show how a value of TYPE becomes a response: dict, None, or module:Name for your own type."""
    from turnbuckle.startup.report.why_routes import why_response

    _answer(options, as_json, lambda plan: why_response(plan, type_name))


@why.command("route", short_help="Which route answers at a path.")
@click.argument("path")
@takes_target
@_json_option
def _route(options: AppOptions, *, path: str, as_json: bool) -> None:
    """Show which route answers at PATH: the pattern or name of a route, or the path of a request."""
    from turnbuckle.startup.report.why_routes import why_route

    _answer(options, as_json, lambda plan: why_route(plan, path))


@why.command("setting", short_help="Where the value of a setting comes from.")
@click.argument("key")
@takes_target
@_json_option
def _setting(options: AppOptions, *, key: str, as_json: bool) -> None:
    """Show where the value of a setting comes from; KEY may be a section, such as limits."""
    from turnbuckle.startup.report.why import why_setting

    _answer(options, as_json, lambda plan: why_setting(plan, key))


def _answer(options: AppOptions, as_json: bool, question: Callable[[Plan], Sequence[Answer]]) -> None:
    with reporting_errors():
        plan = options.resolve()
        try:
            answers = question(plan)
        except LookupError as error:
            raise click.UsageError(str(error.args[0]), click.get_current_context()) from error
    if as_json:
        data = {"schema": "turnbuckle.why/1", "answers": [_as_json(answer) for answer in answers]}
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
        return
    for line in _lines(answers):
        click.echo(line)


def _lines(answers: Sequence[Answer]) -> Iterator[str]:
    from turnbuckle.startup.report.formats import columns

    if len(answers) > 1 and all(answer.kind == "setting" for answer in answers):
        # A whole section: one line for each setting is easy to compare.
        yield from columns([(answer.name, answer.rule) for answer in answers])
        return
    for answer in answers:
        yield from _answer_lines(answer)


def _answer_lines(answer: Answer) -> Iterator[str]:
    from turnbuckle.startup.report.formats import columns

    where = f" in scope {answer.scope}" if answer.scope else ""
    yield f"{answer.kind} {answer.name}{where}"
    rows = [("why", answer.rule)]
    rows += [("from", str(answer.origin))] if answer.origin is not None else []
    rows += answer.facts
    rows += [
        ("not", "  ".join(filter(None, (candidate.name, candidate.reason, candidate.source))))
        for candidate in answer.rejected
    ]
    rows += [("change", answer.change)] if answer.change else []
    yield from columns(rows, 2)


def _as_json(answer: Answer) -> Mapping[str, object]:
    from turnbuckle.startup.report.plan_json import origin_as_json

    return {
        "kind": answer.kind,
        "name": answer.name,
        "scope": answer.scope,
        "rule": answer.rule,
        "origin": origin_as_json(answer.origin),
        "facts": dict(answer.facts),
        "rejected": [
            {"name": candidate.name, "reason": candidate.reason, "source": candidate.source}
            for candidate in answer.rejected
        ],
        "change": answer.change,
    }
