"""Values in templates are text, never markup, and names of templates lead to no other file."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.plugins.jinja_templates.making import make_app, rendered, write
from turnbuckle.testing import Client
from turnbuckle_plugins.jinja_templates import Template

_EVIL = "<script>alert('1')</script>\"&"
_ESCAPED = "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&#34;&amp;"


@pytest.mark.parametrize(
    "name",
    ["a.html", "a.HTML", "a.htm", "a.xhtml", "a.xml", "a.svg", "a.html.j2", "a.txt.html", "a.js", "a.unknown", "a"],
)
async def test_values_are_escaped(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path, {name: "{{ evil }}"})
    assert await rendered(folder, Template(name, evil=_EVIL)) == _ESCAPED


@pytest.mark.parametrize("name", ["a.txt", "a.TXT", "a.txt.jinja", "a.md", "a.csv"])
async def test_values_in_plain_text_are_not_escaped_and_never_html(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path, {name: "{{ evil }}"})
    async with Client(make_app(folder, Template(name, evil=_EVIL))) as client:
        response = await client.get("/")
    assert response.text == _EVIL
    assert response.headers["content-type"].startswith(("text/plain", "text/markdown", "text/csv"))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param('<a title="{{ evil }}">', f'<a title="{_ESCAPED}">', id="double-quotes"),
        pytest.param("<a title='{{ evil }}'>", f"<a title='{_ESCAPED}'>", id="single-quotes"),
        pytest.param("{% include 'part.html' %}", _ESCAPED, id="include"),
        pytest.param("{% from 'part.html' import show %}{{ show(evil) }}", _ESCAPED, id="macro"),
        pytest.param("{% set x %}{{ evil }}{% endset %}{{ x }}", _ESCAPED, id="set-block"),
        pytest.param("{{ evil ~ '' }}{{ '' }}", _ESCAPED, id="joined"),
        pytest.param("{{ '%s'|format(evil) }}", _ESCAPED, id="format"),
        pytest.param("{{ [evil]|join('') }}", _ESCAPED, id="join"),
    ],
)
async def test_values_are_escaped_in_every_context(tmp_path: Path, source: str, expected: str) -> None:
    part = "{% macro show(value) %}{{ value }}{% endmacro %}{{ evil|default('') }}"
    folder = write(tmp_path, {"a.html": source, "part.html": part})
    assert await rendered(folder, Template("a.html", evil=_EVIL)) == expected


async def test_block_is_escaped(tmp_path: Path) -> None:
    folder = write(tmp_path, {"a.html": "{% block b %}{{ evil }}{% endblock %}"})
    assert await rendered(folder, Template("a.html", block="b", evil=_EVIL)) == _ESCAPED


async def test_json_in_a_script_cannot_end_the_script(tmp_path: Path) -> None:
    folder = write(tmp_path, {"a.html": "<script>const x = {{ evil|tojson }}</script>"})
    text = await rendered(folder, Template("a.html", evil="</script><!--'&"))
    assert text == r'<script>const x = "\u003c/script\u003e\u003c!--\u0027\u0026"</script>'


@pytest.mark.parametrize(
    "name",
    [
        "../secret.txt",
        "sub/../../secret.txt",
        "..",
        "./../secret.txt",
        "/{folder}/secret.txt",
        "{folder}/secret.txt",
        "secret.txt\0.html",
        "..\\secret.txt",
        "",
        "sub",
    ],
)
async def test_name_leads_out_of_no_folder(tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str) -> None:
    write(tmp_path, {"secret.txt": "secret", "pages/sub/a.html": ""})
    template = Template(name.replace("{folder}", str(tmp_path)))
    with caplog.at_level(logging.ERROR):
        async with Client(make_app(tmp_path / "pages", template), raise_exceptions=False) as client:
            response = await client.get("/")
    assert (response.status, response.text) == (500, "Internal Server Error")
    assert "TemplateNotFound" in caplog.text


async def test_variables_of_a_request_do_not_reach_the_next(tmp_path: Path) -> None:
    folder = write(tmp_path, {"a.html": "{{ request.path }}{{ url_for('note', id=1) }}{{ secret|default('none') }}"})
    app = make_app(folder, Template("a.html", secret="mine"))
    app.get("/other")(lambda request: Template("a.html"))
    async with Client(app) as client:
        texts = [(await client.get(path)).text for path in ("/", "/other")]
    assert texts == ["//notes/1mine", "/other/notes/1none"]
