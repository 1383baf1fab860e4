"""Tests of JSON Schema (2020-12): of ``Schema.json_schema`` and ``turnbuckle.schema.definitions``."""

from __future__ import annotations

import dataclasses
import json
from datetime import date
from typing import Annotated, Any, Final, Literal

import attrs
import msgspec
import pytest
from annotated_types import Ge, Len, doc
from jsonschema import Draft202012Validator

from tests.core.schema import models
from tests.core.schema.models import (
    Bounded,
    Cat,
    Checked,
    Circle,
    Color,
    Converted,
    Dog,
    Everything,
    Note,
    Options,
    Page,
    Point,
    Sparse,
    Square,
    Strict,
    Tree,
)
from turnbuckle.schema.definitions import Definitions, Mode
from turnbuckle.schema.schema import compile_schema


def definition(annotation: object, mode: Mode = "in") -> Any:
    """Return the definition of a class."""
    definitions = Definitions()
    found = compile_schema(annotation).json_schema(definitions, mode=mode)
    return definitions[str(found["$ref"]).rpartition("/")[2]]


def inline(annotation: object, mode: Mode = "in") -> Any:
    return compile_schema(annotation).json_schema(Definitions(), mode=mode)


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (int, {"type": "integer"}),
        (date, {"type": "string", "format": "date"}),
        (bytes, {"type": "string", "contentEncoding": "base64"}),
        (Any, {}),
        (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (Literal["a", 1], {"type": ["integer", "string"], "enum": ["a", 1]}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (
            tuple[int, str],
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "maxItems": 2},
        ),
        (Annotated[int, Ge(0), doc("a number")], {"type": "integer", "minimum": 0, "description": "a number"}),
        (
            Annotated[list[int], Len(1, 2)],
            {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2},
        ),
        (
            Annotated[
                str, msgspec.Meta(pattern="^a", title="A", examples=["ab"], extra_json_schema={"readOnly": True})
            ],
            {"type": "string", "pattern": "^a", "title": "A", "examples": ["ab"], "readOnly": True},
        ),
    ],
    ids=str,
)
def test_json_schema_of_types(annotation: object, expected: object) -> None:
    assert inline(annotation) == expected


def test_class_is_a_definition_with_its_documentation() -> None:
    assert definition(Note) == {
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "title": {"type": "string"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "color": {"anyOf": [{"$ref": "#/components/schemas/Color"}, {"type": "null"}], "default": None},
        },
        "required": ["id", "title"],
        "description": "A note.",
    }
    assert definition(Note, "out")["required"] == ["id", "title", "tags", "color"]
    assert definition(Color) == {"type": "string", "enum": ["red", "blue"], "description": "A color."}


def test_validators_and_constraints_are_keywords() -> None:
    properties = definition(Checked)["properties"]
    assert properties["name"] == {"type": "string", "minLength": 2, "maxLength": 5}
    assert properties["age"] == {"type": "integer", "minimum": 0, "default": 0}
    assert properties["code"] == {"type": "string", "pattern": "^(?:[a-z]+)$", "default": "ab"}
    assert properties["kind"]["enum"] == ["x", "y", None]
    assert definition(Bounded)["properties"]["names"] == {
        "type": "array",
        "items": {"type": "string", "minLength": 2},
        "maxItems": 2,
    }


def test_metadata_of_fields_are_keywords() -> None:
    @attrs.define
    class Described:
        """Has notes.

        Attributes:
            size: how large it is,
                in bytes.
            name: replaced by the metadata.
        """

        size: int
        name: str = attrs.field(metadata={"description": "its name", "examples": ["a"], "deprecated": True})
        id: int = attrs.field(default=0, metadata={"read_only": True, "title": "Id"})

    properties = definition(Described)["properties"]
    assert properties["size"] == {"type": "integer", "description": "how large it is, in bytes."}
    assert properties["name"] == {"type": "string", "description": "its name", "examples": ["a"], "deprecated": True}
    assert properties["id"] == {"type": "integer", "readOnly": True, "title": "Id", "default": 0}


