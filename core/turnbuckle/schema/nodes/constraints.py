"""Constraints on values: ``Annotated[int, Ge(0)]``, the ``Meta`` of msgspec, validators of attrs, keywords of markers.

Objects are recognized by their attributes, such as ``ge`` and ``max_length``, so neither annotated-types nor msgspec is
imported here. A constraint applies to the values that it can be compared with; ``Annotated[int | None, Ge(0)]`` allows
None.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from datetime import datetime, time
from decimal import Decimal
from numbers import Number
from types import MappingProxyType
from typing import Final, final

import attrs

from turnbuckle.schema.definitions import JSONSchema, SchemaBuilder
from turnbuckle.schema.faults import FaultList, Unfit, UnsupportedType
from turnbuckle.schema.json_encoding import encode_json
from turnbuckle.schema.nodes.base import MISFIT, Inexact, QuickDump, RecordMaker, RecursiveNode, TypeNode, ValueTest

__all__ = [
    "ConstrainedNode",
    "Constraint",
    "constrain",
    "plain_json",
    "read_constraints",
    "read_notes",
    "without_constraints",
]


@attrs.frozen
class Constraint:
    """One condition on a value.

    Attributes:
        reason: why a value does not fit, in plain English.
        test: whether a value meets it; values of other types do.
        keywords: the keywords of JSON Schema, by the type of JSON to which they apply.
        forms: the types of JSON to which it applies.
        reasons: better reasons, by the type of JSON.
    """

    reason: str
    test: ValueTest
    keywords: Mapping[str, Mapping[str, object]] = MappingProxyType({})
    forms: frozenset[str] = frozenset({"string", "integer", "number", "boolean", "array", "object"})
    reasons: Mapping[str, str] = MappingProxyType({})


@final
class ConstrainedNode(TypeNode):
    """A node with constraints, and with notes for its JSON Schema."""

    __slots__ = ("_constraints", "_notes", "inner")

    def __init__(self, inner: TypeNode, constraints: tuple[Constraint, ...], notes: JSONSchema) -> None:
        super().__init__(inner.label, inner.forms, decodes_fast=True)
        self.inner: Final = inner
        self._constraints: Final = constraints
        self._notes: Final = notes
        self.needs_decoded_test = bool(constraints)
        if not constraints:
            self.plain_types = inner.plain_types

    @property
    def is_scalar(self) -> bool:
        """Whether a value can be read from one text."""
        return self.inner.is_scalar

    @property
    def is_list_of_scalars(self) -> bool:
        """Whether a value can be read from several texts."""
        return self.inner.is_list_of_scalars

    def load_texts(self, texts: Sequence[str], at: str, faults: FaultList) -> object:
        """Return the value of all texts, if it meets the constraints."""
        loaded = self.inner.load_texts(texts, at, faults)
        return self._checked(loaded, loaded, at, faults)

    def load(self, value: object, at: str, faults: FaultList) -> object:
        """Return the value if it meets the constraints."""
        loaded = self.inner.load(value, at, faults)
        return self._checked(loaded, loaded, at, faults)

    def dump(self, value: object, at: str, faults: FaultList) -> object:
        """Return the form of a value that meets the constraints."""
        return self._checked(self.inner.dump(value, at, faults), value, at, faults)

    def _checked(self, result: object, value: object, at: str, faults: FaultList) -> object:
        if result is MISFIT:
            return result
        failed = [constraint.reason for constraint in self._constraints if not constraint.test(value)]
        for reason in failed:
            faults.add(at, reason)
        return MISFIT if failed else result

    def parse(self, text: str) -> object:
        """Return the value of a text, if it meets the constraints."""
        value = self.inner.parse(text)
        for constraint in self._constraints:
            if not constraint.test(value):
                raise Unfit(constraint.reason)
        return value

    def describe(self, builder: SchemaBuilder) -> JSONSchema:
        """Return the schema of the type with the keywords of the constraints."""
        schema = dict(self.inner.describe(builder))
        for constraint in self._constraints:
            for form, keywords in constraint.keywords.items():
                if form in self.forms or (form == "number" and "integer" in self.forms):
                    schema |= keywords
        return schema | self._notes

    def parts(self) -> tuple[TypeNode, ...]:
        """Return the node without constraints."""
        return (self.inner,)

    def constraints_test(self) -> ValueTest:
        """Return a test of the constraints only."""
        tests = tuple(constraint.test for constraint in self._constraints)
        return tests[0] if len(tests) == 1 else lambda value: all(test(value) for test in tests)

    def decoded_test(self) -> ValueTest | None:
        """Return a test of the constraints."""
        inner = self.inner.decoded_test()
        if not self._constraints:
            return inner
        test = self.constraints_test()
        return test if inner is None else lambda value: inner(value) and test(value)

    @property
    def keeps_values(self) -> bool:
        """Whether ``quick_dump`` returns the values themselves."""
        return self.inner.keeps_values

    def exact_types(self) -> frozenset[type]:
        """Return the types of the node without constraints."""
        return self.inner.exact_types()

    def quick_dump(self, records: RecordMaker) -> QuickDump | None:
        """Return a function that dumps values which meet the constraints."""
        inner, test = self.inner.quick_dump(records), self.constraints_test()
        if inner is None or not self._constraints:
            return inner

        def dump(value: object) -> object:
            dumped = inner(value)
            if test(value):
                return dumped
            raise Inexact

        return dump


def without_constraints(node: TypeNode) -> TypeNode:
    """Return the node of a type behind its constraints, and behind a reference to a class that contains itself."""
    while isinstance(node, ConstrainedNode | RecursiveNode):
        inner = node.inner if isinstance(node, ConstrainedNode) else node.target
        if inner is None:
            return node
        node = inner
    return node


def constrain(node: TypeNode, constraints: Iterable[Constraint], notes: JSONSchema) -> TypeNode:
    """Return a node with constraints and notes; the node itself if there are none.

    Raises:
        UnsupportedType: a constraint cannot apply to the type.
    """
    found = tuple(_fitted(constraint, node) for constraint in constraints)
    return ConstrainedNode(node, found, notes) if found or notes else node


def _fitted(constraint: Constraint, node: TypeNode) -> Constraint:
    """Return a constraint with the reason for the type of a node."""
    if not constraint.forms & node.forms:
        raise UnsupportedType(f"the constraint {constraint.reason!r} does not apply to {node.label}")
    reasons = [reason for form, reason in constraint.reasons.items() if form in node.forms]
    return attrs.evolve(constraint, reason=reasons[0]) if len(reasons) == 1 else constraint


def _is_number(value: object) -> bool:
    return isinstance(value, Number) and not isinstance(value, bool)


_COMPARISONS: Final[Mapping[str, tuple[str, str, Callable[..., bool]]]] = {
    "ge": ("must be at least", "minimum", lambda value, limit: value >= limit),
    "gt": ("must be greater than", "exclusiveMinimum", lambda value, limit: value > limit),
    "le": ("must be at most", "maximum", lambda value, limit: value <= limit),
    "lt": ("must be less than", "exclusiveMaximum", lambda value, limit: value < limit),
}


def compare(name: str, limit: object) -> Constraint:
    """Return the constraint ``ge``, ``gt``, ``le`` or ``lt``."""
    words, keyword, holds = _COMPARISONS[name]
    is_numeric = _is_number(limit)

    def test(value: object) -> bool:
        if not (_is_number(value) if is_numeric else isinstance(value, type(limit))):
            return True
        try:
            return holds(value, limit)
        except (TypeError, ArithmeticError):
            # A time with an offset is not comparable with one without; a decimal NaN is not comparable at all.
            return False

    if isinstance(limit, int | float):
        return Constraint(f"{words} {limit}", test, {"number": {keyword: limit}}, frozenset({"integer", "number"}))
    forms = frozenset({"integer", "number"} if is_numeric else {"string"})
    return Constraint(f"{words} {limit}", test, {}, forms)


_SIZES: Final = {"string": "Length", "array": "Items", "object": "Properties"}
_UNITS_OF_SIZE: Final = {"string": "character", "array": "item", "object": "field"}


def limit_length(name: str, limit: int) -> Constraint:
    """Return the constraint ``min_length`` or ``max_length``."""
    is_min = name == "min_length"
    words = f"must have at {'least' if is_min else 'most'} {limit} "
    plural = "" if limit == 1 else "s"
    reasons = {form: f"{words}{unit}{plural}" for form, unit in _UNITS_OF_SIZE.items()}
    keywords = {form: {("min" if is_min else "max") + size: limit} for form, size in _SIZES.items()}

    def test(value: object) -> bool:
        return not isinstance(value, Sized) or (len(value) >= limit if is_min else len(value) <= limit)

    return Constraint(f"{words}item{plural}", test, keywords, frozenset(_SIZES), reasons)


def match_pattern(pattern: str, *, is_full: bool = False) -> Constraint:
    """Return the constraint of a regular expression, which is searched for as in JSON Schema.

    Args:
        pattern: in the syntax of ``re``.
        is_full: whether the whole string must match.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UnsupportedType(f"the pattern {pattern!r} is no regular expression: {error}") from None
    find = compiled.fullmatch if is_full else compiled.search

    def test(value: object) -> bool:
        return not isinstance(value, str) or find(value) is not None

    shown = f"^(?:{pattern})$" if is_full else pattern
    return Constraint(f"must match the pattern {shown}", test, {"string": {"pattern": shown}}, frozenset({"string"}))


