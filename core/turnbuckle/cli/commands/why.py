"""``turnbuckle why``: say why one part of an app is as it is."""

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


@click.group(short_help="Say why a part of an app is as it is.")
def why() -> None:
    """Say why a part of an app is as it is: what was chosen, by which rule, what lost, and where to change it."""


def _json_option(command: Callable[..., None]) -> Callable[..., None]:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(command)


@why.command("parser", short_help="Why this parser.")
@takes_target
@_json_option
def _parser(asked: AppOptions, *, as_json: bool) -> None:
    """Say why the app has its parser."""
    from turnbuckle.startup.report.why import why_parser

    _answer(asked, as_json, why_parser)


@why.command("router", short_help="Why these routers.")
@takes_target
@_json_option
def _router(asked: AppOptions, *, as_json: bool) -> None:
    """Say why the app has its router, and each scope that has one of its own."""
    from turnbuckle.startup.report.why import why_router

    _answer(asked, as_json, why_router)


@why.command("component", short_help="Why this component, such as json.")
@click.argument("kind")
@takes_target
@_json_option
def _component(asked: AppOptions, *, kind: str, as_json: bool) -> None:
    """Say why the app has its component of some KIND, such as json."""
    from turnbuckle.startup.report.why import why_component

    _answer(asked, as_json, lambda plan: why_component(plan, kind))


@why.command("middleware", short_help="Why a middleware stands where it stands.")
@click.argument("name")
@takes_target
@_json_option
def _middleware(asked: AppOptions, *, name: str, as_json: bool) -> None:
    """Say why the middleware NAME stands where it stands."""
    from turnbuckle.startup.report.why_middleware import why_middleware

    _answer(asked, as_json, lambda plan: why_middleware(plan, name))


@why.command("plugin", short_help="Why a plugin takes part, and what it brings.")
@click.argument("name")
@takes_target
@_json_option
def _plugin(asked: AppOptions, *, name: str, as_json: bool) -> None:
    """Say why the plugin NAME takes part or does not: who enables or requires it, and what it brings."""
    from turnbuckle.startup.report.why_plugins import why_plugin

    _answer(asked, as_json, lambda plan: why_plugin(plan, name))


@why.command("protocol", short_help="Who speaks a protocol.")
@click.argument("token")
@takes_target
@_json_option
def _protocol(asked: AppOptions, *, token: str, as_json: bool) -> None:
    """Say who speaks a protocol; TOKEN is that of the Upgrade field or of ALPN, or its name."""
    from turnbuckle.startup.report.why_plugins import why_protocol

    _answer(asked, as_json, lambda plan: why_protocol(plan, token))


@why.command("command", short_help="Who brings a command.")
@click.argument("name")
@takes_target
@_json_option
def _command(asked: AppOptions, *, name: str, as_json: bool) -> None:
    """Say who brings the command NAME of the command line."""
    from turnbuckle.startup.report.why_plugins import why_command

    _answer(asked, as_json, lambda plan: why_command(plan, name))


@why.command("response", short_help="How values of a type become responses.")
@click.argument("type_name", metavar="TYPE")
@takes_target
@_json_option
def _response(asked: AppOptions, *, type_name: str, as_json: bool) -> None:
    """Say how a value of TYPE becomes a response: dict, None, or module:Name for a type of your own."""
    from turnbuckle.startup.report.why_routes import why_response

    _answer(asked, as_json, lambda plan: why_response(plan, type_name))


@why.command("route", short_help="What is served at a path.")
@click.argument("path")
@takes_target
@_json_option
def _route(asked: AppOptions, *, path: str, as_json: bool) -> None:
    """Say what is served at PATH, which is the pattern or the name of a route, or a path as clients ask for it."""
    from turnbuckle.startup.report.why_routes import why_route

    _answer(asked, as_json, lambda plan: why_route(plan, path))


@why.command("setting", short_help="Where the value of a setting comes from.")
@click.argument("key")
@takes_target
@_json_option
def _setting(asked: AppOptions, *, key: str, as_json: bool) -> None:
    """Say where the value of a setting comes from; KEY may be a section, such as limits."""
    from turnbuckle.startup.report.why import why_setting

    _answer(asked, as_json, lambda plan: why_setting(plan, key))


def _answer(asked: AppOptions, as_json: bool, question: Callable[[Plan], Sequence[Answer]]) -> None:
    with reporting_errors():
        plan = asked.resolve()
        try:
            answers = question(plan)
        except LookupError as error:
            raise click.UsageError(str(error.args[0]), click.get_current_context()) from error
    if as_json:
        data = {"schema": "turnbuckle.why/1", "answers": [_as_json(each) for each in answers]}
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
        return
    for line in _lines(answers):
        click.echo(line)


def _lines(answers: Sequence[Answer]) -> Iterator[str]:
    from turnbuckle.startup.report.formats import columns

    if len(answers) > 1 and all(each.kind == "setting" for each in answers):
        # A whole section: one line for each is what the eye can compare.
        yield from columns([(each.name, each.rule) for each in answers])
        return
    for each in answers:
        yield from _answer_lines(each)


def _answer_lines(answer: Answer) -> Iterator[str]:
    from turnbuckle.startup.report.formats import columns

    where = f" in scope {answer.scope}" if answer.scope else ""
    yield f"{answer.kind} {answer.name}{where}"
    rows = [("why", answer.rule)]
    rows += [("from", str(answer.origin))] if answer.origin is not None else []
    rows += answer.facts
    rows += [("not", "  ".join(filter(None, (each.name, each.reason, each.source)))) for each in answer.losers]
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
        "losers": [{"name": each.name, "reason": each.reason, "source": each.source} for each in answer.losers],
        "change": answer.change,
    }
