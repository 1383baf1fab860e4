"""Collect the JSON Schemas of a document: classes become ``components/schemas``, all other types stay in place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, Literal, final

from turnbuckle import Definitions, Schema, SchemaProvider, UnsupportedType, compile_schema
from turnbuckle_contrib.openapi.records import JSONObject

__all__ = ["Schemas", "as_json"]

Mode = Literal["in", "out"]

_PREFIX: Final = "#/components/schemas/"


@final
class Schemas:
    """The JSON Schemas of one document.

    Attributes:
        definitions: the schemas of classes by name.
    """

    def __init__(self) -> None:
        self.definitions: Final[dict[str, Any]] = Definitions()

    def of(self, schema: Schema, mode: Mode) -> JSONObject:
        """Return the JSON Schema of a compiled schema, for values that are received or sent."""
        return schema.json_schema(self.definitions, mode=mode)

    def of_type(self, annotation: object, mode: Mode, providers: Sequence[SchemaProvider] = ()) -> JSONObject | None:
        """Return the JSON Schema of a type, or None if it has none; ``providers`` know the types of other libraries."""
        try:
            return self.of(compile_schema(annotation, providers=providers), mode)
        except UnsupportedType:
            return None

    def resolved(self, schema: JSONObject) -> JSONObject:
        """Return the definition that a reference names, or a schema that is no reference itself."""
        name = str(schema.get("$ref", ""))
        found: JSONObject = self.definitions.get(name.removeprefix(_PREFIX), {}) if name else schema
        return found

    def add(self, name: str, definition: JSONObject) -> JSONObject:
        """Add a definition of the plugin itself, and return a reference to it."""
        self.definitions.setdefault(name, definition)
        return {"$ref": _PREFIX + name}

    def components(self) -> JSONObject:
        """Return the definitions in the order of their names."""
        return dict(sorted(self.definitions.items()))


def as_json(value: object, schema: Schema | None = None) -> Any:
    """Return a value as data of JSON.

    Raises:
        ValueError: it has no form in JSON.
        TypeError: as before.
    """
    text = schema.encode_json(value) if schema is not None else json.dumps(value)
    return json.loads(text)
