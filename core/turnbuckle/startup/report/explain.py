"""Say what would happen to a request, and why, without calling any handler or middleware.

The parser and the routers of the plan decide, as they would for a connection; the words come from ``reasons``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

import attrs

from turnbuckle.diagnostics import Sourced
from turnbuckle.errors import HTTPError, MethodNotAllowed, NotFound, ProtocolError
from turnbuckle.http.events import RequestHead
from turnbuckle.http.guard import guarded
from turnbuckle.plan import Choice, Plan, PlannedRoute, PlannedScope, SettingValue
from turnbuckle.records import ErrorHandler, Middleware, ProtocolProvider, RouterProvider
from turnbuckle.routing.methods import REGISTERED_METHODS
from turnbuckle.routing.records import Match, Route
from turnbuckle.routing.slashes import SlashRedirect
from turnbuckle.runtime.upgrade import offered
from turnbuckle.setup import Setup
from turnbuckle.startup.compile.routers import MountedRouter, build_tables, route_lookup
from turnbuckle.startup.compile.scope_chains import fallback_scopes, scope_chains
from turnbuckle.startup.model.diagnostics import Diagnostics
from turnbuckle.startup.report.formats import name_of
from turnbuckle.startup.report.limits_table import bound_at
from turnbuckle.startup.report.route_mismatch import MatchReport, RouteQuery, explain_mismatch, why_later
from turnbuckle.startup.resolve.route_overrides import largest_content
from turnbuckle.web.peer import Peer
from turnbuckle.web.request.request import Request

__all__ = ["Candidate", "Explanation", "explain_request", "scope_chain"]


@attrs.frozen(kw_only=True)
class Candidate:
    """A route with why it does not answer; ``reason`` is "" for the one that does."""

    route: Route
    scope: PlannedScope
    reason: str = ""
    judgement: MatchReport = attrs.field(factory=MatchReport)


@attrs.frozen(kw_only=True)
class Explanation:
    """What happens to a request.

    Attributes:
        method: as asked.
        target: as asked.
        host: that the request is for.
        outcome: what happens, in words.
        status: of the answer, where no route answers; an error handler may change it.
        headers: fields of that answer, where no error handler decides.
        winner: the route that answers, if one does.
        handler: name of what answers; "" for the core itself.
        path_params: what the handler gets from the path.
        router: that was asked; None if the parser refused the request.
        candidates: the routes, the winner first, then the nearest.
        chain: middleware that sees the request, outermost first.
        offered: protocols that the request offers to switch to, in the order of its preference.
        protocol: what is asked first, as it speaks one of them; it may leave the request to the route.
        settings: limits and deadlines in effect, those of the route among them.
    """

    method: str
    target: str
    host: str = ""
    outcome: str
    status: int | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)
    winner: Candidate | None = None
    handler: str = ""
    path_params: Mapping[str, object] = attrs.field(factory=dict)
    router: Choice[RouterProvider] | None = None
    candidates: tuple[Candidate, ...] = ()
    chain: tuple[Sourced[Middleware], ...] = ()
    offered: tuple[str, ...] = ()
    protocol: Sourced[ProtocolProvider] | None = None
    settings: tuple[SettingValue, ...] = ()


def explain_request(plan: Plan, method: str, target: str, fields: Sequence[tuple[str, str]] = ()) -> Explanation:
    """Return what happens to a request.

    Args:
        plan: of the app.
        method: for example ``"GET"``.
        target: path and query, or whatever else a client may ask for.
        fields: field lines; ``Host`` is ``localhost`` unless it is among them.
    """
    settings = tuple(value for value in plan.setting_values.values() if bound_at(value.key) is not None)
    shown = Explanation(method=method, target=target, outcome="", settings=settings)
    try:
        head = _parsed(plan, method, target, fields)
    except ProtocolError as error:
        text = f"parser {plan.parser.name!r} refuses it: {error}"
        return attrs.evolve(shown, status=error.status, outcome=text)
    return _Explainer(plan, Request(head, None, Peer())).run(shown)


def scope_chain(plan: Plan, scope: PlannedScope) -> tuple[PlannedScope, ...]:
    """Return a scope with those around it, the app first."""
    return next(chain for chain in scope_chains(plan.root) if chain[-1] is scope)


def _parsed(plan: Plan, method: str, target: str, fields: Sequence[tuple[str, str]]) -> RequestHead:
    lines = list(fields)
    if not any(name.lower() == "host" for name, _ in lines):
        lines.insert(0, ("Host", "localhost"))
    text = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines) + "\r\n"
    parser = guarded(plan.parser.provider.factory)(attrs.evolve(plan.settings.limits, content=largest_content(plan)))
    parser.feed(text.encode("utf-8", "surrogateescape"))
    event = parser.next_event()
    if not isinstance(event, RequestHead):
        raise ProtocolError("it is no complete head", status=400)
    return event


@attrs.frozen(eq=False)
class _Mark:
    """Stands for the handler of a route, so that no router can call it."""

    planned: PlannedRoute
    scope: PlannedScope

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Refuse: nothing is called here."""
        raise RuntimeError("a router calls a handler while it looks for one")


