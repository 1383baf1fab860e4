"""The nodes of types with a fixed list of values: ``Literal`` and enumerations."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Final, final

from turnbuckle.schema.definitions import JSONSchema, SchemaBuilder
from turnbuckle.schema.faults import FaultList, Unfit, UnsupportedType
from turnbuckle.schema.nodes.base import MISFIT, Inexact, QuickDump, RecordMaker, TypeNode
from turnbuckle.schema.nodes.scalars import SCALARS

__all__ = ["ChoiceNode", "make_enum_node", "make_literal_node"]

_FORMS: Final[Mapping[type, str]] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
}
_MAX_SHOWN: Final = 20


@final
class ChoiceNode(TypeNode):
    """The node of a fixed list of values.

    Args:
        label: the name of the type.
        choices: pairs of the form in JSON and the value.
        enum: the class of an enumeration, or None.
    """

    __slots__ = ("_by_form", "_by_text", "_by_value", "_enum", "_types")

    def __init__(self, label: str, choices: Iterable[tuple[object, object]], enum: type[Enum] | None) -> None:
        pairs = tuple(choices)
        self._types: Final = frozenset(type(form) for form, _ in pairs)
        super().__init__(
            label, frozenset(_FORMS[kind] for kind in self._types), decodes_fast=_msgspec_agrees(pairs, enum)
        )
        # The types are part of the keys, because True equals 1.
        self._by_form: Final = {(type(form), form): value for form, value in pairs}
        self._by_value: Final = {(type(value), value): form for form, value in pairs}
        self._by_text: Final = {_text_of(form): value for form, value in pairs}
        self._enum: Final = enum
        if enum is not None and self.decodes_fast:
            self.plain_types = frozenset({enum})

    @property
    def is_scalar(self) -> bool:
        """Whether a value can be read from one text."""
        return True

    @property
    def choices(self) -> tuple[object, ...]:
        """Return the forms of the values in JSON."""
        return tuple(form for _, form in self._by_form)

    def load(self, value: object, at: str, faults: FaultList) -> object:
        """Return the value of a form."""
        found = self._find(value)
        if found is MISFIT:
            faults.add(at, self._reason())
        return found

    def _find(self, form: object) -> object:
        kind = type(form)
        if kind not in self._types:
            # Other formats than JSON may have the member itself.
            return form if self._enum is not None and kind is self._enum else MISFIT
        if (kind, form) in self._by_form:
            return self._by_form[kind, form]
        if self._enum is not None:
            try:
                # A class may have a method for other values: _missing_().
                return self._enum(form)
            except ValueError:
                pass
        return MISFIT

    def dump(self, value: object, at: str, faults: FaultList) -> object:
        """Return the form of a value."""
        if self._enum is not None and isinstance(value, self._enum):
            return value.value
        key = (type(value), value)
        try:
            if self._enum is None and key in self._by_value:
                return self._by_value[key]
        except TypeError:
            # It is not hashable.
            pass
        faults.add(at, self._reason())
        return MISFIT

    def parse(self, text: str) -> object:
        """Return the value of a text."""
        if text in self._by_text:
            return self._by_text[text]
        for kind in self._types:
            try:
                found = self._find(SCALARS[kind].parse(text))
            except Unfit:
                continue
            if found is not MISFIT:
                return found
        raise Unfit(self._reason())

    def _reason(self) -> str:
        shown = [json.dumps(form, ensure_ascii=False) for form in self.choices[:_MAX_SHOWN]]
        if len(self.choices) > _MAX_SHOWN:
            shown.append("...")
        return f"must be {shown[0]}" if len(shown) == 1 else f"must be one of {', '.join(shown)}"

    def describe(self, builder: SchemaBuilder) -> JSONSchema:
        """Return an ``enum``; the enumerations of Python become definitions."""
        types = sorted(self.forms)
        schema: JSONSchema = {"type": types[0] if len(types) == 1 else types, "enum": list(self.choices)}
        enum = self._enum
        if enum is None:
            return schema
        if len(self.choices) > 1 and (text := doc_of(enum)):
            schema["description"] = text
        return builder.refer(enum, enum.__name__, enum.__module__, lambda: schema)

    @property
    def keeps_values(self) -> bool:
        """Whether ``quick_dump`` returns the values themselves."""
        return True

    def exact_types(self) -> frozenset[type]:
        """Return the types of the values."""
        if self._enum is not None:
            return self.plain_types
        known = self._by_value
        has_others = float in self._types or any(isinstance(value, Enum) for _, value in known)
        return frozenset() if has_others else self._types

    def quick_dump(self, records: RecordMaker) -> QuickDump | None:
        """Return a function that returns the values themselves."""
        types, known = self.exact_types(), self._by_value
        if self._enum is not None or not types:
            return super().quick_dump(records)

        def dump(value: object) -> object:
            if type(value) in types and (type(value), value) in known:
                return value
            raise Inexact

        return dump


def _msgspec_agrees(pairs: tuple[tuple[object, object], ...], enum: type[Enum] | None) -> bool:
    kinds = {type(form) for form, _ in pairs}
    if enum is None:
        return kinds <= {str, int, type(None)} and all(type(value) in kinds for _, value in pairs)
    return len(kinds) == 1 and kinds <= {str, int}


def _text_of(form: object) -> str:
    return form if isinstance(form, str) else "" if form is None else json.dumps(form)


# The documentation that Enum gives to every class without one (Python 3.11).
_NO_DOC: Final = {None, Enum.__doc__, "An enumeration."}


def doc_of(enum: type[Enum]) -> str:
    """Return the first paragraph of the docstring of an enumeration; empty if it has none."""
    text = enum.__dict__.get("__doc__")
    return "" if text in _NO_DOC else " ".join(str(text).strip().split("\n\n")[0].split())


def make_enum_node(enum: type[Enum]) -> ChoiceNode:
    """Return the node of an enumeration.

    Raises:
        UnsupportedType: it has no members, or members without a form in JSON.
    """
    pairs = [(_plain(member.value), member) for member in enum]
    for form, member in pairs:
        if type(form) not in _FORMS:
            raise UnsupportedType(f"the value of {member} is a {type(form).__name__}, which JSON does not have")
    if not pairs:
        raise UnsupportedType(f"the enumeration {enum.__name__} has no members")
    return ChoiceNode(enum.__name__, pairs, enum)


def _plain(value: object) -> object:
    for kind in (str, int, float):
        if isinstance(value, kind) and not isinstance(value, bool):
            return kind(value)
    return value


def make_literal_node(values: Iterable[object]) -> ChoiceNode:
    """Return the node of a ``Literal``.

    Raises:
        UnsupportedType: one of the values has no form in JSON.
    """
    pairs = [(value.value if isinstance(value, Enum) else value, value) for value in values]
    for form, _ in pairs:
        if type(form) not in _FORMS:
            raise UnsupportedType(f"Literal has a value of type {type(form).__name__}, which JSON does not have")
    return ChoiceNode("Literal", pairs, None)
