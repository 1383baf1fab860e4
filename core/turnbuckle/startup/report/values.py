"""Convert values to plain data and to names for reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

__all__ = ["Json", "name_of", "type_name", "value_as_json"]

Json: TypeAlias = "str | float | bool | Sequence[Json] | Mapping[str, Json] | None"


def value_as_json(value: object) -> Json:
    """Return a value of a setting as JSON has it, or as text where JSON has nothing like it."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Mapping):
        return {str(key): value_as_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [value_as_json(each) for each in value]
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    return str(value)


def type_name(kind: type) -> str:
    """Return the name of a type, with its module unless it is built in."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def name_of(value: object) -> str:
    """Return the name that a function, class or object is known by."""
    named = getattr(value, "func", value)
    qualified = getattr(named, "__qualname__", None) or type(named).__qualname__
    return f"{getattr(named, '__module__', None) or type(named).__module__}.{qualified}"