@attrs.define(eq=False)
class _Explainer:
    """Explains one request."""

    plan: Plan
    request: Request
    tables: tuple[MountedRouter, ...] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        setup = Setup(
            settings=self.plan.settings,
            app_name=self.plan.app_name,
            debug=self.plan.settings.debug,
            converters=self.plan.converters,
        )
        self.tables = build_tables(self.plan.root, setup, _Mark, Diagnostics())

    def run(self, shown: Explanation) -> Explanation:
        """Fill in what happens."""
        request = self.request
        shown = attrs.evolve(shown, host=request.host, router=self._asked_table().scope.router)
        shown = self._switched(shown)
        try:
            match = route_lookup(self.tables)(request)
        except Exception as error:  # noqa: BLE001  # a foreign router may raise anything
            return self._missed(shown, error)
        return self._found(shown, match)

    def _switched(self, shown: Explanation) -> Explanation:
        spoken = {each.record.upgrade.lower(): each for each in self.plan.protocols if each.record.upgrade}
        tokens = tuple(offered(self.request.head.upgrade)) if self.request.head.upgrade else ()
        protocol = next((spoken[token] for token in tokens if token in spoken), None)
        return attrs.evolve(shown, offered=tuple(dict.fromkeys(tokens)), protocol=protocol)

    def _found(self, shown: Explanation, match: Match) -> Explanation:
        mark = match.handler
        if not isinstance(mark, _Mark):
            handler = name_of(mark)
            return attrs.evolve(
                shown,
                outcome=f"handled by {handler}, which the router has of its own",
                handler=handler,
                path_params=match.path_params,
                candidates=self._candidates(None),
                chain=self.plan.root.middleware,
            )
        route = mark.planned.route
        handler = name_of(route.handler)
        how = "; HEAD follows GET" if self.request.method == "HEAD" and "HEAD" not in route.methods else ""
        winner = Candidate(route=route, scope=mark.scope)
        return attrs.evolve(
            shown,
            outcome=f"handled by {handler}{how}",
            winner=winner,
            handler=handler,
            path_params=match.path_params,
            candidates=self._candidates(winner),
            chain=_links(scope_chain(self.plan, mark.scope)),
            settings=tuple(mark.planned.terms.get(value.key, value) for value in shown.settings),
        )

    def _missed(self, shown: Explanation, error: Exception) -> Explanation:
        scopes = self._scopes_of_miss()
        if isinstance(error, MethodNotAllowed | NotFound) and self.request.method not in self._known_methods():
            error = HTTPError(501)
        status, outcome, headers = self._answer(error)
        handler = _error_handler(scopes[-1], error) if status >= 400 else None
        if handler is not None:
            outcome += f"; answered by error handler {name_of(handler.record.handler)}"
        return attrs.evolve(
            shown,
            status=status,
            outcome=outcome,
            headers={} if handler is not None else headers,
            handler=name_of(handler.record.handler) if handler is not None else "",
            candidates=self._candidates(None),
            chain=_links(scopes),
        )

    def _answer(self, error: Exception) -> tuple[int, str, Mapping[str, str]]:
        query = f"?{self.request.query}" if self.request.query else ""
        match error:
            case MethodNotAllowed() if self.request.method == "OPTIONS":
                return 204, "answered by the core: no route takes OPTIONS here", {"Allow": ", ".join(error.allowed)}
            case HTTPError(status=501) if self.request.method not in self._known_methods():
                return 501, f"neither a route nor the registry of methods knows {self.request.method!r}", {}
            case MethodNotAllowed():
                return 405, f"no route here takes {self.request.method}", error.headers
            case SlashRedirect():
                return 308, "only the slash at the end differs from a route", {"Location": error.path + query}
            case NotFound():
                return 404, "no route has this path", error.headers
            case HTTPError():
                return error.status, f"the router raises {error}", error.headers
        return 500, f"the router raises {type(error).__name__}: {error}", {}

    def _known_methods(self) -> Set[str]:
        return REGISTERED_METHODS.union(*(planned.route.methods for planned, _ in self.plan.routes()))

    def _scopes_of_miss(self) -> tuple[PlannedScope, ...]:
        scopes = fallback_scopes(self.plan.root, self.plan.converters)
        found = (chain for matcher, chain in scopes if matcher.read(self.request) is not None)
        return next(found, (self.plan.root,))

    # -- candidates

    def _candidates(self, winner: Candidate | None) -> tuple[Candidate, ...]:
        request = self.request
        asking = RouteQuery(
            method=request.method, path=request.raw_path, host=request.host, converters=self.plan.converters
        )
        table = self._asked_table()
        found = [winner] if winner is not None else []
        others = []
        for chain in scope_chains(self.plan.root):
            for planned in chain[-1].routes:
                if winner is None or planned.route is not winner.route:
                    others.append(self._candidate(planned.route, chain, (asking, table), winner))
        others.sort(key=lambda each: each.judgement.near, reverse=True)
        return (*found, *others)

    def _candidate(
        self,
        route: Route,
        chain: tuple[PlannedScope, ...],
        asked: tuple[RouteQuery, MountedRouter],
        winner: Candidate | None,
    ) -> Candidate:
        asking, table = asked
        judgement = explain_mismatch(route, asking, self.plan.settings.routing.trailing_slash)
        reason = judgement.reason
        if _mount(chain) is not table.scope:
            where = f"scope {table.scope.host}{table.scope.prefix}" if table.matcher is not None else "the app"
            reason = f"such paths are for the router of {where} alone"
        elif not reason:
            reason = why_later(route, winner.route, asking) if winner is not None else "the router did not choose it"
        return Candidate(route=route, scope=chain[-1], reason=reason, judgement=judgement)

    def _asked_table(self) -> MountedRouter:
        tables = (each for each in self.tables if each.matcher is None or each.matcher.read(self.request) is not None)
        return next(tables)


def _mount(chain: Sequence[PlannedScope]) -> PlannedScope:
    return next((scope for scope in reversed(chain) if scope.router is not None), chain[0])


def _links(scopes: Sequence[PlannedScope]) -> tuple[Sourced[Middleware], ...]:
    return tuple(link for scope in scopes for link in scope.middleware)


def _error_handler(scope: PlannedScope, error: Exception) -> Sourced[ErrorHandler] | None:
    handlers = {entry.record.exception: entry for entry in scope.error_handlers}
    return next((handlers[base] for base in type(error).__mro__ if base in handlers), None)
