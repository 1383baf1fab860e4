"""Which requests are in a scope: by the decoded segments of their path, and by their host."""

from __future__ import annotations

import pytest

from tests.core.startup.finding import error_of
from turnbuckle import App, Handler, HTTPError, Middleware, NotFound, Request, Response, Text, TreeRouter, middleware
from turnbuckle.startup.report.explain import explain_request
from turnbuckle.testing import Client


def _tag(tag: str) -> Middleware:
    @middleware(name=tag)
    async def add(request: Request, call_next: Handler) -> Response:
        response = await call_next(request)
        response.headers.add("Seen", tag)
        response.headers.add("Params", repr(dict(request.path_params)))
        return response

    return add


async def _word() -> str:
    return "word"


def _app(*, mounted: bool) -> App:
    router = TreeRouter if mounted else None
    app = App()
    app.get("/")(_word)
    app.scope("/admin", middleware=[_tag("admin")], router=router).get("/users")(_word)
    app.scope("/admin/deep", middleware=[_tag("deep")], router=router).get("/x")(_word)
    app.scope("/caf\u00e9", middleware=[_tag("cafe")], router=router).get("/x")(_word)
    app.scope("/t/{tenant:int}", middleware=[_tag("tenant")], router=router).get("/x")(_no_parameters)
    app.scope(host="api.example.com", middleware=[_tag("api")], router=router).get("/x")(_word)
    app.scope("/v1", host="{shop}.example.com", middleware=[_tag("shop")], router=router).get("/x")(_no_parameters)
    return app


async def _no_parameters(request: Request) -> str:
    return "word"


REQUESTS = [
    pytest.param(("GET", "/admin/users", ""), 200, ["admin"], id="hit"),
    pytest.param(("GET", "/%61dmin/users", ""), 200, ["admin"], id="hit-encoded"),
    pytest.param(("GET", "/admin/nothing", ""), 404, ["admin"], id="miss"),
    pytest.param(("POST", "/admin/users", ""), 405, ["admin"], id="method"),
    pytest.param(("GET", "/admin", ""), 404, ["admin"], id="the-prefix-itself"),
    pytest.param(("GET", "/%61dmin/nothing", ""), 404, ["admin"], id="miss-encoded"),
    pytest.param(("GET", "/%61dmi%6E", ""), 404, ["admin"], id="the-prefix-itself-encoded"),
    pytest.param(("GET", "/admin/%zz", ""), 404, ["admin"], id="malformed-below"),
    pytest.param(("GET", "/%61dmin/%zz", ""), 404, ["admin"], id="malformed-below-encoded"),
    pytest.param(("GET", "/admin%2Fusers", ""), 404, [], id="encoded-slash-separates-nothing"),
    pytest.param(("GET", "/administrators", ""), 404, [], id="text-that-begins-alike"),
    pytest.param(("GET", "//admin/users", ""), 404, [], id="empty-segment"),
    pytest.param(("GET", "/ADMIN/users", ""), 404, [], id="case"),
    pytest.param(("GET", "/admin/deep/y", ""), 404, ["deep"], id="smaller-scope"),
    pytest.param(("GET", "/admin/%64eep/y", ""), 404, ["deep"], id="smaller-scope-encoded"),
    pytest.param(("GET", "/caf%C3%A9/y", ""), 404, ["cafe"], id="utf-8"),
    pytest.param(("GET", "/caf%c3%a9/x", ""), 200, ["cafe"], id="utf-8-hit"),
    pytest.param(("GET", "/t/7/x", ""), 200, ["tenant"], id="parameter-hit"),
    pytest.param(("GET", "/t/7/y", ""), 404, ["tenant"], id="parameter"),
    pytest.param(("GET", "/t/a/y", ""), 404, [], id="parameter-that-does-not-fit"),
    pytest.param(("GET", "/x", "api.example.com"), 200, ["api"], id="host-hit"),
    pytest.param(("GET", "/y", "api.example.com"), 404, ["api"], id="host-miss"),
    pytest.param(("PUT", "/x", "API.example.com:80"), 405, ["api"], id="host-method"),
    pytest.param(("GET", "/y", "www.example.com"), 404, [], id="other-host"),
    pytest.param(("GET", "/v1/y", "one.example.com"), 404, ["shop"], id="host-and-prefix"),
    pytest.param(("GET", "/v1/y", "example.org"), 404, [], id="prefix-at-another-host"),
]


@pytest.mark.parametrize("mounted", [False, True], ids=["one-router", "router-of-its-own"])
@pytest.mark.parametrize(("asked", "status", "seen"), REQUESTS)
async def test_request_is_in_a_scope(asked: tuple[str, str, str], status: int, seen: list[str], mounted: bool) -> None:
    app, (method, path, host) = _app(mounted=mounted), asked
    async with Client(app) as client:
        response = await client.request(method, path, headers={"Host": host or "example.org"})
    assert (response.status, response.headers.get_list("seen")) == (status, seen)
    shown = explain_request(app.plan, method, path, [("Host", host or "example.org")])
    assert [link.record.name for link in shown.chain] == seen
    assert (shown.status or 200) == status


@pytest.mark.parametrize("mounted", [False, True], ids=["one-router", "router-of-its-own"])
async def test_miss_has_the_parameters_of_prefix_and_host(mounted: bool) -> None:
    async with Client(_app(mounted=mounted)) as client:
        assert (await client.get("/t/7/y")).headers["params"] == "{'tenant': 7}"
        response = await client.get("/v1/y", headers={"Host": "one.example.com"})
        assert response.headers["params"] == "{'shop': 'one'}"


async def test_error_handlers_answer_for_misses_of_a_scope_without_middleware() -> None:
    app = App()
    api = app.scope("/api")

    @api.error_handler(NotFound)
    async def missing(request: Request, error: HTTPError) -> Response:
        return Text("not in the api", status=404)

    async with Client(app) as client:
        assert (await client.get("/api/x")).text == "not in the api"
        assert (await client.get("/x")).text != "not in the api"


async def test_scope_without_prefix_and_host_has_no_misses() -> None:
    app = App()
    app.scope("/{rest:path}", middleware=[_tag("spanning")])
    app.scope(middleware=[_tag("anywhere")]).get("/x")(_word)
    inner = app.scope("/a", middleware=[_tag("outer")]).scope(middleware=[_tag("inner")])
    inner.get("/x")(_word)
    async with Client(app) as client:
        assert (await client.get("/y/z")).headers.get_list("seen") == []
        assert (await client.get("/a/x")).headers.get_list("seen") == ["inner", "outer"]
        assert (await client.get("/a/y")).headers.get_list("seen") == ["outer"]


def test_scope_with_a_router_needs_a_readable_prefix() -> None:
    app = App()
    app.scope("/{rest:path}", router=TreeRouter)
    found = error_of(app, "TB421")
    assert "a scope at /{rest:path} cannot have its own router" in found.text


def test_two_scopes_with_routers_at_one_place_are_refused() -> None:
    app = App()
    app.scope("/a/{x}", router=TreeRouter)
    app.scope("/a/{y}", router=TreeRouter)
    found = error_of(app, "TB421")
    assert "two scopes at /a/{y} have their own routers" in found.text
    assert len(found.origins) == 2
