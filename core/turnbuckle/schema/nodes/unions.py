"""The node of unions. A value belongs to the member that its form decides.

The type in JSON decides first: string, integer, number, boolean, null, array, object. Strings are read as the first
member whose text they have, and as ``str`` last. Objects need a tag, a field with different literals, or a required
field that no other class has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, final

from turnbuckle.schema.definitions import JSONSchema, SchemaBuilder
from turnbuckle.schema.faults import FaultList, SchemaError, Unfit, UnsupportedType, kind_of, step_to
from turnbuckle.schema.nodes.base import (
    ALL_FORMS,
    MISFIT,
    AnyNode,
    Inexact,
    QuickDump,
    RecordMaker,
    TypeNode,
    ValueTest,
)
from turnbuckle.schema.nodes.choices import ChoiceNode
from turnbuckle.schema.nodes.constraints import without_constraints
from turnbuckle.schema.nodes.objects import ObjectNode
from turnbuckle.schema.nodes.scalars import ScalarNode

__all__ = ["UnionNode"]

_FORM_OF: Final[Mapping[type, tuple[str, ...]]] = {
    str: ("string",),
    int: ("integer",),
    float: ("number",),
    bool: ("boolean",),
    type(None): ("null",),
    list: ("array",),
    tuple: ("array",),
    dict: ("object",),
}


@final
class UnionNode(TypeNode):
    """The node of a union.

    Args:
        members: the nodes of its members, at least two.
    """

    __slots__ = ("_by_form", "_declared", "_members", "_objects", "_parsed")

    def __init__(self, members: tuple[TypeNode, ...]) -> None:
        forms = frozenset[str]().union(*(member.forms for member in members))
        # msgspec takes a union with Any for Any.
        is_fast = not any(isinstance(member, AnyNode) for member in members)
        super().__init__(" | ".join(member.label for member in members), forms, decodes_fast=is_fast)
        self._declared: Final = members
        self._members: Final = tuple(sorted(members, key=_order))
        # An empty text is an empty str, and otherwise None.
        has_str = any(_order(member) == _ORDER_OF_STR for member in members)
        self._parsed: Final = tuple(
            member for member in self._members if not has_str or member.forms != frozenset({"null"})
        )
        self._by_form: Final = {
            form: tuple(member for member in self._members if form in member.forms) for form in ALL_FORMS
        }
        self._objects: _ObjectChoice | None = None
        types = [member.plain_types for member in members]
        if all(types):
            self.plain_types = frozenset[type]().union(*types)

    def decide(self) -> None:
        """Check that each value belongs to one member. All classes are compiled by now.

        Raises:
            UnsupportedType: nothing distinguishes two members.
        """
        if any(isinstance(member, AnyNode) for member in self._members):
            return
        arrays = self._by_form["array"]
        if len(arrays) > 1:
            raise UnsupportedType(f"nothing distinguishes {arrays[0].label} from {arrays[1].label}")
        objects = self._by_form["object"]
        if len(objects) > 1:
            self._objects = _ObjectChoice(objects)

    @property
    def is_scalar(self) -> bool:
        """Whether every member can be read from one text."""
        return all(member.is_scalar for member in self._members)

    @property
    def is_list_of_scalars(self) -> bool:
        """Whether the union is a list of scalars or None."""
        rest = [member for member in self._members if member.forms != {"null"}]
        return len(rest) == 1 and rest[0].is_list_of_scalars

    def load_texts(self, texts: Sequence[str], at: str, faults: FaultList) -> object:
        """Return the value of all texts."""
        for member in self._members:
            if member.is_list_of_scalars:
                return member.load_texts(texts, at, faults)
        return super().load_texts(texts, at, faults)

    def load(self, value: object, at: str, faults: FaultList) -> object:
        """Return the value of the member that it belongs to."""
        form = _FORM_OF.get(type(value))
        members = self._members if form is None else self._by_form[form[0]]
        if form == ("object",) and self._objects is not None and isinstance(value, dict):
            member = self._objects.choose(value, at, faults)
            return MISFIT if member is None else member.load(value, at, faults)
        if len(members) == 1:
            return members[0].load(value, at, faults)
        for member in members:
            trial = FaultList()
            loaded = member.load(value, at, trial)
            if not trial.found:
                return loaded
        if members:
            faults.add(at, f"expected {' | '.join(member.label for member in members)}")
        else:
            faults.add(at, f"expected {self.label}, got {kind_of(value)}")
        return MISFIT

    def dump(self, value: object, at: str, faults: FaultList) -> object:
        """Return the form of a value of any member."""
        last = FaultList()
        for member in self._candidates(value):
            last = FaultList()
            try:
                dumped = member.dump(value, at, last)
            except SchemaError:
                continue
            if not last.found:
                return dumped
        if len(last.found) and last.found[0].pointer != at:
            # The value is of the class, and one of its parts does not fit.
            for fault in last.found:
                faults.add(fault.pointer, fault.reason)
        else:
            faults.add(at, f"expected {self.label}, got {kind_of(value)}")
        return MISFIT

    def _candidates(self, value: object) -> tuple[TypeNode, ...]:
        kind = type(value)
        exact = tuple(member for member in self._members if _class_of(member) is kind)
        return exact or self._members

    def parse(self, text: str) -> object:
        """Return the value of a text: of the first member that has such texts."""
        for member in self._parsed:
            try:
                return member.parse(text)
            except Unfit as unfit:
                reason = unfit.reason
        others = [member for member in self._members if member.forms != {"null"}]
        raise Unfit(_reason_of(others[0], text) if len(others) == 1 else f"expected {self.label}") from Unfit(reason)

    def describe(self, builder: SchemaBuilder) -> JSONSchema:
        """Return an ``anyOf``; classes with a tag become a ``oneOf`` with a discriminator."""
        objects = self._objects
        if objects is None or not objects.tag:
            return {"anyOf": [member.describe(builder) for member in self._declared]}
        mapping = {str(tag): node.describe(builder)["$ref"] for tag, node in objects.by_tag.items()}
        tagged: JSONSchema = {
            "oneOf": [member.describe(builder) for member in self._declared if member in objects.nodes],
            "discriminator": {"propertyName": objects.tag, "mapping": mapping},
        }
        others = [member.describe(builder) for member in self._declared if member not in objects.nodes]
        return {"anyOf": [tagged, *others]} if others else tagged

    def parts(self) -> tuple[TypeNode, ...]:
        """Return the nodes of the members."""
        return self._members

    def decoded_test(self) -> ValueTest | None:
        """Return a test of the members that need one; each accepts the values of the others."""
        tests = tuple(test for member in self._members if (test := member.decoded_test()) is not None)
        return (lambda value: all(test(value) for test in tests)) if tests else None

    @property
    def keeps_values(self) -> bool:
        """Whether ``quick_dump`` returns the values themselves."""
        return all(member.keeps_values for member in self._members)

    def exact_types(self) -> frozenset[type]:
        """Return the types of all members."""
        return frozenset[type]().union(*(member.exact_types() for member in self._members))

    def quick_dump(self, records: RecordMaker) -> QuickDump | None:
        """Return a function that dumps a value as the member of its type."""
        if self.plain_types:
            return super().quick_dump(records)
        table: dict[type, QuickDump] = {}
        for member in self._members:
            dump_member, types = member.quick_dump(records), member.exact_types()
            if dump_member is None or not types.isdisjoint(table):
                return None
            table.update(dict.fromkeys(types, dump_member))

        def dump(value: object) -> object:
            dump_member = table.get(type(value))
            if dump_member is None:
                raise Inexact
            return dump_member(value)

        return dump


def _reason_of(member: TypeNode, text: str) -> str:
    try:
        member.parse(text)
    except Unfit as unfit:
        return unfit.reason
    return f"expected {member.label}"


_ORDER_OF_STR: Final = 3


def _order(member: TypeNode) -> int:
    """Return the place in which a member is tried: ``int`` before ``float``, and ``str`` last."""
    inner = without_constraints(member)
    if isinstance(inner, AnyNode):
        return 4
    if isinstance(inner, ScalarNode):
        return {"str": _ORDER_OF_STR, "float": 2, "null": 0}.get(inner.label, 1)
    return 0 if isinstance(inner, ChoiceNode) else 1


def _class_of(node: TypeNode) -> type | None:
    inner = without_constraints(node)
    return inner.kind if isinstance(inner, ObjectNode) else None


@final
class _ObjectChoice:
    """Chooses the class of an object.

    Attributes:
        nodes: the classes.
        tag: the name of the field that decides; empty if the fields present decide.
        by_tag: the classes by the values of that field.
    """

    __slots__ = ("_by_field", "by_tag", "nodes", "tag")

    def __init__(self, nodes: tuple[TypeNode, ...]) -> None:
        self.nodes: Final = nodes
        self.by_tag: dict[object, TypeNode] = {}
        self._by_field: dict[str, TypeNode] = {}
        classes = {node: inner for node in nodes if isinstance(inner := without_constraints(node), ObjectNode)}
        if len(classes) < len(nodes):
            other = next(node for node in nodes if node not in classes)
            raise UnsupportedType(f"nothing distinguishes {other.label} from the other objects of the union")
        self.tag: Final = self._find_tag(classes)
        if not self.tag:
            self._find_fields(classes)

    def _find_tag(self, classes: Mapping[TypeNode, ObjectNode]) -> str:
        names = [set(inner.literals()) for inner in classes.values()]
        for name in sorted(set.intersection(*names)):
            by_tag: dict[object, TypeNode] = {}
            count = 0
            for node, inner in classes.items():
                values = inner.literals()[name]
                count += len(values)
                by_tag.update(dict.fromkeys(values, node))
            if len(by_tag) == count:
                self.by_tag = by_tag
                return name
        return ""

    def _find_fields(self, classes: Mapping[TypeNode, ObjectNode]) -> None:
        for node, inner in classes.items():
            others = {name for other in classes.values() if other is not inner for name in other.field_names()}
            own = sorted(inner.required_names() - others)
            if not own:
                labels = " and ".join(other.label for other in classes.values())
                literal = f"kind: Literal[{inner.label.lower()!r}]"
                raise UnsupportedType(
                    f"nothing distinguishes {labels}: give each a field such as {literal}, "
                    f"or give {inner.label} a required field that the others do not have"
                )
            self._by_field[own[0]] = node

    def choose(self, value: Mapping[object, object], at: str, faults: FaultList) -> TypeNode | None:
        """Return the class of an object; None if a fault was added."""
        if self.tag:
            return self._choose_by_tag(value, at, faults)
        found = [node for name, node in self._by_field.items() if name in value]
        if len(found) == 1:
            return found[0]
        names = ", ".join(self._by_field)
        faults.add(at, f"needs exactly one of the fields {names}")
        return None

    def _choose_by_tag(self, value: Mapping[object, object], at: str, faults: FaultList) -> TypeNode | None:
        place = step_to(at, self.tag)
        if self.tag not in value:
            faults.add(place, "missing")
            return None
        tag = value[self.tag]
        node = self.by_tag.get(tag) if isinstance(tag, str | int) and not isinstance(tag, bool) else None
        if node is None:
            faults.add(place, f"must be one of {', '.join(repr(known) for known in self.by_tag)}")
        return node
