"""Convert one value to the type of its setting, or describe the values that the type takes.

Values of files and code must have the type already: a port that is text is a mistake. Values of the environment and the
command line are text, and are parsed for the type: ``true``, ``8000`` or any TOML value. A list of any type is
``a,b`` or ``3,4``, or a TOML array.
"""

from __future__ import annotations

import tomllib
import types
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Union, get_args, get_origin

import attrs

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["class_of_entries", "describe_text", "describe_type", "fit", "fit_entries", "fit_text", "is_table", "misfit"]

_WORDS: Final = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}
_SEQUENCES: Final = (tuple, list, set, frozenset, Sequence)
_NAMES: Final[Mapping[object, str]] = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
    Path: "a path",
    type(None): "nothing",
}

_EXAMPLES: Final[Mapping[object, str]] = {
    int: "3,4 or [3, 4]",
    float: "0.5,1 or [0.5, 1]",
    bool: "true,false or [true, false]",
    str: 'a,b or ["a", "b"]',
    Path: 'a,b or ["a", "b"]',
}


def fit(value: object, kind: Any) -> object:
    """Return a value of a file or of code as the type of its setting.

    Raises:
        ValueError: it does not fit.
    """
    if isinstance(value, str) and _is_sequence(kind):
        raise ValueError("text in place of a list")
    if _is_one_or_several(kind):
        return fit(value, str if isinstance(value, str) else get_args(kind)[1])
    return _converter().structure(value, kind)


def fit_text(text: str, kind: Any) -> object:
    """Return a value of the environment or the command line as the type of its setting.

    Raises:
        ValueError: it does not fit.
    """
    if kind is bool:
        if text.strip().lower() not in _WORDS:
            raise ValueError("not a truth value")
        return _WORDS[text.strip().lower()]
    if _is_one_or_several(kind):
        is_one = "," not in text and not text.lstrip().startswith('["')
        return text.strip() if is_one else fit_text(text, get_args(kind)[1])
    if kind is str or kind is Path or _is_words(kind):
        return fit(text, kind)
    if (sequence := _sequence_in(kind)) is not None:
        return fit(_items(text, sequence), kind)
    return _fit_any(text, kind)


def _items(text: str, kind: Any) -> Sequence[object]:
    """Return the items of a list in a text: a TOML array, or items between commas, each as its type is written."""
    if text.lstrip().startswith("["):
        try:
            array: list[object] = tomllib.loads(f"value = {text}")["value"]
        except ValueError:
            # It may be an item that begins so, such as the address [::1].
            pass
        else:
            return array
    item = (get_args(kind) or (str,))[0]
    return [fit_text(part.strip(), item) for part in text.split(",") if part.strip()]


def fit_entries(texts: Mapping[str, str], before: Mapping[str, object], kind: Any) -> object:
    """Return a table, extended by entries of the environment or the command line.

    Raises:
        ValueError: one does not fit.
    """
    arguments = get_args(kind)
    entries = {name: fit_text(text, arguments[1]) if arguments else text for name, text in texts.items()}
    return fit({**before, **entries}, kind)


def is_table(kind: Any) -> bool:
    """Return whether a setting of this type is a table with arbitrary keys."""
    return (get_origin(kind) or kind) in {dict, Mapping}


def class_of_entries(kind: Any) -> type | None:
    """Return the attrs class of the values of a table; None for another type."""
    arguments = get_args(kind)
    is_of_classes = is_table(kind) and bool(arguments) and isinstance(arguments[1], type) and attrs.has(arguments[1])
    return arguments[1] if is_of_classes else None


def misfit(value: object, kind: type) -> Exception | None:
    """Return the error of a value that does not fit a type; None if it fits."""
    try:
        fit(value, kind)
    except Exception as error:  # noqa: BLE001  # validators may raise anything
        return error
    return None


def describe_type(kind: Any) -> str:
    """Return a description of the values that fit a type, such as ``"a number"``."""
    if kind in _NAMES:
        return _NAMES[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return "one of " + ", ".join(repr(argument) for argument in arguments)
    if origin in {Union, types.UnionType}:
        return " or ".join(describe_type(argument) for argument in arguments)
    if (origin or kind) in _SEQUENCES:
        return f"a list of {_plural(arguments[0])}" if arguments else "a list"
    if is_table(kind):
        return "a table"
    return getattr(kind, "__name__", None) or str(kind)


def describe_text(kind: Any) -> str:
    """Return a description of the texts that fit a type, such as ``"a list of numbers, as 1,2 or [1, 2]"``."""
    sequence = _sequence_in(kind)
    if sequence is None:
        return describe_type(kind)
    example = _EXAMPLES.get((get_args(sequence) or (str,))[0])
    return f"{describe_type(kind)}, as {example}" if example else describe_type(kind)


def _plural(kind: Any) -> str:
    return {int: "whole numbers", float: "numbers", str: "texts", Path: "paths"}.get(kind) or describe_type(kind)


def _sequence_in(kind: Any) -> Any:
    """Return the type itself if it is a sequence, or the sequence in a union such as ``tuple[int, ...] | None``."""
    if _is_sequence(kind):
        return kind
    is_union = get_origin(kind) in {Union, types.UnionType}
    arguments = [argument for argument in get_args(kind) if argument is not type(None)] if is_union else []
    return arguments[0] if len(arguments) == 1 and _is_sequence(arguments[0]) else None


def _is_words(kind: Any) -> bool:
    # As TOML, a word such as "1.2" would be a number.
    return get_origin(kind) is Literal and all(isinstance(argument, str) for argument in get_args(kind))


def _is_one_or_several(kind: Any) -> bool:
    return bool(kind == str | tuple[str, ...])


def _is_sequence(kind: Any) -> bool:
    return kind in _SEQUENCES or get_origin(kind) in _SEQUENCES


def _fit_any(text: str, kind: Any) -> object:
    try:
        return fit(tomllib.loads(f"value = {text}")["value"], kind)
    except ValueError:
        return fit(text, kind)


@cache
def _converter() -> Converter:
    # cattrs is slow to import, so it is imported for the first setting that is given.
    from cattrs import Converter

    converter = Converter(detailed_validation=False, forbid_extra_keys=True)
    for kind in (int, str, bool):
        converter.register_structure_hook(kind, _exactly)
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook(Path, _path)
    return converter


def _exactly(value: object, kind: type) -> object:
    # cattrs would call the type, but int("80"), bool("no") and str(None) accept too much.
    if type(value) is not kind:
        raise ValueError(f"{value!r} is not {describe_type(kind)}")
    return value


def _number(value: object, kind: type) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not a number")
    return float(value)


def _path(value: object, kind: type) -> Path:
    if not isinstance(value, str | Path):
        raise ValueError(f"{value!r} is not a path")
    return Path(value)
