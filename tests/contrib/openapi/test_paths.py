"""Patterns of routes as path templates, and converters as JSON Schema."""

from __future__ import annotations

from typing import Any

import pytest

from turnbuckle import CONVERTERS, Converter, RouteError
from turnbuckle_contrib.openapi.paths import path_template

_OWN = {**CONVERTERS, "colour": Converter(regex="[0-9a-f]{6}"), "int": Converter(regex="-?[0-9]+", convert=int)}
_INT = {"type": "integer", "minimum": 0}
_STR = {"type": "string", "minLength": 1}


@pytest.mark.parametrize(
    ("pattern", "text", "parameters"),
    [
        pytest.param("/", "/", {}, id="root"),
        pytest.param("/notes/", "/notes/", {}, id="slash"),
        pytest.param("/notes/{id}", "/notes/{id}", {"id": _STR}, id="str"),
        pytest.param("/notes/{id:int}/x", "/notes/{id}/x", {"id": _INT}, id="int"),
        pytest.param("/p/{x:float}", "/p/{x}", {"x": {"type": "number", "minimum": 0}}, id="float"),
        pytest.param("/p/{x:uuid}", "/p/{x}", {"x": {"type": "string", "format": "uuid"}}, id="uuid"),
        pytest.param("/p/{x:date}", "/p/{x}", {"x": {"type": "string", "format": "date"}}, id="date"),
        pytest.param("/p/{x:re([a-z]+)}", "/p/{x}", {"x": {"type": "string", "pattern": "^(?:[a-z]+)$"}}, id="re"),
        pytest.param("/f/{path:path}", "/f/{path}", {"path": {"type": "string"}}, id="path"),
        pytest.param("/v{a:int}.{b:int}", "/v{a}.{b}", {"a": _INT, "b": _INT}, id="mixture"),
        pytest.param("/%7Bx%7D/ü", "/%7Bx%7D/%C3%BC", {}, id="escapes"),
    ],
)
def test_path_template(pattern: str, text: str, parameters: dict[str, Any]) -> None:
    template = path_template(pattern, CONVERTERS)
    assert (template.text, template.parameters) == (text, parameters)
    assert template.is_total == all(schema in (_STR, {"type": "string"}) for schema in parameters.values())


def test_converter_of_an_app_has_the_pattern_of_its_expression() -> None:
    template = path_template("/{c:colour}/{n:int}", _OWN)
    assert template.parameters == {
        "c": {"type": "string", "pattern": "^(?:[0-9a-f]{6})$"},
        "n": {"type": "string", "pattern": "^(?:-?[0-9]+)$"},
    }


def test_templates_with_other_names_are_one_path() -> None:
    first, second = path_template("/a/{x:int}/{y}", CONVERTERS), path_template("/a/{id}/{name}", CONVERTERS)
    assert first.key == second.key
    assert second.renamed(first) == {"id": "x", "name": "y"}


def test_syntax_of_another_router_has_no_template() -> None:
    with pytest.raises(RouteError):
        path_template("/notes/<int:id>", CONVERTERS)
