"""The plan of an app: every part that resolution chose, its origin, and the rejected candidates.

A plan contains only frozen data. ``startup/compile/compiler.py`` turns it into closures, and
``startup/report/plan_text.py`` into text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeAlias, TypeVar

import attrs

from turnbuckle._frozen_mapping import frozen_mapping
from turnbuckle.diagnostics import Diagnostic, Origin, RejectedCandidate, ResourceKey, Sourced
from turnbuckle.records import (
    Component,
    ErrorHandler,
    Lifespan,
    Middleware,
    MiddlewareChain,
    Mount,
    MountProvider,
    ParameterProvider,
    ParserProvider,
    ProtocolProvider,
    ResponseType,
    RouterProvider,
)
from turnbuckle.routing.converters import BUILTIN_CONVERTERS, Converter, Converters
from turnbuckle.routing.records import Route
from turnbuckle.schema.nodes.provided import SchemaProvider
from turnbuckle.schema.schema import Schema
from turnbuckle.settings import Settings

if TYPE_CHECKING:
    import click


__all__ = [
    "Choice",
    "MiddlewareSelection",
    "Overruled",
    "ParameterSource",
    "Plan",
    "PlannedMount",
    "PlannedParameter",
    "PlannedPlugin",
    "PlannedResult",
    "PlannedRoute",
    "PlannedScope",
    "PlannedSignature",
    "PlannedSupplier",
    "PluginState",
    "SettingValue",
]

ProviderT_co = TypeVar("ProviderT_co", covariant=True)


PluginState = Literal["builtin", "enabled", "installed", "disabled", "quarantined", "failed"]


@attrs.frozen(kw_only=True)
class Choice(Generic[ProviderT_co]):
    """The candidate that was chosen for a slot.

    Attributes:
        kind: the slot: ``"parser"``, ``"router"``, or the kind of a component.
        name: name of the provider.
        provider: the record.
        origin: origin of the record.
        rule: the reason for the choice, in words.
        rejected: the candidates that were not chosen.
    """

    kind: str
    name: str
    provider: ProviderT_co
    origin: Origin
    rule: str
    rejected: tuple[RejectedCandidate, ...] = ()


@attrs.frozen
class Overruled:
    """A value of a setting that another source overrules."""

    value: object
    source: str


@attrs.frozen(kw_only=True)
class SettingValue:
    """A setting with its source.

    Attributes:
        key: key of the setting, for example ``"limits.content"``.
        value: the converted value.
        source: ``"default"``, ``file:line``, ``"$NAME"`` for an environment variable, a command-line option, or a
            location in the code.
        secret: whether the value must not be printed.
        overruled: the values of other sources, the strongest last.
    """

    key: str
    value: object = attrs.field(repr=False)
    source: str
    secret: bool = False
    overruled: tuple[Overruled, ...] = attrs.field(default=(), repr=False)

    def shown(self) -> str:
        """Return the value for output; a secret is masked."""
        return self.redacted(self.value)

    def redacted(self, value: object) -> str:
        """Return a value of this setting for output; a secret is masked unless it is empty."""
        return "********" if self.secret and value is not None and value != "" else repr(value)


@attrs.frozen(kw_only=True)
class PlannedPlugin:
    """A known plugin, enabled or not.

    Attributes:
        name: name of the plugin.
        state: its state.
        origin: origin of its activation, or its entry point.
        api: the generation of hooks that it was written for; 0 if it was never imported.
        scope: prefix of the scope that it is enabled in.
        hooks: names of the hooks that it implements.
        requires: names of plugins that it requires.
        after: names of plugins that precede it.
        conflicts: names of plugins that it conflicts with.
        requested_by: origin of the request for it; None if it was not requested, or if it is built in.
        seconds: seconds for importing it, configuring it and calling its hooks.
        note: the reason for its state, in words.
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
    requested_by: Origin | None = None
    seconds: float = attrs.field(default=0.0, eq=False)
    note: str = ""


ParameterSource: TypeAlias = Literal[
    "request",
    "websocket",
    "path",
    "query",
    "header",
    "cookie",
    "form",
    "file",
    "body",
    "resource",
    "provider",
    "supply",
]
"""The sources of parameters."""


