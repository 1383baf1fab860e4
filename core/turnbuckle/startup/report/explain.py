"""Explain how an app would answer a request, and why, without calling a handler or middleware.

The parser and the routers of the plan decide as they would for a connection. ``route_mismatch.py`` explains why other
routes do not match.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Final
from urllib.parse import urlsplit

import attrs

from turnbuckle.diagnostics import Sourced
from turnbuckle.errors import HTTPError, MethodNotAllowed, NotFound, ProtocolError
from turnbuckle.http.events import RequestHead
from turnbuckle.http.guard import guarded
from turnbuckle.plan import (
    Choice,
    MiddlewareSelection,
    Plan,
    PlannedMount,
    PlannedRoute,
    PlannedScope,
    PlannedSignature,
    SettingValue,
)
from turnbuckle.records import ErrorHandler, Middleware, ProtocolProvider, RouterProvider
from turnbuckle.routing.methods import REGISTERED_METHODS, WEBSOCKET
from turnbuckle.routing.nodes import MatchParts
from turnbuckle.routing.records import Route
from turnbuckle.routing.slashes import SlashRedirect
from turnbuckle.runtime.chain_guards import routes_with_other_methods
from turnbuckle.runtime.upgrade import offered_protocols, upgrade_required
from turnbuckle.setup import Setup
from turnbuckle.startup.compile.app_values import carries_websockets
from turnbuckle.startup.compile.mounts import find_mount
from turnbuckle.startup.compile.routers import MountedRouter, mount_routers, route_lookup, websocket_lookup
from turnbuckle.startup.compile.scope_chains import fallback_scopes, scope_chains
from turnbuckle.startup.model.diagnostics import Diagnostics
from turnbuckle.startup.report.formats import name_of
from turnbuckle.startup.report.limits_table import limit_of
from turnbuckle.startup.report.route_mismatch import MatchReport, RouteQuery, explain_mismatch, why_later
from turnbuckle.startup.report.why_plugins import connection_protocols_of
from turnbuckle.startup.resolve.route_overrides import largest_content
from turnbuckle.web.peer import Peer
from turnbuckle.web.request.request import Request

__all__ = ["Candidate", "Explanation", "explain_request", "scope_chain"]

_TOKEN: Final = "websocket"
_HANDSHAKE: Final = (
    ("Connection", "Upgrade"),
    ("Upgrade", _TOKEN),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
)


@attrs.frozen(kw_only=True)
class Candidate:
    """A route, and the reason why it does not answer; the reason is "" for the route that answers."""

    route: Route
    scope: PlannedScope
    reason: str = ""
    report: MatchReport = attrs.field(factory=MatchReport)


@attrs.frozen(kw_only=True)
class Explanation:
    """The explanation of a request.

    Attributes:
        method: the method of the request.
        target: the target of the request.
        host: the host of the request.
        scheme: ``"http"`` or ``"https"``; "" if the parser rejects the request.
        outcome: how the request is answered, in words.
        status: status of the response if no route answers; an error handler may change it.
        headers: header fields of that response, if no error handler makes it.
        winner: the route that answers, if any.
        mount: the mounted app that answers, if any.
        handler: name of the handler that answers; "" if the core itself answers.
        path_params: the path parameters that the handler receives.
        router: the router that was searched; None if the parser rejects the request.
        candidates: the routes, the winner first, then by nearness.
        chain: the middleware that the request runs through, outermost first.
        selection: the chosen middleware chain with the removals; None for an app without them.
        further: the parameters of the middleware functions in the chain that have further ones, by name.
        offered: the protocols that the request offers to switch to, in its order of preference.
        carriers: the protocols of plugins that may carry the request in place of HTTP/1.1.
        protocol: the plugin protocol that receives the request first; it may pass the request on to the route.
        settings: the limits and deadlines in effect, including the route's own.
        signature: the parameters of the handler with their suppliers, and its result.
    """

    method: str
    target: str
    host: str = ""
    scheme: str = ""
    outcome: str
    status: int | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)
    winner: Candidate | None = None
    mount: PlannedMount | None = None
    handler: str = ""
    path_params: Mapping[str, object] = attrs.field(factory=dict)
    router: Choice[RouterProvider] | None = None
    candidates: tuple[Candidate, ...] = ()
    chain: tuple[Sourced[Middleware], ...] = ()
    selection: MiddlewareSelection | None = None
    further: Mapping[str, PlannedSignature] = attrs.field(factory=dict)
    offered: tuple[str, ...] = ()
    carriers: tuple[Sourced[ProtocolProvider], ...] = ()
    protocol: Sourced[ProtocolProvider] | None = None
    settings: tuple[SettingValue, ...] = ()
    signature: PlannedSignature = attrs.field(factory=PlannedSignature)


def explain_request(plan: Plan, method: str, target: str, fields: Sequence[tuple[str, str]] = ()) -> Explanation:
    """Return the explanation of a request.

    Args:
        plan: the plan of the app.
        method: for example ``"GET"``; ``"WEBSOCKET"`` for a GET request that asks for a WebSocket.
        target: path and query, or any other form of request target.
        fields: field lines; without a ``Host``, it is the authority of the target, or ``localhost``.
    """
    settings = tuple(value for value in plan.setting_values.values() if limit_of(value.key) is not None)
    shown = Explanation(method=method, target=target, outcome="", settings=settings)
    try:
        if method == WEBSOCKET:
            head = _parsed(plan, "GET", target, (*fields, *_HANDSHAKE))
        else:
            head = _parsed(plan, method, target, fields)
    except ProtocolError as error:
        text = f"rejected by parser {plan.parser.name!r}: {error}"
        return attrs.evolve(shown, status=error.status, outcome=text)
    # A request for an https resource is served over TLS only (RFC 9110, section 7.4).
    is_secured = plan.settings.tls.is_configured or target[:6].lower() == "https:"
    shown = attrs.evolve(shown, carriers=connection_protocols_of(plan, is_secured=is_secured))
    return _Explainer(plan, Request(head, None, Peer(scheme="https" if is_secured else "http"))).run(shown)


def scope_chain(plan: Plan, scope: PlannedScope) -> tuple[PlannedScope, ...]:
    """Return a scope and the scopes around it, the app first."""
    return next(chain for chain in scope_chains(plan.root) if chain[-1] is scope)


def _parsed(plan: Plan, method: str, target: str, fields: Sequence[tuple[str, str]]) -> RequestHead:
    lines = list(fields)
    if not any(name.lower() == "host" for name, _ in lines):
        # With a target in absolute form, the field repeats the authority of the target (RFC 9112, section 3.2.2).
        authority = urlsplit(target).netloc if "://" in target else ""
        lines.insert(0, ("Host", authority.rpartition("@")[2] or "localhost"))
    text = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines) + "\r\n"
    parser = guarded(plan.parser.provider.factory)(attrs.evolve(plan.settings.limits, content=largest_content(plan)))
    parser.feed(text.encode("utf-8", "surrogateescape"))
    event = parser.next_event()
    if not isinstance(event, RequestHead):
        raise ProtocolError("the head is not complete", status=400)
    return event


@attrs.frozen(eq=False)
class _Marker:
    """Marks the handler of a route, so that no router can call it."""

    planned: PlannedRoute
    scope: PlannedScope

    @property
    def route(self) -> Route:
        """Return the route, as compiled handlers do."""
        return self.planned.route

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Raise RuntimeError, because a router must not call handlers."""
        raise RuntimeError("a router calls a handler while it searches for one")


