"""Read the fields of classes: attrs, dataclasses, Structs of msgspec, typed dicts and named tuples."""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, get_args, get_origin

import attrs

from turnbuckle.schema.faults import UnsupportedType
from turnbuckle.schema.hints import class_hints, has_default_variables, is_union
from turnbuckle.schema.nodes.base import TypeNode, ValueTest
from turnbuckle.schema.nodes.constraints import constrain, read_notes
from turnbuckle.schema.nodes.objects import NO_DEFAULT, Layout, ObjectField, ObjectNode
from turnbuckle.schema.validators import read_validator

__all__ = ["Compile", "is_named_tuple", "layout_of", "read_fields", "refuse_mutable_default"]

Compile: typing.TypeAlias = Callable[[object], TypeNode]


def layout_of(kind: type) -> Layout | None:
    """Return the kind of a class; None if it has no fields that are known."""
    if hasattr(kind, "__struct_fields__"):
        return "struct"
    if attrs.has(kind):
        return "attrs"
    if dataclasses.is_dataclass(kind):
        return "dataclass"
    return "dict" if typing.is_typeddict(kind) or _is_other_typed_dict(kind) else None


def _is_other_typed_dict(kind: type) -> bool:
    """Return whether a class is a typed dict of ``typing_extensions``."""
    return issubclass(kind, dict) and hasattr(kind, "__total__") and hasattr(kind, "__required_keys__")


def read_fields(node: ObjectNode, compile_type: Compile) -> None:
    """Fill in the fields of a class.

    Args:
        node: the node of the class.
        compile_type: returns the node of an annotation.

    Raises:
        UnsupportedType: a field has no schema.
    """
    hints = class_hints(node.owner)
    readers: Mapping[Layout, Callable[[ObjectNode, Mapping[str, Any], Compile], Iterator[ObjectField]]] = {
        "attrs": _read_attrs,
        "dataclass": _read_dataclass,
        "struct": _read_struct,
        "dict": _read_typed_dict,
    }
    docstring = _docstring_of(node)
    node.description = _description_of(docstring)
    described = _field_descriptions(docstring)
    node.fields = tuple(
        attrs.evolve(field, notes={"description": described[field.attribute], **field.notes})
        if field.attribute in described
        else field
        for field in readers[node.layout](node, hints, compile_type)
    )
    node.needs_decoded_test = node.has_class_defaults
    if has_default_variables(node.owner):
        # msgspec does not know the defaults of type variables.
        node.decodes_fast = False
    if getattr(node.kind, "__forbid_unknown_fields__", False):
        node.forbids_unknown = True
        node.decodes_fast = False


def _compile_field(node: ObjectNode, name: str, hints: Mapping[str, Any], compile_type: Compile) -> TypeNode:
    if name not in hints:
        raise UnsupportedType(f"the field {name!r} of {node.label} has no annotation")
    try:
        return compile_type(hints[name])
    except UnsupportedType as error:
        raise UnsupportedType(f"the field {name!r} of {node.label}: {error}", error.fix) from error


def _read_attrs(node: ObjectNode, hints: Mapping[str, Any], compile_type: Compile) -> Iterator[ObjectField]:
    for attribute in attrs.fields(node.kind):
        inner = _compile_field(node, attribute.name, hints, compile_type)
        found = read_validator(attribute)
        has_default = attribute.default is not attrs.NOTHING
        if attribute.converter is None:  # a converter makes another object for each value
            refuse_mutable_default(node.label, attribute.name, attribute.default, "write {} in the class")
        if attribute.converter is not None or not attribute.init:
            # msgspec does not convert, and accepts fields that are no arguments.
            node.decodes_fast = False
        yield ObjectField(
            attribute.name,
            attribute.name,
            attribute.alias or attribute.name,
            constrain(inner, found.constraints, {}),
            is_required=attribute.init and not has_default,
            is_received=attribute.init,
            default=_value_of(attribute.default, attrs.NOTHING),
            notes=read_notes([attribute.metadata]),
            validate=found.validate,
        )
    if not _has_made_init(node.kind, "__attrs_init__"):
        node.decodes_fast = False


def refuse_mutable_default(owner: str, name: str, default: object, fix: str) -> None:
    """Refuse a default that all values of a class share, as dataclasses and Structs do themselves.

    Args:
        owner: the class, as it is shown.
        name: the field.
        default: its default, if it has one.
        fix: what to do; ``{}`` is replaced by the declaration of the field with a factory.

    Raises:
        UnsupportedType: the default is mutable.
    """
    if isinstance(default, list | dict | set | bytearray):
        declaration = f"'{name} = attrs.field(factory={type(default).__name__})'"
        reason = f"the field {name!r} of {owner} has a mutable default, {default!r:.40}"
        raise UnsupportedType(reason, fix.format(declaration))


def _has_made_init(kind: type, other_name: str) -> bool:
    """Return whether ``__init__`` was made by attrs or ``dataclass``, so that msgspec need not call it."""
    code = getattr(inspect.getattr_static(kind, "__init__"), "__code__", None)
    # The source of a made function is no file: "<attrs generated init ...>" and "<string>".
    return not hasattr(kind, other_name) and str(getattr(code, "co_filename", "")).startswith("<")


