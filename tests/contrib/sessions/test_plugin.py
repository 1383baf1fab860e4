"""Sessions from request to request, with each backend."""

from __future__ import annotations

from typing import ClassVar

import pytest

from tests.contrib.sessions.conftest import MakeApp
from turnbuckle import App, Forbidden, Handler, Plugin, Request, Response, Session
from turnbuckle.testing import Client, FakeClock
from turnbuckle.testing.conformance import MiddlewareConformance, PluginConformance
from turnbuckle_contrib.sessions import SessionsPlugin


class TestSessionsPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return SessionsPlugin()


class TestSessionsMiddleware(MiddlewareConformance):
    plugin: ClassVar[type[Plugin] | None] = SessionsPlugin

    def use(self, request: Request) -> None:
        if "cookie" in request.headers:
            request.session["client"] = request.headers["cookie"]


class TestSessionsMiddlewareWithStore(MiddlewareConformance):
    plugin: ClassVar[type[Plugin] | None] = SessionsPlugin
    config: ClassVar[dict[str, object]] = {"store": "memory"}
    headers: ClassVar[dict[str, str]] = {"Cookie": "session=" + "a" * 43}

    def use(self, request: Request) -> None:
        if "origin" in request.headers:
            request.session.get("client")


async def _values(client: Client) -> object:
    return (await client.get("/show")).json()["values"]


async def test_values_last_from_request_to_request(any_app: App) -> None:
    async with Client(any_app) as client:
        assert (await client.get("/show")).json() == {"values": {}, "is_new": True}
        await client.post("/set?a=1&b=%C3%A9%F0%9F%98%80")
        assert (await client.get("/show")).json() == {"values": {"a": "1", "b": "é😀"}, "is_new": False}
        await client.post("/set?a=2")
        assert await _values(client) == {"a": "2", "b": "é😀"}


async def test_two_clients_have_two_sessions(any_app: App) -> None:
    async with Client(any_app) as client:
        await client.post("/set?a=1")
        ada = client.cookies["session"]
        client.cookies.clear()
        assert await _values(client) == {}
        await client.post("/set?a=2")
        assert client.cookies["session"] != ada
        client.cookies.set("session", ada)
        assert await _values(client) == {"a": "1"}


async def test_change_within_a_list_is_saved(any_app: App) -> None:
    async with Client(any_app) as client:
        for _ in range(3):
            await client.post("/append")
        assert await _values(client) == {"list": [1, 1, 1]}


async def test_end_removes_the_session_and_its_cookie(any_app: App) -> None:
    async with Client(any_app) as client:
        await client.post("/login")
        stolen = client.cookies["session"]
        response = await client.post("/logout")
        assert response.cookies["session"] == ""
        assert "session" not in client.cookies
        assert await _values(client) == {}
        client.cookies.set("session", stolen)
        assert await _values(client) == {}


async def test_values_after_the_end_belong_to_a_new_session(any_app: App) -> None:
    async with Client(any_app) as client:
        await client.post("/login")
        before = client.cookies["session"]
        await client.post("/logout-with-message")
        assert client.cookies["session"] != before
        assert (await client.get("/flashes")).json() == [["info", "goodbye"]]
        assert await _values(client) == {}
        client.cookies.set("session", before)
        assert await _values(client) == {}


async def test_session_without_values_is_removed(any_app: App) -> None:
    @any_app.post("/clear")
    async def clear(session: Session) -> str:
        session.clear()
        return "cleared"

    async with Client(any_app) as client:
        await client.post("/set?a=1")
        await client.post("/clear")
        assert "session" not in client.cookies
        response = await client.post("/clear")
        assert "session" not in response.cookies


async def test_cookie_is_set_only_when_the_session_changes(any_app: App) -> None:
    async with Client(any_app) as client:
        for path in ("/unused", "/show", "/nowhere"):
            assert "set-cookie" not in (await client.get(path)).headers
        assert "set-cookie" in (await client.post("/set?a=1")).headers
        for path in ("/unused", "/show"):
            assert "set-cookie" not in (await client.get(path)).headers
        assert "set-cookie" not in (await client.post("/set?a=1")).headers


async def test_caches_learn_whether_the_session_was_used(any_app: App) -> None:
    async with Client(any_app) as client:
        unused = await client.get("/unused")
        assert "vary" not in unused.headers
        assert "cache-control" not in unused.headers
        read = await client.get("/show")
        assert (read.headers["vary"], read.headers["cache-control"]) == ("Cookie", "private, no-cache")
        written = await client.post("/set?a=1")
        assert (written.headers["vary"], written.headers["cache-control"]) == ("Cookie", "no-store")
        ended = await client.post("/logout")
        assert (ended.headers["vary"], ended.headers["cache-control"]) == ("Cookie", "no-store")


