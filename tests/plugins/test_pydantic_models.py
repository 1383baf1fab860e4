"""Tests of the plugin ``pydantic_models``."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, Final, Generic, Literal, TypeVar

import attrs
import pydantic
import pytest
from jsonschema import Draft202012Validator

from turnbuckle import (
    App,
    Definitions,
    Form,
    Query,
    Schema,
    SchemaError,
    Settings,
    Setup,
    StartupError,
    UnsupportedType,
    compile_schema,
)
from turnbuckle.testing import Client, expect_problems
from turnbuckle_plugins.pydantic_models import PydanticModelsPlugin

ItemT = TypeVar("ItemT")


class Author(pydantic.BaseModel):
    name: str = pydantic.Field(min_length=2)
    born: date | None = None


class Book(pydantic.BaseModel):
    """A book."""

    model_config = pydantic.ConfigDict(extra="forbid")
    id: int
    title: str = pydantic.Field(alias="bookTitle")
    authors: list[Author] = []

    @pydantic.field_validator("id")
    @classmethod
    def _check(cls, value: int) -> int:
        if value == 7:
            raise ValueError("Seven is taken")
        if value == 7007:
            raise ValueError(f"{value} is taken")
        return value


class SecretBook(Book):
    password: str = "hunter2"


class Circle(pydantic.BaseModel):
    kind: Literal["circle"]
    radius: float


class Square(pydantic.BaseModel):
    kind: Literal["square"]
    side: float


class Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(strict=True)
    day: date


class Page(pydantic.BaseModel, Generic[ItemT]):
    items: list[ItemT]


@attrs.define
class Shelf:
    books: list[Book]
    first: Book | None = None


PROVIDERS: Final = tuple(PydanticModelsPlugin().provide_schemas(Setup(settings=Settings())))
BOOK: Final = Book(id=1, bookTitle="a", authors=[Author(name="ab", born=date(2000, 1, 1))])


def schema_of(annotation: object, engine: Any = "auto") -> Schema:
    return compile_schema(annotation, engine=engine, providers=PROVIDERS)


@pytest.mark.parametrize("engine", ["msgspec", "cattrs"])
@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (Book, BOOK),
        (list[Book], [BOOK]),
        (Book | None, None),
        (Circle | Square, Square(kind="square", side=1)),
        (list[Circle | Square | None], [None, Circle(kind="circle", radius=1)]),
        (Page[Book], Page[Book](items=[BOOK])),
        (Strict, Strict(day=date(2000, 1, 1))),
        (Shelf, Shelf([BOOK], BOOK)),
        (dict[str, Author], {"a": Author(name="ab")}),
    ],
    ids=str,
)
def test_model_comes_back(annotation: object, value: object, engine: Any) -> None:
    schema = schema_of(annotation, engine)
    assert schema.decode_json(schema.encode_json(value)) == value


@pytest.mark.parametrize("engine", ["msgspec", "cattrs"])
def test_errors_of_pydantic_become_faults(engine: Any) -> None:
    content = json.dumps(
        {"books": [{"id": 7, "bookTitle": 5, "authors": [{"name": "x", "born": "hunter2"}], "a/b": 1}, {}], "first": 3}
    )
    with pytest.raises(SchemaError) as caught:
        schema_of(Shelf, engine).decode_json(content.encode())
    assert [str(fault) for fault in caught.value.faults] == [
        "/books/0/id: seven is taken",
        "/books/0/bookTitle: input should be a valid string",
        "/books/0/authors/0/name: string should have at least 2 characters",
        "/books/0/authors/0/born: input should be a valid date or datetime, input is too short",
        "/books/0/a~1b: unknown field",
        "/books/1/id: missing",
        "/books/1/bookTitle: missing",
        "/first: expected Book | null, got int",
    ]


def test_union_of_models_does_not_repeat_a_tag() -> None:
    with pytest.raises(SchemaError) as caught:
        schema_of(Circle | Square).decode_json(b'{"kind":"hunter2"}')
    assert "hunter2" not in str(caught.value)
    assert "/kind: input should be 'circle'" in str(caught.value)


def test_model_is_sent_by_its_declared_class() -> None:
    secret = SecretBook(id=1, bookTitle="a")
    assert schema_of(Book).encode_json(secret) == b'{"id":1,"bookTitle":"a","authors":[]}'
    assert schema_of(list[Book] | None).encode_json([secret]) == b'[{"id":1,"bookTitle":"a","authors":[]}]'


@pytest.mark.parametrize(
    "value", [Book.model_construct(id="x", title="a"), {"id": 1}, Author(name="ab"), None], ids=str
)
def test_value_that_does_not_fit_is_not_sent(value: object) -> None:
    with pytest.raises(SchemaError):
        schema_of(Book).encode_json(value)


def test_json_schema_of_models() -> None:
    definitions = Definitions()
    root = schema_of(Shelf).json_schema(definitions, mode="in")
    schema_of(Page[Book] | None).json_schema(definitions, mode="out")
    assert set(definitions) >= {"Author", "Book", "Shelf"}
    assert definitions["Book"]["properties"]["authors"]["items"] == {"$ref": "#/components/schemas/Author"}  # type: ignore[index]
    assert definitions["Book"]["additionalProperties"] is False  # type: ignore[index]
    assert "$defs" not in json.dumps(definitions)
    Draft202012Validator.check_schema({**root, "components": {"schemas": definitions}})


def test_message_of_an_app_that_repeats_a_value_is_replaced() -> None:
    schema = schema_of(Book)
    with pytest.raises(SchemaError, match="/id: is not valid"):
        schema.decode_json(b'{"id": 7007, "bookTitle": "a"}')


def test_without_the_plugin_the_error_names_it() -> None:
    with pytest.raises(UnsupportedType, match="enable the plugin pydantic_models"):
        compile_schema(Book)


def test_problem_of_a_handler_without_the_plugin_names_it() -> None:
    app = App()

    @app.post("/books")
    async def add(book: Book) -> Book:
        return book

    with pytest.raises(StartupError) as raised:
        app.compile()
    fixes = [problem.diagnostic.fix for problem in raised.value.problems]
    assert fixes == ['enable the plugin: App(plugins=["pydantic_models"])'] * 2


async def test_handlers_take_and_return_models() -> None:
    app = App(plugins=["pydantic_models"])

    @app.post("/books", status=201)
    async def add(book: Book) -> Book:
        return book

    @app.get("/now")
    async def now() -> list[Author]:
        return [Author(name="ab", born=datetime(2000, 1, 1, tzinfo=UTC).date())]

    async with Client(app) as client:
        response = await client.post("/books", json={"id": 1, "bookTitle": "a"})
        assert (response.status, response.json()) == (201, {"id": 1, "bookTitle": "a", "authors": []})
        response = await client.post("/books", json={"id": "x"})
        assert response.status == 422
        assert {error["pointer"] for error in response.json()["errors"]} == {"/id", "/bookTitle"}
        assert (await client.get("/now")).json() == [{"name": "ab", "born": "2000-01-01"}]


class Color(Enum):
    RED = "red"


class Filter(pydantic.BaseModel):
    page: int = 1
    tag: list[str] = []
    color: Color | None = None
    until: date | None = pydantic.Field(None, alias="before")
    exact: bool = False


async def test_models_are_read_from_queries_and_forms() -> None:
    app = App(plugins=[PydanticModelsPlugin])

    @app.get("/photos")
    async def photos(chosen: Query[Filter]) -> Filter:
        return chosen

    @app.post("/photos")
    async def search(chosen: Form[Filter]) -> Filter:
        return chosen

    async with Client(app) as client:
        found = {"page": 2, "tag": ["a", "b"], "color": "red", "before": "2024-01-02", "exact": True}
        text = "page=2&tag=a&tag=b&color=red&before=2024-01-02&exact=true&unknown=1&unknown=2"
        assert (await client.get(f"/photos?{text}")).json() == found
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert (await client.post("/photos", content=text.encode(), headers=form)).json() == found
        assert (await client.get("/photos?tag=a")).json()["tag"] == ["a"]
        wrong = await client.get("/photos?page=x&color=blue")
        assert wrong.status == 422
        faults = wrong.json()["errors"]
        assert [(fault["in"], fault["parameter"]) for fault in faults] == [("query", "page"), ("query", "color")]
        assert (await client.get("/photos?page=1&page=2")).json()["errors"][0]["detail"] == "expected one value, got 2"


def test_model_that_is_not_flat_is_not_read_from_a_query() -> None:
    app = App(plugins=[PydanticModelsPlugin])

    @app.get("/books")
    async def books(book: Query[Book]) -> str: ...

    with expect_problems("TB614") as problems:
        app.resolve()
    assert len(problems) == 1
