"""Write, read and check the composition lock: a file that records how an app is composed.

The lock is a plan without locations, times, settings and reasons, so that it shows unexpected changes by an upgrade.
The same app gives the same file on any machine. Each record is on its own line, so that a change can be reviewed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from turnbuckle.diagnostics import Diagnostic, Level, Origin
from turnbuckle.errors import Problem, StartupError
from turnbuckle.plan import Plan
from turnbuckle.startup.model.sources import read_text_file
from turnbuckle.startup.report.diff import Composition, PlanDifference, differences
from turnbuckle.startup.report.plan_json import PLAN_SCHEMA, plan_as_json

__all__ = ["LOCK_NAME", "LOCK_SCHEMA", "compare_with_lock", "composition_of", "lock_text", "read_composition"]

LOCK_NAME: Final = "turnbuckle.lock"
LOCK_SCHEMA: Final = "turnbuckle.lock/1"

_FIX_DIFFERENCE: Final = "if this is intended, write the lock again with 'turnbuckle plan TARGET --lock'"

_TABLES: Final = ("middleware", "routes", "response_types", "error_handlers", "lifespans", "mounts")
_KEPT: Final[Mapping[str, tuple[str, ...]]] = {
    "middleware": ("name", "zone"),
    "routes": ("methods", "host", "path", "name"),
    "response_types": ("type", "media_type"),
    "error_handlers": ("exception",),
    "lifespans": ("name",),
    "mounts": ("host", "path", "name", "kind"),
    "protocols": ("name", "alpn", "upgrade", "preface"),
    "commands": ("name",),
}


def composition_of(plan: Plan | Mapping[str, Any]) -> Composition:
    """Return the composition of an app.

    Args:
        plan: a plan, a plan as JSON data, or the data of a lock.
    """
    data: Mapping[str, Any] = plan_as_json(plan) if isinstance(plan, Plan) else plan
    return {
        "schema": LOCK_SCHEMA,
        "turnbuckle": data["turnbuckle"],
        "app": data["app"],
        "parser": _choice(data["parser"]),
        "components": {kind: _choice(data["components"][kind]) for kind in sorted(data["components"])},
        "protocols": [_record("protocols", protocol) for protocol in data["protocols"]],
        "commands": [_record("commands", command) for command in data["commands"]],
        "plugins": [
            {key: plugin[key] for key in ("name", "scope", "distribution", "version")}
            for plugin in data["plugins"]
            if plugin.get("state", "enabled") in {"builtin", "enabled"}
        ],
        "scopes": [_scope(scope) for scope in data["scopes"]],
    }


def lock_text(composition: Composition) -> str:
    """Return the text of a lock, with one record on a line."""
    return "\n".join(_object_lines(composition, 0)) + "\n"


def read_composition(path: Path) -> Composition:
    """Return the composition in a file: a lock, or the output of ``turnbuckle plan --json``.

    Raises:
        StartupError: TB602, the file cannot be read.
    """
    try:
        data = json.loads(read_text_file(path))
        schema = data.get("schema") if isinstance(data, dict) else None
        if schema in {LOCK_SCHEMA, PLAN_SCHEMA}:
            return composition_of(data)
    except (KeyError, TypeError, AttributeError) as error:
        raise _unreadable(path, f"an entry is missing: {error}") from error
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    except ValueError as error:
        raise _unreadable(path, f"it is not JSON: {error}") from error
    raise _unreadable(path, f"its schema is {schema!r}, not {LOCK_SCHEMA!r} or {PLAN_SCHEMA!r}")


def compare_with_lock(plan: Plan, path: Path, *, is_binding: bool) -> tuple[Diagnostic, ...]:
    """Return a diagnostic for each difference between a plan and a lock.

    Args:
        plan: the plan.
        path: the lock.
        is_binding: whether a difference is an error instead of a warning. Another version of a plugin is always a
            warning.

    Raises:
        StartupError: TB602, the lock cannot be read.
    """
    found = differences(read_composition(path), composition_of(plan))
    upgrades = [difference for difference in found if difference.is_upgrade]
    changes = [difference for difference in found if not difference.is_upgrade]
    return (
        *_diagnostics(upgrades, path, "warning"),
        *_diagnostics(changes, path, "error" if is_binding else "warning"),
    )


def _diagnostics(found: Sequence[PlanDifference], path: Path, level: Level) -> list[Diagnostic]:
    # One fix holds for all of them, so only the last one has it.
    return [
        Diagnostic(
            level=level,
            code="TB601",
            text=f"not as in {path}: {difference.text}",
            fix=_FIX_DIFFERENCE if difference is found[-1] else "",
        )
        for difference in found
    ]


def _unreadable(path: Path, reason: str) -> StartupError:
    return StartupError(
        [
            Problem(
                Diagnostic(
                    level="error",
                    code="TB602",
                    text=f"lock {str(path)!r} cannot be read: {reason}",
                    fix="write it with 'turnbuckle plan TARGET --lock'",
                    origins=(Origin(plugin="app", location=str(path)),),
                )
            )
        ]
    )


def _choice(choice: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": choice["name"], "plugin": _plugin_of(choice)}


def _record(table: str, record: Mapping[str, Any]) -> dict[str, Any]:
    # Locks of earlier versions have no first bytes.
    kept = {key: record.get(key, "") if key == "preface" else record[key] for key in _KEPT[table]}
    return {**kept, "plugin": _plugin_of(record)}


def _plugin_of(record: Mapping[str, Any]) -> str:
    plugin: str = record["plugin"] if "plugin" in record else record["origin"].get("plugin", "")
    return plugin


def _scope(scope: Mapping[str, Any]) -> dict[str, Any]:
    # Locks of earlier versions have no mounts.
    tables = {table: [_record(table, record) for record in scope.get(table, ())] for table in _TABLES}
    router = _choice(scope["router"]) if scope["router"] is not None else None
    return {"prefix": scope["prefix"], "host": scope["host"], "router": router, "runs": _runs(scope), **tables}


def _runs(scope: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the middleware of the requests of a scope, and of its routes and mounts that have other middleware."""
    if "runs" in scope:
        runs: list[dict[str, Any]] = scope["runs"]
        return runs
    # Plans of earlier versions have no selections.
    own, found = scope.get("selection"), []
    for of, selection in (("scope", own), *((_place(entry), entry.get("selection")) for entry in _entries(scope))):
        if selection is not None and (of == "scope" or selection != own):
            found.append({"of": of, "chain": selection["chain"], "middleware": selection["middleware"]})
    return found