@pytest.mark.parametrize(
    ("given", "if_read", "if_written"),
    [
        pytest.param("public, max-age=60", "public, max-age=60", "no-store", id="public"),
        pytest.param("max-age=60", "max-age=60", "no-store", id="max-age"),
        pytest.param("Private, max-age=60", "Private, max-age=60", "Private, max-age=60", id="private"),
        pytest.param("no-store", "no-store", "no-store", id="no-store"),
    ],
)
async def test_no_shared_cache_stores_a_cookie(make_app: MakeApp, given: str, if_read: str, if_written: str) -> None:
    app = make_app()

    @app.get("/page")
    async def page(request: Request) -> Response:
        request.session.get("a")
        if "write" in request.query_params:
            request.session["a"] = 1
        return Response("page", headers={"Cache-Control": given})

    async with Client(app) as client:
        assert (await client.get("/page")).headers["cache-control"] == if_read
        assert (await client.get("/page?write=1")).headers["cache-control"] == if_written


@pytest.mark.parametrize(("status", "is_saved"), [(200, True), (302, True), (404, True), (499, True), (500, False)])
async def test_failed_responses_save_nothing(any_app: App, status: int, is_saved: bool) -> None:
    async with Client(any_app) as client:
        await client.post("/set?a=1")
        await client.post(f"/fails/{status}")
        assert ("failed" in (await client.get("/show")).json()["values"]) is is_saved


async def test_exception_saves_nothing_but_an_end(any_app: App) -> None:
    @any_app.post("/broken/{path}")
    async def broken(path: str, session: Session) -> str:
        if path == "logout":
            session.end()
        session["a"] = "broken"
        raise ZeroDivisionError

    async with Client(any_app, raise_exceptions=False) as client:
        await client.post("/set?a=1")
        assert (await client.post("/broken/set")).status == 500
        assert await _values(client) == {"a": "1"}
        assert (await client.post("/broken/logout")).status == 500
        assert await _values(client) == {}


async def test_exception_of_inner_middleware_saves_nothing_but_an_end(any_app: App) -> None:
    @any_app.middleware
    async def fail(request: Request, call_next: Handler) -> Response:
        response = await call_next(request)
        if "fail" in request.query_params:
            raise Forbidden
        return response

    async with Client(any_app) as client:
        await client.post("/login")
        cookie = client.cookies["session"]
        response = await client.post("/set?fail=1&a=1")
        assert (response.status, response.headers["vary"]) == (403, "Cookie")
        assert await _values(client) == {"_user": "ada"}
        response = await client.post("/logout?fail=1")
        assert (response.status, response.cookies["session"]) == (403, "")
        client.cookies.set("session", cookie)
        assert await _values(client) == {}


async def test_response_that_a_handler_returns_to_several_clients_has_no_cookie_of_another(any_app: App) -> None:
    shared = Response("shared", headers={"X-Kind": "a"})

    @any_app.post("/shared")
    async def write(session: Session) -> Response:
        session["a"] = 1
        return shared

    async with Client(any_app) as client:
        for _ in range(3):
            client.cookies.clear()
            response = await client.post("/shared")
            assert len(response.headers.get_list("set-cookie")) == 1
            assert response.headers["x-kind"] == "a"
    assert "set-cookie" not in shared.headers


async def test_errors_and_head_have_the_session(any_app: App) -> None:
    async with Client(any_app) as client:
        await client.post("/set?a=1")
        assert (await client.get("/nowhere")).status == 404
        assert (await client.post("/show")).status == 405
        assert (await client.head("/show")).headers["vary"] == "Cookie"


async def test_handler_in_a_thread_has_the_session(any_app: App) -> None:
    @any_app.post("/thread")
    def write(session: Session) -> str:
        session["list"] = [*session.get("list", []), 1]
        return "written"

    async with Client(any_app) as client:
        for _ in range(2):
            await client.post("/thread")
        assert await _values(client) == {"list": [1, 1]}


async def test_app_in_a_scope(clock: FakeClock) -> None:
    app = App()
    shop = app.scope("/shop", plugins=[(SessionsPlugin(clock.wall), {"path": "/shop"})])

    @shop.get("/count")
    async def count(session: Session) -> str:
        session["count"] = session.get("count", 0) + 1
        return str(session["count"])

    @app.get("/outside")
    async def outside(request: Request) -> str:
        return str(getattr(request, "session", None))

    async with Client(app) as client:
        assert [(await client.get("/shop/count")).text for _ in range(2)] == ["1", "2"]
        assert (await client.get("/outside")).text == "None"
