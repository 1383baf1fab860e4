"""Every value of a schema type is the same after ``encode_json`` and ``decode_json``, with both engines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import given, settings, strategies as st

from tests.core.schema.models import Color, Everything, Level, Note, Page, Point, Tree
from turnbuckle.schema.faults import NotJSON, SchemaError
from turnbuckle.schema.schema import Schema, compile_schema

ENGINES: Final = ("msgspec", "cattrs")
TEXTS: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
ZONES: Final = st.none() | st.just(UTC) | st.integers(-1439, 1439).map(lambda m: timezone(timedelta(minutes=m)))
NUMBERS: Final = st.integers() | st.integers(-(10**30), 10**30)
FLOATS: Final = st.floats(allow_nan=False, allow_infinity=False)
NOTES: Final = st.builds(Note, NUMBERS, TEXTS, st.lists(TEXTS, max_size=3), st.none() | st.sampled_from(Color))
JSON: Final = st.recursive(
    st.none() | st.booleans() | NUMBERS | FLOATS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
POINTS: Final = st.builds(Point, NUMBERS, FLOATS)
NODE_NAMES: Final = TEXTS.filter(lambda name: name != "x")
TREES: Final = st.recursive(
    st.builds(Tree, NODE_NAMES),
    lambda inner: st.builds(Tree, NODE_NAMES, st.lists(inner, max_size=3), st.none() | st.datetimes(timezones=ZONES)),
    max_leaves=5,
)
EVERYTHING: Final = st.builds(
    Everything,
    text=TEXTS,
    number=NUMBERS,
    ratio=FLOATS,
    flag=st.booleans(),
    nothing=st.none(),
    data=st.binary(max_size=8),
    day=st.dates(),
    moment=st.datetimes(timezones=ZONES),
    clock=st.times(timezones=ZONES),
    length=st.timedeltas(),
    id=st.uuids(),
    price=st.decimals(allow_nan=False, allow_infinity=False),
    path=TEXTS.map(lambda text: Path(text.replace("\0", ""))),
    color=st.sampled_from(Color),
    level=st.sampled_from(Level),
    word=st.sampled_from(["a", 1, None]),
    numbers=st.lists(NUMBERS, max_size=3),
    unique=st.sets(NUMBERS, max_size=3),
    frozen=st.frozensets(TEXTS, max_size=3),
    pair=st.tuples(NUMBERS, TEXTS),
    many=st.lists(FLOATS, max_size=3).map(tuple),
    sequence=st.lists(st.booleans(), max_size=3),
    by_name=st.dictionaries(TEXTS, NUMBERS, max_size=3),
    by_number=st.dictionaries(NUMBERS, POINTS, max_size=3),
    maybe=st.none() | NUMBERS | TEXTS,
    point=POINTS,
    user=NUMBERS,
    anything=JSON,
)
SCHEMAS: Final[dict[str, tuple[Schema, ...]]] = {
    str(annotation): tuple(compile_schema(annotation, engine=engine) for engine in ENGINES)  # type: ignore[arg-type]
    for annotation in (Everything, Page[Note], Tree, list[Note])
}


def results(schemas: tuple[Schema, ...], value: object) -> Iterator[object]:
    """Yield the results of round trips, which all encode the value to the same bytes."""
    contents = {schema.encode_json(value) for schema in schemas}
    assert len(contents) == 1, contents
    (content,) = contents
    json.loads(content)
    for schema in schemas:
        yield schema.decode_json(content)
        yield schema.from_builtins(schema.to_builtins(value))


@settings(max_examples=30, deadline=None)
@given(EVERYTHING)
def test_everything_comes_back(value: Everything) -> None:
    assert all(result == value for result in results(SCHEMAS[str(Everything)], value))


@settings(max_examples=30, deadline=None)
@given(st.builds(Page, st.lists(NOTES, max_size=3), st.integers(0)), TREES, st.lists(NOTES, max_size=3))
def test_classes_come_back(page: Page[Note], tree: Tree, notes: list[Note]) -> None:
    assert all(result == page for result in results(SCHEMAS[str(Page[Note])], page))
    assert all(result == tree for result in results(SCHEMAS[str(Tree)], tree))
    assert all(result == notes for result in results(SCHEMAS[str(list[Note])], notes))


NAMES: Final = ("name", "children", "when", "id", "title", "tags", "color", "x")


def outcome(schema: Schema, content: bytes) -> object:
    try:
        return schema.decode_json(content)
    except (SchemaError, NotJSON) as error:
        return str(error)


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(st.sampled_from(NAMES), JSON, max_size=6),
    st.integers(0, 3),
)
def test_engines_agree_on_values_that_may_not_fit(value: dict[str, object], damage: int) -> None:
    content = json.dumps(value, ensure_ascii=False).encode()
    content = content[: len(content) - damage] if damage else content
    for schemas in SCHEMAS.values():
        outcomes = [outcome(schema, content) for schema in schemas]
        assert outcomes[0] == outcomes[1]


TIMES: Final = st.from_regex(
    r"\A[0-2][0-9]{3}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-5][0-9]:[0-5][0-9]"
    r"(\.[0-9]{0,8})?(Z|z|[+-][0-2][0-9]:?[0-6][0-9])?\Z"
)


@pytest.mark.parametrize("name", ["date", "datetime", "time", "UUID", "bytes", "timedelta"])
def test_engines_agree_on_texts(name: str) -> None:
    kinds = {"date": date, "datetime": datetime, "time": time, "timedelta": timedelta, "UUID": UUID, "bytes": bytes}
    kind: Any = kinds[name]
    schemas = tuple(compile_schema(kind, engine=engine) for engine in ENGINES)  # type: ignore[arg-type]
    texts = {
        "date": TIMES.map(lambda text: text[:10]),
        "datetime": TIMES,
        "time": TIMES.map(lambda text: text[11:]),
        "UUID": st.from_regex(r"\A[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}\Z"),
        "bytes": st.text("aZ9+/=-", max_size=8),
        "timedelta": st.from_regex(r"\A-?P([0-9]D)?(T([0-9]H)?([0-9]M)?([0-9](\.[0-9]{1,8})?S)?)?\Z"),
    }[name]

    @settings(max_examples=30, deadline=None)
    @given(texts)
    def compare(text: str) -> None:
        content = json.dumps(text).encode()
        assert repr(outcome(schemas[0], content)) == repr(outcome(schemas[1], content))

    compare()


def test_decimal_is_exact() -> None:
    for engine in ENGINES:
        schema = compile_schema(Decimal, engine=engine)  # type: ignore[arg-type]
        assert schema.decode_json(b"0.1000000000000000000000001") == Decimal("0.1000000000000000000000001")
