"""``turnbuckle why``: explain why a part of an app was chosen."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Final

import attrs
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


@attrs.frozen
class _Question:
    """A command of ``why``.

    Attributes:
        kind: the kind of part; the name of the command.
        module: the module of ``startup/report`` with the function that answers, which is named after the kind.
        short_help: for the list of commands.
        help: for the help of the command.
        argument: name of the argument that names the part; "" if an app has one part of the kind.
        is_optional: whether the argument may be missing, for all parts of the kind.
    """

    kind: str
    module: str
    short_help: str
    help: str
    argument: str = ""
    is_optional: bool = False

    def answers(self, plan: Plan, *names: str) -> Sequence[Answer]:
        """Return the answers about a part."""
        function = getattr(import_module(f"turnbuckle.startup.report.{self.module}"), f"why_{self.kind}")
        answers: Sequence[Answer] = function(plan, *names)
        return answers


_QUESTIONS: Final = (
    _Question("parser", "why", "Why this parser.", "Explain why the app has its parser."),
    _Question(
        "router", "why", "Why these routers.", "Explain why the app has its router, and scopes have their own routers."
    ),
    _Question(
        "component",
        "why",
        "Why this component, such as json.",
        "Explain why the app has its component of a KIND, such as json.",
        "KIND",
    ),
    _Question(
        "middleware",
        "why_middleware",
        "Why a middleware has its position.",
        "Explain why the middleware NAME has its position.",
        "NAME",
    ),
    _Question(
        "chain",
        "why_middleware",
        "Which requests run through a middleware chain.",
        "Explain the middleware chain NAME: its provider and members, where it is chosen, and what runs through it.",
        "NAME",
    ),
    _Question(
        "plugin",
        "why_plugins",
        "Why a plugin is enabled, with its parts.",
        "Explain why the plugin NAME is enabled or not: what enables or requires it, and the parts that it provides.",
        "NAME",
    ),
    _Question(
        "protocol",
        "why_plugins",
        "Which protocols serve, and by which plugins.",
        "Show which protocols serve, and how a client chooses one; TOKEN is a token of the Upgrade field or ALPN, "
        "or the name of a protocol.",
        "TOKEN",
        is_optional=True,
    ),
    _Question(
        "command",
        "why_plugins",
        "Which plugin provides a command.",
        "Show which plugin provides the command NAME of the command line.",
        "NAME",
    ),
    _Question(
        "response",
        "why_routes",
        "How values of a type become responses.",
        "Show how a value of TYPE becomes a response: dict, None, or module:Name for your own type.",
        "TYPE",
    ),
    _Question(
        "route",
        "why_routes",
        "Which route answers at a path.",
        "Show which route answers at PATH: the pattern or name of a route, or the path of a request.",
        "PATH",
    ),
    _Question(
        "parameter",
        "signatures",
        "Which function supplies parameters of a type.",
        "Show which function supplies parameters of TYPE: the name of the type, or of the class of a marker.",
        "TYPE",
    ),
    _Question(
        "setting",
        "why",
        "Where the value of a setting comes from.",
        "Show where the value of a setting comes from; KEY may be a section, such as limits.",
        "KEY",
    ),
)


def _add_command(question: _Question) -> None:
    @takes_target
    @click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
    def ask(options: AppOptions, *, as_json: bool, part: str | tuple[str, ...] = ()) -> None:
        names = (part,) if isinstance(part, str) else part
        if len(names) > 1:
            raise click.UsageError(f"'why {question.kind}' takes one {question.argument} and a TARGET")
        _answer(options, as_json, lambda plan: question.answers(plan, *names))

    asking: Callable[..., None] = ask
    if question.argument:
        metavar = f"[{question.argument}]" if question.is_optional else question.argument
        number = -1 if question.is_optional else 1
        asking = click.argument("part", metavar=metavar, nargs=number, required=not question.is_optional)(asking)
    why.command(question.kind, short_help=question.short_help, help=question.help)(asking)


for question in _QUESTIONS:
    _add_command(question)


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
    from turnbuckle.startup.report.formats import origin_as_json

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