def _entries(scope: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*scope["routes"], *scope.get("mounts", ())]


def _place(entry: Mapping[str, Any]) -> str:
    return f"{','.join(entry.get('methods', ())) or 'mount'} {entry['host']}{entry['path']}"


def _object_lines(value: Mapping[str, Any], indent: int) -> Iterator[str]:
    inner = (_member_lines(key, member, indent + 2) for key, member in value.items())
    yield from _joined("{", inner, "}", indent)


def _member_lines(key: str, value: object, indent: int) -> list[str]:
    lines = [json.dumps(value, ensure_ascii=False)]
    if isinstance(value, list) and value:
        inner = ([" " * (indent + 2) + _one_line(member)] for member in value)
        if key == "scopes":
            inner = (_indented(_object_lines(scope, indent + 2), indent + 2) for scope in value)
        lines = list(_joined("[", inner, "]", indent))
    return [f"{' ' * indent}{json.dumps(key)}: {lines[0]}", *lines[1:]]


def _one_line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _indented(lines: Iterable[str], indent: int) -> list[str]:
    first, *others = lines
    return [" " * indent + first, *others]


def _joined(opening: str, members: Iterable[list[str]], closing: str, indent: int) -> Iterator[str]:
    yield opening
    listed = list(members)
    for number, lines in enumerate(listed, start=1):
        yield from lines[:-1]
        yield lines[-1] + ("," if number < len(listed) else "")
    yield " " * indent + closing
