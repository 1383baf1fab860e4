"""The suppliers of parameters in a scope: providers by type or marker, and resources by type."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, TypeAlias, get_args

import attrs

from turnbuckle.diagnostics import Origin, ResourceKey, Sourced
from turnbuckle.records import Lifespan, ParameterProvider
from turnbuckle.startup.model.diagnostics import nearest
from turnbuckle.web.annotations import annotated_classes, evaluate_annotation, return_annotation, show_annotation

__all__ = ["SupplierForm", "Suppliers", "form_of", "result_without_none"]

SupplierForm: TypeAlias = Literal["plain", "async", "context", "async context"]


@attrs.frozen(kw_only=True)
class Suppliers:
    """The suppliers that a scope has.

    Attributes:
        providers: the providers in effect, one per type.
        resources: the resources that lifespans provide.
    """

    providers: Sequence[Sourced[ParameterProvider]] = ()
    resources: Mapping[ResourceKey[object], Sourced[Lifespan]] = attrs.field(factory=dict)

    def of_type(self, annotation: object) -> Sourced[ParameterProvider] | None:
        """Return the provider of a type, or of the only member of a union that has one."""
        found = [entry for entry in self.providers if entry.record.type == annotation]
        if not found:
            members = get_args(annotation) if type(None) in get_args(annotation) else ()
            found = [entry for entry in self.providers if entry.record.type in members]
        return found[0] if len(found) == 1 else None

    def of_marker(self, marker: object) -> Sourced[ParameterProvider] | None:
        """Return the provider of the class of a marker."""
        return next((entry for entry in self.providers if entry.record.type is type(marker)), None)

    @property
    def markers(self) -> tuple[type, ...]:
        """The classes of markers of plugins."""
        kinds = (entry.record.type for entry in self.providers if entry.record.factory is not None)
        return tuple(kind for kind in kinds if isinstance(kind, type))

    def resources_of(self, annotation: object) -> list[tuple[ResourceKey[object], Origin]]:
        """Return the keys of the resources of a type, with the origins of their lifespans."""
        return [(key, entry.origin) for key, entry in self.resources.items() if key.type is annotation]

    def names(self) -> Iterator[str]:
        """Yield the names of the supplied types, for messages."""
        yield from (show_annotation(entry.record.type) for entry in self.providers)
        yield from (key.type.__qualname__ for key in self.resources)

    def related(self, kind: type) -> str:
        """Return the name of a supplied type that is a subclass of a class, or a union with it, or ""."""
        for entry in self.providers:
            supplied: object = entry.record.type
            is_subclass = isinstance(supplied, type) and issubclass(supplied, kind)
            if entry.record.value is not None and (is_subclass or kind in get_args(supplied)):
                return " | ".join(map(show_annotation, get_args(supplied) or (supplied,)))
        return ""

    def similar(self, name: str) -> str:
        """Return the name of a supplied type that is similar to a name, or ""."""
        return nearest(name, self.names())


def form_of(function: Callable[..., object]) -> SupplierForm:
    """Return how a function supplies its value."""
    inner = inspect.unwrap(function)
    if inspect.isasyncgenfunction(inner):
        return "async context"
    if inspect.isgeneratorfunction(inner):
        return "context"
    is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(inner, "__call__", None))  # noqa: B004
    return "async" if is_async else "plain"


def result_without_none(function: Callable[..., object]) -> str:
    """Return the return annotation of a supplier as written if it says that the value is never None, otherwise ""."""
    inner = inspect.unwrap(function)
    written = return_annotation(inner)
    if written is inspect.Parameter.empty:
        return ""
    try:
        annotation = evaluate_annotation(written, function)
    except Exception:  # noqa: BLE001  # the code of an annotation may raise anything
        return ""
    if inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner):
        annotation = (get_args(annotation) or (object,))[0]
    classes = annotated_classes(annotation)
    return "" if not classes or {object, type(None)} & set(classes) else show_annotation(written)
