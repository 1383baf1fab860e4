"""The interface of nodes, and the nodes for any value and for recursive classes.

A compiled type is a graph of nodes. ``load`` turns JSON's own types into a value, ``dump`` turns a value into them;
both go on after a fault, so that all faults are found. ``Schema`` has faster ways for values without a fault.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias, final

from turnbuckle.schema.definitions import JSONSchema, SchemaBuilder
from turnbuckle.schema.faults import FaultList, Unfit

__all__ = [
    "ALL_FORMS",
    "MISFIT",
    "AnyNode",
    "Inexact",
    "QuickDump",
    "RecordMaker",
    "RecursiveNode",
    "TypeNode",
    "ValueTest",
    "quick_dump_plain",
    "walk_nodes",
]


@final
class _Misfit:
    def __repr__(self) -> str:
        return "MISFIT"


MISFIT: Final = _Misfit()
"""The result of ``load`` and ``dump`` if a fault was added."""

ValueTest: TypeAlias = Callable[[object], bool]
QuickDump: TypeAlias = Callable[[object], object]
"""Returns a form of a value that every encoder writes as ``dump`` has it; raises ``Inexact`` if that is not known."""


RecordMaker: TypeAlias = Callable[[tuple[str, ...]], Callable[..., object]]
"""For the names of an object in JSON, returns a function from their values to an object that the encoder writes."""


class Inexact(ValueError):
    """A value does not have exactly the declared types, so ``dump`` decides."""


_NO_TYPES: Final[frozenset[type]] = frozenset()
ALL_FORMS: Final = frozenset({"string", "integer", "number", "boolean", "null", "array", "object"})


class TypeNode(ABC):
    """The node of a type.

    Attributes:
        label: the name of the type, for reasons.
        forms: the types of JSON that a value of it may have: ``string``, ``integer``, ``number``, ``boolean``,
            ``null``, ``array``, ``object``.
        decodes_fast: whether msgspec decodes this type, without its parts, to the same values.
        plain_types: if a value has exactly one of these types, it fits, and every encoder writes it in the same way.
        needs_decoded_test: whether this type, without its parts, has something that msgspec does not check.
    """

    __slots__ = ("decodes_fast", "forms", "label", "needs_decoded_test", "plain_types")

    def __init__(self, label: str, forms: frozenset[str], *, decodes_fast: bool = False) -> None:
        self.label = label
        self.forms = forms
        self.decodes_fast = decodes_fast
        self.plain_types = _NO_TYPES
        self.needs_decoded_test = False

    @property
    def is_scalar(self) -> bool:
        """Whether a value can be read from one text."""
        return False

    @abstractmethod
    def load(self, value: object, at: str, faults: FaultList) -> object:
        """Return the value of this type for a value of JSON's own types, or ``MISFIT``.

        Args:
            value: made of dicts, lists, strings, numbers, booleans and None.
            at: JSON pointer to the value.
            faults: where faults are added.
        """

    @abstractmethod
    def dump(self, value: object, at: str, faults: FaultList) -> object:
        """Return a value of this type in a form that ``encode_json`` writes, or ``MISFIT``; see ``load``."""

    def parse(self, text: str) -> object:
        """Return the value that a text of a query, header, cookie, form or path stands for.

        Raises:
            Unfit: there is none.
        """
        raise Unfit(f"expected {self.label}")

    @property
    def is_list_of_scalars(self) -> bool:
        """Whether a value can be read from several texts."""
        return False

    def load_texts(self, texts: Sequence[str], at: str, faults: FaultList) -> object:
        """Return the value of all texts that a query, header, cookie or form has for one name, or ``MISFIT``."""
        if not self.is_scalar:
            faults.add(at, f"expected {self.label}, which a text cannot be")
        elif len(texts) != 1:
            faults.add(at, f"expected one value, got {len(texts)}")
        else:
            try:
                return self.parse(texts[0])
            except Unfit as unfit:
                faults.add(at, unfit.reason)
        return MISFIT

    @abstractmethod
    def describe(self, builder: SchemaBuilder) -> JSONSchema:
        """Return the JSON Schema of this type."""

    def parts(self) -> tuple[TypeNode, ...]:
        """Return the nodes that this node consists of."""
        return ()

    def decoded_test(self) -> ValueTest | None:
        """Return a test of what msgspec does not check when it decodes; None if there is nothing to test."""
        return None

    @property
    def keeps_values(self) -> bool:
        """Whether ``quick_dump`` returns the values themselves."""
        return bool(self.plain_types)

    def exact_types(self) -> frozenset[type]:
        """Return the types of the values that ``quick_dump`` accepts."""
        return self.plain_types

    def quick_dump(self, records: RecordMaker) -> QuickDump | None:
        """Return a function that dumps values of exactly the declared types; None if there is none.

        Args:
            records: makes the objects that the encoder writes fastest.
        """
        return quick_dump_plain(self.plain_types) if self.plain_types else None


def quick_dump_plain(types: frozenset[type]) -> QuickDump:
    """Return a function that returns values of these types as they are."""

    def dump(value: object) -> object:
        if type(value) in types:
            return value
        raise Inexact

    return dump


def walk_nodes(root: TypeNode) -> Iterator[TypeNode]:
    """Yield a node and all nodes that it consists of, each once."""
    seen: set[int] = set()
    pending = [root]
    while pending:
        node = pending.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            pending.extend(node.parts())


@final
class AnyNode(TypeNode):
    """The node of ``Any`` and ``object``: every value of JSON is accepted."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("any value", ALL_FORMS, decodes_fast=True)

    def load(self, value: object, at: str, faults: FaultList) -> object:
        """Return the value itself."""
        return value

    def dump(self, value: object, at: str, faults: FaultList) -> object:
        """Return the value itself, which the encoder converts."""
        return value

    def describe(self, builder: SchemaBuilder) -> JSONSchema:
        """Return the schema that every value fits."""
        return {}


