"""Tests of texts of queries, headers, cookies, forms and paths: ``from_text``, ``from_texts``, ``from_fields``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import pytest
from annotated_types import Ge, MaxLen

from tests.core.schema.models import Bounded, Checked, Color, Level, Note, Odd, Options, Tree, UserId
from turnbuckle.schema.faults import SchemaError
from turnbuckle.schema.schema import compile_schema

TEXTS: Final = (
    (int, "12", 12),
    (int, "-0012", -12),
    (int, "1.0", "expected int"),
    (int, " 1", "expected int"),
    (int, "\N{ARABIC-INDIC DIGIT ONE}", "expected int"),
    (int, "1_0", "expected int"),
    (int, "9" * 5000, "out of range"),
    (float, "1", 1.0),
    (float, ".5e1", 5.0),
    (float, "nan", "expected float"),
    (float, "1e999", "out of range"),
    (bool, "true", True),
    (bool, "Off", False),
    (bool, "2", "expected bool: true or false"),
    (str, "", ""),
    (UserId, "3", 3),
    (Color, "red", Color.RED),
    (Color, "green", 'must be one of "red", "blue"'),
    (Level, "2", Level.HIGH),
    (Level, "02", Level.HIGH),
    (Odd, "0.5", Odd.HALF),
    (Literal["a", 1, True], "1", 1),
    (Literal["a", 1], "b", 'must be one of "a", 1'),
    (date, "2024-01-31", date(2024, 1, 31)),
    (datetime, "2024-01-31T10:00:00Z", datetime(2024, 1, 31, 10, tzinfo=UTC)),
    (Decimal, "1.50", Decimal("1.50")),
    (Path, "a/b", Path("a/b")),
    (Path, "a\0b", "expected a path"),
    (bytes, "aGk=", b"hi"),
    (int | None, "", None),
    (int | None, "1", 1),
    (int | None, "x", "expected int"),
    (str | None, "", ""),
    (int | str, "1", 1),
    (int | str, "x", "x"),
    (date | int, "x", "expected date | int"),
    (Annotated[int, Ge(1)], "0", "must be at least 1"),
    (Annotated[int, Ge(1)] | None, "0", "must be at least 1"),
    (list[int], "1", [1]),
    (Note, "1", "expected Note, which a text cannot be"),
)


@pytest.mark.parametrize(("annotation", "text", "expected"), TEXTS)
def test_from_text_gives_the_value_or_the_reason(annotation: object, text: str, expected: object) -> None:
    schema = compile_schema(annotation)
    try:
        found = schema.from_text(text)
    except SchemaError as error:
        found = str(error)
    assert (type(found), found) == (type(expected), expected)


def test_from_texts_makes_lists() -> None:
    assert compile_schema(list[int]).from_texts(["1", "2"]) == [1, 2]
    assert compile_schema(set[Color] | None).from_texts(["red", "red"]) == {Color.RED}
    assert compile_schema(tuple[int, ...]).from_texts([]) == ()
    with pytest.raises(SchemaError, match=r"^/1: expected int; /2: expected int$"):
        compile_schema(list[int]).from_texts(["1", "a", "b"])
    with pytest.raises(SchemaError, match=r"^must have at most 1 item$"):
        compile_schema(Annotated[list[int], MaxLen(1)]).from_texts(["1", "2"])
    with pytest.raises(SchemaError, match=r"^expected one value, got 2$"):
        compile_schema(int).from_texts(["1", "2"])


@pytest.mark.parametrize(
    ("annotation", "fields", "expected"),
    [
        (Note, {"id": ["1"], "title": ["a"], "tags": ["b", "c"], "more": ["x"]}, Note(1, "a", ["b", "c"])),
        (
            Note,
            {"id": ["x", "y"], "color": ["green"]},
            '/id: expected one value, got 2; /title: missing; /color: must be one of "red", "blue"',
        ),
        (Checked, {"name": ["a"], "age": ["7"]}, "/name: must have at least 2 characters; /age: seven is not allowed"),
        (Options, {"name": ["a"], "size": ["3"]}, {"name": "a", "size": 3}),
        (
            Bounded,
            {"size": ["0"], "names": ["a"]},
            "/size: must be at least 1; /names/0: must have at least 2 characters",
        ),
    ],
)
def test_from_fields_gives_the_value_or_all_faults(
    annotation: object, fields: Mapping[str, Sequence[str]], expected: object
) -> None:
    schema = compile_schema(annotation)
    try:
        found: object = schema.from_fields(fields)
    except SchemaError as error:
        found = str(error)
    assert found == expected


def test_from_fields_needs_flat_classes() -> None:
    assert compile_schema(Note).is_flat
    for annotation in (Tree, list[Note], int):
        schema = compile_schema(annotation)
        assert not schema.is_flat
        with pytest.raises(TypeError, match="is no class whose fields are scalars"):
            schema.from_fields({})


@pytest.mark.parametrize(
    ("annotation", "is_scalar", "is_list"),
    [
        (int, True, False),
        (int | None, True, False),
        (Annotated[Color, "note"], True, False),
        (list[int], False, True),
        (list[int] | None, False, True),
        (frozenset[Color], False, True),
        (list[Note], False, False),
        (Note, False, False),
        (Note | None, False, False),
        (dict[str, int], False, False),
        (Any, False, False),
    ],
)
def test_schema_knows_which_texts_it_reads(annotation: object, is_scalar: bool, is_list: bool) -> None:
    schema = compile_schema(annotation)
    assert (schema.is_scalar, schema.is_list_of_scalars) == (is_scalar, is_list)