@attrs.frozen(kw_only=True)
class PlannedParameter:
    """A parameter of a function, with its supplier.

    Attributes:
        name: name of the parameter.
        source: where its value comes from.
        alias: its name in the request; "" if it is not read from the request.
        annotation: its type, without markers.
        schema: converts its value; None if it is not read from the request, or needs no conversion.
        is_required: whether it has no default.
        default: its default; None if it has none.
        default_factory: makes the default; None if ``default`` is the default.
        is_keyword: whether it is passed by name.
        is_list: whether it takes all files of its name.
        is_marked: whether a marker names its source.
        is_text: whether the converter of the path leaves it as text.
        media_type: the media type of the content that it is read from; "" if it is not read from the whole content.
        may_be_path: whether the router may find a parameter of the path by its name, which then takes precedence.
        title: title, for documentation.
        description: description, for documentation.
        examples: examples, for documentation.
        deprecated: whether clients should no longer send it.
        supplier: description of its supplier.
        origin: origin of its supplier; None if the core supplies it.
        given: the resource key or the function that supplies it; None if it is read from the request.
    """

    name: str
    source: ParameterSource
    alias: str = ""
    annotation: object = None
    schema: Schema | None = attrs.field(default=None, eq=False, repr=False)
    is_required: bool = True
    default: object = None
    default_factory: Callable[[], object] | None = None
    is_keyword: bool = False
    is_list: bool = False
    is_text: bool = True
    is_marked: bool = False
    may_be_path: bool = False
    media_type: str = ""
    title: str = ""
    description: str = ""
    examples: tuple[object, ...] = ()
    deprecated: bool = False
    supplier: str = ""
    origin: Origin | None = None
    given: ResourceKey[object] | PlannedSupplier | None = None


@attrs.frozen(kw_only=True)
class PlannedSupplier:
    """A function that supplies values, with its own parameters.

    Attributes:
        function: the function.
        form: how a value is had: a plain function, an ``async def``, or either of them with a ``yield``.
        signature: its parameters.
        key: identifies it: parameters with one key share one value in a request.
        origin: origin of its record.
        name: name for messages.
        in_thread: whether the function runs in a thread.
        shared: key of the one value of the app, which is made when the server starts; None for a value per request.
        result: the return annotation as written, if it says that the value is never None; otherwise empty.
        rejected: the suppliers of the same type that it replaces.
    """

    function: Callable[..., object]
    form: Literal["plain", "async", "context", "async context"]
    signature: PlannedSignature
    key: object
    origin: Origin
    name: str
    in_thread: bool = False
    shared: ResourceKey[object] | None = None
    result: str = ""
    rejected: tuple[RejectedCandidate, ...] = attrs.field(default=(), eq=False)


@attrs.frozen(kw_only=True)
class PlannedResult:
    """The response that the return annotation of a handler declares.

    Attributes:
        annotation: the annotation.
        schema: encodes the value; None if the type of the returned value decides.
        status: status of the response; None for 200, or 204 for None.
    """

    annotation: object = None
    schema: Schema | None = attrs.field(default=None, eq=False, repr=False)
    status: int | None = None


@attrs.frozen(kw_only=True)
class PlannedSignature:
    """The parameters of a function, each with its supplier, and its result.

    Attributes:
        parameters: the parameters in the order of the function.
        result: the response of a handler.
        guards: functions that are called before the parameters are supplied; their results are ignored.
    """

    parameters: tuple[PlannedParameter, ...] = ()
    result: PlannedResult = attrs.field(factory=PlannedResult)
    guards: tuple[PlannedSupplier, ...] = ()


_PLAIN: Final = PlannedSignature()


@attrs.frozen(kw_only=True)
class MiddlewareSelection:
    """The middleware that the requests of a scope or route run through.

    Attributes:
        chain: name of the chain that is chosen for them; "" for none.
        provider: origin of the chain; None for none.
        chosen: where the chain is chosen; None for none.
        without: the names of the middleware that is taken away, with the places.
        links: the middleware, outermost first, including the middleware of the scopes around.
    """

    chain: str = ""
    provider: Origin | None = None
    chosen: Origin | None = None
    without: tuple[Sourced[str], ...] = ()
    links: tuple[Sourced[Middleware], ...] = ()


@attrs.frozen
class PlannedRoute:
    """A route with its full path.

    Attributes:
        route: the route.
        signature: the parameters of its handler, and its result.
        overrides: limits and timeouts that differ from the settings, by key such as ``"limits.content"``.
        selection: the middleware that its requests run through; None for all middleware of its scope and around it.
    """

    route: Route
    signature: PlannedSignature = attrs.field(default=_PLAIN, eq=False, kw_only=True)
    overrides: Mapping[str, SettingValue] = attrs.field(factory=dict, converter=frozen_mapping, kw_only=True)
    selection: MiddlewareSelection | None = attrs.field(default=None, kw_only=True)


@attrs.frozen(kw_only=True)
class PlannedMount:
    """A mounted app with the provider that serves it.

    Attributes:
        mount: the mount.
        route: the record that becomes ``request.route``; its handler is the app, and it has no methods.
        provider: the provider that was chosen.
        rule: the reason for the choice, in words.
        signature: the guards that are called before the app.
        overrides: limits and timeouts that differ from the settings, by key such as ``"limits.content"``.
        selection: the middleware that its requests run through; None for all middleware of its scope and around it.
    """

    mount: Mount
    route: Route
    provider: Sourced[MountProvider]
    rule: str
    signature: PlannedSignature = attrs.field(default=_PLAIN, eq=False)
    overrides: Mapping[str, SettingValue] = attrs.field(factory=dict, converter=frozen_mapping)
    selection: MiddlewareSelection | None = None


