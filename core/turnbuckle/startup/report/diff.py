"""Describe in words how two compositions differ.

Another version of a plugin or of turnbuckle is an upgrade. Every other difference changes how requests are served.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, TypeAlias

import attrs

from turnbuckle.startup.report.formats import counted

__all__ = ["Composition", "PlanDifference", "differences"]

Composition: TypeAlias = Mapping[str, Any]
"""The content of a composition lock, as plain data."""

_Record = Mapping[str, Any]
_Keyed = dict[Any, _Record]

_NAMES: Final[Mapping[str, str]] = {
    "middleware": "middleware",
    "routes": "route",
    "response_types": "response type",
    "error_handlers": "error handler",
    "lifespans": "lifespan",
    "mounts": "mount",
    "protocols": "protocol",
    "commands": "command",
}
_KEYS: Final[Mapping[str, str]] = {"response_types": "type", "error_handlers": "exception", "mounts": "path"}
_FACTS: Final[Mapping[str, str]] = {
    "zone": "is in zone",
    "name": "is named",
    "media_type": "has the media type",
    "alpn": "has the ALPN name",
    "upgrade": "has the upgrade token",
    "preface": "has the first bytes",
}


@attrs.frozen
class PlanDifference:
    """One difference between two compositions; ``is_upgrade`` if only a version differs."""

    text: str
    is_upgrade: bool = False


def differences(before: Composition, after: Composition) -> tuple[PlanDifference, ...]:
    """Return how ``after`` differs from ``before``.

    Raises:
        KeyError: an entry is missing in one of them.
        TypeError: an entry has another shape in one of them.
    """
    return (*_upgrades(before, after), *(PlanDifference(text) for text in _changes(before, after)))


def _upgrades(before: Composition, after: Composition) -> Iterator[PlanDifference]:
    if before["turnbuckle"] != after["turnbuckle"]:
        yield PlanDifference(f"turnbuckle was {before['turnbuckle']}, and is {after['turnbuckle']}", is_upgrade=True)
    old, new = _plugins(before), _plugins(after)
    for key in old.keys() & new.keys():
        was, now = _release(old[key]), _release(new[key])
        if was != now:
            yield PlanDifference(f"{_plugin(old[key])} was of {was}, and is of {now}", is_upgrade=True)


def _changes(before: Composition, after: Composition) -> Iterator[str]:
    if before["app"] != after["app"]:
        yield f"the app was {before['app']!r}, and is {after['app']!r}"
    yield from _plugin_changes(_plugins(before), _plugins(after))
    yield from _slot("parser", before["parser"], after["parser"])
    for kind in sorted({*before["components"], *after["components"]}):
        yield from _slot(f"{kind} component", before["components"].get(kind), after["components"].get(kind))
    for table in ("protocols", "commands"):
        yield from _table(table, "", before[table], after[table])
    yield from _scopes(before, after)


def _plugins(composition: Composition) -> _Keyed:
    return {(plugin["name"], plugin["scope"]): plugin for plugin in composition["plugins"]}


def _plugin(plugin: _Record) -> str:
    return f"plugin {plugin['name']!r}" + (f" in scope {plugin['scope']}" if plugin["scope"] else "")


def _release(plugin: _Record) -> str:
    return f"{plugin['distribution']} {plugin['version']}".strip() or "no distribution"


def _plugin_changes(old: _Keyed, new: _Keyed) -> Iterator[str]:
    yield from (f"{_plugin(old[key])} is gone" for key in old if key not in new)
    yield from (f"{_plugin(new[key])} is new, of {_release(new[key])}" for key in new if key not in old)


def _slot(what: str, old: _Record | None, new: _Record | None) -> Iterator[str]:
    if old == new:
        return
    was = f"was {old['name']!r} {_of(old)}" if old is not None else "was none"
    now = f"is {new['name']!r} {_of(new)}" if new is not None else "is none"
    yield f"the {what} {was}, and {now}"


def _of(record: _Record) -> str:
    return "of the app" if record["plugin"] == "app" else f"of plugin {record['plugin']!r}"


# -- scopes


def _scopes(before: Composition, after: Composition) -> Iterator[str]:
    old, new = _by_location(before), _by_location(after)
    routers = [scope["router"] for scope in (*old.values(), *new.values())]
    # The tree router decides by patterns, so the order of its routes has no effect. Other routers may depend on it.
    is_route_order_free = all(router is None or router["name"] == "tree" for router in routers)
    yield from (f"{_title(scope)} is gone, with {_size(scope)}" for key, scope in old.items() if key not in new)
    yield from (f"{_title(scope)} is new, with {_size(scope)}" for key, scope in new.items() if key not in old)
    for key in old:
        if key in new:
            yield from _scope(old[key], new[key], is_route_order_free)


def _by_location(composition: Composition) -> _Keyed:
    """Return the scopes by host, prefix, and number among the scopes with the same host and prefix."""
    scopes: _Keyed = {}
    for scope in composition["scopes"]:
        location = scope["host"], scope["prefix"]
        same = sum(key[:2] == location for key in scopes)
        scopes[(*location, same)] = scope
    return scopes


def _title(scope: _Record) -> str:
    return f"scope {scope['host']}{scope['prefix'] or '/'}"


def _size(scope: _Record) -> str:
    routes, links = len(scope["routes"]), len(scope["middleware"])
    return f"{counted(routes, 'route')} and {links} middleware"


def _scope(old: _Record, new: _Record, is_route_order_free: bool) -> Iterator[str]:
    where = f" in {_title(new)}" if new["prefix"] or new["host"] else ""
    yield from _slot(f"router{where}", old["router"], new["router"])
    yield from _runs(where, old.get("runs", ()), new.get("runs", ()))
    for table in ("middleware", "routes", "response_types", "error_handlers", "lifespans", "mounts"):
        yield from _table(table, where, old[table], new[table])
    for table in ("middleware", "lifespans", *(() if is_route_order_free else ("routes",))):
        yield from _order(table, where, old[table], new[table])


def _runs(where: str, old: Sequence[_Record], new: Sequence[_Record]) -> Iterator[str]:
    """Yield the differences of the middleware that requests run through, of apps with chains."""
    was, now = ({record["of"]: record for record in records} for records in (old, new))
    for of in {**was, **now}:
        before, after = was.get(of), now.get(of)
        what = f"requests{where or ' of the app'}" if of == "scope" else f"requests of {of}"
        if before != after:
            yield f"{what} ran through {_run_text(before)}, and run through {_run_text(after)}"


def _run_text(record: _Record | None) -> str:
    if record is None:
        return "the middleware of their scope"
    links = " > ".join(record["middleware"]) or "no middleware"
    return f"{links} (chain {record['chain']!r})" if record["chain"] else links


def _table(table: str, where: str, old: Sequence[_Record], new: Sequence[_Record]) -> Iterator[str]:
    was, now = _keyed(table, old), _keyed(table, new)
    for label, record in was.items():
        if label not in now:
            yield f"{_NAMES[table]} {label}{where} is gone; it was {_of(record)}"
    for label, record in now.items():
        if label not in was:
            yield f"{_NAMES[table]} {label}{where} is new, {_of(record)}{_outside(table, label, now)}"
        else:
            yield from (f"{_NAMES[table]} {label}{where} {text}" for text in _facts(was[label], record))


def _keyed(table: str, records: Sequence[_Record]) -> dict[str, _Record]:
    if table == "routes":
        return {f"{','.join(route['methods'])} {route['host']}{route['path']}": route for route in records}
    return {repr(record[_KEYS.get(table, "name")]): record for record in records}


def _outside(table: str, label: str, records: Mapping[str, _Record]) -> str:
    if table != "middleware":
        return ""
    before = [outer for outer, inner in pairwise(records) if inner == label]
    return f", inside of {before[0]}" if before else ", outermost"


def _facts(old: _Record, new: _Record) -> Iterator[str]:
    if old["plugin"] != new["plugin"]:
        yield f"was {_of(old)}, and is {_of(new)}"
    for key, verb in _FACTS.items():
        if old.get(key) != new.get(key):
            yield f"{verb} {new.get(key)!r}, not {old.get(key)!r}"


def _order(table: str, where: str, old: Sequence[_Record], new: Sequence[_Record]) -> Iterator[str]:
    was, now = _keyed(table, old), _keyed(table, new)
    stayed = [label for label in was if label in now]
    order = [label for label in now if label in was]
    if stayed != order:
        yield f"the order of {table}{where} was {', '.join(stayed)}, and is {', '.join(order)}"
