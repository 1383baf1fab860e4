"""The interface and the node of types that a plugin provides, such as the models of pydantic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, final

import attrs

from turnbuckle.schema.definitions import JSONSchema, Mode, SchemaBuilder
from turnbuckle.schema.faults import FaultList, SchemaError
from turnbuckle.schema.nodes.base import MISFIT, TypeNode

__all__ = ["ProvidedNode", "SchemaProvider"]


@attrs.frozen
class SchemaProvider:
    """The schemas of the types of another library; a plugin returns it from the hook ``provide_schemas``.

    ``load`` and ``dump`` raise ``SchemaError`` with a fault for each reason; the pointers begin at the value.

    Attributes:
        name: name of the library, for reports.
        claims: whether it has the schema of an annotation.
        load: ``load(annotation, value)`` returns the value for dicts, lists, strings, numbers, booleans and None.
        dump: ``dump(annotation, value)`` returns such dicts, lists and so on for a value.
        json_schema: ``json_schema(annotation, mode)`` returns its JSON Schema (2020-12), with all definitions in
            ``$defs``.
    """

    name: str
    claims: Callable[[Any], bool]
    load: Callable[[Any, object], object] = attrs.field(kw_only=True)
    dump: Callable[[Any, object], object] = attrs.field(kw_only=True)
    json_schema: Callable[[Any, Mode], dict[str, object]] = attrs.field(kw_only=True)


@final
class ProvidedNode(TypeNode):
    """The node of a type of another library."""

    __slots__ = ("_annotation", "_provider")

    def __init__(self, provider: SchemaProvider, annotation: Any) -> None:
        label = getattr(annotation, "__name__", str(annotation))
        super().__init__(label, frozenset({"object"}))
        self._provider: Final = provider
        self._annotation: Final = annotation

    def load(self, value: object, at: str, faults: FaultList) -> object:
        """Return the value that the library makes."""
        try:
            return self._provider.load(self._annotation, value)
        except SchemaError as error:
            return _move(error, at, faults)

    def dump(self, value: object, at: str, faults: FaultList) -> object:
        """Return the form that the library makes."""
        try:
            return self._provider.dump(self._annotation, value)
        except SchemaError as error:
            return _move(error, at, faults)

    def describe(self, builder: SchemaBuilder) -> JSONSchema:
        """Return a reference to the definition, with the definitions of the library."""
        return builder.adopt(self._annotation, self._provider.json_schema(self._annotation, builder.mode))


def _move(error: SchemaError, at: str, faults: FaultList) -> object:
    for fault in error.faults:
        faults.add(at + fault.pointer, fault.reason)
    return MISFIT
