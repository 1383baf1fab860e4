"""``request.find_route()`` returns the route that a request will be dispatched to, and the dispatch uses the result."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest

from turnbuckle import App, Handler, Middleware, Request, Response, Setup, WebSocket
from turnbuckle.errors import Forbidden, NotFound
from turnbuckle.http.events import RequestHead
from turnbuckle.routing.records import Match, Route
from turnbuckle.routing.tree import TreeRouter
from turnbuckle.runtime.found_route import compile_find_route, find_again
from turnbuckle.testing import Client
from turnbuckle.web.peer import Peer


async def _hello(request: Request, name: str = "") -> str:
    return f"{request.method} {name}"


class _CountingRouter:
    """A router that counts its lookups; only ``/a`` has a route."""

    def __init__(self) -> None:
        self.lookups = 0
        self.inner = TreeRouter()

    def add(self, route: Route, /) -> None:
        self.inner.add(route)

    def freeze(self) -> None:
        self.inner.freeze()

    def match(self, method: str, path: str, /) -> Match:
        self.lookups += 1
        return self.inner.match(method, path)


def _with_middleware(app: App, change: Callable[[Request], None] = lambda request: None) -> list[str]:
    """Add a middleware that looks up the route, then changes the request; return the list of found paths."""
    found: list[str] = []

    def factory(next_handler: Handler, setup: Setup) -> Handler:
        async def look(request: Request) -> Response:
            for _ in range(2):
                route = request.find_route()
                found.append(route.describe().partition(" (")[0] if route is not None else "none")
            change(request)
            return await next_handler(request)

        return look

    app.add_middleware(Middleware("look", factory))
    return found


@pytest.mark.parametrize(
    ("method", "path", "status", "expected"),
    [
        ("GET", "/a", 200, "GET /a"),
        ("HEAD", "/a", 200, "GET /a"),
        ("GET", "/u/ann?x=1", 200, "GET /u/{name}"),
        ("GET", "/in/b", 200, "GET /in/b"),
        ("GET", "/nothing", 404, "none"),
        ("POST", "/a", 405, "none"),
        ("OPTIONS", "/a", 204, "none"),
    ],
)
async def test_find_route_returns_the_route_of_the_dispatch(method: str, path: str, status: int, expected: str) -> None:
    app = App()
    app.get("/a")(_hello)
    app.get("/u/{name}")(_hello)
    app.scope("/in").get("/b")(_hello)
    found = _with_middleware(app)
    async with Client(app) as client:
        response = await client.request(method, path, follow_redirects=False)
    assert response.status == status
    assert found == [expected, expected]


async def test_the_router_is_searched_once() -> None:
    router = _CountingRouter()
    app = App(router=router)
    app.get("/a")(_hello)
    _with_middleware(app)
    async with Client(app) as client:
        assert (await client.get("/a")).status == 200
        assert router.lookups == 1
        assert (await client.get("/b")).status == 404
        assert router.lookups == 2


async def test_a_changed_method_is_looked_up_again() -> None:
    def override(request: Request) -> None:
        request.head = attrs.evolve(request.head, method=b"PUT")

    router = _CountingRouter()
    app = App(router=router)
    app.post("/a")(_hello)
    app.put("/a")(_hello)
    found = _with_middleware(app, override)
    async with Client(app) as client:
        assert (await client.post("/a")).text == "PUT "
    assert found == ["POST /a"] * 2
    assert router.lookups == 2


async def test_a_forwarded_host_is_looked_up_again() -> None:
    def forward(request: Request) -> None:
        request.take_forwarded(client=None, host="b.example")

    app = App()
    app.get("/", host="a.example", name="a")(_hello)

    @app.get("/", host="b.example", name="b")
    async def other(request: Request) -> str:
        return "b"

    found = _with_middleware(app, forward)
    async with Client(app) as client:
        assert (await client.get("/", headers={"Host": "a.example"})).text == "b"
    assert found[0] == "GET a.example/"


async def test_find_route_in_a_handler_is_its_route() -> None:
    app = App()

    @app.get("/a")
    async def own(request: Request) -> str:
        return "same" if request.find_route() is request.route else "other"

    async with Client(app) as client:
        assert (await client.get("/a")).text == "same"


async def test_a_mount_has_a_route() -> None:
    async def mounted(scope: object, receive: object, send: Callable[..., object]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[misc]
        await send({"type": "http.response.body", "body": b"mounted"})  # type: ignore[misc]

    app = App(plugins=["asgi"])
    app.mount("/sub", mounted)
    found = _with_middleware(app)
    async with Client(app) as client:
        assert (await client.get("/sub/x")).text == "mounted"
    assert found == [" /sub", " /sub"]


async def test_a_websocket_has_its_route() -> None:
    app = App(plugins=["websocket"])
    app.get("/chat")(_hello)
    app.get("/plain")(_hello)

    @app.websocket("/chat")
    async def chat(socket: WebSocket) -> None:
        await socket.send("hi")

    found = _with_middleware(app)
    async with Client(app) as client:
        async with client.websocket("/chat") as socket:
            assert await socket.receive() == "hi"
        assert (await client.get("/chat")).status == 200
    assert found == ["WEBSOCKET /chat"] * 2 + ["GET /chat"] * 2


async def test_url_for_works_after_find_route() -> None:
    app = App()
    app.get("/u/{name}", name="user")(_hello)
    urls = []

    def factory(next_handler: Handler, setup: Setup) -> Handler:
        async def look(request: Request) -> Response:
            request.find_route()
            urls.append(request.url_for("user", name="ann"))
            return await next_handler(request)

        return look

    app.add_middleware(Middleware("look", factory))
    async with Client(app) as client:
        await client.get("/u/bob")
    assert urls == ["/u/ann"]


async def test_the_next_handler_may_be_called_twice() -> None:
    app = App()
    app.get("/a")(_hello)

    @app.middleware
    async def twice(request: Request, call_next: Handler) -> Response:
        await call_next(request)
        return await call_next(request)

    async with Client(app) as client:
        assert (await client.get("/a")).status == 200


def test_a_request_without_an_app_has_no_route() -> None:
    assert Request(RequestHead(b"GET", b"/", 1, ()), None, Peer()).find_route() is None


def test_the_exception_of_the_router_is_raised_again() -> None:
    request = Request(RequestHead(b"GET", b"/", 1, ()), None, Peer())
    error = NotFound()
    calls = []

    def find(request: Request) -> tuple[Callable[..., object], dict[str, object], None]:
        calls.append(request)
        raise error

    find_route = compile_find_route(find)
    assert find_route(request) is None
    with pytest.raises(NotFound) as caught:
        find_again(request, find)
    assert caught.value is error
    assert len(calls) == 1


async def test_url_for_works_before_a_route_is_looked_up() -> None:
    async def refuse(request: Request, call_next: Handler) -> Response:
        if request.path == "/refused":
            raise Forbidden
        response = await call_next(request)
        response.headers.set("X-Home", request.url_for("home"))
        return response

    async def link_home(request: Request, call_next: Handler) -> Response:
        home = request.url_for("home")
        response = await call_next(request)
        response.headers.set("X-Early", home)
        return response

    app = App(middleware=[refuse, link_home])

    @app.get("/", name="home")
    async def home(request: Request) -> str:
        return "home"

    @app.error_handler(Forbidden)
    async def forbidden(request: Request, error: Forbidden) -> str:
        return request.url_for("home")

    async with Client(app) as client:
        response = await client.get("/")
        assert (response.headers["X-Home"], response.headers["X-Early"]) == ("/", "/")
        assert (await client.get("/refused")).text == "/"
