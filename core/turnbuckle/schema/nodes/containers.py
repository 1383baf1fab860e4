"""The nodes of lists, sets, tuples, named tuples and mappings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set as AbstractSet
from typing import Any, Final, final

from turnbuckle.schema.definitions import JSONSchema, SchemaBuilder
from turnbuckle.schema.faults import FaultList, Unfit, UnsupportedType, kind_of, step_to
from turnbuckle.schema.nodes.base import MISFIT, AnyNode, Inexact, QuickDump, RecordMaker, TypeNode, ValueTest
from turnbuckle.schema.nodes.scalars import SCALARS, ScalarNode

__all__ = ["ArrayNode", "MappingNode", "TupleNode"]

_ARRAY: Final = frozenset({"array"})


def _quick_dump_items(item: TypeNode, types: frozenset[type], records: RecordMaker) -> QuickDump | None:
    """Return a function that dumps a collection of one of the types, as itself or as a list."""
    plain, keeps_items, dump_item = item.plain_types, item.keeps_values, item.quick_dump(records)
    if dump_item is None:
        return None

    def dump_plain(value: Any) -> object:
        if type(value) in types and plain.issuperset(map(type, value)):
            return value
        raise Inexact

    def dump(value: Any) -> object:
        if type(value) not in types:
            raise Inexact
        items = [dump_item(item) for item in value]
        return value if keeps_items else items

    return dump_plain if plain else dump


@final
class ArrayNode(TypeNode):
    """The node of an array with items of one type.

    Args:
        kind: ``list``, ``tuple``, ``set`` or ``frozenset``.
        item: the node of the items.
    """

    __slots__ = ("_accepted", "item", "kind")

    def __init__(self, kind: type, item: TypeNode) -> None:
        super().__init__(f"array of {item.label}", _ARRAY, decodes_fast=True)
        self.kind: Final = kind
        self.item: Final = item
        self._accepted: Final = AbstractSet if self._is_set else (list, tuple)

    @property
    def _is_set(self) -> bool:
        return self.kind in {set, frozenset}

    def load(self, value: object, at: str, faults: FaultList) -> object:
        """Return the items in a collection of the type."""
        if not isinstance(value, list | tuple):
            faults.add(at, f"expected array, got {kind_of(value)}")
            return MISFIT
        before = len(faults.found)
        load = self.item.load
        items = [load(item, f"{at}/{index}", faults) for index, item in enumerate(value)]
        if len(faults.found) > before:
            return MISFIT
        if self.kind is list:
            return items
        try:
            return self.kind(items)
        except TypeError:
            faults.add(at, "has items that cannot be in a set")
            return MISFIT

    @property
    def is_list_of_scalars(self) -> bool:
        """Whether each item can be read from a text."""
        return self.item.is_scalar

    def load_texts(self, texts: Sequence[str], at: str, faults: FaultList) -> object:
        """Return the items, one for each text."""
        before = len(faults.found)
        items = [self.item.load_texts((text,), f"{at}/{index}", faults) for index, text in enumerate(texts)]
        return MISFIT if len(faults.found) > before else self.kind(items)

    def dump(self, value: object, at: str, faults: FaultList) -> object:
        """Return the forms of the items as a list."""
        if not isinstance(value, self._accepted):
            faults.add(at, f"expected array, got {kind_of(value)}")
            return MISFIT
        if isinstance(self.item, AnyNode) or self.item.plain_types.issuperset(map(type, value)):
            return list(value)
        dump = self.item.dump
        return [dump(item, f"{at}/{index}", faults) for index, item in enumerate(value)]

    def describe(self, builder: SchemaBuilder) -> JSONSchema:
        """Return the schema of an array."""
        schema: JSONSchema = {"type": "array", "items": self.item.describe(builder)}
        return schema | {"uniqueItems": True} if self._is_set and builder.mode == "out" else schema

    def parts(self) -> tuple[TypeNode, ...]:
        """Return the node of the items."""
        return (self.item,)

    def decoded_test(self) -> ValueTest | None:
        """Return a test of all items."""
        test, kind = self.item.decoded_test(), self.kind
        if test is None:
            return None
        return lambda value: type(value) is not kind or all(map(test, value))  # type: ignore[call-overload]

    @property
    def keeps_values(self) -> bool:
        """Whether ``quick_dump`` returns the values themselves."""
        return self.item.keeps_values

    def exact_types(self) -> frozenset[type]:
        """Return the type of the collection."""
        return frozenset({self.kind})

    def quick_dump(self, records: RecordMaker) -> QuickDump | None:
        """Return a function that dumps collections of exactly the declared types."""
        return _quick_dump_items(self.item, self.exact_types(), records)


@final
class TupleNode(TypeNode):
    """The node of a tuple with a type for each place, or of a named tuple.

    Args:
        label: the name of the type.
        items: the nodes of the places.
        required: the number of places without a default.
        names: the names of the places, if they have names.
        make: returns the tuple of its items.
        kind: the class of the tuple.
    """

    __slots__ = ("_items", "_kind", "_make", "_names", "_required")

    def __init__(
        self,
        label: str,
        items: tuple[TypeNode, ...],
        *,
        required: int | None = None,
        names: tuple[str, ...] = (),
        make: Callable[..., Any] = tuple,
        kind: type = tuple,
    ) -> None:
        super().__init__(label, _ARRAY, decodes_fast=True)
        self._items: Final = items
        self._required: Final = len(items) if required is None else required
        self._names: Final = names
        self._make: Final = make
        self._kind: Final = kind

    def load(self, value: object, at: str, faults: FaultList) -> object:
        """Return the tuple."""
        if not isinstance(value, list | tuple):
            faults.add(at, f"expected array, got {kind_of(value)}")
            return MISFIT
        if not self._required <= len(value) <= len(self._items):
            faults.add(at, f"expected {self._length()} items, got {len(value)}")
            return MISFIT
        before = len(faults.found)
        items = [self._items[place].load(item, f"{at}/{place}", faults) for place, item in enumerate(value)]
        return MISFIT if len(faults.found) > before else self._make(items)

    def _length(self) -> str:
        most = len(self._items)
        return str(most) if self._required == most else f"{self._required} to {most}"

    def dump(self, value: object, at: str, faults: FaultList) -> object:
        """Return the forms of the items as a list."""
        if not isinstance(value, self._kind) or not isinstance(value, tuple):
            faults.add(at, f"expected {self.label}, got {kind_of(value)}")
            return MISFIT
        if len(value) != len(self._items):
            faults.add(at, f"expected {len(self._items)} items, got {len(value)}")
            return MISFIT
        return [self._items[place].dump(item, f"{at}/{place}", faults) for place, item in enumerate(value)]

    def describe(self, builder: SchemaBuilder) -> JSONSchema:
        """Return the schema of an array with a fixed number of items."""
        items = [item.describe(builder) for item in self._items]
        for name, schema in zip(self._names, items, strict=False):
            schema.setdefault("title", name)
        required = len(items) if builder.mode == "out" else self._required
        sizes: JSONSchema = {"minItems": required, "maxItems": len(items)}
        return {"type": "array", "prefixItems": items, **sizes} if items else {"type": "array", **sizes}

    def parts(self) -> tuple[TypeNode, ...]:
        """Return the nodes of the places."""
        return self._items

    def decoded_test(self) -> ValueTest | None:
        """Return a test of the items that need one."""
        tests = [(place, found) for place, item in enumerate(self._items) if (found := item.decoded_test())]
        kind = self._kind
        if not tests:
            return None

        def test(value: object) -> bool:
            return not isinstance(value, tuple) or type(value) is not kind or all(t(value[i]) for i, t in tests)

        return test

    def exact_types(self) -> frozenset[type]:
        """Return the class of the tuple."""
        return frozenset({self._kind})

    def quick_dump(self, records: RecordMaker) -> QuickDump | None:
        """Return a function that dumps tuples of exactly the declared types."""
        dumps = [made for item in self._items if (made := item.quick_dump(records)) is not None]
        kinds, size = self.exact_types(), len(self._items)
        if len(dumps) < size:
            return None

        def dump(value: Any) -> object:
            if type(value) in kinds and len(value) == size:
                return [dump(item) for dump, item in zip(dumps, value, strict=True)]
            raise Inexact

        return dump


_STRINGS: Final = frozenset({str})
_KEY_FORMS: Final = frozenset({"string", "integer", "number"})


@final
class MappingNode(TypeNode):
    """The node of a mapping: an object of JSON with any names.

    Args:
        key: the node of the keys; names are read like texts.
        item: the node of the values.
    """

    __slots__ = ("_has_plain_keys", "_item", "_key")

    def __init__(self, key: TypeNode, item: TypeNode) -> None:
        if not key.is_scalar or not key.forms <= _KEY_FORMS:
            raise UnsupportedType(f"keys of type {key.label} have no form in JSON, where keys are strings")
        self._has_plain_keys: Final = isinstance(key, ScalarNode) and key.scalar is SCALARS[str]
        super().__init__(f"object of {item.label}", frozenset({"object"}), decodes_fast=self._has_plain_keys)
        self._key: Final = key
        self._item: Final = item

    def load(self, value: object, at: str, faults: FaultList) -> object:
        """Return a dict."""
        if not isinstance(value, dict):
            faults.add(at, f"expected object, got {kind_of(value)}")
            return MISFIT
        before = len(faults.found)
        loaded = {}
        for name, item in value.items():
            place = step_to(at, str(name))
            key = name if self._has_plain_keys and type(name) is str else self._load_key(name, place, faults)
            result = self._item.load(item, place, faults)
            if key is not MISFIT:
                loaded[key] = result
        return MISFIT if len(faults.found) > before else loaded

    def _load_key(self, name: object, place: str, faults: FaultList) -> object:
        if not isinstance(name, str):
            # Formats other than JSON have such keys.
            return self._key.load(name, place, faults)
        try:
            return self._key.parse(name)
        except Unfit as unfit:
            faults.add(place, f"the name is not valid: {unfit.reason}")
            return MISFIT

    def dump(self, value: object, at: str, faults: FaultList) -> object:
        """Return a dict with strings as keys."""
        if not isinstance(value, Mapping):
            faults.add(at, f"expected object, got {kind_of(value)}")
            return MISFIT
        if self._has_plain_keys and _STRINGS.issuperset(map(type, value)):
            types = self._item.plain_types
            if isinstance(self._item, AnyNode) or types.issuperset(map(type, value.values())):
                return dict(value)
        dumped = {}
        for key, item in value.items():
            name = key if self._has_plain_keys and type(key) is str else self._key.dump(key, at, faults)
            if name is not MISFIT:
                text = name if isinstance(name, str) else repr(name)
                dumped[text] = self._item.dump(item, step_to(at, text), faults)
        return dumped

    def describe(self, builder: SchemaBuilder) -> JSONSchema:
        """Return the schema of an object with any names."""
        schema: JSONSchema = {"type": "object", "additionalProperties": self._item.describe(builder)}
        if not self._has_plain_keys and self._key.forms == {"string"}:
            schema["propertyNames"] = self._key.describe(builder)
        return schema

    def parts(self) -> tuple[TypeNode, ...]:
        """Return the nodes of keys and values."""
        return (self._key, self._item)

    def decoded_test(self) -> ValueTest | None:
        """Return a test of all values."""
        test = self._item.decoded_test()
        if test is None:
            return None
        return lambda value: not isinstance(value, dict) or all(map(test, value.values()))

    @property
    def keeps_values(self) -> bool:
        """Whether ``quick_dump`` returns the values themselves."""
        return self._item.keeps_values

    def exact_types(self) -> frozenset[type]:
        """Return ``dict``, if the keys are strings."""
        return frozenset({dict}) if self._has_plain_keys else frozenset()

    def quick_dump(self, records: RecordMaker) -> QuickDump | None:
        """Return a function that dumps dicts of exactly the declared types."""
        plain, keeps_items, dump_item = self._item.plain_types, self._item.keeps_values, self._item.quick_dump(records)
        if dump_item is None or not self._has_plain_keys:
            return None

        def dump(value: Any) -> object:
            if type(value) is not dict or not _STRINGS.issuperset(map(type, value)):
                raise Inexact
            if plain and plain.issuperset(map(type, value.values())):
                return value
            items = {name: dump_item(item) for name, item in value.items()}
            return value if keeps_items else items

        return dump
