"""The interface and the node of types that a plugin provides, such as the models of pydantic."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, final

import attrs

from turnbuckle.schema.definitions import JSONSchema, Mode, SchemaBuilder
from turnbuckle.schema.faults import FaultList, SchemaError, step_to
from turnbuckle.schema.nodes.base import MISFIT, TypeNode

__all__ = ["ProvidedNode", "SchemaProvider"]

_SCALARS: Final = frozenset({"string", "integer", "number", "boolean"})


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

    __slots__ = ("_annotation", "_are_lists", "_is_looked_up", "_provider")

    def __init__(self, provider: SchemaProvider, annotation: Any) -> None:
        label = getattr(annotation, "__name__", str(annotation))
        super().__init__(label, frozenset({"object"}))
        self._provider: Final = provider
        self._annotation: Final = annotation
        # Whether each field is a list; None if the type is not flat.
        self._are_lists: Mapping[str, bool] | None = None
        self._is_looked_up = False

    @property
    def is_flat(self) -> bool:
        """Whether it is a class whose fields are all scalars, or lists of scalars."""
        if not self._is_looked_up:
            self._are_lists = _list_fields(self._provider.json_schema(self._annotation, "in"))
            self._is_looked_up = True
        return self._are_lists is not None

    def load_form(self, fields: Mapping[str, Sequence[str]], at: str, faults: FaultList) -> object:
        """Return the value for fields of a form or query, which the library gets as texts and lists of texts."""
        are_lists = self._are_lists or {}
        value: dict[str, object] = {}
        before = len(faults.found)
        for name, texts in fields.items():
            if are_lists.get(name):
                value[name] = list(texts)
            elif len(texts) == 1 or name not in are_lists:
                value[name] = texts[-1]
            else:
                faults.add(step_to(at, name), f"expected one value, got {len(texts)}")
        return self.load(value, at, faults) if len(faults.found) == before else MISFIT

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


def _list_fields(schema: Mapping[str, Any]) -> Mapping[str, bool] | None:
    """Return whether each field of a class is a list of scalars; None if one of them is neither that nor a scalar."""
    definitions = schema.get("$defs", {})
    properties = _resolved(schema, definitions).get("properties")
    if properties is None:
        return None
    are_lists = {}
    for name, field in properties.items():
        kinds = set(_text_kinds(field, definitions))
        if None in kinds or len(kinds) != 1:
            return None
        are_lists[name] = kinds == {"list"}
    return are_lists


def _text_kinds(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[str | None]:
    """Yield ``scalar`` or ``list`` for each form that a schema allows, except null; None for any other form."""
    schema = _resolved(schema, definitions)
    members = schema.get("anyOf") or schema.get("oneOf")
    if members:
        for member in members:
            yield from _text_kinds(member, definitions)
    elif "enum" in schema or "const" in schema or schema.get("type") in _SCALARS:
        yield "scalar"
    elif schema.get("type") == "array" and set(_text_kinds(schema.get("items", {}), definitions)) == {"scalar"}:
        yield "list"
    elif schema.get("type") != "null":
        yield None


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    found: Mapping[str, Any] = definitions.get(name, schema)
    return found
