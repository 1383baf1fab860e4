"""Turn an annotation into a decoder, an encoder and a JSON Schema, once at startup.

``compile_schema`` compiles an annotation to nodes and finds the fast ways of its type. ``Schema`` tries the fast way
first; the nodes decide in all other cases, and find every fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, final

import attrs

from turnbuckle.schema.compiler import compile_type
from turnbuckle.schema.definitions import JSONSchema, Mode, SchemaBuilder
from turnbuckle.schema.engines import Engine, FastPaths, make_fast_paths
from turnbuckle.schema.faults import Fault, FaultList, NotJSON, SchemaError, UnsupportedType
from turnbuckle.schema.hints import show_type
from turnbuckle.schema.json_decoding import decode_exactly, decode_strictly
from turnbuckle.schema.json_encoding import encode_json
from turnbuckle.schema.nodes.base import TypeNode, walk_nodes
from turnbuckle.schema.nodes.constraints import without_constraints
from turnbuckle.schema.nodes.objects import ObjectNode
from turnbuckle.schema.nodes.provided import ProvidedNode, SchemaProvider
from turnbuckle.schema.nodes.scalars import SCALARS, ScalarNode

__all__ = ["Schema", "SchemaCompiler", "compile_schema"]

# Digits of numbers that need no other check.
_SHORT: Final = 16
_TOO_DEEP: Final = "nested too deeply"


def compile_schema(
    annotation: object,
    *,
    engine: Engine = "auto",
    constraints: Sequence[object] = (),
    providers: Sequence[SchemaProvider] = (),
) -> Schema:
    """Return the schema of a type.

    Args:
        annotation: a type, such as ``int``, ``list[Note]`` or ``Annotated[str, MinLen(1)]``.
        engine: the library that does the work: msgspec where it is installed, otherwise cattrs.
        constraints: further objects like those in ``Annotated``: objects with attributes such as ``ge``, ``lt``,
            ``min_length``, ``pattern``, ``multiple_of``, ``title``, ``description``, ``examples``, ``deprecated``.
        providers: the providers of the types of other libraries.

    Raises:
        UnsupportedType: a part of the type has no schema; the message names it, and the reason.
    """
    try:
        root = compile_type(annotation, constraints, providers)
    except RecursionError:
        raise UnsupportedType(f"{show_type(annotation)} is nested too deeply") from None
    fast = make_fast_paths(engine, annotation, root)
    return Schema(annotation, root, fast, (engine, tuple(constraints), tuple(providers)))


def _compile_again(
    annotation: object, engine: Engine, constraints: Sequence[object], providers: Sequence[SchemaProvider]
) -> Schema:
    """Return the schema that was pickled."""
    return compile_schema(annotation, engine=engine, constraints=constraints, providers=providers)


@attrs.frozen
class SchemaCompiler:
    """Compiles the schemas of one scope.

    Attributes:
        engine: the library that does the work.
        providers: the providers of the types of other libraries, innermost scope first.
    """

    engine: Engine = "auto"
    providers: tuple[SchemaProvider, ...] = ()

    def compile(self, annotation: object, constraints: Sequence[object] = ()) -> Schema:
        """Return the schema of a type; see ``compile_schema``."""
        return compile_schema(annotation, engine=self.engine, constraints=constraints, providers=self.providers)


@final
class Schema:
    """The schema of one type.

    Attributes:
        annotation: the type.
        engine: the library that does the work: ``msgspec`` or ``cattrs``.
        is_scalar: whether a value can be read from one text.
        is_list_of_scalars: whether a value can be read from several texts.
    """

    __slots__ = (
        "_arguments",
        "_decode",
        "_decoded_test",
        "_encode",
        "_fast",
        "_is_exact",
        "_is_flat",
        "_quick",
        "_quick_dump",
        "_refusals",
        "_root",
        "annotation",
        "engine",
        "is_list_of_scalars",
        "is_scalar",
    )

    def __init__(self, annotation: object, root: TypeNode, fast: FastPaths, arguments: tuple[object, ...] = ()) -> None:
        self.annotation: Final = annotation
        self._arguments: Final = arguments
        self.engine: Final = fast.engine
        self.is_scalar: Final = root.is_scalar
        self.is_list_of_scalars: Final = root.is_list_of_scalars
        self._root: Final = root
        # Found on first use: another library makes a JSON Schema for it.
        self._is_flat: bool | None = None
        self._fast: Final = fast
        self._is_exact: Final = any(_is_decimal(node) for node in walk_nodes(root))
        # The attributes that each request needs, without a further look-up.
        self._decode: Final = fast.decode
        self._decoded_test: Final = fast.decoded_test
        self._encode: Final = fast.encode
        self._quick_dump: Final = fast.quick_dump
        self._refusals: Final = fast.refusals
        # Texts of these types are common, and most of them need no look at the node.
        is_plain = isinstance(root, ScalarNode) and annotation in (str, int)
        self._quick: Final = annotation if is_plain else None

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the type and the constraints: the functions of a schema cannot be pickled."""
        return _compile_again, (self.annotation, *self._arguments)

    def __repr__(self) -> str:
        return f"Schema({show_type(self.annotation)})"

    @property
    def is_flat(self) -> bool:
        """Whether ``from_fields`` can read it: a class whose fields are scalars or lists of scalars."""
        if self._is_flat is None:
            self._is_flat = _is_flat(without_constraints(self._root))
        return self._is_flat

    def decode_json(self, content: bytes) -> Any:
        """Return the value of JSON.

        Raises:
            NotJSON: the content is not JSON.
            SchemaError: the value does not fit.
        """
        decode = self._decode
        if decode is not None:
            try:
                value = decode(content)
                # msgspec does not look at the encoding of values that it skips.
                if not content.isascii():
                    content.decode()
                test = self._decoded_test
                if test is None or test(value):
                    return value
            except self._refusals:
                pass
        return self._load(self._parse(content))

    def _parse(self, content: bytes) -> object:
        try:
            if self._is_exact:
                return decode_exactly(content)
            parse = self._fast.parse
            if parse is not None:
                try:
                    return parse(content)
                except self._refusals:
                    # The json module decides.
                    pass
            return decode_strictly(content)
        except ValueError as error:
            raise NotJSON("the content is not JSON") from error
        except RecursionError as error:
            raise NotJSON(f"the content is {_TOO_DEEP}") from error

    def from_builtins(self, value: object) -> Any:
        """Return the value for dicts, lists, strings, numbers, booleans and None.

        Raises:
            SchemaError: the value does not fit.
        """
        return self._load(value)

    def _load(self, value: object) -> object:
        load = self._fast.load
        if load is not None:
            try:
                return load(value)
            except self._refusals:
                # The nodes find all faults.
                pass
        faults = FaultList()
        try:
            loaded = self._root.load(value, "", faults)
        except RecursionError:
            raise SchemaError([Fault("", _TOO_DEEP)]) from None
        faults.raise_if_any()
        return loaded

    def from_text(self, text: str) -> Any:
        """Return the value of one text of a query, header, cookie, form or path.

        Raises:
            SchemaError: the text has no value of this type.
        """
        quick = self._quick
        if quick is str:
            return text
        if quick is int and len(text) < _SHORT and text.isascii() and text.isdigit():
            return int(text)
        return self.from_texts((text,))

    def from_texts(self, texts: Sequence[str]) -> Any:
        """Return the value of all texts of one name: a list has one item for each.

        Raises:
            SchemaError: the texts have no value of this type, or there are several for a scalar.
        """
        faults = FaultList()
        loaded = self._root.load_texts(texts, "", faults)
        faults.raise_if_any()
        return loaded

    def from_fields(self, fields: Mapping[str, Sequence[str]]) -> Any:
        """Return an instance of a class for the fields of a form or a query.

        Args:
            fields: the texts of each name.

        Raises:
            SchemaError: the fields do not fit.
            TypeError: the type is no class with scalar fields; see ``is_flat``.
        """
        node = without_constraints(self._root)
        if not isinstance(node, ObjectNode | ProvidedNode) or not self.is_flat:
            raise TypeError(f"{show_type(self.annotation)} is no class whose fields are scalars or lists of scalars")
        faults = FaultList()
        loaded = node.load_form(fields, "", faults)
        faults.raise_if_any()
        return loaded

    def encode_json(self, value: object) -> bytes:
        """Return a value as JSON, by the declared type: a subclass with more fields sends no more.

        Raises:
            SchemaError: the value does not fit the type.
        """
        dump = self._quick_dump
        if dump is not None:
            try:
                return self._encode(dump(value))
            except self._refusals:
                # The types are not exact; or there is a lone surrogate, which the encoder of the core escapes.
                pass
        return self._encode_by_nodes(value)

    def _encode_by_nodes(self, value: object) -> bytes:
        dumped = self.to_builtins(value)
        try:
            return encode_json(dumped)
        except RecursionError:
            raise SchemaError([Fault("", _TOO_DEEP)]) from None
        except (TypeError, ValueError, AttributeError) as error:
            # A part of type Any: the message of the encoder has the value, so it is not repeated.
            raise SchemaError([Fault("", "has a part without a form in JSON")]) from error

    def to_builtins(self, value: object) -> object:
        """Return the form of a value, made of dicts, lists and strings, as ``encode_json`` writes it.

        Raises:
            SchemaError: the value does not fit the type.
        """
        faults = FaultList()
        try:
            dumped = self._root.dump(value, "", faults)
        except RecursionError:
            raise SchemaError([Fault("", _TOO_DEEP)]) from None
        faults.raise_if_any()
        return dumped

    def json_schema(self, definitions: dict[str, object], *, mode: Mode) -> JSONSchema:
        """Return the JSON Schema of the type (2020-12).

        Args:
            definitions: where the definitions of classes are added; a ``Definitions`` keeps classes of the same name
                apart. References begin with ``#/components/schemas/``.
            mode: ``in`` for values that are received, ``out`` for values that are sent.
        """
        return self._root.describe(SchemaBuilder(definitions, mode))


def _is_flat(node: TypeNode) -> bool:
    if isinstance(node, ProvidedNode):
        return node.is_flat
    return isinstance(node, ObjectNode) and all(
        field.node.is_scalar or field.node.is_list_of_scalars for field in node.fields if field.is_received
    )


def _is_decimal(node: TypeNode) -> bool:
    return isinstance(node, ScalarNode) and node.scalar is _DECIMAL


_DECIMAL: Final = SCALARS[Decimal]
