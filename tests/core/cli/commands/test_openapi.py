"""``openapi`` prints the document of an app, and compares a file with it."""

from __future__ import annotations

import json

import pytest

from tests.core.cli.conftest import Project

_ENABLED = """\
from turnbuckle import App

app = App("api", plugins=[("openapi", {"title": "The API", "version": "3"})])


@app.get("/pears")
async def pears() -> list[str]:
    return []
"""


def test_document_of_an_app_that_enables_the_plugin(project: Project) -> None:
    project.write("api.py", _ENABLED)
    result = project.call("openapi", "api:app")
    assert (result.exit_code, result.stderr) == (0, "")
    document = json.loads(result.stdout)
    assert document["info"] == {"title": "The API", "version": "3"}
    assert list(document["paths"]) == ["/pears"]
    assert project.call("openapi", "api:app").stdout == result.stdout


def test_document_of_an_app_that_does_not_enable_the_plugin(project: Project) -> None:
    project.write("turnbuckle.toml", '[plugin.openapi]\ntitle = "By settings"\n')
    result = project.call("openapi", "shop")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["info"]["title"] == "By settings"
    assert document["paths"]["/"]["get"]["operationId"] == "home"


@pytest.mark.parametrize("options", [("-p", "no:openapi"), ("--no-plugins",)])
def test_document_without_the_plugin_is_an_error(project: Project, options: tuple[str, ...]) -> None:
    result = project.call("openapi", "shop", *options)
    assert (result.exit_code, result.stdout) == (3, "")
    assert "error: no document, because the plugin 'openapi' is disabled" in result.stderr


def test_check_of_a_file(project: Project) -> None:
    written = project.folder / "openapi.json"
    assert project.call("openapi", "shop", "--output", str(written)).stdout == ""
    result = project.call("openapi", "shop", "--check", str(written))
    assert (result.exit_code, result.stdout) == (0, f"{written} is up to date\n")
    # The layout of the file does not count.
    written.write_text(json.dumps(json.loads(written.read_text())))
    assert project.call("openapi", "shop", "--check", str(written)).exit_code == 0


@pytest.mark.parametrize(
    "content", [pytest.param('{"openapi": "3.1.0", "paths": {}}', id="other"), pytest.param("{", id="no-json")]
)
def test_check_prints_the_differences(project: Project, content: str) -> None:
    written = project.write("openapi.json", content)
    result = project.call("openapi", "shop", "--check", str(written))
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"--- {written}\n+++ the app\n" in result.stderr
    assert '+        "operationId": "home",\n' in result.stderr
    assert result.stderr.endswith(f"error: {written} differs from the document of the app\n")
