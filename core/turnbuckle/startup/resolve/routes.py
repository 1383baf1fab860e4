"""Give each route its whole path and host, its limits, and the call that passes path parameters to its handler."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FunctionType
from typing import Final

import attrs

from turnbuckle.diagnostics import Origin, Sourced
from turnbuckle.errors import RouteError
from turnbuckle.plan import MiddlewareSelection, PlannedRoute, PlannedSignature, PlannedSupplier
from turnbuckle.routing.converters import Converter, Converters
from turnbuckle.routing.methods import REGISTERED_METHODS
from turnbuckle.routing.patterns import parse_pattern, split_outside_braces
from turnbuckle.routing.records import Route
from turnbuckle.startup.collect.scopes import CollectedScope
from turnbuckle.startup.model.declaration import ScopeDeclaration
from turnbuckle.startup.model.diagnostics import Diagnostics, HandlerFault, nearest
from turnbuckle.startup.parameters.declared_suppliers import planned_guards
from turnbuckle.startup.parameters.hints import method_faults, name_faults
from turnbuckle.startup.parameters.parameter_check import faults_behind_wrapper, missing_fix, request_faults
from turnbuckle.startup.parameters.results import planned_result
from turnbuckle.startup.parameters.signatures import (
    FunctionContext,
    PathParameters,
    ResolvedSignature,
    SignatureResolver,
    is_plain,
)
from turnbuckle.startup.parameters.sockets import socket_fault, websocket_faults
from turnbuckle.startup.plugins.error_hints import explain_error
from turnbuckle.startup.resolve.handler_check import kind_fault, return_fault, unbound_fault
from turnbuckle.startup.resolve.route_options import OptionReader
from turnbuckle.startup.resolve.route_overrides import OverrideReader, RouteOverrides
from turnbuckle.startup.resolve.source_check import source_faults, tuple_fix
from turnbuckle.startup.resolve.wrapper_check import wrapper_faults
from turnbuckle.web.handlers import (
    BoundHandler,
    Parameters,
    bind_handler,
    describe_handler,
    handler_signatures,
    uncompiled_call,
)

__all__ = ["RoutePlanner"]

# The segments of nearly all paths are plain text or one parameter each. Such a path need not be parsed for its names.
_SIMPLE_PATH: Final = re.compile(r"(?:/(?:[\w.~-]*|\{[^\W\d]\w*(?::\w+)?\}))+")
_PARAMETER: Final = re.compile(r"\{(\w+)(?::(\w+))?")
_USUAL_METHODS: Final = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
# In such a path, no router finds a parameter.
_PLAIN_PATH: Final = re.compile(r"[\w./~-]*")
_WHY: Final = "a parameter without an annotation receives the request or a parameter of its path"
_FIX: Final = "change the path, or the parameters of the handler"


def _run_all(_route: Route) -> None:
    return None


@attrs.frozen(kw_only=True)
class RoutePlanner:
    """Plans the routes of one app.

    Attributes:
        builtin: names of the built-in plugins.
        converters: the converters that patterns may name.
        overrides: reads the limits and deadlines of routes.
        options: reads the options of routes that plugins declare.
        diagnostics: where unusable handlers are reported.
        renderable: the types that have a response type.
        own_types: the types with a response type of the app or a plugin.
        root: the app, whose other routes may fill a parameter of the same handler.
        calls: receives the function that calls the handler of each route, by the ``id`` of the planned route.
        signatures: finds the suppliers of the parameters of handlers.
        guards: the guards of the scope and of the scopes around it, outermost first.
        select: returns the middleware that the requests of a route run through.
    """

    builtin: frozenset[str]
    converters: Converters
    overrides: OverrideReader
    options: OptionReader
    diagnostics: Diagnostics
    renderable: Sequence[type]
    own_types: Sequence[type]
    root: CollectedScope
    calls: dict[int, BoundHandler]
    signatures: SignatureResolver
    guards: tuple[Sourced[Callable[..., object]], ...] = ()
    select: Callable[[Route], MiddlewareSelection | None] = _run_all
    _bound_before: dict[object, tuple[BoundHandler, PlannedSignature]] = attrs.field(factory=dict, init=False)

    def routes(
        self, scope: CollectedScope, router: str, overrides: RouteOverrides, options: Mapping[str, object]
    ) -> Iterator[PlannedRoute]:
        """Yield the routes of a scope, without the routes of the scopes inside it.

        Args:
            scope: the scope.
            router: name of the plugin whose router serves the scope.
            overrides: the limits and deadlines of the scope.
            options: the options of the scope for plugins.
        """
        for route in _routes_of(scope):
            if not route.methods <= REGISTERED_METHODS and not route.is_websocket:
                self._check_methods(route)
            bound = self._bound(route, router)
            if bound is not None:
                call, signature = bound
                planned = PlannedRoute(
                    self.options.of_route(options, route),
                    signature=signature,
                    overrides=self.overrides.of_route(overrides, route),
                    selection=self.select(route),
                )
                self.calls[id(planned)] = call
                yield planned

    def _check_methods(self, route: Route) -> None:
        for method in sorted(route.methods - REGISTERED_METHODS):
            # Routers refuse methods that are no upper-case tokens.
            if method.isupper() and (near := _similar_method(method)):
                fixed = ", ".join(f'"{name}"' for name in sorted({*route.methods, near} - {method}))
                self.diagnostics.add(
                    "TB430",
                    f"route {route.path!r} has the unknown method {method!r}; did you mean {near!r}?",
                    *((route.origin,) if route.origin is not None else ()),
                    why="methods of your own are legal, but this one is similar to a method that clients use",
                    fix=f"write methods=[{fixed}], or ignore this if clients send {method}",
                    level="warning",
                )

    def _bound(self, route: Route, router: str) -> tuple[BoundHandler, PlannedSignature] | None:
        path = _path_parameters(route, self.converters)
        # A handler is called in the same way with any router. But if the core finds no parameters in a path, the path
        # may still have some in the syntax of another router.
        is_complete = router in self.builtin
        names = path if is_complete else path or None
        # Generated routes often share a function, and inspecting it takes most of the time that a route takes here.
        key = (
            (route.handler, tuple(names.items()), route.status, tuple(map(id, route.guards)), route.is_websocket)
            if type(route.handler) is FunctionType and names is not None
            else None
        )
        if key in self._bound_before:
            return self._bound_before[key]
        try:
            if fault := kind_fault(route.handler, self.renderable):
                self._report(route, fault)
                return None
            signatures = handler_signatures(route.handler)
            if fault := unbound_fault(route.handler, signatures):
                self._report(route, fault)
                return None
            known = path if is_complete or path or _PLAIN_PATH.fullmatch(route.path + route.host) else None
            resolved = self._resolved(route, signatures, known, is_complete=is_complete)
            for fault in resolved.faults:
                self._report(route, fault)
            if any(fault.level == "error" for fault in resolved.faults):
                return None
            bound = self._call(route, names, signatures, resolved.signature), resolved.signature
            if key is not None and not resolved.faults:
                self._bound_before[key] = bound
            return bound
        except Exception as error:  # noqa: BLE001  # any object may have been passed as a handler
            fix = explain_error(error, "")[1] if getattr(error, "__notes__", ()) else self._fix(route, names)
            self._report(route, HandlerFault(str(error), _WHY, fix))
            return None

    def _call(
        self, route: Route, names: PathParameters | None, signatures: Sequence[Parameters], signature: PlannedSignature
    ) -> BoundHandler:
        if is_plain(signature) and not route.is_websocket:
            return bind_handler(route.handler, names, signatures)
        # The compiler replaces it, because its result is rendered in its scope.
        return uncompiled_call

    def _resolved(
        self, route: Route, signatures: Sequence[Parameters], path: PathParameters | None, *, is_complete: bool
    ) -> ResolvedSignature:
        """Return the signature of a handler with all faults of its declaration."""
        handler = route.handler
        context = FunctionContext(
            path=path,
            is_complete=is_complete,
            others=lambda: self._parameters_elsewhere(handler),
            takes_request=not route.is_websocket,
            takes_socket=route.is_websocket,
        )
        resolved = self.signatures.resolve(handler, context, signatures)
        if route.is_websocket:
            return self._of_websocket(route, resolved, path)
        result, fault = planned_result(handler, route.status, self.own_types, self.signatures.schemas)
        if fault is None and result.schema is None:
            fault = return_fault(handler, self.renderable)
            if fault is not None and (fix := tuple_fix(handler)):
                fault = attrs.evolve(fault, fix=f"{fix}, and annotate '-> Response'")
        guards = self._guards_of(route)
        supplied = dict.fromkeys(path or ())
        supplied.update({parameter.name: None for parameter in resolved.signature.parameters})
        faults = [
            *request_faults(handler, signatures, path),
            *resolved.faults,
            *faults_behind_wrapper(handler, resolved.behind_wrapper),
            *([fault] if fault is not None else source_faults(handler, signatures, path, self.renderable)),
            *wrapper_faults(handler, signatures, supplied if path is not None else None),
        ]
        faults += method_faults(route, resolved.signature)
        with_guards = attrs.evolve(resolved.signature, guards=guards)
        above = f'write @app.websocket("{route.path}") above it'
        if (found := socket_fault("handler", handler, with_guards, above)) is not None:
            faults.append(found)
        if path is not None:
            faults += name_faults(handler, resolved.signature, path)
        if resolved.unfilled and not any(fault.level == "error" for fault in faults):
            faults.append(self._unfilled_fault(route, resolved.unfilled, path))
        signature = attrs.evolve(resolved.signature, result=result, guards=guards)
        return attrs.evolve(resolved, signature=signature, faults=tuple(faults))

    def _of_websocket(
        self, route: Route, resolved: ResolvedSignature, path: PathParameters | None
    ) -> ResolvedSignature:
        """Return the signature of the handler of a WebSocket; the value that it returns declares no response."""
        faults = [*resolved.faults, *websocket_faults(route, resolved.signature)]
        if (unrenderable := return_fault(route.handler, self.renderable)) is not None:
            faults.append(unrenderable)
        if path is not None:
            faults += name_faults(route.handler, resolved.signature, path)
        if resolved.unfilled and not any(fault.level == "error" for fault in faults):
            faults.append(self._unfilled_fault(route, resolved.unfilled, path))
        signature = attrs.evolve(resolved.signature, guards=self._guards_of(route))
        return attrs.evolve(resolved, signature=signature, faults=tuple(faults))

    def _guards_of(self, route: Route) -> tuple[PlannedSupplier, ...]:
        origin = route.origin or Origin(plugin="app")
        entries = (*self.guards, *(Sourced(function, origin) for function in route.guards))
        return planned_guards(entries, self.signatures, self.diagnostics)

    def _unfilled_fault(
        self, route: Route, unfilled: Sequence[inspect.Parameter], path: PathParameters | None
    ) -> HandlerFault:
        names = ", ".join(repr(name) for name in sorted(parameter.name for parameter in unfilled))
        return HandlerFault(
            f"handler {describe_handler(route.handler)} requires {names}, which its path does not give",
            _WHY,
            self._fix(route, path),
        )

    def _parameters_elsewhere(self, handler: object) -> frozenset[str]:
        """Return the path parameters of all routes of a handler."""
        routes = (route for scope in self.root.walk() for route in _routes_of(scope) if route.handler == handler)
        return frozenset(name for route in routes for name in _path_parameters(route, self.converters) or ())

    def _fix(self, route: Route, path: PathParameters | None) -> str:
        try:
            return missing_fix(handler_signatures(route.handler), path or {})
        except Exception:  # noqa: BLE001  # as above
            return _FIX

    def _report(self, route: Route, fault: HandlerFault) -> None:
        self.diagnostics.add(
            fault.code,
            f"route {route.path!r}: {fault.text}",
            *((route.origin,) if route.origin is not None else ()),
            *fault.origins,
            why=fault.why,
            fix=fault.fix,
            level=fault.level,
        )


def _similar_method(method: str) -> str:
    near = nearest(method, _USUAL_METHODS)
    is_close = near[:1] == method[:1] or nearest(method, _USUAL_METHODS, cutoff=0.84)
    return near if is_close else ""


def _routes_of(scope: CollectedScope) -> Iterator[Route]:
    for entry in scope.answers.of("provide_routes"):
        yield _in_scope(_with_origin(entry), scope.declaration)
    for route in scope.declaration.routes:
        yield _in_scope(route, scope.declaration)


def _with_origin(entry: Sourced[Route]) -> Route:
    return attrs.evolve(entry.record, origin=entry.origin)


def _in_scope(route: Route, scope: ScopeDeclaration) -> Route:
    prefix, host = scope.prefix, route.host or scope.host
    path = route.path
    if prefix and path.startswith("/"):
        # "/" in a scope is the prefix itself, without another slash.
        path = prefix if path == "/" else prefix + path
    docs = route.docs.within(scope.docs)
    is_same = (path, host) == (route.path, route.host) and docs is route.docs
    return route if is_same else attrs.evolve(route, path=path, host=host, docs=docs)


def _path_parameters(route: Route, converters: Converters) -> PathParameters | None:
    """Return the parameters in a path and host, or None if the core cannot parse them."""
    if "{" not in route.path + route.host:
        return {}
    if not route.host and _SIMPLE_PATH.fullmatch(route.path):
        found = ((name, converters.get(kind or "str")) for name, kind in _PARAMETER.findall(route.path))
        return {name: converter if isinstance(converter, Converter) else None for name, converter in found}
    texts = [route.path]
    if route.host:
        texts.append("/" + "/".join(split_outside_braces(route.host, ".")))
    try:
        patterns = [parse_pattern(text, converters) for text in texts]
    except RouteError:
        # The router reports the error, or it has converters that are not built in.
        return None
    return {parameter.name: parameter.converter for pattern in patterns for parameter in pattern.parameters}
