"""Group the middleware of an app by the requests that run through it, and compile the guards of the groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Never

import attrs

from turnbuckle.diagnostics import Sourced
from turnbuckle.plan import MiddlewareSelection, Plan, PlannedMount, PlannedRoute, PlannedScope
from turnbuckle.records import Middleware
from turnbuckle.routing.records import Route
from turnbuckle.runtime.chain_guards import Select, compile_chain_guard, compile_scope_guard, compile_select
from turnbuckle.startup.compile.scope_chains import fallback_scopes
from turnbuckle.web.request.found_route import FindParts
from turnbuckle.web.request.request import Request
from turnbuckle.web.types import Handler

__all__ = ["ChainGuards", "LinkGroup"]


def _no_lookup(request: Request) -> Never:
    raise RuntimeError(f"no router to look {request!r} up in (a bug in the compiled app)")


@attrs.frozen
class LinkGroup:
    """Neighbouring middleware that the same requests run through.

    Attributes:
        links: the middleware, outermost first.
        runs: for each selection of the app, whether it has them.
    """

    links: tuple[Sourced[Middleware], ...]
    runs: tuple[bool, ...]

    @property
    def is_guarded(self) -> bool:
        """Return whether some requests do not run through them."""
        return not all(self.runs)


@attrs.define(eq=False)
class ChainGuards:
    """The guards of one app, and the decisions for its selections.

    Attributes:
        plan: the plan of the app.
    """

    plan: Plan
    _selections: list[MiddlewareSelection] = attrs.field(factory=list, init=False)
    _decisions: list[list[bool]] = attrs.field(factory=list, init=False)
    _numbers: dict[int, int] = attrs.field(factory=dict, init=False)
    _select: Select = attrs.field(default=_no_lookup, init=False)
    _has_scope_guards: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        known: dict[tuple[int, ...], int] = {}
        for selection in self._all():
            links = tuple(map(id, selection.links))
            if links not in known:
                known[links] = len(self._selections)
                self._selections.append(selection)
                self._decisions.append([])
            self._numbers[id(selection)] = known[links]

    def _all(self) -> Iterator[MiddlewareSelection]:
        for scope in self.plan.root.walk():
            for selection in _selections_of(scope):
                if id(selection) not in self._numbers:
                    yield selection

    def groups(self, scope: PlannedScope) -> list[LinkGroup]:
        """Return the middleware of a scope in groups, outermost first, without middleware that no request runs through.

        Args:
            scope: the scope.
        """
        if not self._selections:
            return [LinkGroup(scope.middleware, (True,))]
        inside = {self._numbers[id(selection)] for inner in scope.walk() for selection in _selections_of(inner)}
        rows = []
        for link in scope.middleware:
            runs = [any(link is other for other in selection.links) for selection in self._selections]
            if any(runs):
                # Requests of other scopes never get here.
                rows.append((link, tuple(has or number not in inside for number, has in enumerate(runs))))
        groups = groupby(rows, key=lambda row: row[1])
        return [LinkGroup(tuple(link for link, _ in members), runs) for runs, members in groups]

    def guard(self, group: LinkGroup, handler: Handler, next_handler: Handler, *, is_root: bool) -> Handler:
        """Return the guard of a group of middleware.

        Args:
            group: the group.
            handler: its outermost middleware.
            next_handler: the handler inside of it.
            is_root: whether it is middleware of the app itself, which runs before the dispatch.
        """
        number = len(self._decisions[0])
        for decisions, runs in zip(self._decisions, group.runs, strict=True):
            decisions.append(runs)
        if is_root:
            return compile_chain_guard(number, self._select, handler, next_handler)
        self._has_scope_guards = True
        return compile_scope_guard(number, handler, next_handler)

    def entry_decisions(self, selection: MiddlewareSelection | None) -> Sequence[bool] | None:
        """Return the decisions for a selection, one for each guard; None if no scope has a guard."""
        return self._of(selection) if self._has_scope_guards else None

    def use_lookup(self, find_route: Callable[[Request], Route | None], find: FindParts) -> None:
        """Set the functions that find routes, for the guards of the app.

        Args:
            find_route: finds the route that a request will be dispatched to.
            find: finds the handler of a request.
        """
        root = self.plan.root
        default = self._of(root.selection)
        if default is None:
            return
        routes: dict[int, Sequence[bool]] = {}
        for scope in root.walk():
            for planned in _routes_of(scope):
                decisions = self._of(planned.selection)
                if decisions is not None:
                    routes[id(planned.route)] = decisions
        scopes = []
        for matcher, chain in fallback_scopes(root, self.plan.converters):
            decisions = self._of(chain[-1].selection)
            if decisions is not None:
                scopes.append((matcher.read, decisions))
        self._select = compile_select(find_route, routes, scopes, default, find)

    def _of(self, selection: MiddlewareSelection | None) -> Sequence[bool] | None:
        return None if selection is None else self._decisions[self._numbers[id(selection)]]


def _routes_of(scope: PlannedScope) -> tuple[PlannedRoute | PlannedMount, ...]:
    return (*scope.routes, *scope.mounts)


def _selections_of(scope: PlannedScope) -> Iterator[MiddlewareSelection]:
    entries = (scope.selection, *(planned.selection for planned in _routes_of(scope)))
    yield from (selection for selection in entries if selection is not None)
