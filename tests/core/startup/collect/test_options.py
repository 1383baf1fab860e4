"""Tests of ``turnbuckle.startup.collect.options``: decorators without parentheses, unknown options, foreign names."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from turnbuckle import App, NotFound, Route, RouteDocs

app: Any = App()


async def handler(request: object) -> str:
    return ""


@pytest.mark.parametrize("name", ["get", "post", "put", "patch", "delete", "head", "options", "route"])
def test_decorator_without_parentheses_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match=re.escape(f"write @app.{name}('/path') above 'handler'")):
        getattr(App(), name)(handler)
    with pytest.raises(TypeError, match=re.escape(f"write @app.{name}('/path') above 'handler'")):
        getattr(App().scope("/x"), name)(handler)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(lambda: app.error_handler(handler), "write @app.error_handler(ValueError) above", id="error"),
        pytest.param(lambda: app.response_type(handler), "write @app.response_type(Kind) above", id="response-type"),
        pytest.param(lambda: app.middleware("http"), "write @app.middleware, without 'http'", id="middleware"),
        pytest.param(lambda: app.get(["/a", "/b"]), "add a route for each path", id="several-paths"),
        pytest.param(lambda: app.add_route(None, handler), "is a text such as '/items', and not None", id="no-path"),
        pytest.param(
            lambda: app.get("/", methos=["GET"]),
            "no option 'methos'; instead: @app.route(path",
            id="verb",
        ),
        pytest.param(lambda: app.get("/", xyz=1), "its options are chain, deprecated, description", id="unknown"),
        pytest.param(lambda: app.get("/", nam="x"), "@app.get has no option 'nam'; did you mean 'name'?", id="name"),
        pytest.param(lambda: app.route("/", methos=["GET"]), "did you mean 'methods'?", id="route"),
        pytest.param(lambda: app.add_route("/", handler, hots=""), "did you mean 'host'?", id="add-route"),
        pytest.param(lambda: app.get("/", methods=["POST"]), "@app.route(path, methods=[...])", id="methods"),
        pytest.param(lambda: app.post("/", status_code=201), "status=... names the status", id="status-code"),
        pytest.param(lambda: app.get("/", response_model=dict), "the return annotation", id="response-model"),
        pytest.param(lambda: app.get("/", endpoint="x"), "name=... names a route", id="endpoint"),
        pytest.param(lambda: app.get("/", include_in_schema=False), "instead: in_schema=False", id="in-schema"),
        pytest.param(lambda: app.get("/", errors=[200])(handler), "from 400 to 599, not 200", id="no-error"),
        pytest.param(lambda: app.get("/", errors=NotFound())(handler), "write NotFound, without a call", id="called"),
        pytest.param(lambda: app.get("/", responses={"404": None})(handler), "by their status", id="responses"),
        pytest.param(lambda: app.scope("/x", summary=""), "app.scope has no option 'summary'", id="scope-docs"),
        pytest.param(lambda: _app(docs_url="/"), "App(plugins=[('openapi', {'docs': ...})])", id="docs-url"),
        pytest.param(lambda: app.scope("/x", middlewares=[]), "instead: middleware=[...]", id="scope"),
        pytest.param(lambda: app.scope("/x", timeout={}), "did you mean 'timeouts'?", id="scope-timeouts"),
        pytest.param(lambda: _app(limits={}), "App(settings={'limits': {'content': ...}})", id="app-limits"),
        pytest.param(lambda: _app(plugin=[]), "App has no option 'plugin'; did you mean 'plugins'?", id="app"),
        pytest.param(lambda: _app(title="x"), "the first argument of App is its name", id="app-title"),
        pytest.param(lambda: app.run(port=8000), "turnbuckle serve --host --port", id="run"),
    ],
)
def test_mistake_is_refused_with_the_right_spelling(call: Callable[[], object], message: str) -> None:
    with pytest.raises(TypeError) as raised:
        call()
    assert message in str(raised.value)


def _app(**options: Any) -> App:
    return App(**options)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        pytest.param("include_router", "app.scope(prefix)", id="include-router"),
        pytest.param("register_blueprint", "app.scope(prefix)", id="blueprint"),
        pytest.param("on_event", "@app.lifespan", id="on-event"),
        pytest.param("add_url_rule", "app.add_route(path, handler, methods=[...])", id="add-url-rule"),
        pytest.param("use", "@app.middleware", id="use"),
        pytest.param("before_request", "@app.middleware", id="before-request"),
        pytest.param("errorhandler", "@app.error_handler(Exception)", id="errorhandler"),
        pytest.param("websocket_route", "@app.websocket(path)", id="websocket"),
        pytest.param("test_client", "turnbuckle.testing.Client(app)", id="test-client"),
        pytest.param("url_path_for", "app.url_for(name)", id="url-path-for"),
    ],
)
def test_foreign_name_of_an_app_has_a_hint(name: str, hint: str) -> None:
    for thing in (App(), App().scope("/x")):
        with pytest.raises(AttributeError, match=re.escape(hint)):
            getattr(thing, name)
        assert not hasattr(thing, name)


def test_other_names_are_plain_errors() -> None:
    with pytest.raises(AttributeError, match=r"'App' object has no attribute 'rout'$") as raised:
        app.rout  # noqa: B018
    assert raised.value.obj is app


def test_description_of_a_route_is_part_of_its_record() -> None:
    app = App()
    app.get("/", summary="Show", tags="pages", errors=NotFound, limits={"content": 1})(handler)
    app.get("/plain")(handler)
    app.get("/text", responses={202: str})(handler)
    first, second, third = (planned.route for planned, _ in app.resolve().routes())
    assert first.docs == RouteDocs(summary="Show", tags=("pages",), errors=[NotFound])
    assert first.limits == {"content": 1}
    assert second.docs == RouteDocs()
    assert third.docs.responses == {202: str}
    assert first == Route(path="/", handler=handler)


def test_scope_describes_its_routes_and_the_scopes_within() -> None:
    app = App()
    outer = app.scope("/outer", tags=["outer"], errors=[401], in_schema=False)
    inner = outer.scope("/inner", errors=[NotFound], deprecated=True, timeouts={"handler": 1.0})
    inner.get("/a", errors=[401, 409])(handler)
    inner.get("/b", tags=["own"])(handler)
    outer.get("/c")(handler)
    docs = {planned.route.path: planned.route.docs for planned, _ in app.resolve().routes()}
    assert docs["/outer/inner/a"] == RouteDocs(
        tags=["outer"], errors=[401, NotFound, 409], in_schema=False, deprecated=True
    )
    assert docs["/outer/inner/b"].tags == ("own",)
    assert docs["/outer/c"] == RouteDocs(tags=["outer"], errors=[401], in_schema=False)
