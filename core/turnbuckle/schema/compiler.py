"""Compile an annotation to a graph of nodes."""

from __future__ import annotations

import collections
import collections.abc
import inspect
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, Literal, final, get_args, get_origin

from turnbuckle.schema.classes import is_named_tuple, layout_of, read_fields, refuse_mutable_default
from turnbuckle.schema.faults import UnsupportedType
from turnbuckle.schema.hints import class_hints, class_of, identity_of, is_union, show_type, unwrap
from turnbuckle.schema.nodes.base import AnyNode, RecursiveNode, TypeNode
from turnbuckle.schema.nodes.choices import make_enum_node, make_literal_node
from turnbuckle.schema.nodes.constraints import constrain, read_constraints, read_notes
from turnbuckle.schema.nodes.containers import ArrayNode, MappingNode, TupleNode
from turnbuckle.schema.nodes.objects import ObjectNode
from turnbuckle.schema.nodes.provided import ProvidedNode, SchemaProvider
from turnbuckle.schema.nodes.scalars import SCALARS, ScalarNode
from turnbuckle.schema.nodes.unions import UnionNode

__all__ = ["compile_type"]

_ARRAYS: Final[Mapping[object, type]] = MappingProxyType(
    {
        list: list,
        set: set,
        frozenset: frozenset,
        collections.abc.Sequence: list,
        collections.abc.MutableSequence: list,
        collections.abc.Collection: list,
        collections.abc.Iterable: list,
        collections.abc.Set: set,
        collections.abc.MutableSet: set,
    }
)
_MAPPINGS: Final = frozenset({dict, collections.abc.Mapping, collections.abc.MutableMapping})
# Known types without one form in JSON, each with an advice.
_ADVICE: Final[Mapping[object, str]] = MappingProxyType(
    {
        complex: "JSON has no complex numbers",
        bytearray: "use bytes",
        memoryview: "use bytes",
        collections.abc.Callable: "a function has no form in JSON",
        type: "a class has no form in JSON",
        collections.deque: "use list",
        collections.OrderedDict: "use dict",
        collections.defaultdict: "use dict",
    }
)


def compile_type(
    annotation: object, constraints: Sequence[object] = (), providers: Sequence[SchemaProvider] = ()
) -> TypeNode:
    """Return the node of an annotation.

    Args:
        annotation: a type, with or without ``Annotated``.
        constraints: objects like those in ``Annotated``.
        providers: the providers of other types.

    Raises:
        UnsupportedType: a part of it has no schema.
    """
    compiler = _Compiler(tuple(providers))
    node = compiler.compile(annotation)
    compiler.decide_unions()
    return constrain(node, read_constraints(constraints), read_notes(constraints))


@final
class _Compiler:
    def __init__(self, providers: tuple[SchemaProvider, ...]) -> None:
        self._providers: Final = providers
        self._classes: Final[dict[object, TypeNode]] = {}
        self._unions: Final[list[UnionNode]] = []

    def decide_unions(self) -> None:
        for union in self._unions:
            union.decide()

    def compile(self, annotation: object) -> TypeNode:
        inner, metadata = unwrap(annotation)
        return constrain(self._compile(inner), read_constraints(metadata), read_notes(metadata))

    def _compile(self, annotation: Any) -> TypeNode:
        for provider in self._providers:
            if provider.claims(annotation):
                return ProvidedNode(provider, annotation)
        if annotation is Any or annotation is object or annotation is inspect.Parameter.empty:
            return AnyNode()
        if is_union(annotation):
            return self._compile_union(get_args(annotation))
        origin = get_origin(annotation) or annotation
        if origin is Literal:
            return make_literal_node(get_args(annotation))
        if isinstance(origin, list | dict | set):
            raise UnsupportedType(f"{origin!r} is no type")
        if origin in SCALARS:
            return ScalarNode(SCALARS[origin])
        return self._compile_container(annotation, origin) or self._compile_class(annotation)

    def _compile_union(self, members: tuple[object, ...]) -> TypeNode:
        nodes = tuple(self.compile(member) for member in members)
        if len(nodes) == 1:
            return nodes[0]
        union = UnionNode(nodes)
        self._unions.append(union)
        return union

    def _compile_container(self, annotation: object, origin: object) -> TypeNode | None:
        arguments = get_args(annotation)
        if origin in _ARRAYS:
            return ArrayNode(_ARRAYS[origin], self.compile(arguments[0] if arguments else Any))
        if origin is tuple:
            if not arguments and annotation is tuple:
                return ArrayNode(tuple, AnyNode())
            if len(arguments) == 2 and arguments[1] is Ellipsis:
                return ArrayNode(tuple, self.compile(arguments[0]))
            items = tuple(self.compile(argument) for argument in arguments if argument != ())
            return TupleNode(f"array of {len(items)} items", items)
        if origin in _MAPPINGS:
            key, item = arguments or (str, Any)
            return MappingNode(self.compile(key), self.compile(item))
        return None

    def _compile_class(self, annotation: object) -> TypeNode:
        kind = class_of(annotation)
        if kind is None:
            raise UnsupportedType(f"{show_type(annotation)} is no type with a schema")
        if issubclass(kind, Enum):
            return make_enum_node(kind)
        if is_named_tuple(kind):
            return self._compile_named_tuple(annotation, kind)
        layout = layout_of(kind)
        if layout is None:
            raise UnsupportedType(f"{show_type(annotation)} has no schema{_advice_for(kind)}")
        key = identity_of(annotation)
        if key in self._classes:
            return self._classes[key]
        node = ObjectNode(kind, annotation, layout, show_type(annotation), key)
        self._classes[key] = self._refer_to(node)
        read_fields(node, self.compile)
        self._classes[key] = node
        return node

    def _refer_to(self, node: TypeNode) -> RecursiveNode:
        reference = RecursiveNode(node.label)
        reference.target = node
        return reference

    def _compile_named_tuple(self, annotation: object, kind: Any) -> TypeNode:
        hints = class_hints(annotation)
        names: tuple[str, ...] = kind._fields
        items = tuple(self.compile(hints.get(name, Any)) for name in names)
        for name, default in kind._field_defaults.items():
            refuse_mutable_default(show_type(annotation), name, default, "use a class of attrs, with {}")
        required = len(names) - len(kind._field_defaults)
        make: Callable[[Sequence[object]], object] = lambda items: kind(*items)  # noqa: E731
        return TupleNode(show_type(annotation), items, required=required, names=names, make=make, kind=kind)


def _advice_for(kind: type) -> str:
    if kind in _ADVICE:
        return f": {_ADVICE[kind]}"
    if hasattr(kind, "__pydantic_validator__"):
        return ": it is a model of pydantic; enable the plugin pydantic_models"
    return "; use attrs, a dataclass, a TypedDict or a NamedTuple"
