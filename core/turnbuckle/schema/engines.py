"""The fast ways to decode and encode: msgspec where it is installed, otherwise loaders that cattrs generates.

The nodes are the reference. Each fast way gives the same values as they do, or raises, or is not used: msgspec decodes
a type only if all of its nodes agree with it, and each value that it refuses is loaded by the nodes, which find all
faults.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final, Literal, TypeAlias

import attrs

from turnbuckle.schema.faults import FaultList, Unfit
from turnbuckle.schema.json_decoding import find_fast_decoder
from turnbuckle.schema.json_encoding import encode_json
from turnbuckle.schema.nodes.base import QuickDump, TypeNode, ValueTest, walk_nodes
from turnbuckle.schema.nodes.constraints import ConstrainedNode
from turnbuckle.schema.nodes.containers import ArrayNode
from turnbuckle.schema.nodes.objects import ObjectNode
from turnbuckle.schema.nodes.scalars import ScalarNode

__all__ = ["Engine", "FastPaths", "make_fast_paths"]

Engine: TypeAlias = Literal["auto", "msgspec", "cattrs"]
_Load: TypeAlias = Callable[[Any], object]


@attrs.frozen
class FastPaths:
    """The fast ways of one type; None where there is none.

    Attributes:
        engine: ``msgspec`` or ``cattrs``.
        decode: returns the value of JSON.
        decoded_test: a test of what ``decode`` does not check.
        parse: returns JSON as JSON's own types.
        load: returns the value for JSON's own types.
        encode: returns JSON for the results of ``quick_dump``.
        quick_dump: see ``TypeNode``.
        refusals: the exceptions of all of them.
    """

    engine: Literal["msgspec", "cattrs"]
    decode: Callable[[bytes], object] | None = None
    decoded_test: ValueTest | None = None
    parse: Callable[[bytes], object] | None = None
    load: _Load | None = None
    encode: Callable[[object], bytes] = encode_json
    quick_dump: QuickDump | None = None
    refusals: tuple[type[Exception], ...] = (ValueError, TypeError, RecursionError)


def make_fast_paths(engine: Engine, annotation: object, root: TypeNode) -> FastPaths:
    """Return the fast ways of a type.

    Raises:
        ImportError: msgspec is asked for, and not installed.
    """
    if engine != "cattrs":
        try:
            return _with_msgspec(annotation, root)
        except ImportError:
            if engine == "msgspec":
                raise
    return FastPaths("cattrs", load=_with_cattrs(root), quick_dump=root.quick_dump(_dict_maker), refusals=(Exception,))


@cache
def _is_msgspec_alike() -> bool:
    return find_fast_decoder() is not None


def _with_msgspec(annotation: object, root: TypeNode) -> FastPaths:
    import msgspec

    if not _is_msgspec_alike():
        raise ImportError("this version of msgspec decodes JSON to other values than the json module")
    refusals = (msgspec.MsgspecError, ValueError, TypeError, RecursionError)
    decode = None
    if all(node.decodes_fast for node in walk_nodes(root)):
        try:
            decode = msgspec.json.Decoder(annotation).decode
        except (TypeError, ValueError, RuntimeError, NameError, AttributeError):
            # msgspec does not support a part of the type, such as a union of two classes.
            decode = None
    return FastPaths(
        "msgspec",
        decode=decode,
        decoded_test=root.decoded_test(),
        parse=msgspec.json.Decoder().decode,
        encode=msgspec.json.Encoder().encode,
        quick_dump=root.quick_dump(_record_maker),
        refusals=refusals,
    )


def _record_maker(names: tuple[str, ...]) -> Callable[..., object]:
    """Return a class of msgspec: it takes positional arguments, and is written faster than a dict."""
    import msgspec

    fields = [(f"field_{place}", Any) for place, _ in enumerate(names)]
    rename = {field: name for (field, _), name in zip(fields, names, strict=True)}
    return msgspec.defstruct("Record", fields, rename=rename, gc=False)


def _dict_maker(names: tuple[str, ...]) -> Callable[..., object]:
    return lambda *parts: dict(zip(names, parts))  # noqa: B905 - the caller has a part for each name


def _with_cattrs(root: TypeNode) -> _Load | None:
    """Return a loader for types with attrs classes or dataclasses, for which cattrs generates functions."""
    if not any(isinstance(node, ObjectNode) for node in walk_nodes(root)):
        return None
    return _Loaders().make(root)


class _Loaders:
    """Makes functions that load values and raise at the first fault."""

    def __init__(self) -> None:
        from cattrs import Converter

        # It is never called without a hook, so its own conversions, which are not strict, have no effect.
        self._converter: Final = Converter(detailed_validation=False)
        self._classes: Final[dict[ObjectNode, list[_Load]]] = {}

    def make(self, node: TypeNode) -> _Load:
        """Return the function for a node."""
        if isinstance(node, ScalarNode):
            return node.scalar.load
        if isinstance(node, ArrayNode):
            return self._make_array(node)
        if isinstance(node, ConstrainedNode):
            return self._make_constrained(node)
        if isinstance(node, ObjectNode) and node.layout in {"attrs", "dataclass"} and not node.forbids_unknown:
            return self._make_object(node)
        return _load_or_raise(node)

    def _make_array(self, node: ArrayNode) -> _Load:
        load, kind = self.make(node.item), node.kind

        def load_array(value: Any) -> object:
            if not isinstance(value, list | tuple):
                raise Unfit("expected array")
            items = [load(item) for item in value]
            return items if kind is list else kind(items)

        return load_array

    def _make_constrained(self, node: ConstrainedNode) -> _Load:
        load, test = self.make(node.inner), node.constraints_test()

        def load_constrained(value: Any) -> object:
            loaded = load(value)
            if not test(loaded):
                raise Unfit("does not meet a constraint")
            return loaded

        return load_constrained

    def _make_object(self, node: ObjectNode) -> _Load:
        known = self._classes.get(node)
        if known is not None:
            # A recursive class: its function exists when the first value is loaded.
            return _call_later(known)
        made = self._classes[node] = []
        structure = self._structure_function(node)

        def load_object(value: Any) -> object:
            if type(value) is not dict:
                raise Unfit("expected object")
            return structure(value)

        made.append(_load_or_raise(node) if structure is None else load_object)
        return made[0]

    def _structure_function(self, node: ObjectNode) -> Any:
        from cattrs.gen import make_dict_structure_fn, override

        overrides = {
            field.attribute: override(struct_hook=_with_type(self.make(field.node)), omit=not field.is_received)
            for field in node.fields
        }
        try:
            function: Any = make_dict_structure_fn(node.owner, self._converter, **overrides)  # type: ignore[arg-type]
        except Exception:  # noqa: BLE001 - such as annotations that only exist in a function
            return None
        kind = node.owner
        return lambda value: function(value, kind)


def _call_later(loads: list[_Load]) -> _Load:
    def load(value: Any) -> object:
        return loads[0](value)

    return load


def _with_type(load: _Load) -> Callable[[Any, Any], object]:
    """Return a hook of cattrs, which is called with the type."""
    return lambda value, _type: load(value)


def _load_or_raise(node: TypeNode) -> _Load:
    def load(value: Any) -> object:
        faults = FaultList()
        loaded = node.load(value, "", faults)
        faults.raise_if_any()
        return loaded

    return load
