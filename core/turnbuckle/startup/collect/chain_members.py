"""Find the plugins that chosen middleware chains need, before any hook is called.

A chain is chosen by name. If no enabled plugin provides it, the installed plugin of that name is enabled. The members
of a chosen chain are enabled likewise. Only ``provide_middleware`` returns chains, so this hook is called once more
here, and its problems are left to the call that counts.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set

import attrs

from turnbuckle.diagnostics import Origin, Sourced
from turnbuckle.plan import SettingValue
from turnbuckle.plugin import Plugin, PluginInfo
from turnbuckle.records import MiddlewareChain, Mount
from turnbuckle.routing.records import Route
from turnbuckle.settings import Settings
from turnbuckle.setup import Setup
from turnbuckle.startup.model.declaration import ScopeDeclaration
from turnbuckle.startup.model.plugin_records import LoadedPlugin, PluginRequest
from turnbuckle.startup.plugins.loading import Loader

__all__ = ["ChosenChain", "chosen_chains", "load_members", "scope_choice"]


@attrs.frozen
class ChosenChain:
    """The choice of a chain by an app, a scope, a route or a mount.

    Attributes:
        name: name of the chain.
        origin: where it is chosen.
        enabled: names of the plugins that the code enables in the scope or around it.
        declared: the chains that the code declares in the scope or around it.
    """

    name: str
    origin: Origin
    enabled: frozenset[str]
    declared: tuple[Sourced[MiddlewareChain], ...]


def scope_choice(
    scope: ScopeDeclaration, settings: Settings, values: Mapping[str, SettingValue], *, is_root: bool
) -> Sourced[str] | None:
    """Return the name of the chain that a scope chooses, in the code or in the settings; None if it chooses none."""
    if is_root:
        value = values["middleware.chain"]
        place = scope.origin.location if value.source.startswith("App(") else value.source
        return Sourced(settings.middleware.chain, Origin(plugin="app", location=place))
    if scope.chain is not None:
        return Sourced(scope.chain, scope.origin)
    name = settings.middleware.chains.get(scope.prefix)
    place = values["middleware.chains"].source
    return None if name is None else Sourced(name, Origin(plugin="app", location=place, scope=scope.prefix))


def chosen_chains(
    root: ScopeDeclaration, settings: Settings, values: Mapping[str, SettingValue]
) -> tuple[ChosenChain, ...]:
    """Return all choices of chains in an app, except the choices of routes of plugins.

    Args:
        root: the app.
        settings: its settings.
        values: the same settings with their sources.
    """

    def visit(scope: ScopeDeclaration, around: ChosenChain | None) -> Iterator[ChosenChain]:
        names, declared = frozenset(_names_of(scope)), scope.chains
        if around is not None:
            names, declared = around.enabled | names, (*around.declared, *declared)
        choice = scope_choice(scope, settings, values, is_root=around is None)
        entries = [choice] if choice is not None else []
        records: tuple[Route | Mount, ...] = (*scope.routes, *scope.mounts)
        for route in records:
            if route.chain is not None:
                entries.append(Sourced(route.chain, route.origin or scope.origin))
        for entry in entries:
            if entry.record:
                yield ChosenChain(entry.record, entry.origin, names, declared)
        here = ChosenChain("", scope.origin, names, declared)
        for inner in scope.scopes:
            yield from visit(inner, here)

    return tuple(visit(root, None))


def _names_of(scope: ScopeDeclaration) -> Iterator[str]:
    """Yield the names of the plugins that the code enables in a scope."""
    for entry in scope.plugins:
        ref = entry.record[0] if isinstance(entry.record, tuple) and entry.record else entry.record
        info = getattr(ref, "info", None)
        if isinstance(ref, str):
            yield ref
        elif isinstance(info, PluginInfo):
            yield info.name


def load_members(
    loaded: list[LoadedPlugin],
    chosen: Sequence[ChosenChain],
    loader: Loader,
    setup_of: Callable[[LoadedPlugin], Setup | None],
) -> list[LoadedPlugin]:
    """Return the plugins of an app, with the plugins that its chosen chains need.

    Args:
        loaded: the plugins that are enabled for the whole app.
        chosen: the choices of chains.
        loader: loads further plugins.
        setup_of: returns the setup of a plugin; None if its settings are wrong.
    """
    plugins, known = list(loaded), dict[str, list[MiddlewareChain]]()
    tried = {plugin.name for plugin in plugins} | loader.requested.keys()
    fresh = plugins
    while fresh:
        for plugin in fresh:
            for chain in _chains_of(plugin, setup_of):
                known.setdefault(chain.name, []).append(chain)
        requests = list(_needed(chosen, known, loader, tried))
        tried |= {str(request.ref) for request in requests}
        fresh = loader.load(requests)
        plugins += fresh
    return plugins


def _needed(
    chosen: Iterable[ChosenChain], known: Mapping[str, Sequence[MiddlewareChain]], loader: Loader, tried: Set[str]
) -> Iterator[PluginRequest]:
    """Yield requests for the installed plugins that chosen chains name and that were not tried yet, each once."""
    seen = set(tried)
    for choice in chosen:
        own = [entry.record for entry in choice.declared if entry.record.name == choice.name]
        chains = [*own, *known.get(choice.name, ())]
        # A chain without a provider is the plugin of its name.
        members = [name for chain in chains for name in chain.members if isinstance(name, str)]
        for name in members if chains else [choice.name]:
            if name in seen or name in choice.enabled:
                continue
            seen.add(name)
            if any(plugin.name == name for plugin in loader.installed):
                yield PluginRequest(ref=name, origin=choice.origin, by_chain=True)


def _chains_of(plugin: LoadedPlugin, setup_of: Callable[[LoadedPlugin], Setup | None]) -> list[MiddlewareChain]:
    if type(plugin.plugin).provide_middleware is Plugin.provide_middleware:
        return []
    setup = setup_of(plugin)
    if setup is None:
        return []
    hook: Callable[..., Iterable[object]] = plugin.plugin.provide_middleware
    try:
        takes_setup = "setup" in inspect.signature(hook).parameters
        records = list(hook(setup=setup) if takes_setup else hook())
    except (Exception, SystemExit):  # noqa: BLE001  # the call that counts reports it
        return []
    return [record for record in records if isinstance(record, MiddlewareChain)]