def _read_dataclass(node: ObjectNode, hints: Mapping[str, Any], compile_type: Compile) -> Iterator[ObjectField]:
    for field in dataclasses.fields(node.kind):
        has_default = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        if not field.init:
            node.decodes_fast = False
        yield ObjectField(
            field.name,
            field.name,
            field.name,
            _compile_field(node, field.name, hints, compile_type),
            is_required=field.init and not has_default,
            is_received=field.init,
            default=_value_of(field.default, dataclasses.MISSING),
            notes=read_notes([field.metadata]),
        )
    if not _has_made_init(node.kind, "__no_such_name__"):
        node.decodes_fast = False
    for name, field in node.kind.__dataclass_fields__.items():  # type: ignore[attr-defined]
        if type(field).__name__ == "Field" and field._field_type is dataclasses._FIELD_INITVAR:  # type: ignore[attr-defined]
            raise UnsupportedType(f"the field {name!r} of {node.label} is an InitVar, which no object has")


def _value_of(default: object, nothing: object) -> object:
    if default is nothing or default is dataclasses.MISSING or type(default).__name__ == "Factory":
        return NO_DEFAULT
    return default


def _read_struct(node: ObjectNode, hints: Mapping[str, Any], compile_type: Compile) -> Iterator[ObjectField]:
    kind: Any = node.kind
    config = kind.__struct_config__
    if config.array_like:
        raise UnsupportedType(f"{node.label} has array_like=True, which is not supported")
    if config.tag is not None:
        node.tag = (config.tag_field, config.tag)
    node.forbids_unknown = bool(config.forbid_unknown_fields)
    unset = sys.modules["msgspec"].UNSET
    for field in sys.modules["msgspec"].structs.fields(kind):
        has_factory = field.default_factory is not sys.modules["msgspec"].NODEFAULT
        default = NO_DEFAULT if field.default is sys.modules["msgspec"].NODEFAULT else field.default
        is_unset = default is unset
        yield ObjectField(
            field.encode_name,
            field.name,
            field.name,
            _compile_field(node, field.name, {**hints, field.name: _without_unset(hints[field.name])}, compile_type),
            is_required=default is NO_DEFAULT and not has_factory,
            default=NO_DEFAULT if is_unset else default,
            omits=_omission(field, default, unset) if config.omit_defaults or is_unset else None,
        )


def _omission(field: Any, default: object, unset: object) -> ValueTest:
    factory = field.default_factory
    if factory in {list, dict, set}:
        return lambda value: value is unset or (type(value) is factory and not value)
    # msgspec compares by identity as well.
    return lambda value: value is unset or value is default


def _without_unset(hint: Any) -> Any:
    """Return a union without the type of ``msgspec.UNSET``, which is sent as nothing at all."""
    if not is_union(hint):
        return hint
    rest = tuple(member for member in get_args(hint) if getattr(member, "__name__", "") != "UnsetType")
    return typing.Union[rest]  # noqa: UP007  # made of a tuple


def _read_typed_dict(node: ObjectNode, hints: Mapping[str, Any], compile_type: Compile) -> Iterator[ObjectField]:
    node.forbids_unknown = getattr(node.kind, "__closed__", None) is True
    node.decodes_fast = not node.forbids_unknown
    required = set(getattr(node.kind, "__required_keys__", ()))
    for name, hint in hints.items():
        # With "from __future__ import annotations", __required_keys__ does not know them.
        wrapper = str(getattr(get_origin(hint), "_name", ""))
        is_required = name in required if wrapper not in {"Required", "NotRequired"} else wrapper == "Required"
        field = _compile_field(node, name, hints, compile_type)
        yield ObjectField(name, name, name, field, is_required=is_required)


_ENTRY: Final = re.compile(r"\*{0,2}(\w+)(?: \([^)]*\))?:\s*(.*)")


def _docstring_of(node: ObjectNode) -> str:
    """Return the docstring of a class; empty if it has none, or if ``dataclass`` made it."""
    text = node.kind.__dict__.get("__doc__")
    is_made = node.layout == "dataclass" and str(text).startswith(f"{node.kind.__name__}(")
    return inspect.cleandoc(text) if isinstance(text, str) and not is_made else ""


def _description_of(docstring: str) -> str:
    """Return the first paragraph of a docstring in one line."""
    return " ".join(docstring.split("\n\n", maxsplit=1)[0].split())


def _field_descriptions(docstring: str) -> dict[str, str]:
    """Return the texts of the section ``Attributes:`` of a docstring, by the names of the fields."""
    found: dict[str, str] = {}
    name = ""
    section = docstring.partition("\nAttributes:\n")[2]
    for line in section.splitlines():
        if line and not line.startswith(" "):
            break
        entry = _ENTRY.fullmatch(line.strip()) if len(line) - len(line.lstrip()) <= 4 else None
        if entry:
            name, text = entry.groups()
            found[name] = text
        elif name and line.strip():
            found[name] = f"{found[name]} {line.strip()}".strip()
    return found


def is_named_tuple(kind: type) -> bool:
    """Return whether a class is a named tuple with annotations."""
    return issubclass(kind, tuple) and hasattr(kind, "_fields") and hasattr(kind, "_field_defaults")
