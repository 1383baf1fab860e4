"""``turnbuckle explain``: show how a request would be answered, without calling a handler."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import click

from turnbuckle.cli.options import AppOptions, takes_target
from turnbuckle.cli.reporting import reporting_errors

if TYPE_CHECKING:
    from turnbuckle.startup.report.explain import Candidate, Explanation

__all__ = ["explain"]

_MAX_SHOWN: Final = 10
_LINE: Final = re.compile(r"([^:\s]+):[ \t]*([^\r\n]*)")


def _fields(context: click.Context, option: click.Parameter, lines: Sequence[str]) -> list[tuple[str, str]]:
    found = [_LINE.fullmatch(line) for line in lines]
    for line, match in zip(lines, found, strict=True):
        if match is None:
            raise click.BadParameter(f"{line!r} is not NAME: VALUE, as in 'Host: example.com'")
    return [(match[1], match[2].strip()) for match in found if match is not None]


@click.command(short_help="Show how a request would be answered.")
@click.argument("method")
@click.argument("path")
@takes_target
@click.option(
    "-H", "--header", "fields", multiple=True, metavar="'NAME: VALUE'", callback=_fields, help="Send this field."
)
@click.option("--all", "shows_all", is_flag=True, help="Show every route that did not match.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def explain(
    options: AppOptions, *, method: str, path: str, fields: list[tuple[str, str]], shows_all: bool, as_json: bool
) -> None:
    """Show how a request would be answered, as in 'turnbuckle explain GET /x main:app'; PATH may have a query, or
    be a URL, whose scheme and host then count.

    The parser and the routers of the app decide; no handler and no middleware is called. The output has the route that
    answers, the reasons why other routes do not, the middleware, and limits and deadlines with their sources.
    """
    if not path.startswith("/") and "://" not in path and path != "*" and method.upper() != "CONNECT":
        raise click.BadParameter(f"the path {path!r} does not begin with '/'; the order is METHOD PATH TARGET")
    if re.search(r"\s", method + path):
        raise click.BadParameter("a method and a path cannot contain spaces; write '%20'")
    with reporting_errors():
        from turnbuckle.startup.report.explain import explain_request

        found = explain_request(options.resolve(), method, path, fields)
    if as_json:
        click.echo(json.dumps(_as_json(found), indent=2, ensure_ascii=False))
    else:
        for line in _lines(found, shows_all):
            click.echo(line)


def _lines(found: Explanation, shows_all: bool) -> Iterator[str]:
    from turnbuckle.startup.report.formats import columns, source_of
    from turnbuckle.startup.report.signatures import parameter_lines, signature_lines
    from turnbuckle.startup.report.why_middleware import selection_text

    is_absolute = "://" in found.target
    over = f" over {found.scheme}" if found.scheme == "https" and not is_absolute else ""
    yield f"{found.method} {found.target}" + (f" at {found.host}{over}" if found.host and not is_absolute else "")
    yield f"  {found.status} {found.outcome}" if found.status else f"  {found.outcome}"
    yield from (f"  {name}: {value}" for name, value in found.headers.items())
    yield from columns([(name, "=", repr(value)) for name, value in found.path_params.items()], 2)
    yield from signature_lines(found.signature)
    yield from _protocol_lines(found)
    if found.router is not None:
        yield from _candidate_lines(found, shows_all)
        if found.selection is not None and (found.selection.chain or found.selection.without):
            yield selection_text(found.selection)
        yield "chain, outermost first" if found.chain else "chain: no middleware"
        rows = [(link.record.name, link.record.zone, *source_of(link.origin)) for link in found.chain]
        for link, line in zip(found.chain, columns(rows, 2), strict=True) if rows else ():
            yield line
            if (signature := found.further.get(link.record.name)) is not None:
                yield from parameter_lines(signature, 4)
    yield "limits and deadlines"
    yield from columns([(setting.key, setting.shown(), setting.source) for setting in found.settings], 2)


def _protocol_lines(found: Explanation) -> Iterator[str]:
    from turnbuckle.startup.report.formats import columns, source_of

    if found.carriers:
        yield "carried by HTTP/1.1, or by the protocol that the client chooses for its connection"
        yield from columns([(entry.record.name, *source_of(entry.origin)) for entry in found.carriers], 2)
    if found.protocol is not None:
        yield "called first, inside of the chain of the app, because the request offers it"
        yield from columns([("protocol", found.protocol.record.name, *source_of(found.protocol.origin))], 2)
    elif found.offered:
        yield f"offers of another protocol are ignored: no plugin speaks {', '.join(map(repr, found.offered))}"


def _candidate_lines(found: Explanation, shows_all: bool) -> Iterator[str]:
    from turnbuckle.startup.report.formats import columns

    name = found.router.name if found.router is not None else ""
    yield f"routes, as router {name!r} sees them" if found.candidates else "routes: none"
    near = [candidate for candidate in found.candidates if candidate is found.winner or not candidate.report.is_far]
    shown = found.candidates if shows_all else (near or found.candidates)[:_MAX_SHOWN]
    yield from columns([_row(candidate, found) for candidate in shown], 2)
    if len(shown) < len(found.candidates):
        yield f"  and {len(found.candidates) - len(shown)} more, which --all shows"


def _row(candidate: Candidate, found: Explanation) -> tuple[str, ...]:
    from turnbuckle.startup.report.formats import source_of

    route = candidate.route
    reason = "answers" if candidate is found.winner else candidate.reason
    return ",".join(sorted(route.methods)), f"{route.host}{route.path}", reason, *source_of(route.origin)


def _as_json(found: Explanation) -> Mapping[str, object]:
    from turnbuckle.startup.report.formats import origin_as_json, value_as_json
    from turnbuckle.startup.report.plan_json import selection_as_json
    from turnbuckle.startup.report.signatures import signature_as_json

    return {
        "schema": "turnbuckle.explain/1",
        "method": found.method,
        "target": found.target,
        "host": found.host,
        "scheme": found.scheme,
        "status": found.status,
        "outcome": found.outcome,
        "headers": dict(found.headers),
        "handler": found.handler,
        "mount": found.mount.route.path if found.mount is not None else None,
        "path_params": {name: value_as_json(value) for name, value in found.path_params.items()},
        "signature": signature_as_json(found.signature),
        "router": found.router.name if found.router is not None else None,
        "candidates": [
            {
                "methods": sorted(candidate.route.methods),
                "host": candidate.route.host,
                "path": candidate.route.path,
                "name": candidate.route.name,
                "scope": candidate.scope.prefix,
                "wins": candidate is found.winner,
                "reason": candidate.reason,
                "origin": origin_as_json(candidate.route.origin),
            }
            for candidate in found.candidates
        ],
        "selection": selection_as_json(found.selection),
        "chain": [
            {"name": link.record.name, "zone": link.record.zone, "origin": origin_as_json(link.origin)}
            for link in found.chain
        ],
        "carriers": [{"name": entry.record.name, "origin": origin_as_json(entry.origin)} for entry in found.carriers],
        "offered": list(found.offered),
        "protocol": (
            {"name": found.protocol.record.name, "origin": origin_as_json(found.protocol.origin)}
            if found.protocol is not None
            else None
        ),
        "settings": {
            setting.key: {"value": value_as_json(setting.value), "source": setting.source} for setting in found.settings
        },
    }
