"""Find the values that the sources give for one setting, and convert them to its type.

Later sources take precedence: the settings file, the environment, the command line, the code.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from turnbuckle.startup.settings.convert import fit, fit_entries, fit_text
from turnbuckle.startup.settings.layers import Layers

__all__ = ["MISSING", "GivenValue", "Key", "as_tree", "converted", "given_values", "value_at", "variable_name"]

Key = tuple[str, ...]


class _Missing(enum.Enum):
    MISSING = "MISSING"


MISSING: Final = _Missing.MISSING
"""Stands for a value that no source gives; None would be a value."""


@attrs.frozen
class GivenValue:
    """A value that one source gives for a setting.

    Attributes:
        value: the value. Text that is a mapping holds entries of a table, which extend the table given before.
        source: where it comes from.
        is_text: whether it is text of the environment or the command line, which is still to be parsed.
        claim: the variable of the environment, or the key of the command line; None for the other sources.
    """

    value: object
    source: str
    is_text: bool = False
    claim: str | Key | None = None


def given_values(
    layers: Layers, keys: Sequence[Key], code: GivenValue | None, siblings: Iterable[str] | None
) -> Iterator[GivenValue]:
    """Yield the values for one setting; the last one takes effect.

    Args:
        layers: the sources.
        keys: the key of the setting, after the key of its section if a lone value for the section stands for it.
        code: the value that the code gives.
        siblings: the settings of the same section, for a setting that is a table; None for any other setting.
    """
    key = keys[-1]
    for name in keys:
        value = value_at(layers.file.values, name)
        if value is not MISSING and not (name != key and isinstance(value, Mapping)):
            yield GivenValue(value, layers.file.location(name))
    for variable in map(variable_name, keys):
        if variable in layers.environ:
            text = layers.environ[variable]
            yield GivenValue(text.text, text.source, is_text=True, claim=variable)
    if siblings is not None:
        yield from _entries_of_variables(layers, key, siblings)
    for name in keys:
        if name in layers.flags:
            text = layers.flags[name]
            yield GivenValue(text.text, text.source, is_text=True, claim=name)
    if siblings is not None:
        yield from _entries_of_flags(layers, key)
    if code is not None:
        yield code


def converted(given: Sequence[GivenValue], kind: Any) -> object:
    """Return the value that takes effect, as the type of its setting.

    Raises:
        ValueError: it does not fit.
    """
    last = given[-1]
    if not last.is_text:
        return fit(last.value, kind)
    if isinstance(last.value, Mapping):
        before = converted(given[:-1], kind) if len(given) > 1 else {}
        return fit_entries(last.value, as_tree(before), kind)
    return fit_text(str(last.value), kind)


def variable_name(key: Key) -> str:
    """Return the environment variable of a setting, without ``TURNBUCKLE_``."""
    return "_".join(key).upper().replace("-", "_").replace("__", "_")


def value_at(tree: object, key: Key) -> object:
    """Return the value at a key of nested mappings; ``MISSING`` if there is none."""
    for part in key:
        if not isinstance(tree, Mapping) or part not in tree:
            return MISSING
        tree = tree[part]
    return tree


def as_tree(value: object) -> Mapping[str, object]:
    """Return a mapping as it is, and an empty one for any other value."""
    return value if isinstance(value, Mapping) else {}


def _entries_of_variables(layers: Layers, key: Key, siblings: Iterable[str]) -> Iterator[GivenValue]:
    start = variable_name(key) + "_"
    others = tuple(f"{variable_name((*key[:-1], name))}_" for name in siblings if name != key[-1])
    for variable, text in layers.environ.items():
        is_of_another = any(other.startswith(start) and f"{variable}_".startswith(other) for other in others)
        if variable.startswith(start) and not is_of_another:
            entry = {variable.removeprefix(start).lower(): text.text}
            yield GivenValue(entry, text.source, is_text=True, claim=variable)


def _entries_of_flags(layers: Layers, key: Key) -> Iterator[GivenValue]:
    for flag, text in layers.flags.items():
        if flag[:-1] == key:
            yield GivenValue({flag[-1]: text.text}, text.source, is_text=True, claim=flag)
