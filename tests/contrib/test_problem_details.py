"""Errors are answered with Problem Details, and keep their status and fields."""

from __future__ import annotations

import pytest

from turnbuckle import HTML, App, Handler, HTTPError, Middleware, NotFound, Plugin, Request, Response, Setup, Text
from turnbuckle.testing import Client, ClientResponse
from turnbuckle.testing.conformance import MiddlewareConformance, PluginConformance
from turnbuckle_contrib.problem_details import ProblemDetailsPlugin


class TestProblemDetailsPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return ProblemDetailsPlugin()


class TestProblemDetailsMiddleware(MiddlewareConformance):
    plugin = ProblemDetailsPlugin
    answers_exceptions = True


def _refuse(next_handler: Handler, setup: Setup) -> Handler:
    async def refuse(request: Request) -> Response:
        if "x-refuse" in request.headers:
            return Text("the host is unknown", 400, {"X-Reason": "host"})
        if "x-raise" in request.headers:
            request.error_headers.set("X-Outer", "kept")
            raise HTTPError(429, "too many", headers={"Retry-After": "3"})
        return await next_handler(request)

    return refuse


def _app(*, debug: bool = False) -> App:
    app = App(plugins=["request_id", "problem_details"], middleware=[Middleware("refuse", _refuse)], debug=debug)

    @app.error_handler(NotFound)
    async def page(request: Request, error: NotFound) -> Response:
        return HTML("<h1>nothing</h1>", status=404, headers={"Set-Cookie": "a=1", "ETag": '"x"'})

    @app.get("/items/{id:int}")
    async def item(request: Request, id: int, size: int = 1) -> str:
        if id == 1:
            raise HTTPError(409, "it is taken", headers={"Retry-After": "7"})
        if id == 2:
            raise ValueError("secret")
        return "fine"

    @app.get("/own")
    async def own(request: Request) -> Response:
        return Text("out of stock", 409)

    return app


async def _send(method: str, path: str, *, debug: bool = False, **headers: str) -> ClientResponse:
    async with Client(_app(debug=debug), raise_exceptions=False) as client:
        return await client.request(method, path, headers=headers)


@pytest.mark.parametrize(
    ("method", "path", "status", "title", "detail"),
    [
        pytest.param("GET", "/items/1", 409, "Conflict", "it is taken", id="http-error"),
        pytest.param("GET", "/items/2", 500, "Internal Server Error", "", id="failure"),
        pytest.param("GET", "/nothing", 404, "Not Found", "", id="error-handler"),
        pytest.param("POST", "/own", 405, "Method Not Allowed", "", id="method"),
    ],
)
async def test_errors_are_problem_details(method: str, path: str, status: int, title: str, detail: str) -> None:
    response = await _send(method, path)
    assert response.status == status
    assert response.headers["content-type"] == "application/problem+json"
    content = response.json()
    assert content == {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "request_id": response.headers["x-request-id"],
    }
    assert "secret" not in response.text


async def test_fields_of_the_response_stay_except_the_fields_of_its_content() -> None:
    assert (await _send("GET", "/items/1")).headers["retry-after"] == "7"
    assert (await _send("POST", "/own")).headers["allow"] == "GET, HEAD, OPTIONS"
    page = await _send("GET", "/nothing")
    assert page.headers["set-cookie"].startswith("a=1")
    assert "etag" not in page.headers


async def test_a_refusal_of_middleware_is_described() -> None:
    response = await _send("GET", "/own", **{"x-refuse": "1"})
    assert response.json()["detail"] == "the host is unknown"  # type: ignore[index,call-overload]
    assert response.headers["x-reason"] == "host"


async def test_an_exception_of_middleware_is_described() -> None:
    response = await _send("GET", "/own", **{"x-raise": "1"})
    assert (response.status, response.json()["detail"]) == (429, "too many")  # type: ignore[index,call-overload]
    assert (response.headers["retry-after"], response.headers["x-outer"]) == ("3", "kept")


async def test_an_invalid_parameter_keeps_its_own_problem_details() -> None:
    content = (await _send("GET", "/items/3?size=x")).json()
    assert "errors" in content  # type: ignore[operator]


async def test_a_response_of_a_handler_stays_as_it_is() -> None:
    response = await _send("GET", "/own")
    assert (response.status, response.text) == (409, "out of stock")
    assert (await _send("GET", "/items/3")).text == "fine"


async def test_tracebacks_are_shown_in_debug_mode() -> None:
    response = await _send("GET", "/items/2", debug=True)
    assert response.headers["content-type"] != "application/problem+json"
    assert "secret" in response.text


async def test_head_has_the_fields_without_content() -> None:
    response = await _send("HEAD", "/items/1")
    assert (response.status, response.content) == (409, b"")
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "member"),
    [
        ("/items/3?size=large", {"errors": [{"in": "query", "parameter": "size", "detail": "expected int"}]}),
        ("/sold", {"left": 0, "type": "https://shop.example/sold"}),
    ],
)
async def test_members_of_a_problem_survive_the_pages_of_the_app(path: str, member: dict[str, object]) -> None:
    app = App()
    api = app.scope("", plugins=["problem_details"])

    @app.error_handler(HTTPError)
    async def page(request: Request, error: HTTPError) -> Response:
        return HTML("<h1>no</h1>", status=error.status)

    @api.get("/items/{id:int}")
    async def item(id: int, size: int = 1) -> str:
        return "fine"

    @api.get("/sold")
    async def sold() -> str:
        raise HTTPError(409, "sold out", problem={"left": 0, "type": "https://shop.example/sold"})

    async with Client(app) as client:
        response = await client.get(path)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json() == {**response.json(), **member}