def multiple_of(step: int | float | Decimal) -> Constraint:
    """Return the constraint of multiples."""
    if step <= 0:
        raise UnsupportedType(f"multiple_of={step} is not greater than 0")

    def test(value: object) -> bool:
        if not isinstance(value, int | float | Decimal) or isinstance(value, bool):
            return True
        if isinstance(value, int) and isinstance(step, int):
            return value % step == 0
        try:
            # 0.3 % 0.1 is not 0.
            return Decimal(str(value)) % Decimal(str(step)) == 0
        except ArithmeticError:
            # There are more multiples than digits.
            return False

    keywords = {} if isinstance(step, Decimal) else {"number": {"multipleOf": step}}
    return Constraint(f"must be a multiple of {step}", test, keywords, frozenset({"integer", "number"}))


def need_zone(needed: object) -> Constraint:
    """Return the constraint that a time has an offset, or that it has none."""
    is_aware = needed not in (None, False)

    def test(value: object) -> bool:
        return not isinstance(value, datetime | time) or (value.tzinfo is not None) == is_aware

    return Constraint(f"must have {'an' if is_aware else 'no'} offset from UTC", test, {}, frozenset({"string"}))


def meet(function: Callable[[object], object]) -> Constraint:
    """Return the constraint of a function that returns whether a value fits."""
    name = getattr(function, "__name__", "")

    def test(value: object) -> bool:
        try:
            return value is None or bool(function(value))
        except (TypeError, ValueError, ArithmeticError):
            return False

    return Constraint("is not valid" if name in {"", "<lambda>"} else f"does not satisfy {name}", test)


