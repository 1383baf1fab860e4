"""Write a plan as an HTML page without scripts, for narrow and wide windows, in light and dark colours.

The data comes from ``plan_as_json``, in which secrets are masked. Every text is escaped.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final, TypeAlias

from turnbuckle import Plan, PlannedScope, plan_as_json
from turnbuckle_contrib.plan_page.html import Cell, breakable, code, details, pill, section, table

__all__ = ["POLICY", "render_page"]

_Data: TypeAlias = Mapping[str, Any]

_STYLE: Final = (
    ":root{color-scheme:light dark;--line:#767676;--soft:#f3f3f3;--text:#1b1b1b;--page:#fff;--link:#0b4fa8}"
    "@media(prefers-color-scheme:dark){:root{--line:#8a8a8a;--soft:#262626;--text:#eee;--page:#161616;--link:#9ec5ff}}"
    "*{box-sizing:border-box}"
    "body{background:var(--page);color:var(--text);font:1rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:76rem;"
    "padding:1rem}"
    "a{color:var(--link)}h1,h2,h3,h4{line-height:1.25;overflow-wrap:anywhere}h2{border-bottom:1px solid var(--line);"
    "margin-top:2.5rem}h3,h4{font-size:1.05rem;margin:1.2rem 0 .4rem}"
    "nav ul{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;list-style:none;padding:0}"
    "nav a{display:inline-block;padding:.3rem 0}"
    "code{font:.92em/1.4 ui-monospace,monospace}h3 code,summary code,li code,.note{overflow-wrap:anywhere}"
    ".scroll{overflow-x:auto}"
    "table{border-collapse:collapse;width:100%}caption{font-weight:600;padding:.3rem 0;text-align:left}"
    "th,td{border-top:1px solid var(--line);padding:.35rem .8rem .35rem 0;text-align:left;vertical-align:top}"
    "td{min-width:5rem}"
    ".pill{border:1px solid var(--line);border-radius:1rem;display:inline-block;font-size:.85em;padding:0 .5rem}"
    ".note{display:block;font-size:.9em}"
    "ol{padding-left:1.6rem}li{margin:.3rem 0}"
    "summary{cursor:pointer;padding:.3rem 0;overflow-wrap:anywhere}"
    ".scope{background:var(--soft);border-left:4px solid var(--line);margin:1rem 0;padding:.3rem .8rem}"
    ".scope .scope{margin-left:0;background:var(--page)}"
    ":focus-visible{outline:3px solid var(--link);outline-offset:2px}"
)
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The content security policy of the page."""

