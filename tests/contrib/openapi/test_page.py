"""The routes of the plugin: the document, and the page without foreign hosts and inline scripts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from turnbuckle import App, Plugin, Request
from turnbuckle.testing import Client
from turnbuckle.testing.conformance import PluginConformance
from turnbuckle_contrib.openapi import OpenAPIConfig, OpenAPIPlugin


class TestOpenAPIPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return OpenAPIPlugin()


def _app(**settings: object) -> App:
    app = App("shop <1>", plugins=[("openapi", settings)])

    @app.get("/pears/{n:int}")
    async def pears(n: int) -> str:
        return "pears"

    return app


async def test_document_is_sent_once_to_a_client_that_keeps_it() -> None:
    async with Client(_app()) as client:
        response = await client.get("/openapi.json")
        again = await client.get("/openapi.json", headers={"If-None-Match": response.headers["etag"]})
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-cache"
    assert list(response.json()["paths"]) == ["/pears/{n}"]
    assert again.status == 304


async def test_prefix_of_a_proxy_is_the_server() -> None:
    app = _app()

    @app.middleware
    async def strip(request: Request, call_next):  # noqa: ANN001, ANN202
        request.take_forwarded(client=None, scheme="http", host="a", prefix="/shop")
        return await call_next(request)

    async with Client(app) as client:
        assert (await client.get("/openapi.json")).json()["servers"] == [{"url": "/shop"}]


async def test_page_loads_only_files_of_this_server() -> None:
    async with Client(_app(servers=["https://api.example.com/v1", "/v2"])) as client:
        page = await client.get("/docs")
        links = re.findall(r'(?:src|href)="([^"]*)"', page.text)
        files = [await client.get("/" + link) for link in links if not link.startswith("data:")]
        missing = await client.get("/docs/swagger-ui-bundle.js.map")
    assert links == ["data:,", *(f"docs/{name}" for name in _FILES), "openapi.json"]
    assert [(file.status, file.headers["content-type"]) for file in files] == [
        (200, "text/css; charset=utf-8"),
        (200, "text/javascript; charset=utf-8"),
        (200, "text/javascript; charset=utf-8"),
        (200, "application/json"),
    ]
    assert missing.status == 404
    assert "<title>shop &lt;1&gt;</title>" in page.text
    assert re.findall(r"<script[^>]*>([^<]*)</script>", page.text) == ["", ""]
    assert not re.search(r"<style|style=| on\w+=", page.text)
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["connect-src"] == "'self' https://api.example.com"
    for file in (page, *files):
        assert file.headers["x-content-type-options"] == "nosniff"


_FILES = ("swagger-ui.css", "swagger-ui-bundle.js", "start.js")


async def test_paths_can_be_changed_and_left_out() -> None:
    async with Client(_app(path="/api/doc.json", docs="/help/api")) as client:
        page = await client.get("/help/api")
        assert 'data-document="../api/doc.json"' in page.text
        assert 'src="api/start.js"' in page.text
    routes = [planned.route.path for planned, _ in _app(docs="").resolve().routes()]
    assert routes == ["/openapi.json", "/pears/{n:int}"]
    assert len(list(_app(path="").resolve().routes())) == 1


async def test_page_in_a_scope() -> None:
    app = App()
    api = app.scope("/api", plugins=["openapi"])

    @api.get("/pears")
    async def pears() -> str:
        return ""

    async with Client(app) as client:
        assert 'data-document="openapi.json"' in (await client.get("/api/docs")).text
        assert list((await client.get("/api/openapi.json")).json()["paths"]) == ["/api/pears"]


async def test_files_from_a_folder(tmp_path: Path) -> None:
    for name in _FILES[:2]:
        (tmp_path / name).write_text(name)
    async with Client(_app(assets=str(tmp_path))) as client:
        assert (await client.get("/docs/swagger-ui.css")).text == "swagger-ui.css"


async def test_missing_files_leave_the_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turnbuckle_contrib.openapi.page.find_spec", lambda name: None)
    plan = _app().resolve()
    (warning,) = plan.diagnostics
    assert (warning.level, warning.code) == ("warning", "TB903")
    assert "pip install 'turnbuckle[openapi]'" in warning.fix
    assert [planned.route.path for planned, _ in plan.routes()] == ["/openapi.json", "/pears/{n:int}"]
    assert "assets" in _app(assets=str(tmp_path)).resolve().diagnostics[0].fix


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"path": "openapi.json"}, id="path"),
        pytest.param({"docs": "/docs/{x}"}, id="docs"),
        pytest.param({"servers": ["api.example.com"]}, id="servers"),
        pytest.param({"version": ""}, id="version"),
    ],
)
def test_wrong_setting_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"path|servers|version"):
        OpenAPIConfig(**settings)  # type: ignore[arg-type]
