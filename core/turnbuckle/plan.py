"""What resolution decides, frozen: every part of an app, where it came from, and what lost against it.

Pure data. ``startup/compile/compiler.py`` turns it into closures, ``startup/report/plan_text.py`` into text; nobody
changes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

import attrs

from turnbuckle._frozen_mapping import frozen_mapping
from turnbuckle.diagnostics import Diagnostic, Origin, RejectedCandidate, Sourced
from turnbuckle.records import (
    Component,
    ErrorHandler,
    Lifespan,
    Middleware,
    ParserProvider,
    ProtocolProvider,
    ResponseType,
    RouterProvider,
)
from turnbuckle.routing.converters import BUILTIN, Converter, Converters
from turnbuckle.routing.records import Route
from turnbuckle.settings import Settings

if TYPE_CHECKING:
    import click


__all__ = [
    "Choice",
    "Overruled",
    "Plan",
    "PlannedPlugin",
    "PlannedRoute",
    "PlannedScope",
    "PluginState",
    "SettingValue",
]

ProviderT_co = TypeVar("ProviderT_co", covariant=True)


PluginState = Literal["builtin", "enabled", "installed", "disabled", "quarantined", "failed"]


@attrs.frozen(kw_only=True)
class Choice(Generic[ProviderT_co]):
    """What fills a slot.

    Attributes:
        kind: the slot: ``"parser"``, ``"router"``, or the kind of a component.
        name: name of the provider.
        provider: the record itself.
        origin: where it came from.
        rule: why it was chosen, in words.
        rejected: the candidates that it was preferred to.
    """

    kind: str
    name: str
    provider: ProviderT_co
    origin: Origin
    rule: str
    rejected: tuple[RejectedCandidate, ...] = ()


@attrs.frozen
class Overruled:
    """A value of a setting that lost against that of another source."""

    value: object
    source: str


@attrs.frozen(kw_only=True)
class SettingValue:
    """One setting with where it came from.

    Attributes:
        key: for example ``"limits.content"``.
        value: as the app sees it.
        source: ``"default"``, ``file:line``, ``"$NAME"`` of a variable, the option of the command line, or the code.
        secret: whether it must not be printed.
        overruled: what other sources gave, the strongest last.
    """

    key: str
    value: object = attrs.field(repr=False)
    source: str
    secret: bool = False
    overruled: tuple[Overruled, ...] = attrs.field(default=(), repr=False)

    def shown(self) -> str:
        """Return the value as it may be printed."""
        return self.redacted(self.value)

    def redacted(self, value: object) -> str:
        """Return any value of this setting as it may be printed; that there is none is no secret."""
        return "********" if self.secret and value is not None and value != "" else repr(value)


@attrs.frozen(kw_only=True)
class PlannedPlugin:
    """A plugin that is known, whether it takes part or not.

    Attributes:
        name: its name.
        state: how it stands.
        origin: where it was enabled, or its entry point.
        api: the generation of hooks that it was written for; 0 when it was never imported.
        scope: prefix of the scope that it is enabled in.
        hooks: names of the hooks that it answers.
        requires: plugins that it says it cannot do without.
        after: plugins that it says come before it.
        conflicts: plugins that it says it cannot be with.
        asked_by: who enabled it; None if nobody did, or if it is built in.
        seconds: what importing, configuring and asking it took.
        note: why it is in this state, in words.
    """

    name: str
    state: PluginState
    origin: Origin
    api: int = 0
    scope: str = ""
    hooks: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    asked_by: Origin | None = None
    seconds: float = attrs.field(default=0.0, eq=False)
    note: str = ""


@attrs.frozen
class PlannedRoute:
    """A route with its whole path.

    Attributes:
        route: the route.
        terms: limits and deadlines that are otherwise for it, by key such as ``"limits.content"``.
    """

    route: Route
    terms: Mapping[str, SettingValue] = attrs.field(factory=dict, converter=frozen_mapping, kw_only=True)


@attrs.frozen(kw_only=True)
class PlannedScope:
    """What is decided for a scope; the app is the scope with the prefix "".

    Attributes:
        prefix: path that its routes start with.
        host: host pattern of its routes.
        origin: where it was written.
        router: its own router; None when its routes are in the router of the scope around it.
        middleware: outermost first; that of the scopes around it comes before.
        routes: its own, without those of scopes within.
        response_types: in effect here, with those of the scopes around it.
        error_handlers: in effect here, with those of the scopes around it.
        lifespans: its own.
        configs: settings of its plugins by plugin name.
        scopes: the scopes within.
    """

    prefix: str
    host: str
    origin: Origin
    router: Choice[RouterProvider] | None
    middleware: tuple[Sourced[Middleware], ...] = ()
    routes: tuple[PlannedRoute, ...] = ()
    response_types: tuple[Sourced[ResponseType], ...] = ()
    error_handlers: tuple[Sourced[ErrorHandler], ...] = ()
    lifespans: tuple[Sourced[Lifespan], ...] = ()
    configs: Mapping[str, object] = attrs.field(factory=dict, repr=False, converter=frozen_mapping)
    scopes: tuple[PlannedScope, ...] = ()

    def walk(self) -> Iterator[PlannedScope]:
        """Yield this scope and all within, outer ones first."""
        yield self
        for scope in self.scopes:
            yield from scope.walk()


def _by_content(converters: Converters) -> Mapping[str, object]:
    # A Converter is equal only to itself, because routers compare converters all the time.
    fields = [field.name for field in attrs.fields(Converter) if field.init]
    return {
        name: tuple(getattr(converter, field) for field in fields) if isinstance(converter, Converter) else converter
        for name, converter in converters.items()
    }


@attrs.frozen(kw_only=True)
class Plan:
    """Every decision about an app.

    Attributes:
        app_name: name of the app.
        settings: the settings in effect.
        setting_values: all settings, those of plugins included, with their sources, by key.
        plugins: all plugins that are known.
        parser: the parser of every connection.
        shadow: the parser that is compared with it on some; None for none.
        root: the app as a scope, with the scopes within.
        components: what was chosen for each kind.
        protocols: protocols that a connection may switch to.
        commands: commands for the command line.
        diagnostics: findings that do not stop the start.
        seconds: what each phase took.
        converters: kinds of path parameters by name.
        quarantined: names of optional plugins that were left out because a start with them fails.
    """

    app_name: str
    settings: Settings
    setting_values: Mapping[str, SettingValue] = attrs.field(converter=frozen_mapping)
    plugins: tuple[PlannedPlugin, ...]
    parser: Choice[ParserProvider]
    root: PlannedScope
    shadow: Choice[ParserProvider] | None = None
    components: Mapping[str, Choice[Component]] = attrs.field(factory=dict, converter=frozen_mapping)
    protocols: tuple[Sourced[ProtocolProvider], ...] = ()
    commands: tuple[Sourced[click.Command], ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    seconds: Mapping[str, float] = attrs.field(factory=dict, eq=False, converter=frozen_mapping)
    converters: Converters = attrs.field(default=BUILTIN, eq=_by_content, repr=False, converter=frozen_mapping)
    quarantined: frozenset[str] = frozenset()

    def routes(self) -> Iterator[tuple[PlannedRoute, PlannedScope]]:
        """Yield every route with its scope, outer scopes first."""
        for scope in self.root.walk():
            for planned in scope.routes:
                yield planned, scope