_BUILTIN: Final = frozenset({"h1", "responses", "tree"})
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<p>{summary}</p>
<nav aria-label="Sections"><ul>
{links}
</ul></nav>
</header>
<main>
{sections}
</main>
</body>
</html>
"""


def render_page(plan: Plan) -> str:
    """Return the page of a plan."""
    data: _Data = plan_as_json(plan)
    sections = [
        ("scopes", "Scopes, routes and middleware", _tree(plan.root, iter(data["scopes"]))),
        ("parts", "Parts", _parts(data)),
        ("plugins", "Plugins", _plugins(data["plugins"])),
        ("settings", "Settings", _settings(data["settings"])),
        ("limits", "Limits and deadlines", _limits(data["bounds"])),
        ("diagnostics", "Diagnostics", _diagnostics(data["diagnostics"])),
        ("startup", "Start-up", _startup(data["seconds"])),
    ]
    routes = sum(len(scope["routes"]) for scope in data["scopes"])
    enabled = sum(plugin["state"] == "enabled" for plugin in data["plugins"])
    counts = f"{_count(routes, 'route')}, {_count(enabled, 'plugin')} enabled"
    return _PAGE.format(
        title=escape(f"Plan of {data['app']}"),
        summary=escape(f"Turnbuckle {data['turnbuckle']}: {counts}"),
        style=_STYLE,
        links="\n".join(f'<li><a href="#{name}">{escape(title)}</a></li>' for name, title, _ in sections),
        sections="\n".join(section(name, title, content) for name, title, content in sections),
    )


# -- scopes


def _tree(scope: PlannedScope, data: Iterator[_Data], around: _Data | None = None) -> str:
    """Return a scope with the scopes inside it.

    Args:
        scope: the scope.
        data: the scopes in the order of ``PlannedScope.walk``.
        around: the scope around it, whose response types and the like are not listed again.
    """
    own = next(data)
    inner = [_tree(child, data, own) for child in scope.scopes]
    title = f"{own['host']}{own['prefix']}" or "the whole app"
    facts = f"{_count(len(own['routes']), 'route')}, {len(own['middleware'])} middleware"
    summary = f"<b>{code(title)}</b> <span>{escape(facts)}</span>"
    return f'<div class="scope">{details(summary, _scope(own, title, around) + "".join(inner), is_open=True)}</div>'


def _scope(scope: _Data, title: str, around: _Data | None) -> str:
    of = f"of {title}"
    routes = map(_route, scope["routes"])
    mounts = (
        (code(mount["path"]), code(mount["app"]), f"{mount['kind']}: {mount['rule']}", _from(mount))
        for mount in scope["mounts"]
    )
    lifespans = ((code(entry["name"]), _from(entry)) for entry in scope["lifespans"])
    own = {key: _own(scope, around, key) for key in ("error_handlers", "parameters", "response_types")}
    errors = ((code(entry["exception"]), _from(entry)) for entry in own["error_handlers"])
    suppliers = ((code(entry["type"]), entry["description"], _from(entry)) for entry in own["parameters"])
    types = ((code(entry["type"]), entry["media_type"], _from(entry)) for entry in own["response_types"])
    return "".join(
        [
            _chain(scope, of),
            table(f"Routes {of}", ("Methods", "Path", "Handler", "Parameters", "From"), routes),
            table(f"Mounted apps {of}", ("Path", "App", "Served by", "From"), mounts),
            table(f"Lifespans {of}", ("Name", "From"), lifespans),
            table(f"Error handlers {of}", ("Exception", "From"), errors),
            table(f"Suppliers {of}", ("Type", "Description", "From"), suppliers),
            table(f"Response types {of}", ("Type", "Media type", "From"), types),
        ]
    )


def _own(scope: _Data, around: _Data | None, key: str) -> Iterator[_Data]:
    """Yield the entries that are not built in, and not listed in the scope around."""
    inherited = around[key] if around is not None else ()
    return (entry for entry in scope[key] if entry["origin"].get("plugin") not in _BUILTIN and entry not in inherited)


def _chain(scope: _Data, of: str) -> str:
    links = [f"<li>{_link(link)}</li>" for link in scope["middleware"]]
    chains = [
        f"<li>{code(chain['name'])}: {escape(', '.join(chain['members']))}{_note(_place(chain))}</li>"
        for chain in scope.get("chains") or ()
    ]
    text = f"<h3>Middleware {escape(of)}, outermost first</h3><ol>{''.join(links)}</ol>" if links else ""
    text += f"<h3>Chains {escape(of)}</h3><ul>{''.join(chains)}</ul>" if chains else ""
    return text + _selection(scope.get("selection"))


def _link(link: _Data) -> str:
    reasons = [f"zone {link['zone']}"]
    reasons += [f"{word} {', '.join(link[word])}" for word in ("before", "after", "needs", "provides") if link[word]]
    reasons += ["reads content"] if link["reads_body"] else []
    reasons += ["buffers responses"] if link["buffers_response"] else []
    return f"{code(link['name'])} {' '.join(pill(reason).html for reason in reasons)}{_note(_place(link))}"


def _selection(selection: _Data | None) -> str:
    if selection is None:
        return ""
    chain = f"chain {selection['chain']}: " if selection["chain"] else ""
    without = ", ".join(entry["name"] for entry in selection["without"])
    text = chain + (", ".join(selection["middleware"]) or "no middleware")
    return f'<p class="note">{escape(f"{text}; without {without}" if without else text)}</p>'


def _route(route: _Data) -> Sequence[str | Cell]:
    signature = route["signature"]
    parameters = [_parameter(parameter) for parameter in signature["parameters"]]
    guards = [f"guard {code(_guard_name(guard))}" for guard in signature["guards"]]
    limits = [f"{code(key)} {escape(_shown(value['value']))}" for key, value in route["overrides"].items()]
    name = _note(f"name {route['name']}") if route["name"] else ""
    path = Cell(code(f"{route['host']}{route['path']}").html + name + _selection(route.get("selection")))
    needs = Cell("<br>".join([*guards, *parameters, *limits]))
    return ", ".join(route["methods"]), path, code(route["handler"]), needs, _from(route)


def _parameter(parameter: _Data) -> str:
    annotation = f": {parameter['annotation']}" if parameter["annotation"] else ""
    return f"{code(parameter['name'] + annotation)} {escape(parameter['supplier'])}"


def _guard_name(guard: object) -> str:
    return str(guard.get("name") or guard.get("function")) if isinstance(guard, Mapping) else str(guard)


# -- everything else


def _parts(data: _Data) -> str:
    choices = [("parser", data["parser"]), ("shadow parser", data["shadow_parser"]), *data["components"].items()]
    choices += [(f"router of {scope['prefix'] or '/'}", scope["router"]) for scope in data["scopes"]]
    rows = (
        (kind, code(choice["name"]), choice["rule"], _rejected(choice), _from(choice))
        for kind, choice in choices
        if choice is not None
    )
    protocols = (
        (code(entry["name"]), entry["upgrade"] or entry["alpn"] or "first bytes", _from(entry))
        for entry in data["protocols"]
    )
    return table("Choices", ("Part", "Choice", "Reason", "Rejected", "From"), rows) + table(
        "Protocols", ("Name", "Token", "From"), protocols
    )


def _rejected(choice: _Data) -> str:
    return ", ".join(str(candidate["name"]) for candidate in choice["rejected"])


def _plugins(plugins: Sequence[_Data]) -> str:
    taking_part = [plugin for plugin in plugins if plugin["state"] in {"builtin", "enabled", "failed", "quarantined"}]
    rows = (
        (
            code(plugin["name"]),
            plugin["state"],
            plugin["scope"],
            f"{plugin['distribution']} {plugin['version']}".strip(),
            f"{plugin['seconds'] * 1000:.1f} ms",
            Cell(escape(", ".join(plugin["hooks"])) + _note(plugin["note"])),
            _place({"origin": plugin["requested_by"] or {}}),
        )
        for plugin in taking_part
    )
    others = ", ".join(code(plugin["name"]).html for plugin in plugins if plugin not in taking_part)
    header = ("Name", "State", "Scope", "Version", "Time", "Hooks", "Requested by")
    rest = details("Installed, but not enabled", f"<p>{others}</p>") if others else ""
    return table("Plugins that take part", header, rows) + rest


def _settings(settings: Mapping[str, _Data]) -> str:
    def rows(is_default: bool) -> Iterator[Sequence[str | Cell]]:
        for key, setting in settings.items():
            if (setting["source"] == "default") is is_default:
                yield code(key), code(_shown(setting["value"])), setting["source"]

    header = ("Setting", "Value", "Source")
    changed = table("Settings that differ from their defaults", header, rows(is_default=False))
    default = details("Settings at their defaults", table("Settings at their defaults", header, rows(is_default=True)))
    return (changed or "<p>All settings are at their defaults.</p>") + default


def _limits(bounds: Mapping[str, _Data]) -> str:
    rows = (
        (code(key), f"{_shown(bound['value'])} {bound['unit']}", bound["beyond"], bound["source"])
        for key, bound in bounds.items()
    )
    return details("All limits", table("Limits and deadlines", ("Setting", "Value", "Beyond it", "Source"), rows))


def _diagnostics(diagnostics: Sequence[_Data]) -> str:
    entries = [
        f"<li>{pill(entry['level'])} {code(entry['code'])} {escape(entry['text'])}"
        f"{_note('why: ' + entry['why'])}{_note('fix: ' + entry['fix'])}</li>"
        for entry in diagnostics
    ]
    return f"<ul>{''.join(entries)}</ul>" if entries else "<p>There are none.</p>"


def _startup(seconds: Mapping[str, float]) -> str:
    rows = ((phase, f"{duration * 1000:.1f} ms") for phase, duration in seconds.items())
    return table("Duration of each phase", ("Phase", "Time"), rows)


def _from(entry: _Data) -> Cell:
    return Cell(breakable(_place(entry)))


def _place(entry: _Data) -> str:
    origin = entry["origin"]
    return " at ".join(filter(None, (origin.get("plugin", ""), origin.get("location", ""))))


def _note(text: str) -> str:
    return f'<span class="note">{escape(text)}</span>' if text else ""


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