@final
class RecursiveNode(TypeNode):
    """Stands for a node that is still being compiled, because its class contains itself."""

    __slots__ = ("_decoded_test", "_quick_dump", "target")

    def __init__(self, label: str) -> None:
        super().__init__(label, frozenset({"object"}), decodes_fast=True)
        self.target: TypeNode | None = None
        self._decoded_test: ValueTest | None = None
        self._quick_dump: QuickDump | None = None

    def _target(self) -> TypeNode:
        assert self.target is not None, "the class is compiled"
        return self.target

    def load(self, value: object, at: str, faults: FaultList) -> object:
        """Load the value of the class."""
        return self._target().load(value, at, faults)

    def dump(self, value: object, at: str, faults: FaultList) -> object:
        """Dump the value of the class."""
        return self._target().dump(value, at, faults)

    def describe(self, builder: SchemaBuilder) -> JSONSchema:
        """Return a reference to the definition of the class."""
        return self._target().describe(builder)

    def parts(self) -> tuple[TypeNode, ...]:
        """Return the class."""
        return (self._target(),)

    def decoded_test(self) -> ValueTest | None:
        """Return a test that calls the test of the class."""
        if not any(node.needs_decoded_test for node in walk_nodes(self)):
            return None
        made: list[ValueTest | None] = []

        def test(value: object) -> bool:
            if not made:
                made.append(self._target().decoded_test())
            return made[0] is None or made[0](value)

        if self._decoded_test is None:
            # The test of the class contains this one, so it is made when it is first used.
            self._decoded_test = test
        return self._decoded_test

    def exact_types(self) -> frozenset[type]:
        """Return the types of the class."""
        return self._target().exact_types()

    def quick_dump(self, records: RecordMaker) -> QuickDump | None:
        """Return a function that calls the function of the class."""
        made: list[QuickDump | None] = []

        def dump(value: object) -> object:
            if not made:
                made.append(self._target().quick_dump(records))
            if made[0] is None:
                raise Inexact
            return made[0](value)

        if self._quick_dump is None:
            self._quick_dump = dump
        return self._quick_dump