@attrs.define(eq=False)
class _Explainer:
    """Explains one request."""

    plan: Plan
    request: Request
    tables: tuple[MountedRouter, ...] = attrs.field(init=False)
    method: str = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.method = self.request.method
        setup = Setup(
            settings=self.plan.settings,
            app_name=self.plan.app_name,
            debug=self.plan.settings.debug,
            converters=self.plan.converters,
        )
        self.tables = mount_routers(self.plan.root, setup, _Marker, Diagnostics())

    def run(self, shown: Explanation) -> Explanation:
        """Complete the explanation."""
        request = self.request
        shown = attrs.evolve(
            shown, host=request.host, scheme=request.scheme, router=self._searched_router().scope.router
        )
        shown = self._switched(shown)
        try:
            handler, params, _ = self._lookup()
        except Exception as error:  # noqa: BLE001  # a foreign router may raise anything
            found = find_mount(self.plan, self.request) if isinstance(error, MethodNotAllowed | NotFound) else None
            return self._missed(shown, error) if found is None else self._mounted(shown, *found)
        return self._found(shown, handler, params)

    def _lookup(self) -> MatchParts:
        find = websocket_lookup(self.tables) if _TOKEN in offered_protocols(self.request.head.upgrade) else None
        if find is not None:
            try:
                found = find(self.request)
            except Exception:  # noqa: BLE001  # as in the app, the request is then answered like any other
                return route_lookup(self.tables)(self.request)
            self.method = WEBSOCKET
            return found
        return route_lookup(self.tables)(self.request)

    def _switched(self, shown: Explanation) -> Explanation:
        spoken = {entry.record.upgrade.lower(): entry for entry in self.plan.protocols if entry.record.upgrade}
        tokens = tuple(offered_protocols(self.request.head.upgrade)) if self.request.head.upgrade else ()
        protocol = next((spoken[token] for token in tokens if token in spoken), None)
        return attrs.evolve(shown, offered=tuple(dict.fromkeys(tokens)), protocol=protocol)

    def _found(self, shown: Explanation, marker: object, params: Mapping[str, object]) -> Explanation:
        if not isinstance(marker, _Marker):
            handler = name_of(marker)
            return attrs.evolve(
                shown,
                outcome=f"handled by {handler}, a handler of the router itself",
                handler=handler,
                path_params=params,
                candidates=self._candidates(None),
                selection=self.plan.root.selection,
                chain=_running([self.plan.root], self.plan.root.selection),
                further=_further_parameters([self.plan.root]),
            )
        route = marker.planned.route
        handler = name_of(route.handler)
        how = "; HEAD follows GET" if self.request.method == "HEAD" and "HEAD" not in route.methods else ""
        winner = Candidate(route=route, scope=marker.scope)
        scopes = scope_chain(self.plan, marker.scope)
        return attrs.evolve(
            shown,
            outcome=f"handled by {handler}{how}",
            winner=winner,
            handler=handler,
            path_params=params,
            signature=marker.planned.signature,
            candidates=self._candidates(winner),
            selection=marker.planned.selection,
            chain=_running(scopes, marker.planned.selection),
            further=_further_parameters(scopes),
            settings=tuple(marker.planned.overrides.get(value.key, value) for value in shown.settings),
        )

    def _mounted(
        self, shown: Explanation, planned: PlannedMount, scope: PlannedScope, params: Mapping[str, object]
    ) -> Explanation:
        app, scopes = name_of(planned.mount.app), scope_chain(self.plan, scope)
        place, kind = f"{planned.mount.host}{planned.route.path}", planned.provider.record.name
        return attrs.evolve(
            shown,
            outcome=f"passed to the app {app}, mounted at {place} and served by {kind!r}",
            mount=planned,
            handler=app,
            path_params=params,
            signature=planned.signature,
            candidates=self._candidates(None),
            selection=planned.selection,
            chain=_running(scopes, planned.selection),
            further=_further_parameters(scopes),
            settings=tuple(planned.overrides.get(value.key, value) for value in shown.settings),
        )

    def _missed(self, shown: Explanation, error: Exception) -> Explanation:
        scopes = self._scopes_of_miss()
        selection = self._selection_of_miss(error, scopes)
        if isinstance(error, MethodNotAllowed | NotFound) and self.request.method not in self._known_methods():
            error = HTTPError(501)
        elif isinstance(error, NotFound):
            error = self._required_upgrade() or error
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
            selection=selection,
            chain=_running(scopes, selection),
            further=_further_parameters(scopes),
        )

    def _required_upgrade(self) -> HTTPError | None:
        find = websocket_lookup(self.tables) if carries_websockets(self.plan) else None
        return upgrade_required(self.request, find) if find is not None else None

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
                return 308, "a route differs only in the trailing slash", {"Location": error.path + query}
            case HTTPError(status=426):
                return 426, "only a WebSocket has this path, and the request has no Upgrade", error.headers
            case NotFound():
                return 404, "no route has this path", error.headers
            case HTTPError():
                return error.status, f"the router raises {error}", error.headers
        return 500, f"the router raises {type(error).__name__}: {error}", {}

    def _known_methods(self) -> Set[str]:
        known = REGISTERED_METHODS.union(*(planned.route.methods for planned, _ in self.plan.routes()))
        return known - {WEBSOCKET}

    def _scopes_of_miss(self) -> tuple[PlannedScope, ...]:
        scopes = fallback_scopes(self.plan.root, self.plan.converters)
        found = (chain for matcher, chain in scopes if matcher.read(self.request) is not None)
        return next(found, (self.plan.root,))

    def _selection_of_miss(self, error: Exception, scopes: Sequence[PlannedScope]) -> MiddlewareSelection | None:
        """Return the middleware of a request without a route: of routes with other methods, or of the scope."""
        if self.plan.root.selection is None or not isinstance(error, MethodNotAllowed):
            return scopes[-1].selection
        others = routes_with_other_methods(self.request, error, route_lookup(self.tables))
        planned = [planned for planned, _ in self.plan.routes() if any(planned.route is other for other in others)]
        selections = [entry.selection for entry in planned]
        is_same = bool(selections) and all(selection == selections[0] for selection in selections)
        return selections[0] if is_same else scopes[-1].selection

    # -- candidates

    def _candidates(self, winner: Candidate | None) -> tuple[Candidate, ...]:
        request = self.request
        query = RouteQuery(
            method=self.method, path=request.raw_path, host=request.host, converters=self.plan.converters
        )
        table = self._searched_router()
        found = [winner] if winner is not None else []
        others = []
        for chain in scope_chains(self.plan.root):
            for planned in chain[-1].routes:
                if winner is None or planned.route is not winner.route:
                    others.append(self._candidate(planned.route, chain, (query, table), winner))
        others.sort(key=lambda candidate: candidate.report.near, reverse=True)
        return (*found, *others)

    def _candidate(
        self,
        route: Route,
        chain: tuple[PlannedScope, ...],
        searched: tuple[RouteQuery, MountedRouter],
        winner: Candidate | None,
    ) -> Candidate:
        query, table = searched
        report = explain_mismatch(route, query, self.plan.settings.routing.trailing_slash)
        reason = report.reason
        if _mount(chain) is not table.scope:
            where = f"scope {table.scope.host}{table.scope.prefix}" if table.matcher is not None else "the app"
            reason = f"the router of {where} serves such paths"
        elif not reason:
            reason = why_later(route, winner.route, query) if winner is not None else "the router did not choose it"
        return Candidate(route=route, scope=chain[-1], reason=reason, report=report)

    def _searched_router(self) -> MountedRouter:
        tables = (
            table for table in self.tables if table.matcher is None or table.matcher.read(self.request) is not None
        )
        return next(tables)


def _mount(chain: Sequence[PlannedScope]) -> PlannedScope:
    return next((scope for scope in reversed(chain) if scope.router is not None), chain[0])


def _running(scopes: Sequence[PlannedScope], selection: MiddlewareSelection | None) -> tuple[Sourced[Middleware], ...]:
    """Return the middleware of some scopes that a selection has."""
    links = (link for scope in scopes for link in scope.middleware)
    return tuple(link for link in links if selection is None or any(link is running for running in selection.links))


def _further_parameters(scopes: Sequence[PlannedScope]) -> dict[str, PlannedSignature]:
    """Return the signatures of the middleware functions that take more than the request and the next handler."""
    functions = (
        (link.record.name, id(getattr(link.record.factory, "function", None)), scope)
        for scope in scopes
        for link in scope.middleware
    )
    return {name: scope.signatures[key] for name, key, scope in functions if key in scope.signatures}


def _error_handler(scope: PlannedScope, error: Exception) -> Sourced[ErrorHandler] | None:
    handlers = {entry.record.exception: entry for entry in scope.error_handlers}
    return next((handlers[base] for base in type(error).__mro__ if base in handlers), None)
