"""Decide what was gathered: slots, order, tables, conflicts."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import attrs

from turnbuckle.diagnostics import Origin, RejectedCandidate, Sourced
from turnbuckle.errors import RouteError
from turnbuckle.plan import Choice, PlannedRoute, PlannedScope, SettingValue
from turnbuckle.records import (
    Component,
    ErrorHandler,
    Middleware,
    ParserProvider,
    ProtocolProvider,
    ResponseType,
    RouterProvider,
)
from turnbuckle.routing.converters import BUILTIN as CONVERTERS, Converters
from turnbuckle.routing.patterns import parse_pattern, split_outside_braces
from turnbuckle.routing.records import Route
from turnbuckle.settings import Settings
from turnbuckle.startup.collect.adapt import AdaptedPart
from turnbuckle.startup.collect.scopes import CollectedScope
from turnbuckle.startup.model.core_commands import BUILTIN_COMMANDS
from turnbuckle.startup.model.diagnostics import Diagnostics
from turnbuckle.startup.plugins.validate import fault_of_handler, fault_of_render, shown
from turnbuckle.startup.resolve.middleware_effects import check_effects
from turnbuckle.startup.resolve.middleware_order import check_needs, order_middleware
from turnbuckle.startup.resolve.resources import Provided, order_lifespans
from turnbuckle.startup.resolve.route_overrides import OverrideReader, RouteOverrides
from turnbuckle.startup.resolve.slots import Slot, choose
from turnbuckle.web.handlers import bind

__all__ = ["Resolver"]

RecordT = TypeVar("RecordT")

_OF_THE_WHOLE_APP: Final = {
    "provide_parsers": "parser",
    "provide_components": "component",
    "provide_protocols": "protocol",
    "provide_commands": "command",
}

_FIX_OF_RIVALS: Final = "disable one of the plugins, or remove one of the two"
_FIX_OF_TWINS: Final = "remove one of the two; a plugin in several scopes makes names of its own with setup.scope"

# A path whose segments are plain text or one parameter each, as nearly all are, need not be parsed for its names.
_SIMPLE: Final = re.compile(r"(?:/(?:[\w.~-]*|\{[^\W\d]\w*(?::\w+)?\}))+")
_PARAMETER: Final = re.compile(r"\{(\w+)")


@attrs.frozen(kw_only=True)
class Around:
    """What a scope has from the scopes around it."""

    middleware: tuple[Sourced[Middleware], ...] = ()
    response_types: tuple[Sourced[ResponseType], ...] = ()
    error_handlers: tuple[Sourced[ErrorHandler], ...] = ()
    router: str = ""
    routers: tuple[Sourced[RouterProvider], ...] = ()
    resources: Provided = attrs.field(factory=dict)
    terms: RouteOverrides = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Resolver:
    """Decides for one app.

    Attributes:
        settings: its settings.
        values: the same with their sources.
        builtin: names of the plugins that are a part of the core.
        diagnostics: where conflicts are noted.
        converters: those that patterns may name.
    """

    settings: Settings
    values: Mapping[str, SettingValue]
    builtin: frozenset[str]
    diagnostics: Diagnostics
    converters: Converters = CONVERTERS

    def parser(self, root: CollectedScope, injected: AdaptedPart) -> Choice[ParserProvider] | None:
        """Return the parser of every connection."""
        candidates: Sequence[Sourced[ParserProvider]] = root.answers.of("provide_parsers")
        slot, shadow = self._slot("parser", injected, candidates), self.settings.parser.shadow
        if not slot.asked and slot.passed is None:
            # A plugin that is there for the shadow alone says nothing about the parser.
            candidates = [
                each for each in candidates if each.record.name != shadow or each.origin.plugin in self.builtin
            ]
        return choose(slot, candidates, self.diagnostics)

    def shadow(self, root: CollectedScope, parser: Choice[ParserProvider] | None) -> Choice[ParserProvider] | None:
        """Return the parser that is compared with the one of every connection; None if there is to be none."""
        name = self.settings.parser.shadow
        if not name:
            return None
        asked_by = f"setting parser.shadow ({self.values['parser.shadow'].source})"
        if parser is not None and parser.name == name:
            self.diagnostics.add(
                "TB202",
                f"setting 'parser.shadow' names {name!r}, which is the parser itself",
                Origin(plugin="app", location=self.values["parser.shadow"].source),
                parser.origin,
                why="a parser that is compared with itself tells nothing",
                fix="name another one, or none",
            )
            return None
        slot: Slot[ParserProvider] = Slot(
            kind="shadow parser", key="parser.shadow", asked=name, asked_by=asked_by, builtin=self.builtin
        )
        return choose(slot, root.answers.of("provide_parsers"), self.diagnostics)

    def components(self, root: CollectedScope) -> Mapping[str, Choice[Component]]:
        """Return the chosen component of each kind."""
        candidates: Sequence[Sourced[Component]] = root.answers.of("provide_components")
        source = self.values["components"].source
        chosen = {}
        kinds = {each.record.kind for each in candidates}
        named = self.settings.components.items()
        asked = {kind: (name, f"setting components.{kind} ({source})") for kind, name in named}
        if self.settings.parser.shadow and "shadow_parser" not in kinds:
            by = f"setting parser.shadow ({self.values['parser.shadow'].source})"
            asked.setdefault("shadow_parser", ("threaded", by))
        for kind in sorted(kinds | set(asked)):
            name, asked_by = asked.get(kind, ("", ""))
            slot: Slot[Component] = Slot(
                kind=f"{kind} component", key=f"components.{kind}", asked=name, asked_by=asked_by, builtin=self.builtin
            )
            choice = choose(slot, [each for each in candidates if each.record.kind == kind], self.diagnostics)
            if choice is not None:
                chosen[kind] = choice
        return chosen

    def protocols(self, root: CollectedScope) -> tuple[Sourced[ProtocolProvider], ...]:
        """Return all protocols, each token of which is claimed once."""
        entries: tuple[Sourced[ProtocolProvider], ...] = root.answers.of("provide_protocols")
        for kind in ("alpn", "upgrade"):
            tokens = [each for each in entries if getattr(each.record, kind)]
            self._unique(tokens, lambda one: getattr(one, kind).lower(), "TB416", f"{kind} token")  # noqa: B023  # used at once
        return entries

    def commands(self, root: CollectedScope) -> tuple[Sourced[Any], ...]:
        """Return all commands, each name of which is claimed once."""
        entries = root.answers.of("provide_commands")
        self._unique(entries, lambda command: command.name, "TB417", "command")
        for each in entries:
            if each.record.name in BUILTIN_COMMANDS:
                self.diagnostics.add(
                    "TB417",
                    f"there are two of command {each.record.name!r}, and one is a part of turnbuckle",
                    each.origin,
                    Origin(plugin="turnbuckle", location=f"turnbuckle.cli.commands.{each.record.name}"),
                    why="the commands of turnbuckle work whatever plugins do, as some are there to repair them",
                    fix="give the command of the plugin another name",
                )
        return entries

    def check_names(self, root: PlannedScope) -> None:
        """Note names that two routes have; they are looked up in the app as a whole."""
        routes = [planned.route for scope in root.walk() for planned in scope.routes if planned.route.name]
        entries = [Sourced(route, route.origin or root.origin) for route in routes]
        self._unique(entries, lambda route: route.name, "TB420", "route name")

    def scope(self, gathered: CollectedScope, around: Around | None = None) -> PlannedScope:
        """Return what is decided for a scope and all within.

        Args:
            gathered: the scope.
            around: what it has from outside; None for the app itself.
        """
        outer = around or Around()
        written, answers = gathered.declaration, gathered.answers
        router = self._router(gathered, outer, is_root=around is None)
        entries = [*answers.of("provide_lifespans"), *_entries(written.lifespans)]
        lifespans, resources = order_lifespans(entries, outer.resources, self.diagnostics)
        inner = Around(
            middleware=outer.middleware + self._middleware(gathered, outer, resources, is_root=around is None),
            response_types=self._typed(
                outer.response_types,
                [*answers.of("provide_response_types"), *_entries(written.response_types)],
                (lambda record: record.type, "TB404", "response type for"),
            ),
            error_handlers=self._typed(
                outer.error_handlers,
                [*answers.of("provide_error_handlers"), *_entries(written.error_handlers)],
                (lambda record: record.exception, "TB414", "error handler for"),
            ),
            router=router.origin.plugin if router is not None else outer.router,
            routers=(*answers.of("provide_routers"), *outer.routers),
            resources=resources,
            terms=OverrideReader(self.values, self.diagnostics).of_scope(outer.terms, written),
        )
        if around is not None:
            self._check_whole(gathered)
        routes = self._routes(gathered, inner)
        check_effects(inner.middleware, routes, self.diagnostics)
        return PlannedScope(
            prefix=written.prefix,
            host=written.host,
            origin=written.origin,
            router=router,
            middleware=inner.middleware[len(outer.middleware) :],
            routes=routes,
            response_types=inner.response_types,
            error_handlers=inner.error_handlers,
            lifespans=lifespans,
            configs={plugin.name: plugin.setup.config for plugin in gathered.plugins if plugin.setup is not None},
            scopes=tuple(self.scope(each, inner) for each in gathered.scopes),
        )

    def _check_whole(self, gathered: CollectedScope) -> None:
        for hook, what in _OF_THE_WHOLE_APP.items():
            for each in gathered.answers.of(hook):
                self.diagnostics.add(
                    "TB426",
                    f"{what} {each.record.name!r} of plugin {each.origin.plugin!r} has no effect in a scope",
                    each.origin,
                    gathered.declaration.origin,
                    why=f"an app has its {what}s as a whole, whatever scope a request is for",
                    fix="enable the plugin for the whole app, beside the scope or instead",
                    level="warning",
                )

    # -- slots

    def _slot(self, kind: str, injected: AdaptedPart, candidates: Sequence[Sourced[Any]]) -> Slot[Any]:
        passed = injected.provider
        if injected.adapter is not None:
            name = getattr(injected.adapter.ref, "info").name  # noqa: B009  # a plugin, which the record need not know
            passed = next((each for each in candidates if each.origin.plugin == name), None)
        asked, asked_by = injected.name, f"App({kind}={injected.name!r})"
        if not asked:
            key = "parser.name" if kind == "parser" else kind
            asked = self.settings.parser.name if kind == "parser" else self.settings.router
            asked_by = f"setting {kind} ({self.values[key].source})"
        return Slot(kind=kind, key=kind, passed=passed, asked=asked, asked_by=asked_by, builtin=self.builtin)

    def _router(self, gathered: CollectedScope, outer: Around, *, is_root: bool) -> Choice[RouterProvider] | None:
        candidates: Sequence[Sourced[RouterProvider]] = gathered.answers.of("provide_routers")
        slot = self._slot("router", gathered.router, candidates)
        if is_root:
            return choose(slot, candidates, self.diagnostics)
        name = gathered.router.name
        if name and not any(each.record.name == name for each in candidates):
            # Who asks for a router by name may mean one that a scope around this one has, such as the core's own.
            candidates = (*candidates, *outer.routers)
        if slot.passed is None and not name:
            # The setting speaks of the app's router; a scope has one of its own only if something in it brings one.
            slot = attrs.evolve(slot, asked="")
        choice = choose(slot, candidates, self.diagnostics) if candidates or slot.passed or slot.asked else None
        if choice is not None and not (gathered.declaration.prefix or gathered.declaration.host):
            self.diagnostics.add(
                "TB421",
                "a scope with a router of its own needs a prefix or a host",
                gathered.declaration.origin,
                choice.origin,
                why="requests are handed to it by their path and host",
                fix="give the scope a prefix, or the app the router",
            )
            return None
        return choice

    # -- middleware, tables

    def _middleware(
        self, gathered: CollectedScope, outer: Around, resources: Provided, *, is_root: bool
    ) -> tuple[Sourced[Middleware], ...]:
        links = [*gathered.answers.of("provide_middleware"), *_entries(gathered.declaration.middleware)]
        order, source = self.settings.middleware.order, self.values["middleware.order"].source
        ordered = order_middleware(links, order if is_root else (), self.diagnostics, source)
        check_needs(outer.middleware, ordered, self.diagnostics, resources.keys())
        return ordered

    def _typed(
        self,
        outer: tuple[Sourced[RecordT], ...],
        entries: Iterable[Sourced[RecordT]],
        rule: tuple[Callable[[RecordT], type], str, str],
    ) -> tuple[Sourced[RecordT], ...]:
        key, code, what = rule
        merged: dict[type, Sourced[RecordT]] = {key(each.record): each for each in outer}
        own: dict[type, list[Sourced[RecordT]]] = {}
        for each in entries:
            if self._is_usable(each):
                own.setdefault(key(each.record), []).append(each)
        for kind, rivals in own.items():
            best = self._strongest(rivals, code, f"{what} {getattr(kind, '__name__', kind)}")
            beaten = [each for each in (*rivals, merged.get(kind)) if each is not None and each is not best]
            rejected = (RejectedCandidate(getattr(kind, "__qualname__", str(kind)), each.origin) for each in beaten)
            merged[kind] = attrs.evolve(best, rejected=tuple(rejected))
        return tuple(merged.values())

    def _is_usable(self, entry: Sourced[Any]) -> bool:
        record = entry.record
        if isinstance(record, ResponseType):
            kind, what, must = record.type, "response type", "a class"
            fault = fault_of_render(record) if isinstance(kind, type) else f"{shown(kind)} is no class"
        else:
            kind, what, must = record.exception, "error handler", "a class of exceptions"
            is_exception = isinstance(kind, type) and issubclass(kind, Exception)
            fault = fault_of_handler(record) if is_exception else f"{shown(kind)} is no class of exceptions"
        if fault:
            self.diagnostics.add(
                "TB504",
                f"{what} for {shown(kind)} cannot be used: {fault}",
                entry.origin,
                why=f"it needs {must}, and something that can be called",
                fix="correct the record",
            )
        return not fault

    def _strongest(self, rivals: list[Sourced[RecordT]], code: str, what: str) -> Sourced[RecordT]:
        # As for slots: what the app wrote down beats an enabled plugin, which beats what is built in.
        strength = {id(each): self._strength(each.origin) for each in rivals}
        most = max(strength.values())
        best = [each for each in rivals if strength[id(each)] == most]
        self._unique(best, lambda record: what, code, "")
        return best[0]

    def _strength(self, origin: Origin) -> int:
        return 2 if origin.plugin == "app" else 0 if origin.plugin in self.builtin else 1

    def _unique(self, entries: Iterable[Sourced[Any]], key: Callable[[Any], Hashable], code: str, what: str) -> None:
        first: dict[Hashable, Sourced[Any]] = {}
        for each in entries:
            name = key(each.record)
            if first.setdefault(name, each) is not each:
                self.diagnostics.add(
                    code,
                    f"there are two of {what} {name!r}" if what else f"there is more than one {name}",
                    each.origin,
                    first[name].origin,
                    why="nothing says which of them is meant",
                    fix=_FIX_OF_TWINS if _are_twins(each.origin, first[name].origin) else _FIX_OF_RIVALS,
                )

    # -- routes

    def _routes(self, gathered: CollectedScope, inner: Around) -> tuple[PlannedRoute, ...]:
        terms = OverrideReader(self.values, self.diagnostics)
        provided = [_with_origin(each) for each in gathered.answers.of("provide_routes")]
        planned = []
        for route in (*provided, *gathered.declaration.routes):
            whole = self._whole(route, gathered)
            call = self._bound(whole, self._known_parameters(whole, inner.router))
            if call is not None:
                planned.append(PlannedRoute(whole, call, terms=terms.of_route(inner.terms, whole)))
        return tuple(planned)

    def _known_parameters(self, route: Route, router: str) -> frozenset[str] | None:
        # A handler is called the same, whatever the router. But a path without parameters as the core reads it may be
        # in another syntax, and have some all the same.
        names = _parameters(route, self.converters)
        return names if router in self.builtin else names or None

    def _whole(self, route: Route, gathered: CollectedScope) -> Route:
        prefix, host = gathered.declaration.prefix, route.host or gathered.declaration.host
        path = route.path
        if prefix and path.startswith("/"):
            # "/" in a scope is the scope itself; write "//" nowhere.
            path = prefix if path == "/" else prefix + path
        return attrs.evolve(route, path=path, host=host) if (path, host) != (route.path, route.host) else route

    def _bound(self, route: Route, parameters: frozenset[str] | None) -> Callable[..., object] | None:
        try:
            return bind(route.handler, parameters)
        except Exception as error:  # noqa: BLE001  # anything may have been passed for a handler
            self.diagnostics.add(
                "TB415",
                f"route {route.path!r}: {error}",
                *((route.origin,) if route.origin is not None else ()),
                why="a handler takes the request, and the parameters of its path by name",
                fix="change the path, or the parameters of the handler",
            )
            return None


def _entries(written: Iterable[Any]) -> tuple[Sourced[Any], ...]:
    return tuple(Sourced(each.record, each.origin) for each in written)


def _are_twins(origin: Origin, other: Origin) -> bool:
    return origin.plugin == other.plugin != "app"


def _with_origin(entry: Sourced[Route]) -> Route:
    return attrs.evolve(entry.record, origin=entry.origin)


def _parameters(route: Route, converters: Converters) -> frozenset[str] | None:
    if "{" not in route.path + route.host:
        return frozenset()
    if not route.host and _SIMPLE.fullmatch(route.path):
        return frozenset(_PARAMETER.findall(route.path))
    texts = [route.path]
    if route.host:
        texts.append("/" + "/".join(split_outside_braces(route.host, ".")))
    try:
        patterns = [parse_pattern(text, converters) for text in texts]
    except RouteError:
        # The router says what is wrong with it, or knows converters that are not built in.
        return None
    return frozenset(each.name for pattern in patterns for each in pattern.parameters)
