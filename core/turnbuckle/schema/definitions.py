"""The named definitions of JSON Schema (2020-12), as ``components/schemas`` of OpenAPI 3.1 has them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Literal, TypeAlias, final

__all__ = ["Definitions", "JSONSchema", "Mode", "SchemaBuilder"]

JSONSchema: TypeAlias = dict[str, object]
Mode: TypeAlias = Literal["in", "out"]

_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._-]+")
_PREFIX: Final = "#/components/schemas/"


class Definitions(dict[str, object]):
    """Definitions by name, which know the classes that their names stand for.

    The first class of a name gets the plain name. A class of the same name from another module gets the name of its
    module as a prefix. A class that looks different as input and as output gets a second name, such as ``NoteInput``.
    """

    def __init__(self) -> None:
        super().__init__()
        self._names: Final[dict[tuple[object, Mode], str]] = {}

    def name_of(self, owner: object, mode: Mode) -> str | None:
        """Return the name that a class has already."""
        return self._names.get((owner, mode))

    def claim(self, owner: object, mode: Mode, names: list[str]) -> str:
        """Return the first free name for a class, which has it from now on."""
        name = next((name for name in names if name not in self), "")
        if not name:
            name = next(numbered for n in range(2, 10**6) if (numbered := f"{names[-1]}_{n}") not in self)
        self._names[owner, mode] = name
        # The name is taken at once, because a recursive class refers to itself.
        self[name] = {}
        return name

    def share(self, owner: object, name: str) -> None:
        """Use the name of a class for both modes."""
        self._names[owner, "in"] = self._names[owner, "out"] = name


@final
class SchemaBuilder:
    """Builds the JSON Schema of one type, and adds the definitions of its classes.

    Args:
        definitions: where definitions are added.
        mode: ``in`` for values that are received, ``out`` for values that are sent.
    """

    def __init__(self, definitions: dict[str, object], mode: Mode) -> None:
        self.mode: Final = mode
        self._definitions: Final = definitions
        self._names: Final = definitions if isinstance(definitions, Definitions) else Definitions()
        if self._names is not definitions:
            self._names.update(definitions)

    def refer(self, owner: object, name: str, module: str, describe: Callable[[], JSONSchema]) -> JSONSchema:
        """Return a reference to the definition of a class, which is added if it is new.

        Args:
            owner: the class, or the generic class with its arguments.
            name: its plain name.
            module: the name of its module.
            describe: returns the definition.
        """
        mode = self.mode
        known = self._names.name_of(owner, mode)
        if known is None:
            known = self._define(owner, _clean(name), _clean(module), describe)
        return {"$ref": _PREFIX + known}

    def adopt(self, owner: object, schema: JSONSchema) -> JSONSchema:
        """Return a reference to a class whose schema another library made.

        Args:
            owner: the class.
            schema: its JSON Schema, with the schemas of other classes in ``$defs``.
        """
        inner = schema.get("$defs")
        names: dict[str, str] = {}
        definitions = dict(inner) if isinstance(inner, dict) else {}
        for name in definitions:
            names[f"#/$defs/{name}"] = str(self._reserve((owner, name), name))
        for name, definition in definitions.items():
            chosen = names[f"#/$defs/{name}"].removeprefix(_PREFIX)
            self._names[chosen] = self._definitions[chosen] = _renamed(definition, names)
        rest = {key: value for key, value in schema.items() if key != "$defs"}
        if "$ref" in rest:
            return _as_schema(_renamed(rest, names))
        title = getattr(owner, "__name__", str(owner))
        module = getattr(owner, "__module__", "")
        return self.refer(owner, title, module, lambda: _as_schema(_renamed(rest, names)))

    def _reserve(self, owner: object, name: str) -> str:
        known = self._names.name_of(owner, self.mode)
        if known is None:
            known = self._names.claim(owner, self.mode, [_clean(name)])
        return _PREFIX + known

    def _define(self, owner: object, name: str, module: str, describe: Callable[[], JSONSchema]) -> str:
        other = self._names.name_of(owner, "out" if self.mode == "in" else "in")
        suffixed = name + ("Input" if self.mode == "in" else "Output")
        names = [name, f"{module}.{name}"] if other is None else [suffixed, f"{module}.{suffixed}"]
        chosen = self._names.claim(owner, self.mode, names)
        definition = describe()
        if other is not None and _is_same(definition, self._names[other], chosen, other):
            del self._names[chosen]
            self._names.share(owner, other)
            return other
        self._names[chosen] = self._definitions[chosen] = definition
        return chosen


def _is_same(one: object, other: object, name: str, other_name: str) -> bool:
    """Return whether two definitions are the same, if references to themselves are."""
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return False
        return all(_is_same(one[key], other[key], name, other_name) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(lambda a, b: _is_same(a, b, name, other_name), one, other))
    return one == other or (one == _PREFIX + name and other == _PREFIX + other_name)


def _renamed(schema: object, names: dict[str, str]) -> object:
    """Return a schema with other references."""
    if isinstance(schema, dict):
        return {
            key: names.get(value, value) if key == "$ref" and isinstance(value, str) else _renamed(value, names)
            for key, value in schema.items()
        }
    return [_renamed(item, names) for item in schema] if isinstance(schema, list) else schema


def _as_schema(schema: object) -> JSONSchema:
    return schema if isinstance(schema, dict) else {}


def _clean(name: str) -> str:
    """Return a name in the characters that OpenAPI allows (3.1.0, section 4.8.7)."""
    return _NOT_IN_NAMES.sub("_", name).strip("_") or "_"
