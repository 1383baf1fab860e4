"""Call each hook of each plugin once, and keep each record with its origin."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeGuard, cast

import attrs

from turnbuckle.diagnostics import Diagnostic, Origin, Sourced
from turnbuckle.plan import Plan
from turnbuckle.records import (
    Component,
    ErrorHandler,
    Lifespan,
    Middleware,
    MiddlewareChain,
    MountProvider,
    ParameterProvider,
    ParserProvider,
    ProtocolProvider,
    ResponseType,
    RouterProvider,
)
from turnbuckle.routing.records import Route
from turnbuckle.schema.nodes.provided import SchemaProvider
from turnbuckle.setup import Setup
from turnbuckle.startup.collect.hook_registry import HookCall, Registry
from turnbuckle.startup.model.diagnostics import Diagnostics, format_error
from turnbuckle.startup.model.locations import location_of
from turnbuckle.startup.model.plugin_records import LoadedPlugin
from turnbuckle.startup.plugins.error_hints import close_coroutines, explain_error
from turnbuckle.startup.plugins.event_loops import noting_event_loops
from turnbuckle.startup.plugins.import_errors import error_location
from turnbuckle.startup.plugins.validate import fault_in, shown

__all__ = ["HOOK_RECORDS", "Answers", "Collector"]

_REVIEW: Final = "review_plan"
_MIDDLEWARE: Final = "provide_middleware"
HOOK_RECORDS: Final[Mapping[str, type]] = {
    "provide_parsers": ParserProvider,
    "provide_routers": RouterProvider,
    _MIDDLEWARE: Middleware,
    "provide_response_types": ResponseType,
    "provide_routes": Route,
    "provide_error_handlers": ErrorHandler,
    "provide_protocols": ProtocolProvider,
    "provide_components": Component,
    "provide_lifespans": Lifespan,
    "provide_parameters": ParameterProvider,
    "provide_schemas": SchemaProvider,
    "provide_mounts": MountProvider,
    _REVIEW: Diagnostic,
}
"""The type of the records that each hook returns; ``provide_middleware`` returns a ``MiddlewareChain`` as well."""


@attrs.define
class Answers:
    """The records that the plugins of one scope have returned so far.

    Attributes:
        entries: the records by hook, in dependency order of the plugins.
    """

    entries: dict[str, list[Sourced[Any]]] = attrs.field(factory=dict)

    def take(self, entries: Mapping[str, list[Sourced[Any]]]) -> None:
        """Add the records of one more plugin."""
        for hook, more in entries.items():
            self.entries.setdefault(hook, []).extend(more)

    def of(self, hook: str) -> tuple[Sourced[Any], ...]:
        """Return the records of one hook."""
        return tuple(self.entries.get(hook, ()))


@attrs.frozen
class Collector:
    """Calls the hooks of the plugins of one scope.

    Attributes:
        plugins: the plugins, in dependency order.
        registry: their hooks.
        diagnostics: collects the problems.
        others: the collectors of all other scopes, once the records of all scopes are collected.
    """

    plugins: Sequence[LoadedPlugin]
    registry: Registry
    diagnostics: Diagnostics
    others: list[Collector] = attrs.field(factory=list, eq=False, repr=False)

    def ask(self, plugin: LoadedPlugin) -> tuple[LoadedPlugin, Mapping[str, list[Sourced[Any]]]]:
        """Call all hooks of one plugin, except ``review_plan`` and the hooks that plugins define.

        Returns:
            The plugin with the time that the hooks took, and the records by hook.
        """
        start = time.perf_counter()
        entries = dict(self._ask(plugin))
        return attrs.evolve(plugin, seconds=plugin.seconds + time.perf_counter() - start), entries

    def review(self, plan: Plan) -> None:
        """Call ``review_plan`` of each plugin, and add the diagnostics that it returns."""
        for plugin in self.plugins:
            for hook, function, call in self.registry.calls(plugin):
                if hook == _REVIEW:
                    at = _origin(plugin, hook, function)
                    for record in self._records(hook, self._call(call, {"plan": plan}, at), at):
                        found = cast("Diagnostic", record)
                        self.diagnostics.entries.append(attrs.evolve(found, origins=found.origins or (at,)))

    def _ask(self, plugin: LoadedPlugin) -> Iterator[tuple[str, list[Sourced[object]]]]:
        setup = self._setup_of(plugin)
        for hook, function, call in self.registry.calls(plugin):
            if hook == _REVIEW or (hook not in HOOK_RECORDS and hook != "provide_commands"):
                continue
            at = _origin(plugin, hook, function)
            records = self._records(hook, self._call(call, {"setup": setup}, at), at)
            yield hook, [Sourced(record, at) for record in records]

    def _setup_of(self, plugin: LoadedPlugin) -> Setup:
        return attrs.evolve(cast("Setup", plugin.setup), call_hook=partial(self._answers, plugin))

    def _answers(self, asking: LoadedPlugin, hook: str, /, **arguments: object) -> tuple[object, ...]:
        if hook not in self.registry.known_hooks() or hook in HOOK_RECORDS:
            raise LookupError(f"plugin {asking.name!r} asks hook {hook!r}, which no enabled plugin defines")
        return tuple(record for collector in (self, *self.others) for record in collector._replies(hook, arguments))

    def _replies(self, hook: str, arguments: Mapping[str, object]) -> Iterator[object]:
        for plugin in self.plugins:
            for name, function, call in self.registry.calls(plugin):
                if name == hook:
                    at = _origin(plugin, hook, function)
                    # A plugin must see its own settings, not the settings of the plugin that asks.
                    own = {**arguments, "setup": self._setup_of(plugin)} if "setup" in arguments else arguments
                    yield from self._listed(hook, self._call(call, own, at), at)

    def _call(self, call: HookCall, arguments: Mapping[str, object], at: Origin) -> object:
        try:
            with noting_event_loops(self.diagnostics.entries, at):
                result = call(arguments)
                # The code of a generator runs only now, and may fail.
                return list(result) if _is_lazy(result) else result
        except (Exception, SystemExit) as error:  # noqa: BLE001  # a plugin may raise anything
            close_coroutines(error)
            location = error_location(error, at.location) or at.location
            why, fix = explain_error(error, location)
            self.diagnostics.add(
                "TB306",
                f"hook {at.hook!r} of plugin {at.plugin!r} raised {format_error(error)}",
                attrs.evolve(at, location=location),
                why=f"{why}; the records of the plugin are missing",
                fix=f"{fix}, or disable the plugin with -p no:{at.plugin}",
            )
            return ()

    def _records(self, hook: str, result: object, at: Origin) -> list[object]:
        right = []
        for record in self._listed(hook, result, at):
            is_chain = hook == _MIDDLEWARE and isinstance(record, MiddlewareChain)
            kind = MiddlewareChain if is_chain else _record_type(hook)
            fault = _fault_of(record, kind)
            if not fault:
                right.append(record)
                continue
            self.diagnostics.add(
                "TB308",
                f"hook {hook!r} of plugin {at.plugin!r} returned {fault}",
                at,
                why="each hook returns records of one type, with fields of the annotated types",
                fix=_fix_of_record(record, kind),
            )
        return right

    def _listed(self, hook: str, result: object, at: Origin) -> list[object]:
        if isinstance(result, list | tuple):
            return list(result)
        self.diagnostics.add(
            "TB307",
            f"hook {hook!r} of plugin {at.plugin!r} returned {shown(result)}, which is no list of records",
            at,
            why="a hook returns a list even without records; None is most often a forgotten 'return'",
            fix="return [...]; return [] for none",
        )
        return []


def _is_lazy(value: object) -> TypeGuard[Iterable[object]]:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping | list | tuple)


def _record_type(hook: str) -> type:
    if hook in HOOK_RECORDS:
        return HOOK_RECORDS[hook]
    import click

    return click.Command


def _fault_of(record: object, kind: type) -> str:
    if not isinstance(record, kind):
        return f"{shown(record)}, which is no {kind.__name__}"
    fault = fault_in(record)
    return f"a wrong {kind.__name__}: {fault}" if fault else ""


def _fix_of_record(record: object, kind: type) -> str:
    name = getattr(record, "__name__", "")
    if kind is Middleware and callable(record) and name:
        return f"decorate {name} with @turnbuckle.middleware"
    if kind is Lifespan and callable(record) and name:
        return f"return [Lifespan({name!r}, {name})], with {name} under @contextlib.asynccontextmanager"
    if isinstance(record, type) and issubclass(record, kind):
        return f"return instances: [{kind.__name__}(...)]"
    return f"return [{kind.__name__}(...)], with fields of the right types"


def _origin(plugin: LoadedPlugin, hook: str, function: object) -> Origin:
    return Origin(
        plugin=plugin.name,
        location=location_of(function),
        hook=hook,
        distribution=plugin.origin.distribution,
        scope=cast("Setup", plugin.setup).scope,
    )
