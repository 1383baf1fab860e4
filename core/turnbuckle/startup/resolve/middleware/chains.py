"""Decide which middleware the requests of each scope and route run through: the chains that they choose, and removals.

All members of the chosen chains are links of the chain of the scope that provides them, in one order. A selection lists
the links that run for a scope or route. An app without chains and removals has no selections: all its links run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import attrs

from turnbuckle.diagnostics import Origin, Sourced
from turnbuckle.plan import MiddlewareSelection, SettingValue
from turnbuckle.records import Middleware, MiddlewareChain, Mount
from turnbuckle.routing.records import Route
from turnbuckle.settings import Settings
from turnbuckle.startup.collect.chain_members import scope_choice
from turnbuckle.startup.collect.scopes import CollectedScope
from turnbuckle.startup.model.diagnostics import Diagnostics, candidates, did_you_mean, nearest
from turnbuckle.startup.resolve.middleware.needs import NeedChecker
from turnbuckle.startup.resolve.middleware.order import ChainLink

__all__ = ["ChainChoice", "ChainPlanner"]

ChainEntry: TypeAlias = Sourced[MiddlewareChain]
_RouteKey: TypeAlias = tuple[str | None, tuple[str, ...], Origin]

_HOOK: Final = "provide_middleware"


@attrs.frozen(kw_only=True)
class ChainChoice:
    """The chain in effect for a scope or route, with the removals.

    Attributes:
        chain: the chain; None for no chain.
        origin: where it is chosen.
        without: the names of the middleware that is taken away, with the places.
    """

    chain: ChainEntry | None = None
    origin: Origin | None = None
    without: tuple[Sourced[str], ...] = ()


@attrs.frozen(kw_only=True)
class _ScopeChains:
    """The chains of a scope.

    Attributes:
        own: the chains that its plugins and the code provide in it.
        visible: these and the chains of the scopes around it, by name.
        choice: the choice in effect for the scope.
        routes: the choices of its routes and mounts that have their own, by chain, removals and origin.
    """

    own: tuple[ChainEntry, ...]
    visible: Mapping[str, ChainEntry]
    choice: ChainChoice
    routes: Mapping[_RouteKey, ChainChoice]


@attrs.define(kw_only=True, eq=False)
class ChainPlanner:
    """Plans the selections of one app.

    Attributes:
        root: the app.
        settings: its settings.
        values: the same settings with their sources.
        left_out: names of the plugins that were requested, and do not take part.
        diagnostics: where wrong choices are reported.
        needs: checks the middleware of each selection.
        is_used: whether the app chooses a chain or takes middleware away anywhere.
    """

    root: CollectedScope
    settings: Settings
    values: Mapping[str, SettingValue]
    left_out: Collection[str]
    diagnostics: Diagnostics
    needs: NeedChecker = attrs.field(init=False)
    is_used: bool = attrs.field(init=False, default=False)
    _scopes: dict[int, _ScopeChains] = attrs.field(factory=dict, init=False)
    _chosen: dict[int, ChainEntry] = attrs.field(factory=dict, init=False)
    _members: dict[int, set[int]] = attrs.field(factory=dict, init=False)
    _made: list[ChainLink] = attrs.field(factory=list, init=False)
    _removed: dict[int, Sourced[str]] = attrs.field(factory=dict, init=False)
    _effective: set[int] = attrs.field(factory=set, init=False)
    _selections: dict[tuple[int, int], MiddlewareSelection] = attrs.field(factory=dict, init=False)
    _names: set[str] = attrs.field(factory=set, init=False)

    def __attrs_post_init__(self) -> None:
        self.needs = NeedChecker(self.diagnostics)
        self._visit(self.root, {}, None)
        self.is_used = bool(self._chosen or self._removed)
        self._check_settings()
        self._check_members()

    # -- choices

    def _visit(self, scope: CollectedScope, around: Mapping[str, ChainEntry], outer: ChainChoice | None) -> None:
        own, declaration = (*_chains_of(scope), *scope.declaration.chains), scope.declaration
        visible = dict(around)
        for entry in own:
            first = visible.setdefault(entry.record.name, entry)
            if first.record is not entry.record:
                self._report_twice(entry, first)
        is_root = outer is None
        before = outer or ChainChoice()
        given = self.settings.middleware.without if is_root else declaration.without
        choice = self._with_choice(
            before, scope_choice(declaration, self.settings, self.values, is_root=is_root), visible
        )
        choice = self._without(choice, given, self._place_of_without(scope, is_root=is_root))
        routes: dict[_RouteKey, ChainChoice] = {}
        for record, origin in _routes_of(scope):
            if record.chain is None and not record.without:
                continue
            chosen = Sourced(record.chain, origin) if record.chain is not None else None
            key = record.chain, record.without, origin
            routes[key] = self._without(self._with_choice(choice, chosen, visible), record.without, origin)
        self._scopes[id(scope)] = _ScopeChains(own=own, visible=visible, choice=choice, routes=routes)
        for inner in scope.scopes:
            self._visit(inner, visible, choice)

    def _place_of_without(self, scope: CollectedScope, *, is_root: bool) -> Origin:
        source = self.values["middleware.without"].source
        if not is_root or source.startswith("App("):
            return scope.declaration.origin
        return Origin(plugin="app", location=source)

    def _with_choice(
        self, choice: ChainChoice, chosen: Sourced[str] | None, visible: Mapping[str, ChainEntry]
    ) -> ChainChoice:
        if chosen is None:
            return choice
        if not chosen.record:
            return attrs.evolve(choice, chain=None, origin=chosen.origin)
        entry = visible.get(chosen.record)
        if entry is None:
            self._report_unknown(chosen, visible)
            return attrs.evolve(choice, chain=None, origin=chosen.origin)
        self._chosen[id(entry)] = entry
        return attrs.evolve(choice, chain=entry, origin=chosen.origin)

    def _without(self, choice: ChainChoice, names: Sequence[str], origin: Origin) -> ChainChoice:
        if not names:
            return choice
        removed = tuple(Sourced(name, origin) for name in names)
        self._removed.update((id(entry), entry) for entry in removed)
        return attrs.evolve(choice, without=(*choice.without, *removed))

    def choice_of(self, scope: CollectedScope, record: Route | Mount | None = None) -> ChainChoice:
        """Return the choice in effect for a scope, or for a route or mount in it."""
        chains = self._scopes[id(scope)]
        if record is None or record.origin is None:
            return chains.choice
        return chains.routes.get((record.chain, record.without, record.origin), chains.choice)

    def provided_in(self, scope: CollectedScope) -> tuple[ChainEntry, ...]:
        """Return the chains that the plugins and the code provide in a scope."""
        return self._scopes[id(scope)].own

    # -- links

    def links_of(self, scope: CollectedScope) -> list[ChainLink]:
        """Return the middleware of a scope, with the members of the chosen chains that it provides, in no order."""
        by_chain = {plugin.name for plugin in scope.plugins if plugin.by_chain}
        links: list[ChainLink] = []
        for entry in scope.answers.of(_HOOK):
            if isinstance(entry.record, MiddlewareChain):
                continue
            if entry.origin.plugin in by_chain:
                chains = {key for key, chain in self._chosen.items() if entry.origin.plugin in chain.record.members}
                if not chains:
                    continue
                self._members[id(entry)] = chains
            links.append(entry)
        links += self._links_of_chains(self._scopes[id(scope)].own)
        return [*links, *scope.declaration.middleware]

    def _links_of_chains(self, chains: Sequence[ChainEntry]) -> Iterator[ChainLink]:
        """Yield the members of chosen chains that are records; a record in two chains is one link."""
        made: dict[int, ChainLink] = {}
        for chain in chains:
            for member in chain.record.members if id(chain) in self._chosen else ():
                if isinstance(member, str):
                    continue
                link = made.get(id(member))
                if link is None:
                    link = made[id(member)] = Sourced(member, chain.origin)
                    self._made.append(link)
                    self._members[id(link)] = set()
                    yield link
                self._members[id(link)].add(id(chain))

    def selection(
        self, scope: CollectedScope, links: Sequence[ChainLink], record: Route | Mount | None = None
    ) -> MiddlewareSelection | None:
        """Return the middleware that a scope, or a route or mount in it, runs through.

        Args:
            scope: the scope.
            links: the middleware of the scope and of the scopes around it, outermost first.
            record: the route or mount; None for the scope itself.

        Returns:
            The selection; None if the app has neither chains nor removals.
        """
        if not self.is_used:
            return None
        choice = self.choice_of(scope, record)
        key = id(scope), id(choice)
        if key not in self._selections:
            self._selections[key] = selection = self._selected(choice, links)
            self.needs.check_selection(selection, links)
        return self._selections[key]

    def _selected(self, choice: ChainChoice, links: Sequence[ChainLink]) -> MiddlewareSelection:
        direct = {link.record.name for link in links if id(link) not in self._members}
        chain, runs = choice.chain, []
        for link in links:
            self._names.update((link.record.name, link.origin.plugin))
            chains = self._members.get(id(link))
            if chains is not None and (id(chain) not in chains or link.record.name in direct):
                continue
            removals = [entry for entry in choice.without if _is_named(link, entry.record)]
            self._effective.update(map(id, removals))
            if not removals:
                runs.append(link)
        return MiddlewareSelection(
            chain=chain.record.name if chain is not None else "",
            provider=chain.origin if chain is not None else None,
            chosen=choice.origin if chain is not None else None,
            without=choice.without,
            links=tuple(runs),
        )

    # -- problems

    def check_removals(self) -> None:
        """Report names that take no middleware away; called once all selections are made."""
        for key, entry in self._removed.items():
            name, names = entry.record, self._names - {"app"}
            if key in self._effective or entry.origin.plugin != "app":
                continue
            exists = name in names
            near = "" if exists else nearest(name, names)
            is_left_out = name in self.left_out or (bool(self.left_out) and not near and not exists)
            how = "which does not run there" if exists else f"which does not exist{candidates(name, names)}"
            self.diagnostics.add(
                "TB444",
                f"without={name!r} takes away middleware {how}",
                entry.origin,
                why="it names middleware, or a plugin, that requests there would otherwise run through",
                fix=f"write {near!r}" if near else "remove it, or correct the name",
                level="warning" if is_left_out else "error",
            )

    def _report_unknown(self, chosen: Sourced[str], visible: Mapping[str, ChainEntry]) -> None:
        near = nearest(chosen.record, visible)
        fix = f"write chain={near!r}" if near else "enable a plugin that provides it, or install it"
        self.diagnostics.add(
            "TB441",
            f"no enabled plugin provides the middleware chain {chosen.record!r}{candidates(chosen.record, visible)}",
            chosen.origin,
            why="a chain is provided by a plugin, with provide_middleware, or passed as a MiddlewareChain",
            fix=fix,
            # A plugin that is left out may provide it.
            level="warning" if self.left_out and not near else "error",
        )

    def _report_twice(self, entry: ChainEntry, first: ChainEntry) -> None:
        self.diagnostics.add(
            "TB442",
            f"two middleware chains are named {entry.record.name!r}",
            entry.origin,
            first.origin,
            why="a chain is chosen by its name",
            fix="give one of them another name, or disable one of the plugins",
        )

    def _check_settings(self) -> None:
        prefixes = {scope.declaration.prefix for scope in self.root.walk() if scope is not self.root} - {""}
        for prefix in self.settings.middleware.chains:
            if prefix not in prefixes:
                self.diagnostics.add(
                    "TB446",
                    f"middleware.chains has a chain for scope {prefix!r}, which does not exist"
                    f"{candidates(prefix, prefixes)}",
                    Origin(plugin="app", location=self.values["middleware.chains"].source),
                    why="its keys are the prefixes of scopes, as app.scope(...) has them",
                    fix="correct the prefix, or remove it",
                )

    def _check_members(self) -> None:
        enabled = {plugin.name for scope in self.root.walk() for plugin in scope.plugins}
        for chain in self._chosen.values():
            for member in chain.record.members:
                if isinstance(member, str) and member not in enabled and member not in self.left_out:
                    self.diagnostics.add(
                        "TB443",
                        f"chain {chain.record.name!r} has the member {member!r}, which is no installed plugin"
                        f"{did_you_mean(member, enabled)}",
                        chain.origin,
                        why="the members of a chain are names of plugins, and Middleware records",
                        fix="correct the name, or install the plugin",
                        level="warning" if "plugins" in self.left_out else "error",
                    )

    def check_chosen(self) -> None:
        """Report plugins that provide nothing but chains of which none is chosen."""
        for scope in self.root.walk():
            for entry in self._scopes[id(scope)].own:
                is_shadowed = self._scopes[id(scope)].visible[entry.record.name] is not entry
                if id(entry) in self._chosen or entry.origin.plugin == "app" or is_shadowed:
                    continue
                others = [record for found in scope.answers.entries.values() for record in found]
                own = [record for record in others if record.origin.plugin == entry.origin.plugin]
                if any(id(found) in self._chosen or not isinstance(found.record, MiddlewareChain) for found in own):
                    continue
                self.diagnostics.add(
                    "TB445",
                    f"plugin {entry.origin.plugin!r} provides the chain {entry.record.name!r}, which nothing chooses",
                    entry.origin,
                    why="the middleware of a chain runs only where an app, a scope or a route chooses the chain",
                    fix=f'write App(chain="{entry.record.name}"), or chain = "{entry.record.name}" under [middleware]',
                    level="warning",
                )


def _chains_of(scope: CollectedScope) -> tuple[ChainEntry, ...]:
    return tuple(entry for entry in scope.answers.of(_HOOK) if isinstance(entry.record, MiddlewareChain))


def _routes_of(scope: CollectedScope) -> Iterator[tuple[Route | Mount, Origin]]:
    for entry in scope.answers.of("provide_routes"):
        yield entry.record, entry.origin
    records: tuple[Route | Mount, ...] = (*scope.declaration.routes, *scope.declaration.mounts)
    for record in records:
        yield record, record.origin or scope.declaration.origin


def _is_named(link: Sourced[Middleware], name: str) -> bool:
    return name == link.record.name or (name == link.origin.plugin and name != "app")
