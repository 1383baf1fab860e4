"""Scripts of permitted origins read responses, preflights are answered, and caches keep origins apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import pytest

from turnbuckle import (
    App,
    Forbidden,
    Handler,
    Middleware,
    MiddlewareChain,
    Plugin,
    Request,
    Response,
    Setup,
    StartupError,
    WebSocket,
)
from turnbuckle.testing import Client, ClientResponse
from turnbuckle.testing.conformance import MiddlewareConformance, PluginConformance
from turnbuckle_contrib.cors import CORSPlugin

_APP = "https://app.example.com"
_PATTERN = "https://*.friends.example:8443"
_PREFLIGHT = {"Access-Control-Request-Method": "PUT"}


class TestCORSPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return CORSPlugin()


class TestCORSMiddleware(MiddlewareConformance):
    plugin = CORSPlugin
    config: ClassVar[Mapping[str, object]] = {"origins": [_APP]}
    headers: ClassVar[Mapping[str, str]] = {"Origin": _APP}

    def has_run(self, response: ClientResponse) -> bool:
        return response.headers.get("access-control-allow-origin") == _APP and "Origin" in response.headers["vary"]


class TestPublicCORSMiddleware(MiddlewareConformance):
    plugin = CORSPlugin
    config: ClassVar[Mapping[str, object]] = {"origins": ["*"]}

    def has_run(self, response: ClientResponse) -> bool:
        return response.headers.get("access-control-allow-origin") == "*" and "vary" not in response.headers


def _app(**settings: object) -> App:
    app = App(plugins=[("cors", {"origins": [_APP, _PATTERN], **settings})])
    _add_routes(app)
    return app


def _add_routes(app: App) -> None:
    @app.get("/")
    async def home() -> str:
        return "home"

    @app.get("/fails")
    async def fails() -> str:
        raise RuntimeError("on purpose")

    @app.get("/own")
    async def own() -> Response:
        return Response("own", headers={"Access-Control-Allow-Origin": "https://other.example", "Vary": "Accept"})


def _fields(response: ClientResponse) -> dict[str, str]:
    """Return the fields of CORS without their common start."""
    start = "access-control-"
    found = {name.lower(): value for name, value in response.headers.items()}
    fields = {name.removeprefix(start): value for name, value in found.items() if name.startswith(start)}
    return fields | ({"vary": found["vary"]} if "vary" in found else {})


async def _get(app: App, path: str = "/", method: str = "GET", **headers: str) -> ClientResponse:
    async with Client(app, raise_exceptions=False) as client:
        return await client.request(method, path, headers={name.replace("_", "-"): headers[name] for name in headers})


# -- origins


@pytest.mark.parametrize(
    "origin",
    [
        pytest.param(_APP, id="exact"),
        pytest.param("https://a.friends.example:8443", id="pattern"),
        pytest.param("https://a.b.friends.example:8443", id="pattern-with-two-labels"),
    ],
)
async def test_permitted_origin_is_sent_back(origin: str) -> None:
    response = await _get(_app(), Origin=origin)
    assert (response.text, _fields(response)) == ("home", {"allow-origin": origin, "vary": "Origin"})


FOREIGN = [
    "null",
    "",
    "https://evil.example",
    "http://app.example.com",
    "https://app.example.com:443",
    "https://app.example.com:8443",
    "https://app.example.com.evil.example",
    "https://app.example.com/",
    "https://app.example.com@evil.example",
    "https://evilapp.example.com",
    "https://appxexample.com",
    "HTTPS://APP.EXAMPLE.COM",
    f"{_APP} {_APP}",
    f"{_APP}, {_APP}",
    "*",
    _PATTERN,
    "https://friends.example:8443",
    "https://.friends.example:8443",
    "https://a..friends.example:8443",
    "https://evilfriends.example:8443",
    "https://a.friends.example",
    "https://a.friends.example:84430",
    "http://a.friends.example:8443",
    "https://evil.example/.friends.example:8443",
    "https://evil.example?.friends.example:8443",
    "https://evil.example#.friends.example:8443",
    "https://evil.example:1.friends.example:8443",
    "https://evil.example@a.friends.example:8443",
    "https://evil.example\\.friends.example:8443",
    "https://evil.example`.friends.example:8443",
    "https://evil.example .friends.example:8443",
    "https://evil.example%00.friends.example:8443",
    "https://a.friends.example:8443.evil.example",
    "https://\xe9.friends.example:8443",
]
"""Origins that are similar to the permitted ones; wrong implementations have accepted most of them."""


@pytest.mark.parametrize("origin", FOREIGN)
async def test_foreign_origin_gets_nothing(origin: str) -> None:
    for method, headers in {"GET": {}, "OPTIONS": _PREFLIGHT}.items():
        async with Client(_app(credentials=True)) as client:
            response = await client.request(method, "/", headers={**headers, "Origin": origin})
        assert response.status == (200 if method == "GET" else 204)
        assert _fields(response) == {"vary": "Origin"}


async def test_two_origins_get_nothing() -> None:
    async with Client(_app()) as client:
        response = await client.get("/", headers=[("Origin", _APP), ("Origin", "https://evil.example")])
    assert _fields(response) == {"vary": "Origin"}


@pytest.mark.parametrize("path", ["/", "/nowhere", "/fails"])
async def test_vary_is_sent_without_origin(path: str) -> None:
    assert _fields(await _get(_app(), path)) == {"vary": "Origin"}


async def test_every_origin() -> None:
    app = _app(origins=["*"])
    for origin in ({}, {"Origin": "null"}, {"Origin": "https://any.example"}):
        assert _fields(await _get(app, **origin)) == {"allow-origin": "*"}


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/fails", 500)])
async def test_errors_can_be_read(path: str, status: int) -> None:
    response = await _get(_app(credentials=True, exposed=["X-Total"]), path, Origin=_APP)
    assert response.status == status
    assert _fields(response) == {
        "allow-origin": _APP,
        "allow-credentials": "true",
        "expose-headers": "X-Total",
        "vary": "Origin",
    }
    wrong = await _get(_app(), "/", "DELETE", Origin=_APP)
    assert (wrong.status, _fields(wrong)) == (405, {"allow-origin": _APP, "vary": "Origin"})


@pytest.mark.parametrize("error", [Forbidden(), RuntimeError("on purpose")], ids=["403", "500"])
async def test_errors_of_inner_middleware_can_be_read(error: Exception) -> None:
    def refuse(next_handler: Handler, setup: Setup) -> Handler:
        async def raise_error(request: Request) -> Response:
            raise error

        return raise_error

    app = App(plugins=[("cors", {"origins": [_APP]})], middleware=[Middleware("refuse", refuse, zone="session")])
    response = await _get(app, Origin=_APP)
    assert response.status in (403, 500)
    assert _fields(response) == {"allow-origin": _APP, "vary": "Origin"}


async def test_fields_of_the_handler_stay() -> None:
    response = await _get(_app(credentials=True), "/own", Origin=_APP)
    assert _fields(response) == {"allow-origin": "https://other.example", "vary": "Accept, Origin"}


async def test_handshake_of_a_websocket_is_not_disturbed() -> None:
    app = App(plugins=["websocket", ("cors", {"origins": ["*"]})])

    @app.websocket("/ws")
    async def greet(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send("hello")

    async with Client(app) as client, client.websocket("/ws") as socket:
        assert await socket.receive() == "hello"


# -- preflights


async def test_preflight_is_answered_without_the_handler() -> None:
    app = _app(credentials=True, exposed=["X-Total"], headers=["Content-Type", "X-Key"], max_age=60)
    for path in ("/", "/nowhere"):
        response = await _get(app, path, "OPTIONS", Origin=_APP, **_PREFLIGHT)
        assert (response.status, response.content) == (204, b"")
        assert _fields(response) == {
            "allow-origin": _APP,
            "allow-credentials": "true",
            "allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
            "allow-headers": "Content-Type, X-Key",
            "max-age": "60",
            "vary": "Origin",
        }


async def test_preflight_for_every_origin() -> None:
    response = await _get(_app(origins=["*"], headers=[], methods=[]), "/", "OPTIONS", Origin="null", **_PREFLIGHT)
    assert _fields(response) == {"allow-origin": "*", "max-age": "600"}


@pytest.mark.parametrize(
    ("requested", "allowed"),
    [("x-key,content-type", "x-key, content-type"), ("", None), ("a b", None), ("a\x00", None), ("a," * 200, None)],
    ids=["names", "empty", "no-name", "control", "many"],
)
async def test_preflight_for_any_fields(requested: str, allowed: str | None) -> None:
    if "\x00" in requested:
        requested = "a;b"
    headers = {"Origin": _APP, **_PREFLIGHT, "Access-Control-Request-Headers": requested}
    async with Client(_app(headers=["*"], credentials=True)) as client:
        response = await client.request("OPTIONS", "/", headers=headers)
    assert response.headers.get("access-control-allow-headers") == allowed
    assert response.headers["vary"] == "Origin, Access-Control-Request-Headers"


async def test_options_without_a_method_is_no_preflight() -> None:
    response = await _get(_app(), "/", "OPTIONS", Origin=_APP)
    assert (response.status, response.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
    assert _fields(response) == {"allow-origin": _APP, "vary": "Origin"}


@pytest.mark.parametrize("is_on", [True, False])
async def test_private_network(is_on: bool) -> None:
    headers = {"Origin": _APP, **_PREFLIGHT, "Access-Control-Request-Private-Network": "true"}
    async with Client(_app(private_network=is_on)) as client:
        response = await client.request("OPTIONS", "/", headers=headers)
        assert response.headers.get("access-control-allow-private-network") == ("true" if is_on else None)
        del headers["Access-Control-Request-Private-Network"]
        response = await client.request("OPTIONS", "/", headers=headers)
        assert "access-control-allow-private-network" not in response.headers


async def test_preflight_passes_the_check_of_csrf() -> None:
    app = App(plugins=["csrf", ("cors", {"origins": [_APP]}), "security_headers"])
    _add_routes(app)
    assert [entry.record.name for entry in app.plan.root.middleware] == ["security_headers", "cors", "csrf"]
    headers = {"Origin": _APP, "Sec-Fetch-Site": "cross-site", **_PREFLIGHT}
    assert _fields(await _get(app, "/", "OPTIONS", **headers))["allow-origin"] == _APP
    # The page may read the refusal.
    refused = await _get(app, "/", "POST", **headers)
    assert (refused.status, _fields(refused)) == (403, {"allow-origin": _APP, "vary": "Origin"})


# -- scopes


async def test_scope_answers_for_its_paths_only() -> None:
    app = App()
    api = app.scope("/api", plugins=[("cors", {"origins": [_APP]})])
    public = app.scope("/public", plugins=[("cors", {"origins": ["*"], "methods": ["GET"]})])

    for scope in (app, api, public):

        @scope.put("/item")
        async def put() -> str:
            return "put"

    for path in ("/api/item", "/api/nowhere"):
        assert _fields(await _get(app, path, "OPTIONS", Origin=_APP, **_PREFLIGHT))["allow-origin"] == _APP
        assert _fields(await _get(app, path, "PUT", Origin=_APP)) == {"allow-origin": _APP, "vary": "Origin"}
    for path in ("/public/item", "/public/nowhere"):
        fields = _fields(await _get(app, path, "OPTIONS", Origin=_APP, **_PREFLIGHT))
        assert (fields["allow-origin"], fields["allow-methods"]) == ("*", "GET")
    for path in ("/item", "/nowhere", "/apis/item"):
        for method in ("OPTIONS", "PUT"):
            assert _fields(await _get(app, path, method, Origin=_APP, **_PREFLIGHT)) == {}


async def test_scope_may_permit_more_origins_than_the_app() -> None:
    app = App(plugins=[("cors", {"origins": [_APP]})])
    app.scope("/api", plugins=[("cors", {"origins": ["https://other.example"]})]).get("/")(_item)
    for origin in (_APP, "https://other.example"):
        for method in ("GET", "OPTIONS"):
            response = await _get(app, "/api/", method, Origin=origin, **_PREFLIGHT)
            assert response.headers["access-control-allow-origin"] == origin
            assert response.headers["vary"] == "Origin"


async def test_chain_of_a_scope_answers_preflights() -> None:
    app = App(settings={"plugin": {"cors": {"origins": [_APP]}}})
    api = app.scope("/api", chain=MiddlewareChain("sharing", ["cors"]))
    api.put("/item")(_item)
    app.put("/item")(_item)
    shared = {"/api/item": True, "/api/nowhere": True, "/item": False, "/nowhere": False}
    for path, is_shared in shared.items():
        response = await _get(app, path, "OPTIONS", Origin=_APP, **_PREFLIGHT)
        assert ("access-control-allow-methods" in response.headers) is is_shared, path


async def _item() -> str:
    return "item"


# -- settings


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"origins": ["*"], "credentials": True}, "would let every page read the data of every user; list the origins"),
        ({"origins": ["*"], "private_network": True}, "would let every page reach this server; list the origins"),
        ({"exposed": ["*"], "credentials": True}, "list the fields"),
        ({"origins": ["null"]}, "any page can send it from a sandboxed frame"),
        ({"origins": ["https://*"]}, "is no origin"),
        ({"origins": ["https://*example.com"]}, "is no origin"),
        ({"origins": ["https://app.example.com/path"]}, "it must end after the host and the port"),
        ({"origins": [".*"]}, "is no origin"),
        ({"methods": ["get"]}, "write 'GET', not 'get'"),
        ({"methods": ["A B"]}, "which is no name"),
        ({"headers": ["X-Key: x"]}, "which is no name"),
        ({"exposed": ["a\r\nb"]}, "which is no name"),
        ({"max_age": -1}, "max_age"),
    ],
)
def test_wrong_settings_are_reported_at_startup(settings: dict[str, object], text: str) -> None:
    with pytest.raises(StartupError) as caught:
        _app(**settings).resolve()
    assert [problem.diagnostic.code for problem in caught.value.problems] == ["TB202"]
    assert text in str(caught.value.problems[0])


async def test_without_origins_the_plugin_takes_no_part() -> None:
    assert _fields(await _get(_app(origins=[]), Origin=_APP)) == {}


async def test_response_that_is_returned_again_is_for_the_origin_that_asks() -> None:
    app = App(plugins=[("cors", {"origins": [_APP, "https://other.example.com"]})])
    shared = Response("the same for all")

    @app.get("/")
    async def home() -> Response:
        return shared

    async with Client(app) as client:
        for origin in (_APP, "https://other.example.com"):
            response = await client.get("/", headers={"Origin": origin})
            assert response.headers["access-control-allow-origin"] == origin
        foreign = await client.get("/", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in foreign.headers


@pytest.mark.parametrize("is_named", [False, True])
async def test_idempotency_key_of_a_script_must_be_named(is_named: bool) -> None:
    fields = ["Content-Type", *(["Idempotency-Key"] if is_named else [])]
    app = App(plugins=["idempotency", ("cors", {"origins": ["https://app.example"], "headers": fields})])
    asked = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "idempotency-key",
    }
    async with Client(app) as client:
        response = await client.request("OPTIONS", "/orders", headers=asked)
    permitted = response.headers.get("access-control-allow-headers", "").lower()
    assert ("idempotency-key" in permitted) is is_named