def test_defaults_and_examples_are_json() -> None:
    @attrs.define
    class Odd:
        day: date = date(2024, 1, 31)
        anything: Any = attrs.field(default=object(), metadata={"examples": [date(2024, 1, 31), object()]})
        color: Color = Color.RED

    properties = definition(Odd)["properties"]
    assert properties["day"]["default"] == "2024-01-31"
    assert properties["anything"] == {"examples": ["2024-01-31"]}
    assert properties["color"] == {"$ref": "#/components/schemas/Color", "default": "red"}


def test_classes_of_other_kinds() -> None:
    assert definition(Options)["required"] == definition(Options, "out")["required"] == ["name"]
    assert definition(Circle)["additionalProperties"] is False
    assert definition(Circle)["properties"] == {"type": {"const": "circle"}, "theRadius": {"type": "number"}}
    assert definition(Square)["required"] == ["type", "sideLength"]
    assert definition(Sparse, "out")["required"] == ["name"]
    assert definition(Strict)["additionalProperties"] is False
    assert "size" not in definition(Converted)["properties"]
    assert "size" in definition(Converted, "out")["properties"]
    assert inline(Point) == {
        "type": "array",
        "prefixItems": [{"type": "integer", "title": "x"}, {"type": "number", "title": "y"}],
        "minItems": 1,
        "maxItems": 2,
    }


def test_union_of_classes_has_a_discriminator() -> None:
    assert inline(Circle | Square) == {
        "oneOf": [{"$ref": "#/components/schemas/Circle"}, {"$ref": "#/components/schemas/Square"}],
        "discriminator": {
            "propertyName": "type",
            "mapping": {"circle": "#/components/schemas/Circle", "square": "#/components/schemas/Square"},
        },
    }
    assert inline(Cat | Dog | None)["anyOf"][0]["discriminator"]["propertyName"] == "kind"


def _names(*uses: tuple[object, Mode]) -> list[str]:
    definitions = Definitions()
    for annotation, mode in uses:
        compile_schema(annotation).json_schema(definitions, mode=mode)
    return sorted(definitions)


def test_definitions_have_names_of_their_classes() -> None:
    assert _names((Page[Note], "out")) == ["Color", "Note", "Page_Note"]
    assert _names((Page[int], "in"), (Page[list[int]], "in")) == ["Page_int", "Page_list_int"]
    # The same class as input and output: one definition if they are alike, otherwise two.
    assert _names((Tree, "in"), (Tree, "out")) == ["Tree", "TreeOutput"]
    assert _names((Note, "out"), (Note, "in")) == ["Color", "Note", "NoteInput"]
    assert _names((Cat, "out"), (Cat, "in")) == ["Cat"]


def test_classes_of_the_same_name_get_two_definitions() -> None:
    @dataclasses.dataclass
    class Cat:
        other: int

    assert _names((Cat, "in"), (models.Cat, "in")) == ["Cat", "tests.core.schema.models.Cat"]


CAT: Final = {"$ref": "#/components/schemas/Cat"}


def test_definitions_may_be_a_plain_dict() -> None:
    definitions: dict[str, object] = {}
    assert compile_schema(list[Cat]).json_schema(definitions, mode="in")["items"] == {
        "$ref": "#/components/schemas/Cat"
    }
    assert list(definitions) == ["Cat"]


ALL: Final = (
    Everything,
    Checked,
    Bounded,
    Tree,
    Page[Note],
    Options,
    Circle | Square,
    Cat | Dog,
    Sparse,
    Point,
    Strict,
)


@pytest.mark.parametrize("mode", ["in", "out"])
def test_schemas_are_valid(mode: Mode) -> None:
    definitions = Definitions()
    root = {"anyOf": [compile_schema(annotation).json_schema(definitions, mode=mode) for annotation in ALL]}
    document = {**root, "components": {"schemas": definitions}}
    Draft202012Validator.check_schema(document)
    for schema in definitions.values():
        Draft202012Validator.check_schema(schema)
    json.dumps(document, allow_nan=False)
    Draft202012Validator(document).validate({"name": "a", "children": []})
