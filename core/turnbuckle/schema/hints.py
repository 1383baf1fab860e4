"""Resolve the annotations of classes: forward references, type variables, aliases."""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, ForwardRef, NewType, TypeVar, get_args, get_origin

from turnbuckle.schema.faults import UnsupportedType

__all__ = [
    "class_hints",
    "class_of",
    "has_default_variables",
    "identity_of",
    "is_union",
    "show_type",
    "substitute",
    "unwrap",
]

_Variables: typing.TypeAlias = Mapping[object, object]


def class_of(annotation: object) -> type | None:
    """Return the class of an annotation: of ``Page[Note]`` the class ``Page``; None if it is no class."""
    origin = get_origin(annotation) or annotation
    return origin if isinstance(origin, type) else None


def identity_of(annotation: object) -> object:
    """Return an annotation as a key: arguments of a generic class may have objects in ``Annotated`` without a hash."""
    try:
        hash(annotation)
    except TypeError:
        return (class_of(annotation), repr(annotation))
    return annotation


def show_type(annotation: object) -> str:
    """Return an annotation as it is written."""
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return "None" if annotation is type(None) else annotation.__qualname__.rpartition("<locals>.")[2]
    arguments = get_args(annotation)
    if is_union(annotation):
        return " | ".join(map(show_type, arguments))
    if get_origin(annotation) is Annotated:
        return show_type(arguments[0])
    kind = get_origin(annotation)
    if isinstance(kind, type) and arguments:
        return f"{kind.__name__}[{', '.join(map(show_type, arguments))}]"
    return "..." if annotation is ... else str(annotation).replace("typing.", "")


def class_hints(annotation: object) -> dict[str, Any]:
    """Return the annotations of a class and its bases, with the arguments of generic classes in place.

    Args:
        annotation: a class, or a generic class with arguments.

    Raises:
        UnsupportedType: an annotation names something that is not found.
    """
    kind = class_of(annotation)
    assert kind is not None, "only classes have fields"
    variables = dict(_variables_of(annotation))
    # The class itself may be local to a function, where its name is not found.
    names = {kind.__name__: kind} | {
        parameter.__name__: parameter for parameter in getattr(kind, "__type_params__", ())
    }
    try:
        hints = typing.get_type_hints(kind, localns=_Names(kind, names), include_extras=True)
    except NameError as error:
        raise UnsupportedType(
            f"an annotation of {show_type(kind)} names {error.name!r}, which is not a global name of {kind.__module__}"
        ) from error
    except (TypeError, SyntaxError, AttributeError) as error:
        raise UnsupportedType(f"an annotation of {show_type(kind)} cannot be read: {error}") from error
    return {name: substitute(hint, variables) for name, hint in hints.items()}


class _Names(dict[str, object]):
    """The names that annotations of a class may use beside the globals of its module; globals take precedence."""

    def __init__(self, kind: type, names: Mapping[str, object]) -> None:
        module = sys.modules.get(kind.__module__)
        globals_of_module = vars(module) if module is not None else {}
        super().__init__({name: value for name, value in names.items() if name not in globals_of_module})


def _variables_of(annotation: object) -> Iterator[tuple[object, object]]:
    """Yield the type variables of a generic class and its generic bases, each with its type."""
    kind = class_of(annotation)
    arguments = dict(zip(getattr(kind, "__parameters__", ()), get_args(annotation), strict=False))
    yield from arguments.items()
    for base in getattr(kind, "__orig_bases__", ()):
        if get_args(base) and get_origin(base) is not typing.Generic:
            for variable, value in _variables_of(base):
                yield variable, substitute(value, arguments)


def substitute(annotation: object, variables: _Variables) -> Any:
    """Return an annotation with types in place of its type variables."""
    if annotation in variables if isinstance(annotation, TypeVar) else False:
        return variables[annotation]
    parameters = getattr(annotation, "__parameters__", ())
    if not parameters or isinstance(annotation, type) or not variables:
        return annotation
    return annotation[tuple(variables.get(parameter, parameter) for parameter in parameters)]  # type: ignore[index]


def unwrap(annotation: object) -> tuple[Any, list[object]]:
    """Return an annotation without ``Annotated``, aliases and NewTypes, and the objects of ``Annotated``.

    Raises:
        UnsupportedType: it is a forward reference, or a type variable without a type.
    """
    metadata: list[object] = []
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *found = get_args(annotation)
            metadata = [*found, *metadata]
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif isinstance(annotation, TypeVar):
            annotation = _type_of_variable(annotation)
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__  # type: ignore[attr-defined]
        elif type(get_origin(annotation)).__name__ == "TypeAliasType":
            alias = get_origin(annotation)
            variables = dict(zip(alias.__type_params__, get_args(annotation), strict=False))  # type: ignore[union-attr]
            annotation = substitute(alias.__value__, variables)  # type: ignore[union-attr]
        elif _is_wrapper(get_origin(annotation)):
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, str | ForwardRef):
            name = annotation if isinstance(annotation, str) else annotation.__forward_arg__
            raise UnsupportedType(f"the name {name!r} is not resolved")
        else:
            return annotation, metadata


_WRAPPERS: Final = {"Required", "NotRequired", "ReadOnly", "Final"}


def _is_wrapper(origin: object) -> bool:
    return getattr(origin, "_name", getattr(origin, "__name__", "")) in _WRAPPERS and not isinstance(origin, type)


def has_default_variables(annotation: object) -> bool:
    """Return whether a generic class is used without arguments, and has type variables with defaults (PEP 696)."""
    return not get_args(annotation) and any(map(_has_default, getattr(annotation, "__parameters__", ())))


def _has_default(variable: object) -> bool:
    default = getattr(variable, "__default__", None)
    return default is not None and type(default).__name__ != "NoDefaultType"


def _type_of_variable(variable: TypeVar) -> object:
    default: object = getattr(variable, "__default__", None)
    if _has_default(variable):
        return default
    if variable.__constraints__:
        raise UnsupportedType(f"the type variable {variable} has no type; write it as in Page[Note]")
    return Any if variable.__bound__ is None else variable.__bound__


def is_union(annotation: object) -> bool:
    """Return whether an annotation is a union."""
    origin = get_origin(annotation)
    return origin is typing.Union or origin is types.UnionType
