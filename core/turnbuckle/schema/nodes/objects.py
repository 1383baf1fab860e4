"""The node of classes with fields: attrs, dataclasses, Structs of msgspec, typed dicts.

``classes.py`` reads the fields of a class. Here, all parts of an object are loaded before the class is called, so that
every fault is found; a ValueError of the class itself is a fault of the whole object.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from itertools import product
from math import prod
from operator import attrgetter, contains
from types import TracebackType
from typing import Any, Final, Literal, TypeAlias, final

import attrs

from turnbuckle.schema.definitions import JSONSchema, SchemaBuilder
from turnbuckle.schema.faults import FaultList, kind_of, step_to
from turnbuckle.schema.nodes.base import MISFIT, Inexact, QuickDump, RecordMaker, TypeNode, ValueTest
from turnbuckle.schema.nodes.choices import ChoiceNode
from turnbuckle.schema.nodes.constraints import plain_json, without_constraints

__all__ = ["NO_DEFAULT", "Layout", "ObjectField", "ObjectNode", "reason_of"]

Layout: TypeAlias = Literal["attrs", "dataclass", "struct", "dict"]


@final
class _NoDefault:
    def __repr__(self) -> str:
        return "NO_DEFAULT"


NO_DEFAULT: Final = _NoDefault()

_LIBRARIES: Final = sys.stdlib_module_names | {"attr", "attrs", "msgspec"}
_EXPLICIT_RAISE: Final = frozenset({dis.opmap["RAISE_VARARGS"]})


@attrs.frozen
class ObjectField:
    """A field of a class.

    Attributes:
        name: its name in JSON.
        attribute: the name of the attribute, or the key of a typed dict.
        argument: the name of the argument of the class.
        node: the node of its type.
        is_required: whether an object without it does not fit.
        is_received: whether it is an argument of the class.
        default: its default, if that is a value.
        omits: whether a value is left out when it is sent; None if it is always sent.
        notes: keywords for its JSON Schema.
        validate: the validators of attrs that are no constraints; called with instance and value.
    """

    name: str
    attribute: str
    argument: str
    node: TypeNode
    is_required: bool = attrs.field(kw_only=True)
    is_received: bool = attrs.field(default=True, kw_only=True)
    default: object = attrs.field(default=NO_DEFAULT, kw_only=True)
    omits: ValueTest | None = attrs.field(default=None, kw_only=True)
    notes: Mapping[str, object] = attrs.field(factory=dict, kw_only=True)
    validate: Callable[[object, object], None] | None = attrs.field(default=None, kw_only=True)


@final
class ObjectNode(TypeNode):
    """The node of a class.

    Attributes:
        kind: the class.
        owner: the class, or the generic class with its arguments.
        identity: the owner, as a key of definitions.
        layout: the kind of the class.
        fields: its fields; empty until they are compiled, because a class may contain itself.
        tag: name and value of the tag of a Struct.
        forbids_unknown: whether an unknown field is a fault.
        description: its documentation.
    """

    __slots__ = ("_make", "description", "fields", "forbids_unknown", "identity", "kind", "layout", "owner", "tag")

    def __init__(self, kind: type, owner: object, layout: Layout, label: str, identity: object) -> None:
        super().__init__(label, frozenset({"object"}), decodes_fast=True)
        self.kind: Final = kind
        self.owner: Final = owner
        self.identity: Final = identity
        self.layout: Final = layout
        self.fields: tuple[ObjectField, ...] = ()
        self.tag: tuple[str, object] | None = None
        self.forbids_unknown = False
        self.description = ""
        self._make: Callable[..., object] = kind

    def load(self, value: object, at: str, faults: FaultList) -> object:
        """Return an instance of the class."""
        if not isinstance(value, dict):
            faults.add(at, f"expected object, got {kind_of(value)}")
            return MISFIT
        before = len(faults.found)
        arguments: dict[str, object] = {}
        for field in self.fields:
            if not field.is_received:
                continue
            if field.name in value:
                loaded = field.node.load(value[field.name], step_to(at, field.name), faults)
                if loaded is not MISFIT:
                    arguments[field.argument] = loaded
            elif field.is_required:
                faults.add(step_to(at, field.name), "missing")
        self._check_names(value, at, faults)
        return self._finish(arguments, at, faults, before)

    def _check_names(self, value: Mapping[str, object], at: str, faults: FaultList) -> None:
        if self.tag is not None and self.tag[0] in value and value[self.tag[0]] != self.tag[1]:
            faults.add(step_to(at, self.tag[0]), f"must be {self.tag[1]!r}")
        if self.forbids_unknown:
            known = self.received_names()
            for name in value:
                if name not in known:
                    faults.add(step_to(at, str(name)), "unknown field")

    def _finish(self, arguments: dict[str, object], at: str, faults: FaultList, before: int) -> object:
        """Return an instance with the loaded arguments.

        Args:
            arguments: the arguments that fit.
            at: JSON pointer to the object.
            faults: where faults are added.
            before: the number of faults before the object was read.
        """
        for field in self.fields:
            if field.validate is not None and field.argument in arguments:
                self._validate(field, arguments, step_to(at, field.name), faults)
        if len(faults.found) > before:
            return MISFIT
        try:
            return self._make(**arguments)
        except (ValueError, TypeError) as error:
            faults.add(at, reason_of(error, arguments.values()))
            return MISFIT

    def _validate(self, field: ObjectField, arguments: Mapping[str, object], at: str, faults: FaultList) -> None:
        """Call the validators of a field with an instance that has only the fields that fit."""
        kind: Any = self.kind
        instance = kind.__new__(kind)
        for other in self.fields:
            if other.argument in arguments:
                object.__setattr__(instance, other.attribute, arguments[other.argument])
        try:
            if field.validate is not None:
                field.validate(instance, arguments[field.argument])
        except AttributeError:
            # It reads a field that has a fault, or a default; the class itself calls it again.
            return
        except (ValueError, TypeError) as error:
            faults.add(at, reason_of(error, arguments.values()))

    def load_form(self, fields: Mapping[str, Sequence[str]], at: str, faults: FaultList) -> object:
        """Return an instance for fields of a form or query.

        Args:
            fields: a list of texts for each name.
            at: JSON pointer to the object.
            faults: where faults are added.
        """
        before = len(faults.found)
        arguments: dict[str, object] = {}
        for field in self.fields:
            if not field.is_received:
                continue
            if texts := fields.get(field.name):
                loaded = field.node.load_texts(texts, step_to(at, field.name), faults)
                if loaded is not MISFIT:
                    arguments[field.argument] = loaded
            elif field.is_required:
                faults.add(step_to(at, field.name), "missing")
        self._check_names(fields, at, faults)
        return self._finish(arguments, at, faults, before)

    def dump(self, value: object, at: str, faults: FaultList) -> object:
        """Return a dict with the declared fields; a subclass may have more."""
        is_dict = self.layout == "dict"
        if not isinstance(value, dict if is_dict else self.kind):
            faults.add(at, f"expected {self.label}, got {kind_of(value)}")
            return MISFIT
        dumped: dict[str, object] = {} if self.tag is None else {self.tag[0]: self.tag[1]}
        missing = MISFIT
        for field in self.fields:
            part = value.get(field.attribute, missing) if is_dict else getattr(value, field.attribute, missing)  # type: ignore[attr-defined]
            if type(part) in field.node.plain_types and field.omits is None:
                dumped[field.name] = part
            elif part is missing:
                if not is_dict or field.is_required:
                    faults.add(step_to(at, field.name), "missing")
            elif field.omits is None or not field.omits(part):
                dumped[field.name] = field.node.dump(part, step_to(at, field.name), faults)
        return dumped

    def describe(self, builder: SchemaBuilder) -> JSONSchema:
        """Return a reference to the definition of the class."""
        module = getattr(self.kind, "__module__", "")
        return builder.refer(self.identity, self.label, module, lambda: self._define(builder))

    def _define(self, builder: SchemaBuilder) -> JSONSchema:
        is_out = builder.mode == "out"
        properties: dict[str, object] = {}
        required: list[str] = []
        if self.tag is not None:
            properties[self.tag[0]] = {"const": self.tag[1]}
            required.append(self.tag[0])
        for field in self.fields:
            if is_out or field.is_received:
                properties[field.name] = self._describe_field(field, builder)
                always_sent = self.layout != "dict" and field.omits is None
                if field.is_required or (is_out and always_sent):
                    required.append(field.name)
        schema: JSONSchema = {"type": "object", "properties": properties}
        if required:
            schema["required"] = required
        if self.forbids_unknown and not is_out:
            schema["additionalProperties"] = False
        return schema | {"description": self.description} if self.description else schema

    def _describe_field(self, field: ObjectField, builder: SchemaBuilder) -> JSONSchema:
        schema = field.node.describe(builder)
        schema = schema | dict(field.notes)
        if field.default is not NO_DEFAULT:
            faults = FaultList()
            default = plain_json(field.node.dump(field.default, "", faults))
            if not faults.found and default is not MISFIT:
                schema["default"] = default
        return schema

    def parts(self) -> tuple[TypeNode, ...]:
        """Return the nodes of the fields."""
        return tuple(field.node for field in self.fields)

    def decoded_test(self) -> ValueTest | None:
        """Return a test of the fields that need one; it also completes dataclasses."""
        tests = [(field.attribute, test) for field in self.fields if (test := field.node.decoded_test())]
        kind, defaults = self.kind, self._class_defaults()
        if not tests and not defaults:
            return None
        if self.layout == "dict":
            return lambda value: (
                not isinstance(value, dict) or all(name not in value or test(value[name]) for name, test in tests)
            )

        def test_object(value: object) -> bool:
            if type(value) is not kind:
                return True
            if defaults:
                own = vars(value)
                for name, default in defaults:
                    own.setdefault(name, default)
            return all(test(getattr(value, name)) for name, test in tests)

        return test_object

    @property
    def has_class_defaults(self) -> bool:
        """Whether ``decoded_test`` completes instances."""
        return bool(self._class_defaults())

    def _class_defaults(self) -> list[tuple[str, object]]:
        """Return the fields of a dataclass that msgspec leaves to the attributes of the class, so vars() lacks them."""
        if self.layout != "dataclass" or not getattr(self.kind, "__dictoffset__", 0):
            return []
        return [(field.attribute, field.default) for field in self.fields if field.default is not NO_DEFAULT]

    def exact_types(self) -> frozenset[type]:
        """Return the class; typed dicts have none, because a dict may have more keys."""
        return frozenset() if self.layout == "dict" else frozenset({self.kind})

    @property
    def keeps_values(self) -> bool:
        """Whether ``quick_dump`` returns the instances themselves, because msgspec sends their fields alike."""
        if self.layout == "dataclass":
            # msgspec sends the attributes of the instance, and not the defaults that are attributes of the class.
            is_alike = all(field.is_required for field in self.fields)
        else:
            # msgspec sends the fields of attrs classes in another order.
            is_alike = self.layout == "struct"
        return is_alike and all(field.node.keeps_values for field in self.fields)

    def quick_dump(self, records: RecordMaker) -> QuickDump | None:
        """Return a function that dumps instances of exactly this class, whose parts have exactly the declared types."""
        dumps = [field.node.quick_dump(records) for field in self.fields]
        known = [(place, dump) for place, dump in enumerate(dumps) if dump is not None]
        has_options = self.tag is not None or any(field.omits for field in self.fields)
        if self.layout == "dict" or not dumps or len(known) < len(dumps) or (has_options and not self.keeps_values):
            return None
        others = [(place, dump) for place, dump in known if not self.fields[place].node.plain_types]
        make = None if self.keeps_values else records(tuple(field.name for field in self.fields))
        return _quick_dump_object(self, others, make)

    def received_names(self) -> frozenset[str]:
        """Return the names of the fields that are arguments, and of the tag."""
        tags = () if self.tag is None else (self.tag[0],)
        return frozenset(field.name for field in self.fields if field.is_received).union(tags)

    def field_names(self) -> frozenset[str]:
        """Return the names of all fields."""
        return frozenset(field.name for field in self.fields)

    def required_names(self) -> frozenset[str]:
        """Return the names of the fields that every object of the class has."""
        return frozenset(field.name for field in self.fields if field.is_required)

    def literals(self) -> Mapping[str, tuple[object, ...]]:
        """Return the names of the fields with fixed values, and of the tag, with their values."""
        found: dict[str, tuple[object, ...]] = {} if self.tag is None else {self.tag[0]: (self.tag[1],)}
        for field in self.fields:
            node = without_constraints(field.node)
            if isinstance(node, ChoiceNode):
                found[field.name] = node.choices
        return found


# Beyond it, the combinations of types are not listed.
_MAX_COMBINATIONS: Final = 64


@final
class _Combinations:
    """The combinations of the types of several places, too many to be listed."""

    def __init__(self, types: tuple[frozenset[type], ...]) -> None:
        self._types: Final = types

    def __contains__(self, kinds: object) -> bool:
        return isinstance(kinds, tuple) and all(map(contains, self._types, kinds))


def _combinations(types: tuple[frozenset[type], ...]) -> Container[tuple[type, ...]]:
    """Return the combinations of types that are exact: one type for each place."""
    return frozenset(product(*types)) if prod(map(len, types)) <= _MAX_COMBINATIONS else _Combinations(types)


def _quick_dump_object(
    node: ObjectNode, others: list[tuple[int, QuickDump]], make: Callable[..., object] | None
) -> QuickDump:
    """Return a function that dumps instances of exactly the class of a node.

    Args:
        node: its fields have functions of this kind.
        others: the fields whose parts are not plain: place and function.
        make: makes the result of the parts; None if the result is the instance itself.
    """
    kind = node.kind
    combinations = _combinations(tuple(field.node.exact_types() for field in node.fields))
    checked = tuple((place, dump) for place, dump in others if node.fields[place].node.keeps_values)
    changed = tuple((place, dump) for place, dump in others if not node.fields[place].node.keeps_values)
    attributes = [field.attribute for field in node.fields]
    # attrgetter of one name returns no tuple.
    get: Any = attrgetter(*attributes) if len(attributes) > 1 else lambda value: (getattr(value, attributes[0]),)

    def dump(value: object) -> object:
        if type(value) is not kind:
            raise Inexact
        try:
            parts = get(value)
        except AttributeError:
            raise Inexact from None
        if tuple(map(type, parts)) not in combinations:
            raise Inexact
        for place, check in checked:
            check(parts[place])
        if make is None:
            return value
        if changed:
            parts = list(parts)
            for place, dump_part in changed:
                parts[place] = dump_part(parts[place])
        return make(*parts)

    return dump


def reason_of(error: Exception, values: Iterable[object]) -> str:
    """Return the message of a ValueError that the code of an app raised itself; it must not repeat a value."""
    text = str(error)
    if not text or not _is_raised_explicitly(error.__traceback__):
        return "is not valid"
    for value in values:
        shown = str(value) if isinstance(value, str | int | float) else ""
        if len(shown) > 2 and shown in text:
            return "is not valid"
    return text


def _is_raised_explicitly(traceback: TracebackType | None) -> bool:
    """Return whether the error comes from a ``raise`` of the app: messages of libraries repeat values."""
    if traceback is None:
        return False
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    module = str(traceback.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
    if module in _LIBRARIES:
        return False
    code = traceback.tb_frame.f_code.co_code
    return 0 <= traceback.tb_lasti < len(code) and code[traceback.tb_lasti] in _EXPLICIT_RAISE
