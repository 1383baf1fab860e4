"""Routes for WebSockets are checked at startup: their handlers, their methods, and the plugin that carries them."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator, Callable

import attrs
import pytest

from turnbuckle import App, Body, Handler, Request, Response, Route, SettingsSources, WebSocket
from turnbuckle.startup.report.explain import explain_request
from turnbuckle.testing import Client, expect_problems


@attrs.define
class Note:
    """Content of a request."""

    text: str


def plain(socket: WebSocket) -> None: ...


async def yields(socket: WebSocket) -> AsyncIterator[str]:
    yield ""


async def takes_none() -> None: ...


async def takes_the_request(request: Request) -> None: ...


async def takes_two(socket: WebSocket, other: WebSocket) -> None: ...


async def takes_content(socket: WebSocket, note: Body[Note]) -> None: ...


async def chat(socket: WebSocket) -> None: ...


class Room:
    """A value that a supplier makes from a WebSocket."""


def room(socket: WebSocket) -> Room:
    return Room()


async def enter(room: Room) -> None: ...


async def counts(socket: WebSocket) -> int:
    return 1


@pytest.mark.parametrize(
    ("handler", "text"),
    [
        pytest.param(plain, "is a plain 'def'", id="plain"),
        pytest.param(yields, "yields", id="yields"),
        pytest.param(takes_none, "takes no WebSocket", id="none"),
        pytest.param(takes_the_request, "takes no WebSocket", id="request"),
        pytest.param(takes_two, "takes 2 WebSockets: 'socket', 'other'", id="two"),
        pytest.param(takes_content, "takes 'note' from the content", id="content"),
    ],
)
def test_handler_that_cannot_be_used_is_refused(handler: Callable[..., object], text: str) -> None:
    app = App(plugins=["websocket"])
    app.add_websocket_route("/", handler)
    with expect_problems("TB436") as problems:
        app.resolve()
    assert text in str(problems[0])


def test_handler_of_requests_has_no_websocket() -> None:
    app = App(plugins=["websocket"])
    app.add_route("/", chat)
    with expect_problems("TB436") as problems:
        app.resolve()
    assert "takes 'socket', which is a WebSocket" in str(problems[0])


def test_supplier_of_requests_has_no_websocket() -> None:
    app = App(plugins=["websocket"])
    app.supply(room)
    app.add_route("/", enter)
    app.add_route("/guarded", takes_none, guards=[enter])
    with expect_problems("TB436", "TB436") as problems:
        app.resolve()
    assert "needs tests.core.startup.parameters.test_sockets.room" in str(problems[0])


def test_middleware_has_no_websocket() -> None:
    app = App(plugins=["websocket"])

    @app.middleware
    async def around(request: Request, call_next: Handler, socket: WebSocket) -> Response:
        return await call_next(request)

    with expect_problems("TB436") as problems:
        app.resolve()
    assert "takes 'socket', which is a WebSocket" in str(problems[0])


def test_value_without_a_response_is_refused() -> None:
    app = App(plugins=["websocket"])
    app.add_websocket_route("/", counts)
    with expect_problems("TB429") as problems:
        app.resolve()
    assert "is annotated '-> int'" in str(problems[0])


def test_option_of_other_routes_is_named_as_it_is() -> None:
    with pytest.raises(TypeError, match="has no option 'summary'; its options are chain, guards, host, name"):
        App().websocket("/", summary="chat")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("status", "an accepted WebSocket has the status 101; return a Response to refuse it"),
        ("status_code", "an accepted WebSocket has the status 101; return a Response to refuse it"),
        ("methods", "a WebSocket has no methods; "),
        ("method", "a WebSocket has no methods; "),
        ("response_model", "messages have no declared type; "),
        ("limits", "App(plugins=[('websocket', {'max_message': ...})])"),
    ],
)
def test_option_that_websockets_lack_has_a_counterpart(option: str, hint: str) -> None:
    with pytest.raises(TypeError, match=f"has no option '{option}'; instead: " + re.escape(hint)):
        App().websocket("/", **{option: None})  # type: ignore[arg-type]


def test_route_has_either_websockets_or_requests() -> None:
    app = App(plugins=["websocket"])
    app.add_route("/", chat, methods=["GET", "WEBSOCKET"])
    with expect_problems("TB436") as problems:
        app.resolve()
    assert "its methods are WEBSOCKET and GET" in str(problems[0])


def test_routes_need_a_plugin_unless_the_host_carries_messages() -> None:
    app = App()
    app.add_websocket_route("/", chat)
    with expect_problems("TB437"):
        app.resolve()
    other = App()
    other.add_websocket_route("/", chat)
    plan = other.resolve(SettingsSources(carries_messages=True))
    [(planned, _)] = plan.routes()
    assert planned.route.is_websocket
    assert [parameter.source for parameter in planned.signature.parameters] == ["websocket"]


def test_plugin_that_cannot_be_imported_is_reported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "turnbuckle_plugins.websocket", None)
    app = App(plugins=["websocket"])
    app.add_websocket_route("/", chat)
    with expect_problems("TB103") as problems:
        app.resolve()
    assert "plugin 'websocket' cannot be imported" in str(problems[0])


def test_optional_plugin_that_is_left_out_is_still_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "turnbuckle_plugins.websocket", None)
    app = App(settings={"plugins": {"optional": ["websocket"]}})
    app.add_websocket_route("/", chat)
    with expect_problems("TB437") as problems:
        app.resolve()
    assert "no enabled plugin carries WebSockets" in str(problems[0])


def test_two_websockets_at_one_path_conflict() -> None:
    app = App(plugins=["websocket"])
    app.add_websocket_route("/{a}", chat)
    app.add_websocket_route("/{b}", chat)
    with expect_problems("TB406") as problems:
        app.resolve()
    assert "WEBSOCKET /{b}" in str(problems[0])


@pytest.mark.parametrize("router", ["tree", "regex_router", "werkzeug_router"])
async def test_any_router_finds_websockets(router: str) -> None:
    app = App(plugins=["websocket"] + ([router] if router != "tree" else []), settings={"routing": {}})
    app.add_websocket_route("/chat", chat)

    @app.get("/chat")
    async def page() -> str:
        return "page"

    async with Client(app) as client:
        assert (await client.get("/chat")).text == "page"
        assert (await client.request("WEBSOCKET", "/chat")).status == 501
        assert "WEBSOCKET" not in (await client.request("DELETE", "/chat")).headers["allow"]


def test_explain_names_the_websocket() -> None:
    app = App(plugins=["websocket"])
    app.add_websocket_route("/chat", chat)
    app.add_route("/page", takes_the_request)
    plan = app.resolve()
    explained = explain_request(plan, "WEBSOCKET", "/chat")
    assert explained.winner is not None
    assert explained.winner.route.is_websocket
    assert explained.protocol is not None
    assert explained.protocol.record.name == "websocket"
    plain = explain_request(plan, "GET", "/chat")
    assert plain.status == 426
    assert plain.outcome == "only a WebSocket has this path, and the request has no Upgrade"
    assert plain.headers == {"Upgrade": "websocket", "Connection": "Upgrade"}
    assert explain_request(plan, "POST", "/chat").status == 404
    ignored = explain_request(plan, "WEBSOCKET", "/page")
    assert ignored.winner is not None
    assert ignored.winner.route.path == "/page"


def test_plugin_may_provide_websocket_routes() -> None:
    route = Route(path="/", handler=chat, methods=["WEBSOCKET"])
    assert route.is_websocket
    assert not Route(path="/", handler=chat).is_websocket
