"""The chains ``web`` and ``api`` protect pages and programs with their defaults."""

from __future__ import annotations

from typing import ClassVar

import pytest

from turnbuckle import HTML, App, HTTPError, Plugin, Request, Response
from turnbuckle.testing import Client
from turnbuckle.testing.conformance import MiddlewareConformance, PluginConformance
from turnbuckle_contrib.chains import APIPlugin, WebPlugin


class TestWebPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return WebPlugin()


class TestAPIPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return APIPlugin()


class _ChainConformance(MiddlewareConformance):
    chain = ""

    def app_options(self) -> dict[str, object]:
        return {"chain": self.chain}


class TestWebChain(_ChainConformance):
    chain = "web"
    headers: ClassVar = {"Sec-Fetch-Site": "same-origin"}


class TestAPIChain(_ChainConformance):
    chain = "api"
    answers_exceptions = True


def _app() -> App:
    app = App(chain="web")
    api = app.scope("/api", chain="api")

    @app.error_handler(HTTPError)
    async def page(request: Request, error: HTTPError) -> Response:
        return HTML(f"<h1>{error.status}</h1>", status=error.status)

    @app.get("/")
    async def home(request: Request) -> str:
        request.session["seen"] = True
        return "home " * 500

    @app.post("/")
    async def post(request: Request) -> str:
        return "posted"

    @app.post("/hook", without=["csrf", "sessions"])
    async def hook(request: Request) -> str:
        return "hooked"

    @api.post("/notes")
    async def add(request: Request) -> str:
        return "added"

    return app


_FOREIGN = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example", "Cookie": "session=x"}


async def test_pages_are_protected_and_compressed() -> None:
    async with Client(_app()) as client:
        response = await client.get("/", headers={"Accept-Encoding": "gzip"})
        assert "default-src 'none'; script-src 'self'" in response.headers["content-security-policy"]
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["content-encoding"] == "gzip"
        assert "httponly" in response.headers["set-cookie"].lower()
        assert response.headers["etag"].startswith("W/")
        assert "x-request-id" in response.headers


@pytest.mark.parametrize(("path", "status"), [("/", 403), ("/hook", 200), ("/api/notes", 200)])
async def test_csrf_protects_the_routes_of_its_chain(path: str, status: int) -> None:
    async with Client(_app()) as client:
        assert (await client.post(path, headers=_FOREIGN)).status == status


async def test_errors_are_pages_for_browsers_and_problem_details_for_programs() -> None:
    async with Client(_app()) as client:
        page, problem = await client.get("/nothing"), await client.get("/api/nothing")
        assert page.text == "<h1>404</h1>"
        assert problem.headers["content-type"] == "application/problem+json"
        assert (await client.get("/api/notes")).json()["status"] == 405  # type: ignore[index,call-overload]
        assert "set-cookie" not in problem.headers


async def test_the_api_is_limited_and_the_pages_are_not() -> None:
    async with Client(_app()) as client:
        for _ in range(101):
            response = await client.post("/api/notes")
        assert response.status == 429
        assert response.headers["content-type"] == "application/problem+json"
        assert int(response.headers["retry-after"]) > 0
        assert (await client.get("/")).status == 200


async def test_no_origin_is_permitted_by_default() -> None:
    preflight = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    async with Client(_app()) as client:
        response = await client.request("OPTIONS", "/api/notes", headers=preflight)
        assert "access-control-allow-origin" not in response.headers


async def test_a_preflight_request_is_answered_in_the_scope_of_the_chain_only() -> None:
    origin = "https://a.example"
    preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    async with Client(_app(), settings={"plugin": {"cors": {"origins": [origin]}}}) as client:
        response = await client.request("OPTIONS", "/api/notes", headers=preflight)
        assert response.headers["access-control-allow-origin"] == origin
        response = await client.request("OPTIONS", "/", headers=preflight)
        assert "access-control-allow-origin" not in response.headers
