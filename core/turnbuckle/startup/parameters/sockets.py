"""Check the routes of WebSockets: their handlers, and the plugin that carries their messages."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from turnbuckle.diagnostics import Sourced
from turnbuckle.plan import PlannedParameter, PlannedScope, PlannedSignature, PlannedSupplier
from turnbuckle.records import ProtocolProvider
from turnbuckle.routing.methods import WEBSOCKET
from turnbuckle.routing.records import Route
from turnbuckle.runtime.arguments import suppliers_of
from turnbuckle.startup.model.diagnostics import Diagnostics, HandlerFault
from turnbuckle.startup.parameters.signatures import content_parameters
from turnbuckle.web.handlers import describe_handler

__all__ = ["check_carrier", "socket_fault", "websocket_faults"]

_TOKEN: Final = "websocket"
_PLUGIN: Final = "websocket"
_LIFE: Final = "a handler of a WebSocket runs while the WebSocket is open, and awaits its messages"


def websocket_faults(route: Route, signature: PlannedSignature) -> Iterator[HandlerFault]:
    """Yield the mistakes of the handler of a WebSocket route."""
    handler = describe_handler(route.handler)
    if route.methods != {WEBSOCKET}:
        others = ", ".join(sorted(route.methods - {WEBSOCKET}))
        yield HandlerFault(
            f"its methods are {WEBSOCKET} and {others}",
            "a handler has a WebSocket or answers a request, but not both",
            "write two routes with the same path: one under @app.websocket, one for the other methods",
            code="TB436",
        )
    function = route.handler if inspect.isroutine(route.handler) else type(route.handler).__call__
    if inspect.isasyncgenfunction(function):
        yield HandlerFault(
            f"handler {handler} yields", _LIFE, "write 'await socket.send(...)' instead of 'yield'", code="TB436"
        )
    elif inspect.isfunction(function) and not inspect.iscoroutinefunction(inspect.unwrap(function)):
        yield HandlerFault(f"handler {handler} is a plain 'def'", _LIFE, "write 'async def'", code="TB436")
    if all(parameter.source != "websocket" for parameter in signature.parameters):
        yield HandlerFault(
            f"handler {handler} takes no WebSocket",
            "without it, nothing can be received or sent",
            "write 'socket: WebSocket' as its first parameter",
            code="TB436",
        )
    names = [parameter.name for parameter in signature.parameters if parameter.source == "websocket"]
    if len(names) > 1:
        yield HandlerFault(
            f"handler {handler} takes {len(names)} WebSockets: {', '.join(map(repr, names))}",
            "a handler is called for one WebSocket, and each of them would be the same",
            f"remove {', '.join(map(repr, names[1:]))}, and reach other WebSockets through channels or your own set",
            code="TB436",
        )
    for parameter, _ in content_parameters(signature):
        yield HandlerFault(
            f"handler {handler} takes {parameter.name!r} from the content",
            "the request of a WebSocket has no content",
            "receive it as a message: 'await socket.receive_json()'; or read it from the query",
            code="TB436",
        )


def socket_fault(noun: str, function: object, signature: PlannedSignature, fix: str) -> HandlerFault | None:
    """Return the fault of a function that takes a WebSocket where there is none; None if it takes none.

    Args:
        noun: the role of the function, such as ``"handler"``.
        function: the function.
        signature: its parameters and guards, with their suppliers.
        fix: the right spelling, if the function itself takes it.
    """
    for parameter, supplier in _sockets_in(signature, None):
        needs = "" if supplier is None else f"needs {supplier.name} ({supplier.origin.location}), which "
        return HandlerFault(
            f"{noun} {describe_handler(function)} {needs}takes {parameter.name!r}, which is a WebSocket",
            "only the handler of a route for WebSockets has one, with its guards and suppliers",
            fix if supplier is None else "take the Request instead, which each of them has",
            code="TB436",
        )
    return None


def _sockets_in(
    signature: PlannedSignature, owner: PlannedSupplier | None
) -> Iterator[tuple[PlannedParameter, PlannedSupplier | None]]:
    """Yield the parameters of a function, its guards and its suppliers that are WebSockets, with their function."""
    for parameter in signature.parameters:
        if parameter.source == "websocket":
            yield parameter, owner
    for supplier in suppliers_of(signature):
        yield from _sockets_in(supplier.signature, supplier)


def check_carrier(
    root: PlannedScope,
    protocols: Iterable[Sourced[ProtocolProvider]],
    failed: Collection[str],
    diagnostics: Diagnostics,
) -> None:
    """Report WebSocket routes if no plugin carries WebSockets over HTTP/1.1 connections.

    Args:
        root: the app.
        protocols: the protocols of the enabled plugins.
        failed: names of the enabled plugins that could not be loaded, which is reported already.
        diagnostics: where the routes are reported.
    """
    if _PLUGIN in failed or any(entry.record.upgrade.lower() == _TOKEN for entry in protocols):
        return
    routes = [planned.route for scope in root.walk() for planned in scope.routes if planned.route.is_websocket]
    if routes:
        more = f" and {len(routes) - 1} more" if len(routes) > 1 else ""
        diagnostics.add(
            "TB437",
            f"no enabled plugin carries WebSockets, which the route {routes[0].path!r}{more} needs",
            *(route.origin for route in routes[:5] if route.origin is not None),
            why="the core passes messages to handlers, and a plugin reads and writes the frames of RFC 6455",
            fix='enable the plugin: App(plugins=["websocket"]), with pip install "turnbuckle[websocket]"',
        )
