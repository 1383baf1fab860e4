"""What would happen to a request, decided by the parser and routers of the app, with nothing called."""

from __future__ import annotations

import pytest

from turnbuckle import App, Handler, Middleware, Request, Response, Setup
from turnbuckle.routing.tree import TreeRouter
from turnbuckle.startup.report.explain import Explanation, explain_request
from turnbuckle.testing import Client


async def _answer(request: Request, **params: object) -> str:
    return ""


async def _other(request: Request, **params: object) -> str:
    return ""


def _step_aside(call_next: Handler, setup: Setup) -> Handler:
    raise AssertionError("nothing is made")


class _Pages:
    """A router with its own handlers."""

    async def handle(self, request: object) -> str:
        raise AssertionError("nothing is called")

    def get_handler(self, path: str) -> object:
        if path == "/odd":
            raise LookupError("no page")
        return self


def _shop() -> App:
    app = App("shop", middleware=[Middleware("outer", _step_aside)])
    app.get("/users/me")(_answer)
    app.get("/users/{name}")(_other)
    app.post("/users/{id:int}")(_other)
    admin = app.scope("/admin", middleware=[Middleware("audit", _step_aside)])
    admin.get("/x")(_answer)
    app.get("/t", host="{tenant}.example")(_answer)
    return app


def _explained(app: App, method: str, target: str, *fields: tuple[str, str]) -> Explanation:
    return explain_request(app.resolve(), method, target, fields)


def _reasons(found: Explanation) -> dict[str, str]:
    return {
        f"{','.join(sorted(candidate.route.methods))} {candidate.route.path}": candidate.reason
        for candidate in found.candidates
    }


def _chain(found: Explanation) -> list[str]:
    return [middleware.record.name for middleware in found.chain]


def test_winner_and_other_candidates_have_reasons() -> None:
    found = _explained(_shop(), "GET", "/users/me?a=b")
    assert found.winner is not None
    assert (found.winner.route.path, found.status) == ("/users/me", None)
    assert found.outcome == f"handled by {__name__}._answer"
    assert found.candidates[0] is found.winner
    assert _reasons(found) == {
        "GET /users/me": "",
        "GET /users/{name}": "segment 2: the text 'me' precedes {name}",
        "POST /users/{id:int}": "segment 2: {id:int} rejects 'me'",
        "GET /admin/x": "segment 1 is 'admin', not 'users'",
        "GET /t": "segment 1 is 't', not 'users'",
    }


def test_parameters_of_path_and_host_are_listed() -> None:
    assert _explained(_shop(), "GET", "/users/5").path_params == {"name": "5"}
    found = _explained(_shop(), "GET", "/t", ("Host", "acme.example:80"))
    assert (found.host, found.path_params) == ("acme.example:80", {"tenant": "acme"})


def test_chain_is_that_of_the_scope() -> None:
    assert _chain(_explained(_shop(), "GET", "/users/me")) == ["outer"]
    assert _chain(_explained(_shop(), "GET", "/admin/x")) == ["outer", "audit"]


def test_chain_of_a_miss_is_that_of_the_scope_it_is_in() -> None:
    found = _explained(_shop(), "GET", "/admin/y")
    assert (found.status, found.outcome, _chain(found)) == (404, "no route has this path", ["outer", "audit"])
    assert _chain(_explained(_shop(), "GET", "/administer")) == ["outer"]


def test_method_that_no_route_takes_is_explained() -> None:
    found = _explained(_shop(), "PUT", "/users/5")
    assert (found.status, found.outcome) == (405, "no route here takes PUT")
    assert found.headers == {"Allow": "GET, HEAD, OPTIONS, POST"}
    assert _reasons(found)["POST /users/{id:int}"] == "it answers POST, not PUT"


def test_options_is_answered_by_the_core() -> None:
    found = _explained(_shop(), "OPTIONS", "/users/me")
    assert (found.status, found.headers) == (204, {"Allow": "GET, HEAD, OPTIONS"})
    assert _explained(_shop(), "OPTIONS", "*").status == 204


def test_head_follows_get() -> None:
    assert _explained(_shop(), "HEAD", "/users/me").outcome.endswith("; HEAD follows GET")


def test_slash_redirect_is_explained() -> None:
    app = App(settings={"routing": {"trailing_slash": "redirect"}})
    app.get("/a")(_answer)
    found = _explained(app, "GET", "/a/?b=c")
    assert (found.status, found.headers) == (308, {"Location": "/a?b=c"})


def test_error_handler_that_answers_is_named() -> None:
    app = App()

    @app.error_handler(Exception)
    async def oops(request: Request, error: Exception) -> Response:
        raise AssertionError("nothing is called")

    found = _explained(app, "GET", "/x")
    assert found.status == 404
    assert found.outcome.startswith("no route has this path; answered by error handler ")
    assert found.handler.endswith("oops")


def test_request_that_the_parser_rejects_is_explained() -> None:
    found = _explained(_shop(), "GET", "/x", ("Content-Length", "x"))
    assert found.status == 400
    assert found.outcome.startswith("rejected by parser 'h1': ")
    assert (found.router, found.candidates) == (None, ())


def test_limits_of_the_app_hold() -> None:
    app = App(settings={"limits": {"request_line": 20}})
    assert _explained(app, "GET", "/" + "a" * 20).status == 414


def test_limits_and_deadlines_have_their_sources() -> None:
    app = App(settings={"limits": {"content": 5}})
    settings = {setting.key: setting for setting in _explained(app, "GET", "/").settings}
    assert settings["limits.content"].value == 5
    assert settings["limits.content"].source.startswith("App(...) at ")
    assert settings["timeouts.head"].source == "default"
    assert "server.port" not in settings


def test_scope_with_its_own_router_serves_its_paths_only() -> None:
    app = App()
    app.get("/{rest:path}")(_answer)
    app.scope("/api", router=TreeRouter).get("/x")(_other)
    inside = _explained(app, "GET", "/api/y")
    assert inside.status == 404
    assert _reasons(inside)["GET /{rest:path}"] == "the router of scope /api serves such paths"
    outside = _explained(app, "GET", "/y")
    assert _reasons(outside)["GET /api/x"] == "the router of the app serves such paths"
    assert inside.router is not None
    assert inside.router.name == "TreeRouter"


def test_passed_router_is_searched_and_stays_usable() -> None:
    app = App(router=TreeRouter())
    app.get("/a")(_answer)
    assert _explained(app, "GET", "/a").winner is not None


def test_handler_of_the_router_itself_is_named() -> None:
    found = _explained(App(router=_Pages()), "GET", "/a")
    assert found.winner is None
    assert found.outcome.endswith(", a handler of the router itself")


def test_router_that_raises_is_explained() -> None:
    found = _explained(App(router=_Pages()), "GET", "/odd")
    assert (found.status, found.outcome) == (500, "the router raises LookupError: no page")


def test_unknown_method_is_explained() -> None:
    found = _explained(_shop(), "BREW", "/users/me")
    assert (found.status, found.outcome) == (501, "neither a route nor the registry of methods knows 'BREW'")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "DELETE", "BREW", "get"])
@pytest.mark.parametrize("target", ["/users/me", "/users/5", "/users", "/admin/x", "/t", "/%zz"])
async def test_explanation_agrees_with_the_response(method: str, target: str) -> None:
    app = App()
    app.get("/users/me")(_answer)
    app.post("/users/{id:int}")(_other)
    app.scope("/admin").get("/x")(_answer)
    found = _explained(app, method, target)
    async with Client(app) as client:
        response = await client.request(method, target)
    assert response.status == (found.status or 200)