@attrs.frozen(kw_only=True)
class PlannedScope:
    """The parts of a scope; the app is the scope with the prefix "".

    Attributes:
        prefix: path that its routes start with.
        host: host pattern of its routes.
        origin: origin of the scope.
        router: its own router; None if its routes are in the router of the outer scope.
        middleware: its own middleware, outermost first; the middleware of outer scopes encloses it.
        routes: its own routes, without the routes of inner scopes.
        response_types: the response types in effect, including the response types of outer scopes.
        error_handlers: the error handlers in effect, including the error handlers of outer scopes.
        parameters: the providers of parameters in effect, including the providers of outer scopes.
        schemas: the providers of schemas in effect, its own first.
        lifespans: its own lifespans.
        signatures: the further parameters of its middleware functions and error handlers, by ``id`` of the function.
        configs: settings of its plugins by plugin name.
        chains: the middleware chains that its plugins and the code provide in it, chosen or not.
        selection: the middleware that its requests without a route run through; None for all middleware of the scope
            and around it, and then its routes have no selection either.
        mounts: its own mounts, without the mounts of inner scopes.
        scopes: the inner scopes.
    """

    prefix: str
    host: str
    origin: Origin
    router: Choice[RouterProvider] | None
    middleware: tuple[Sourced[Middleware], ...] = ()
    routes: tuple[PlannedRoute, ...] = ()
    response_types: tuple[Sourced[ResponseType], ...] = ()
    error_handlers: tuple[Sourced[ErrorHandler], ...] = ()
    parameters: tuple[Sourced[ParameterProvider], ...] = ()
    schemas: tuple[SchemaProvider, ...] = ()
    lifespans: tuple[Sourced[Lifespan], ...] = ()
    signatures: Mapping[int, PlannedSignature] = attrs.field(
        factory=dict, eq=False, repr=False, converter=frozen_mapping
    )
    configs: Mapping[str, object] = attrs.field(factory=dict, repr=False, converter=frozen_mapping)
    chains: tuple[Sourced[MiddlewareChain], ...] = ()
    selection: MiddlewareSelection | None = None
    mounts: tuple[PlannedMount, ...] = ()
    scopes: tuple[PlannedScope, ...] = ()

    def walk(self) -> Iterator[PlannedScope]:
        """Yield this scope and all inner scopes, outer scopes first."""
        yield self
        for scope in self.scopes:
            yield from scope.walk()


def _by_content(converters: Converters) -> Mapping[str, object]:
    # A Converter is equal only to itself, because routers often compare converters.
    fields = [field.name for field in attrs.fields(Converter) if field.init]
    return {
        name: tuple(getattr(converter, field) for field in fields) if isinstance(converter, Converter) else converter
        for name, converter in converters.items()
    }


@attrs.frozen(kw_only=True)
class Plan:
    """All decisions about an app.

    Attributes:
        app_name: name of the app.
        settings: the settings in effect.
        setting_values: all settings by key, including plugin settings, with their sources.
        plugins: all known plugins.
        parser: the parser of every connection.
        shadow: the shadow parser, which reads some connections for comparison; None for none.
        root: the app as a scope, with its inner scopes.
        components: the chosen component of each kind.
        protocols: protocols that a connection may switch to.
        commands: commands for the command line.
        diagnostics: diagnostics that do not prevent the start.
        seconds: duration of each phase in seconds.
        converters: converters of path parameters by name.
        quarantined: names of optional plugins that are quarantined because the app does not start with them.
        config: the app's own settings, an instance of the class in ``App(config=...)``; None for none.
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
    converters: Converters = attrs.field(
        default=BUILTIN_CONVERTERS, eq=_by_content, repr=False, converter=frozen_mapping
    )
    quarantined: frozenset[str] = frozenset()
    config: object = attrs.field(default=None, repr=False)

    def routes(self) -> Iterator[tuple[PlannedRoute, PlannedScope]]:
        """Yield every route with its scope, outer scopes first."""
        for scope in self.root.walk():
            for planned in scope.routes:
                yield planned, scope

    def mounts(self) -> Iterator[tuple[PlannedMount, PlannedScope]]:
        """Yield every mount with its scope, outer scopes first."""
        for scope in self.root.walk():
            for planned in scope.mounts:
                yield planned, scope

    def middleware_of(self, planned: PlannedRoute | PlannedMount) -> tuple[Sourced[Middleware], ...]:
        """Return the middleware that the requests of a route or mount run through, outermost first."""
        if planned.selection is not None:
            return planned.selection.links
        scopes = [(self.root, self.root.middleware)]
        for scope, links in scopes:
            if any(entry is planned for entry in (*scope.routes, *scope.mounts)):
                return links
            scopes += [(inner, (*links, *inner.middleware)) for inner in scope.scopes]
        return ()

    def all_overrides(self) -> Iterator[Mapping[str, SettingValue]]:
        """Yield the limits and timeouts of every route and mount that differ from the settings."""
        for scope in self.root.walk():
            yield from (route.overrides for route in scope.routes)
            yield from (mount.overrides for mount in scope.mounts)
