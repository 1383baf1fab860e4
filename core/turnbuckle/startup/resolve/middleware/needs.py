"""Check the needs of middleware: keys and middleware outside of it, and resources; and keys that two middleware set."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import attrs

from turnbuckle.diagnostics import Origin, ResourceKey
from turnbuckle.plan import MiddlewareSelection
from turnbuckle.startup.model.diagnostics import Diagnostics, nearest
from turnbuckle.startup.plugins.discovery import installed_plugins
from turnbuckle.startup.resolve.middleware.order import ChainLink
from turnbuckle.startup.resolve.resources import missing_resource

__all__ = ["NeedChecker"]


@attrs.frozen
class NeedChecker:
    """Checks the middleware of one app.

    Attributes:
        diagnostics: where to report.
    """

    diagnostics: Diagnostics
    _reported: set[tuple[int, object]] = attrs.field(factory=set, init=False)

    def check(
        self, outer: Sequence[ChainLink], links: Sequence[ChainLink], resources: Collection[ResourceKey[object]]
    ) -> None:
        """Check the middleware of a scope.

        Args:
            outer: the middleware around the middleware of the scope.
            links: the middleware of the scope.
            resources: the resources that lifespans provide in the scope.
        """
        self.check_resources(links, resources)
        self._check_keys((*outer, *links), links, None)

    def check_selection(self, selection: MiddlewareSelection, links: Sequence[ChainLink]) -> None:
        """Check the middleware that a scope or route runs through; each problem is reported for the first of them.

        Args:
            selection: the middleware that runs.
            links: all middleware of the scope and of the scopes around it.
        """
        self._check_keys(selection.links, links, selection)

    def check_resources(self, links: Sequence[ChainLink], resources: Collection[ResourceKey[object]]) -> None:
        """Report resources that no lifespan of the scope, or of a scope around it, provides."""
        for link in links:
            for need in link.record.needs:
                if isinstance(need, ResourceKey) and need not in resources:
                    self._report_missing_resource(link, need, resources)

    def _check_keys(
        self, runs: Sequence[ChainLink], links: Sequence[ChainLink], selection: MiddlewareSelection | None
    ) -> None:
        present: set[str] = set()
        provided: dict[str, ChainLink] = {}
        own = set(map(id, links))
        for link in runs:
            for need in link.record.needs if id(link) in own else ():
                if not isinstance(need, ResourceKey) and need not in present and self._is_new(link, need):
                    self._report_missing(link, need, links, selection)
            present.update((link.record.name, *link.record.provides))
            for key in link.record.provides:
                first = provided.setdefault(key, link)
                if first is not link and id(link) in own and self._is_new(link, (key, id(first))):
                    self._report_provided_twice(key, link, first)

    def _is_new(self, link: ChainLink, problem: object) -> bool:
        key = id(link), problem
        is_new = key not in self._reported
        self._reported.add(key)
        return is_new

    def _report_missing(
        self, link: ChainLink, need: str, links: Sequence[ChainLink], selection: MiddlewareSelection | None
    ) -> None:
        able = [other for other in links if need == other.record.name or need in other.record.provides]
        runs = [other for other in able if selection is None or any(other is running for running in selection.links)]
        text, fix = ", and nothing provides it", _fix_of_absent(need)
        shown, where = able, [link.origin]
        if runs:
            shown = runs
            text, fix = f", but {runs[0].record.name!r} is inside", _fix_of_inner(link, runs[0])
        elif able:
            text, fix = self._elsewhere(link, able[0], selection)
            where += _places_of(selection)
        self.diagnostics.add(
            "TB412",
            f"middleware {link.record.name!r} needs {need!r} outside of it{text}",
            *where,
            *(other.origin for other in shown),
            why="only middleware outside of it can set the needed key on the request",
            fix=fix,
        )

    def _elsewhere(self, link: ChainLink, other: ChainLink, selection: MiddlewareSelection | None) -> tuple[str, str]:
        """Return the end of the message, and the fix, for a need that only other chains fulfil."""
        name, chain = other.record.name, selection.chain if selection is not None else ""
        removed = {entry.record for entry in selection.without} if selection is not None else set()
        plugin = _plugin_of(other)
        if removed & {name, other.origin.plugin}:
            text = f", and {name!r}, which provides it, is taken away"
            return text, f"take {link.record.name!r} away as well, or keep {name!r}"
        where = f"in chain {chain!r}" if chain else "without a chain"
        text = f", and {name!r}, which provides it, does not run {where}"
        if chain:
            return text, f"add {plugin!r} to chain {chain!r}, or take {link.record.name!r} away with without="
        return text, f"choose a chain with {plugin!r}, or enable {plugin!r} for the whole app"

    def _report_missing_resource(
        self, link: ChainLink, key: ResourceKey[object], resources: Collection[ResourceKey[object]]
    ) -> None:
        hint, fix = missing_resource(key, resources)
        self.diagnostics.add(
            "TB412",
            f"middleware {link.record.name!r} needs {key}, which no lifespan provides{hint}",
            link.origin,
            why="a resource exists only while a lifespan of this scope, or of a scope around it, provides it",
            fix=fix,
        )

    def _report_provided_twice(self, key: str, link: ChainLink, first: ChainLink) -> None:
        self.diagnostics.add(
            "TB418",
            f"middleware {link.record.name!r} and {first.record.name!r} both set {key!r} on the request",
            link.origin,
            first.origin,
            why="the inner one would overwrite the value of the outer one",
            fix="disable one of them, or change the key of one",
        )


def _fix_of_absent(need: str) -> str:
    fix = f"enable a plugin that provides {need!r}"
    near = nearest(need, [plugin.name for plugin in installed_plugins()], cutoff=0.8)
    return f"{fix}; {near!r} is installed: -p {near}, or App(plugins=[{near!r}])" if near else fix


def _fix_of_inner(link: ChainLink, provider: ChainLink) -> str:
    if provider.origin.scope == link.origin.scope:
        return f"order it after {provider.record.name!r}"
    # No order can place middleware of an inner scope outside of middleware of an outer one.
    where = f"in scope {link.origin.scope!r}" if link.origin.scope else "for the whole app"
    return f"enable {_plugin_of(provider)!r} {where}"


def _plugin_of(link: ChainLink) -> str:
    """Return the name of the plugin of a middleware, or the name of the middleware if the app declares it."""
    return link.origin.plugin if link.origin.plugin != "app" else link.record.name


def _places_of(selection: MiddlewareSelection | None) -> list[Origin]:
    if selection is None:
        return []
    return [origin for origin in (selection.chosen, *(entry.origin for entry in selection.without)) if origin]
