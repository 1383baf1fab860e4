"""Tests of ``turnbuckle.web.response.response_types``."""

import dataclasses
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Self

import attrs
import msgspec
import pytest

from tests.core.web.requests import make_request
from turnbuckle.web.response.response import JSON, Response, Text
from turnbuckle.web.response.response_types import BUILTIN_TYPES, AttrsInstance, compile_renderer


@attrs.frozen
class Point:
    x: int


Render = Callable[..., Response]


class Name(str):
    pass


class Countdown:
    def __init__(self) -> None:
        self.left = 2

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise StopAsyncIteration
        return b"x"


async def numbers() -> AsyncIterator[str]:
    yield "1"


def some_handler() -> int:
    return 1


@pytest.fixture
def render() -> Render:
    return compile_renderer({kind: render for kind, render, _ in BUILTIN_TYPES})


@pytest.mark.parametrize(
    ("value", "status", "body", "content_type"),
    [
        pytest.param("a", 200, b"a", "text/plain; charset=utf-8", id="str"),
        pytest.param(Name("a"), 200, b"a", "text/plain; charset=utf-8", id="kind of str"),
        pytest.param(b"a", 200, b"a", "application/octet-stream", id="bytes"),
        pytest.param({"a": 1}, 200, b'{"a":1}', "application/json", id="dict"),
        pytest.param([1], 200, b"[1]", "application/json", id="list"),
        pytest.param(Point(1), 200, b'{"x":1}', "application/json", id="attrs"),
        pytest.param(None, 204, b"", None, id="None"),
    ],
)
def test_render(render: Render, value: object, status: int, body: bytes, content_type: str | None) -> None:
    for _ in range(2):
        response = render(value)
        assert (response.status, response.body, response.content_type) == (status, body, content_type)


def test_render_leaves_responses_alone(render: Render) -> None:
    for response in (Response("a"), Text("a"), JSON(1)):
        assert render(response) is response


async def test_render_streams(render: Render) -> None:
    assert [piece async for piece in render(numbers()).body] == ["1"]
    assert [piece async for piece in render(Countdown()).body] == [b"x", b"x"]


async def bytes_numbers() -> AsyncIterator[bytes]:
    yield b"1"


async def either() -> AsyncIterator[str | bytes]:
    yield "1"


@pytest.mark.parametrize(
    ("handler", "content_type"),
    [
        (numbers, "text/plain; charset=utf-8"),
        (bytes_numbers, "application/octet-stream"),
        (either, "application/octet-stream"),
        (None, "application/octet-stream"),
    ],
)
def test_stream_has_the_type_of_its_annotated_pieces(
    render: Render, handler: Callable[[], AsyncIterator[str]] | None, content_type: str
) -> None:
    for _ in range(2):
        assert render(Countdown(), handler).content_type == content_type


