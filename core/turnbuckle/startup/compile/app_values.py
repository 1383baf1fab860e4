"""Make the lifespans for values that the whole app shares: suppliers with ``per="app"``.

They are entered after all other lifespans, because they may need resources, and left before them. A value that nothing
needs is not made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from turnbuckle.plan import Plan, PlannedSignature, PlannedSupplier
from turnbuckle.runtime.arguments import has_contexts, suppliers_of
from turnbuckle.runtime.supplier_calls import value_of_app
from turnbuckle.server.model.application import ReadyLifespan
from turnbuckle.startup.compile.protocols import WEBSOCKET_TOKEN
from turnbuckle.web.resources import Resources

__all__ = ["carries_websockets", "opens_contexts", "values_of_app"]


def values_of_app(plan: Plan, resources: Resources) -> tuple[ReadyLifespan, ...]:
    """Return a lifespan for each value that the app shares, in the order in which they need each other.

    Args:
        plan: the plan of the app.
        resources: the store of resources, which receives the values.
    """
    suppliers = {supplier.key: supplier for supplier in _shared(_signatures(plan))}
    return tuple(_lifespan_of(supplier, resources) for supplier in suppliers.values())


def opens_contexts(plan: Plan) -> bool:
    """Return whether a handler or a middleware function of an app opens contexts in requests."""
    return any(map(has_contexts, _signatures(plan)))


def _signatures(plan: Plan) -> list[PlannedSignature]:
    signatures = [planned.signature for planned, _ in plan.routes()]
    return signatures + [signature for scope in plan.root.walk() for signature in scope.signatures.values()]


def _shared(signatures: Iterable[PlannedSignature]) -> Iterator[PlannedSupplier]:
    """Yield the suppliers of shared values, each one after the suppliers that it needs."""
    for signature in signatures:
        for supplier in suppliers_of(signature):
            yield from _shared([supplier.signature])
            if supplier.shared is not None:
                yield supplier


def _lifespan_of(supplier: PlannedSupplier, resources: Resources) -> ReadyLifespan:
    return ReadyLifespan(
        name=supplier.name,
        context=lambda start: value_of_app(supplier, resources),
        plugin=supplier.origin.plugin,
        location=supplier.origin.location,
        provides=supplier.shared,
    )


def carries_websockets(plan: Plan) -> bool:
    """Return whether a plugin carries WebSockets over the connections of the server."""
    return any(entry.record.upgrade.lower() == WEBSOCKET_TOKEN for entry in plan.protocols)