def read_constraints(metadata: Iterable[object]) -> Iterator[Constraint]:
    """Yield the constraints that objects beside an annotation express; other objects are ignored."""
    for item in metadata:
        if isinstance(item, type | str | bytes | Mapping):
            continue
        if isinstance(item, Constraint):
            yield item
            continue
        for name in _COMPARISONS:
            if (limit := getattr(item, name, None)) is not None:
                yield compare(name, limit)
        yield from _read_others(item)


def _read_others(item: object) -> Iterator[Constraint]:
    for name in ("min_length", "max_length"):
        limit = getattr(item, name, None)
        if isinstance(limit, int) and (limit or name == "max_length"):
            yield limit_length(name, limit)
    if isinstance(pattern := getattr(item, "pattern", None), str) and pattern:
        yield match_pattern(pattern)
    if isinstance(step := getattr(item, "multiple_of", None), int | float | Decimal):
        yield multiple_of(step)
    kind = type(item).__name__
    if getattr(item, "tz", None) is not None or kind == "Timezone":
        yield need_zone(getattr(item, "tz", None))
    if kind == "Predicate" and callable(function := getattr(item, "func", None)):
        yield meet(function)


_NOTES: Final = {
    "title": "title",
    "description": "description",
    "documentation": "description",
    "examples": "examples",
    "deprecated": "deprecated",
    "read_only": "readOnly",
    "write_only": "writeOnly",
}


def read_notes(metadata: Iterable[object]) -> JSONSchema:
    """Return the keywords of JSON Schema without effect on values, such as ``title``, ``description``, ``examples``.

    They are attributes of ``msgspec.Meta`` and of ``typing_extensions.Doc``, and keys of the metadata of fields.
    """
    notes: JSONSchema = {}
    for item in metadata:
        if isinstance(item, type | str | bytes):
            continue
        for name, keyword in _NOTES.items():
            value = item.get(name) if isinstance(item, Mapping) else getattr(item, name, None)
            if value and not callable(value):
                notes[keyword] = _examples(value) if keyword == "examples" else value
        extra = getattr(item, "extra_json_schema", None)
        if isinstance(extra, Mapping):
            notes |= extra
        if type(item).__name__ == "deprecated":
            notes["deprecated"] = True
    return notes


def _examples(values: Iterable[object]) -> list[object]:
    """Return examples in JSON's own types; examples without a form in JSON are left out."""
    return [example for value in values if (example := plain_json(value)) is not MISFIT]


def plain_json(value: object) -> object:
    """Return a value as JSON's own types, or ``MISFIT`` if it has no form in JSON."""
    try:
        return json.loads(encode_json(value))
    except (TypeError, ValueError, AttributeError, RecursionError):
        return MISFIT