async def test_render_file(render: Render, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("abc")
    response = render(path)
    assert response.headers["content-length"] == "3"
    assert [piece async for piece in response.body] == [b"abc"]


@pytest.mark.parametrize("value", [1, True, 1.5, (1, 2), {1}, object(), Point, iter([]), make_request])
def test_render_refuses(render: Render, value: object) -> None:
    for _ in range(2):
        with pytest.raises(TypeError, match=r"a handler returned .* supported types: Response, str, bytes, dict"):
            render(value)


def test_render_names_the_handler(render: Render) -> None:
    with pytest.raises(TypeError, match=r"handler \S+some_handler \(\S+types.py:\d+\) returned 1 of type int"):
        render(1, some_handler)


def test_render_prefers_the_nearest_base() -> None:
    render = compile_renderer(
        {
            str: lambda value: Response("str"),
            Name: lambda value: Response("Name"),
            AttrsInstance: lambda value: Response("attrs"),
            Point: lambda value: Response("Point"),
        }
    )

    class Surname(Name):
        pass

    assert render(Surname()).body == b"Name"
    assert render(Point(1)).body == b"Point"
    assert render("").body == b"str"


def test_render_of_an_empty_table_knows_responses() -> None:
    render = compile_renderer({})
    response = Response()
    assert render(response) is response
    with pytest.raises(TypeError, match=r"supported types: Response$"):
        render("a")


@dataclasses.dataclass
class Place:
    name: str = "a"


@dataclasses.dataclass
class Failure(Exception):
    text: str = ""


class Struct(msgspec.Struct, rename="camel"):
    first_name: str = "a"
    place: Place = msgspec.field(default_factory=Place)


@pytest.mark.parametrize(
    ("value", "body"),
    [
        pytest.param(Place(), b'{"name":"a"}', id="dataclass"),
        pytest.param([Place()], b'[{"name":"a"}]', id="dataclasses"),
        pytest.param(Struct(), b'{"firstName":"a","place":{"name":"a"}}', id="struct"),
        pytest.param({"x": [Struct()]}, b'{"x":[{"firstName":"a","place":{"name":"a"}}]}', id="structs"),
    ],
)
def test_render_records_as_json(render: Render, value: object, body: bytes) -> None:
    response = render(value)
    assert (response.status, response.body, response.content_type) == (200, body, "application/json")


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        pytest.param(("a", 201), r"write: return Response\('a', status=201\);", id="tuple"),
        pytest.param(("a", "b"), r"write Response\(body, status=\.\.\.", id="other-tuple"),
        pytest.param(ValueError("x"), "write 'raise' instead of 'return'", id="exception"),
        pytest.param(Failure(), "write 'raise' instead of 'return'", id="dataclass-exception"),
        pytest.param(ValueError, "write 'raise ValueError'", id="exception-class"),
        pytest.param(Place, r"return an instance: Place\(\.\.\.\)", id="class"),
        pytest.param(iter([]), r"write Stream\(\.\.\.\)", id="iterator"),
        pytest.param((x for x in ()), r"write Stream\(\.\.\.\)", id="generator"),
        pytest.param(some_handler, "its parentheses are missing", id="function"),
        pytest.param({1}, "return a list", id="set"),
        pytest.param(7, r"write str\(\.\.\.\) or JSON\(\.\.\.\)", id="number"),
    ],
)
def test_render_shows_the_right_spelling(render: Render, value: object, hint: str) -> None:
    with pytest.raises(TypeError, match=hint):
        render(value, some_handler)


def test_render_closes_a_returned_coroutine(render: Render) -> None:
    async def other() -> None: ...

    with pytest.raises(
        TypeError, match=r"some_handler \(\S+\) returned the coroutine \S+other\(...\); 'await' is missing"
    ):
        render(other(), some_handler)


def test_render_refuses_none_of_a_handler_whose_annotation_excludes_it(render: Render) -> None:
    def text() -> str: ...
    def response() -> "Response": ...
    def union() -> "str | bytes": ...

    for handler in (text, response, union):
        for _ in range(2):
            with pytest.raises(TypeError, match=r"returned None, but is annotated '-> .*'; is a 'return' missing"):
                render(None, handler)


def test_render_accepts_none_of_other_handlers(render: Render) -> None:
    def unannotated(): ...  # noqa: ANN202  # a handler without an annotation is the case under test
    def none() -> None: ...
    def text_none() -> "None": ...
    def optional() -> str | None: ...
    def anything() -> object: ...
    def unknown() -> "Unknown": ...  # noqa: F821

    for handler in (unannotated, none, text_none, optional, anything, unknown, None):
        assert render(None, handler).status == 204


@attrs.frozen
class _Account:
    name: str
    password: str


async def _returns_text(request: object) -> str:
    return ""


async def _returns_nothing(request: object) -> None:
    return None


async def _returns_response(request: object) -> Response:
    return Response()


async def _returns_account(request: object) -> "_Account | None":
    return None


async def _returns_anything(request: object) -> object:
    return None


async def _says_nothing(request):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    return None


@pytest.mark.parametrize("handler", [_returns_text, _returns_nothing, _returns_response])
def test_instance_that_the_annotation_excludes_is_refused(handler: object) -> None:
    render = compile_renderer({kind: render for kind, render, _ in BUILTIN_TYPES})
    for _ in range(2):
        with pytest.raises(TypeError, match="returned an instance of _Account, but is annotated '-> ") as caught:
            render(_Account("ada", "secret"), handler)
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("handler", [_returns_account, _returns_anything, _says_nothing, None])
def test_instance_that_the_annotation_includes(handler: object) -> None:
    render = compile_renderer({kind: render for kind, render, _ in BUILTIN_TYPES})
    assert render(_Account("ada", "x"), handler).body == render(_Account("ada", "x"), handler).body
    assert render(_Account("ada", "x"), handler).content_type == "application/json"
