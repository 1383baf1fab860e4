"""Replace suppliers and resources by the values that a test passes: ``Client(app, supply={Type: value})``.

A type is replaced in all scopes. A replaced resource is the value of its lifespan, which is not entered.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final

import attrs

from turnbuckle.diagnostics import Origin, RejectedCandidate, Sourced
from turnbuckle.plan import PlannedScope, PlannedSignature, PlannedSupplier
from turnbuckle.records import Lifespan, ParameterProvider
from turnbuckle.runtime.supplier_calls import value_of_app
from turnbuckle.setup import Setup
from turnbuckle.startup.model.diagnostics import Diagnostics, nearest
from turnbuckle.startup.parameters.suppliers import form_of
from turnbuckle.web.annotations import show_annotation
from turnbuckle.web.handlers import describe_handler
from turnbuckle.web.resources import Resources

__all__ = ["SupplierOverrides"]

_WHY: Final = "supply= replaces the suppliers and resources that the app has, by their types"


@attrs.frozen
class SupplierOverrides:
    """The values that replace suppliers and resources.

    Attributes:
        values: a value, or a function that supplies it, by type.
        origin: where they are passed.
        diagnostics: where types are reported that the app does not have.
    """

    values: Mapping[object, object]
    origin: Origin
    diagnostics: Diagnostics
    _functions: dict[object, Callable[..., object]] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._functions.update({kind: _function_for(value) for kind, value in self.values.items()})

    def providers(self, entries: Iterable[Sourced[ParameterProvider]]) -> Iterator[Sourced[ParameterProvider]]:
        """Yield the providers of a scope, with the replaced ones."""
        for entry in entries:
            # The scope around may have replaced it.
            is_own = entry.origin is not self.origin
            if is_own and entry.record.factory is None and entry.record.type in self.values:
                record = attrs.evolve(entry.record, value=self._functions[entry.record.type], in_thread=None)
                rejected = (RejectedCandidate(show_annotation(entry.record.type), entry.origin), *entry.rejected)
                yield Sourced(record, self.origin, rejected=rejected)
            else:
                yield entry

    def lifespans(self, entries: Iterable[Sourced[Lifespan]]) -> Iterator[Sourced[Lifespan]]:
        """Yield the lifespans of a scope, with the replaced ones."""
        for entry in entries:
            key = entry.record.provides
            if key is not None and key.type in self.values:
                function = self._functions[key.type]
                self._check_resource(function, key.type)
                yield Sourced(attrs.evolve(entry.record, factory=_factory_of(function, self.origin)), entry.origin)
            else:
                yield entry

    def check(self, root: PlannedScope) -> None:
        """Report the types that no scope supplies, and that no lifespan provides."""
        known: dict[object, None] = {}
        for scope in root.walk():
            known.update(dict.fromkeys(entry.record.type for entry in scope.parameters))
            keys = [entry.record.provides for entry in scope.lifespans if entry.record.provides is not None]
            known.update(dict.fromkeys(key.type for key in keys))
        names = [show_annotation(kind) for kind in known]
        for kind in self.values:
            if kind in known:
                continue
            name = show_annotation(kind)
            near = nearest(name, names)
            self.diagnostics.add(
                "TB625",
                f"supply={{{name}: ...}} replaces nothing: the app does not supply {name}"
                + (f"; did you mean {near}?" if near else ""),
                self.origin,
                why=_WHY,
                fix=f"remove it; the app supplies {', '.join(sorted(names))}" if names else "remove it",
            )

    def _check_resource(self, function: Callable[..., object], kind: type) -> None:
        parameters = inspect.signature(function).parameters.values()
        if any(parameter.default is parameter.empty for parameter in parameters):
            self.diagnostics.add(
                "TB625",
                f"the function for the resource {kind.__qualname__} takes parameters: {describe_handler(function)}",
                self.origin,
                why="a resource is made when the server starts, without a request",
                fix="pass a function without parameters, or the value",
            )


def _function_for(value: object) -> Callable[..., object]:
    """Return the function that supplies a value; a function supplies its result."""
    if inspect.isroutine(value) or isinstance(value, functools.partial):
        return value
    return lambda: value


def _factory_of(
    function: Callable[..., object], origin: Origin
) -> Callable[[Setup], AbstractAsyncContextManager[object]]:
    form = form_of(function)
    supplier = PlannedSupplier(
        function=function,
        form=form,
        signature=PlannedSignature(),
        key=0,
        origin=origin,
        name=describe_handler(function),
    )
    return lambda _setup: value_of_app(supplier, Resources())
