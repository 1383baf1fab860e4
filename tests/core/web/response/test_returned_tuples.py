"""A message about a returned tuple has the line to write, and the line is a response."""

from __future__ import annotations

import ast
from http import HTTPStatus

import pytest

from tests.core.startup.finding import error_of, warning_of
from turnbuckle import HTML, JSON, App, Request, Response, Text
from turnbuckle.testing import Client
from turnbuckle.web.response.returned_tuples import line_for_expression, line_for_tuple

_LONG = "x" * 200


@pytest.mark.parametrize(
    ("value", "line"),
    [
        pytest.param(
            ({"a": 1}, 404, {"X-A": "b"}), "return JSON({'a': 1}, status=404, headers={'X-A': 'b'})", id="all"
        ),
        pytest.param(({"a": 1}, 201), "return JSON({'a': 1}, status=201)", id="status"),
        pytest.param(([1], {"X-A": "b"}), "return JSON([1], headers={'X-A': 'b'})", id="headers"),
        pytest.param(([1], [("X-A", "b")]), "return JSON([1], headers=[('X-A', 'b')])", id="pairs"),
        pytest.param(("down", 503), "return Response('down', status=503)", id="text"),
        pytest.param((b"down", HTTPStatus.BAD_GATEWAY), "return Response(b'down', status=502)", id="bytes"),
        pytest.param(("<p>hi", 201), "return HTML('<p>hi', status=201)", id="html"),
        pytest.param(("", 204), "return Response(status=204)", id="empty"),
        pytest.param((None, 204, {"X-A": "b"}), "return Response(status=204, headers={'X-A': 'b'})", id="none"),
        pytest.param((object(), 201), "return JSON(value, status=201)", id="object"),
        pytest.param(({"a": _LONG}, 201), "return JSON(value, status=201)", id="long"),
        pytest.param(
            ("a", 201, {"X-A": _LONG}), "return Response('a', status=201, headers=headers)", id="long-headers"
        ),
        pytest.param((Response("a"), 404), "return the response only, and write response.status = 404", id="response"),
    ],
)
def test_tuple_of_a_known_shape_has_a_line(value: tuple[object, ...], line: str) -> None:
    assert line_for_tuple(value) == line


@pytest.mark.parametrize("value", [(), (1,), ("a", True), ("a", 99), ("a", 600), ("a", "b"), (1, 2, 3), ("a", 201, 3)])
def test_other_tuples_have_no_line(value: tuple[object, ...]) -> None:
    assert line_for_tuple(value) == ""


@pytest.mark.parametrize(
    ("source", "line"),
    [
        pytest.param("note, 201", "return JSON(note, status=201)", id="status"),
        pytest.param(
            "{'a': 1}, 404, {'X-A': 'b'}", "return JSON({'a': 1}, status=404, headers={'X-A': 'b'})", id="all"
        ),
        pytest.param("note, {'X-A': tag}", "return JSON(note, headers={'X-A': tag})", id="headers"),
        pytest.param("note, 201, headers", "return JSON(note, status=201, headers=headers)", id="named-headers"),
        pytest.param("note, HTTPStatus.CREATED", "return JSON(note, status=201)", id="enum"),
        pytest.param("note, status.HTTP_201_CREATED", "return JSON(note, status=status.HTTP_201_CREATED)", id="names"),
        pytest.param("note, status_code", "return JSON(note, status=status_code)", id="variable"),
        pytest.param("'down', 503", "return Response('down', status=503)", id="text"),
        pytest.param("f'{x} is down', 503", "return Response(f'{x} is down', status=503)", id="f-string"),
        pytest.param("f'<p>{x}', 503", "return HTML(f'<p>{x}', status=503)", id="html"),
        pytest.param("'', 204", "return Response(status=204)", id="empty"),
        pytest.param("None, 204", "return Response(status=204)", id="none"),
        pytest.param("JSON(x), 404", "return JSON(x, status=404)", id="response"),
        pytest.param("JSON(x, 201), 404, h", "return JSON(x, 201, headers=h)", id="response-with-status"),
        pytest.param("a, b", "", id="unknown"),
        pytest.param("a, 1000", "", id="no-status"),
        pytest.param("a, *b", "", id="star"),
        pytest.param("a, 201, *b", "", id="second-star"),
    ],
)
def test_expression_of_a_known_shape_has_a_line(source: str, line: str) -> None:
    node = ast.parse(f"({source})", mode="eval").body
    assert isinstance(node, ast.Tuple)
    assert line_for_expression(node) == line


async def test_line_of_a_tuple_is_the_response_that_was_meant() -> None:
    for value in [({"a": 1}, 404, {"X-A": "b"}), ("down", 404, {"X-A": "b"}), ("<p>", 404, {"X-A": "b"})]:
        names = {"JSON": JSON, "HTML": HTML, "Text": Text, "Response": Response}
        response = eval(line_for_tuple(value).removeprefix("return "), names)
        assert (response.status, response.headers["x-a"]) == (404, "b")


def test_startup_warns_of_a_tuple_beside_other_returns() -> None:
    app = App()

    @app.get("/notes")
    async def notes(request: Request) -> object:
        if request.query:
            return {"a": 1}, 404, {"X-A": "b"}
        return {"a": 2}

    found = warning_of(app, "TB429")
    assert "returns \"({'a': 1}, 404, {'X-A': 'b'})\"" in found.text
    assert found.fix == "return JSON({'a': 1}, status=404, headers={'X-A': 'b'})"


def test_annotated_tuple_is_an_error_with_the_line() -> None:
    app = App()

    @app.get("/notes")
    async def notes(request: Request) -> tuple[dict, int]:
        return {"a": 1}, 404

    assert error_of(app, "TB429").fix == "return JSON({'a': 1}, status=404), and annotate '-> Response'"


def test_tuple_with_its_own_response_type_is_accepted() -> None:
    app = App()

    @app.response_type(tuple)
    def render(value: tuple) -> Response:
        return JSON(value[0], status=value[1])

    @app.get("/notes")
    async def notes(request: Request) -> object:
        return {"a": 1}, 404

    assert app.resolve().diagnostics == ()


async def test_error_of_a_request_has_the_line() -> None:
    app = App()

    @app.get("/notes")
    def notes(request: Request) -> object:
        value: list[object] = [{"a": 1}, 404]
        return tuple(value)

    async with Client(app) as client:
        with pytest.raises(TypeError, match=r"of type tuple; write: return JSON\(\{'a': 1\}, status=404\); supported"):
            await client.get("/notes")
