"""Routes and scopes may override limits and deadlines of the app where the setting permits it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import attrs
import pytest

from tests.core.startup.finding import error_of, make_plugin
from turnbuckle import App, Handler, Request, Response, Route, Setup, middleware
from turnbuckle.http.limits import Limits, limit_info
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.startup.report.explain import explain_request
from turnbuckle.startup.report.why_routes import why_route
from turnbuckle.testing import Client

_SMALL = {"limits": {"content": 10}}


async def _echo(request: Request) -> bytes:
    return await request.read()


async def _hello(request: Request) -> str:
    return "hello"


async def _never(request: Request) -> None:
    await asyncio.get_running_loop().create_future()


# -- content -----------------------------------------------------------------------------------------------------------


def _app_of_sizes() -> App:
    app = App(settings=_SMALL)
    app.post("/default")(_echo)
    app.post("/less", limits={"content": 5})(_echo)
    app.post("/more", limits={"content": 1000})(_echo)
    app.post("/careless")(_hello)
    inner = app.scope("/in", limits={"content": 20})
    inner.post("/scope")(_echo)
    inner.post("/own", limits={"content": 30})(_echo)
    inner.scope("/deep", limits={"content": 40}).post("/scope")(_echo)
    return app


@pytest.mark.parametrize(
    ("path", "most"),
    [("/default", 10), ("/less", 5), ("/more", 1000), ("/in/scope", 20), ("/in/own", 30), ("/in/deep/scope", 40)],
)
@pytest.mark.parametrize("chunked", [True, False])
async def test_content_limit_of_a_route(path: str, most: int, chunked: bool) -> None:
    async def pieces(size: int) -> AsyncIterator[bytes]:
        yield b"x" * size

    async with Client(_app_of_sizes()) as client:
        for size, status in ((most, 200), (most + 1, 413)):
            content = pieces(size) if chunked else b"x" * size
            response = await client.post(path, content=content)
            assert response.status == status


@pytest.mark.parametrize("path", ["/careless", "/less"])
async def test_content_beyond_the_limit_of_a_route_is_refused_before_the_handler_runs(path: str) -> None:
    async with Client(_app_of_sizes(), raise_exceptions=False) as client:
        connection = client.connect()
        await connection.send(
            b"POST %b HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 500\r\n\r\n" % path.encode()
        )
        assert connection.statuses == [413]
        assert b"\r\nConnection: close\r\n" in connection.received


async def test_content_beyond_the_limit_of_each_route_is_rejected_before_routing() -> None:
    seen: list[str] = []

    @middleware
    async def note(request: Request, call_next: Handler) -> Response:
        seen.append(request.path)
        return await call_next(request)

    app = _app_of_sizes()
    app.add_middleware(note)
    async with Client(app) as client:
        assert (await client.post("/nowhere", content=b"x" * 1001)).status == 413
        assert (await client.post("/nowhere", content=b"x" * 1000)).status == 404
    assert seen == ["/nowhere"]


async def test_rejection_by_the_limit_of_a_route_runs_through_its_middleware() -> None:
    @middleware
    async def tag(request: Request, call_next: Handler) -> Response:
        response = await call_next(request)
        response.headers.set("Seen", "yes")
        return response

    app = App()
    app.scope("/in", middleware=[tag], limits={"content": 1}).post("/")(_echo)
    async with Client(app) as client:
        response = await client.post("/in", content=b"xx")
    assert (response.status, response.headers["seen"]) == (413, "yes")


# -- deadlines ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("timeouts", [{"handler": 5.0}, {"total": 5}])
async def test_deadline_of_a_route(timeouts: Mapping[str, float]) -> None:
    app = App()
    app.get("/hasty", timeouts=timeouts)(_never)
    app.get("/patient")(_never)
    async with Client(app, raise_exceptions=False) as client:
        hasty, patient = client.connect(), client.connect()
        await hasty.send(b"GET /hasty HTTP/1.1\r\nHost: a\r\n\r\n")
        await patient.send(b"GET /patient HTTP/1.1\r\nHost: a\r\n\r\n")
        await client.advance(4)
        assert hasty.statuses == []
        await client.advance(2)
        await client.advance(1000)
        assert (hasty.statuses, patient.statuses) == ([503], [])


async def test_deadline_of_a_route_ends_with_its_request() -> None:
    app = App(settings={"timeouts": {"idle": 100}})
    app.get("/hasty", timeouts={"handler": 5.0, "total": 5.0})(_hello)
    app.get("/patient")(_never)
    async with Client(app) as client:
        connection = client.connect()
        await connection.send(b"GET /hasty HTTP/1.1\r\nHost: a\r\n\r\nGET /patient HTTP/1.1\r\nHost: a\r\n\r\n")
        await client.advance(50)
        assert connection.statuses == [200]
        assert not connection.is_closed


async def test_route_may_give_more_time_than_the_settings() -> None:
    app = App(settings={"timeouts": {"handler": 5}})
    app.get("/default")(_never)
    app.get("/more", timeouts={"handler": 20.0})(_never)
    app.get("/all", timeouts={"handler": 0})(_never)
    async with Client(app, raise_exceptions=False) as client:
        connections = []
        for path in (b"/default", b"/more", b"/all"):
            connections.append(client.connect())
            await connections[-1].send(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % path)
        await client.advance(10)
        assert [connection.statuses for connection in connections] == [[503], [], []]
        await client.advance(15)
        assert [connection.statuses for connection in connections] == [[503], [503], []]


async def test_content_deadline_and_rate_of_a_route() -> None:
    app = App()
    app.post("/", timeouts={"content": 2, "content_rate": 0})(_echo)
    async with Client(app) as client:
        connection = client.connect()
        await connection.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
        await client.advance(3)
        assert connection.statuses == [408]


async def test_write_deadline_of_a_scope() -> None:
    async def large(request: Request) -> bytes:
        return b"x" * 1_000_000

    app = App()
    app.scope("/in", timeouts={"write": 2}).get("/")(large)
    async with Client(app) as client:
        connection = client.connect()
        connection.pause_reading()
        await connection.send(b"GET /in HTTP/1.1\r\nHost: a\r\n\r\n")
        await client.advance(4)
        assert connection.is_lost


# -- what cannot be ----------------------------------------------------------------------------------------------------


def _fixed() -> list[tuple[str, str]]:
    sections = {"limits": Limits, "timeouts": Timeouts}
    fields = [(section, field) for section, cls in sections.items() for field in attrs.fields(cls)]
    return [(section, field.name) for section, field in fields if (bound := limit_info(field)) and bound.fixed]


@pytest.mark.parametrize(("section", "name"), _fixed())
def test_limit_that_applies_before_routing_cannot_be_overridden(section: str, name: str) -> None:
    app = App()
    app.add_route("/", _hello, **{section: {name: 1}})  # type: ignore[misc]  # one of two names
    found = error_of(app, "TB428")
    assert f"{section}.{name} cannot be overridden" in found.text
    assert found.why


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        pytest.param({"limits": {"contents": 1}}, "did you mean 'content'?", id="unknown"),
        pytest.param({"timeouts": {"header": 1}}, "there is no 'timeouts.header'", id="unknown-timeout"),
        pytest.param({"limits": {"content": -1}}, "must be a whole number of at least 0, not -1", id="negative"),
        pytest.param({"timeouts": {"handler": "5"}}, "timeouts.handler cannot be '5'", id="text"),
    ],
)
@pytest.mark.parametrize("of_scope", [True, False])
def test_limit_that_does_not_fit_is_refused(bounds: dict[str, dict[str, int]], text: str, of_scope: bool) -> None:
    app = App()
    if of_scope:
        app.scope("/in", **bounds)  # type: ignore[arg-type]  # the point of the test
    else:
        app.add_route("/", _hello, **bounds)  # type: ignore[arg-type]  # likewise
    assert text in error_of(app, "TB428").text


def test_route_of_a_plugin_may_have_limits() -> None:
    def provide_routes(self: object, setup: Setup) -> list[Route]:
        return [Route(path="/up", handler=_echo, methods=["POST"], limits={"content": 3})]

    plan = App(plugins=[make_plugin("up", provide_routes=provide_routes)]).resolve()
    (planned,) = (route for route, _ in plan.routes())
    assert planned.overrides["limits.content"].value == 3


def test_app_without_terms_has_none_to_keep() -> None:
    app = App()
    app.get("/")(_hello)
    application = app.compile()
    assert application.own_timeouts == ()
    assert application.limits.content == application.content_limit


# -- reports -----------------------------------------------------------------------------------------------------------


def test_explanation_has_the_terms_of_the_route_with_their_sources() -> None:
    app = _app_of_sizes()
    shown = {value.key: value for value in explain_request(app.resolve(), "POST", "/in/own").settings}
    limit = shown["limits.content"]
    assert limit.value == 30
    assert limit.source.startswith("route /in/own (")
    assert [value.value for value in limit.overruled][-2:] == [10, 20]
    assert limit.overruled[-1].source.startswith("scope /in (")
    assert shown["timeouts.handler"].source == "default"


def test_why_route_lists_its_overrides() -> None:
    (answer,) = why_route(_app_of_sizes().resolve(), "/in/scope")
    (fact,) = (text for label, text in answer.facts if label == "limits.content")
    assert fact.startswith("20 (scope /in (")


@pytest.mark.parametrize(("path", "status"), [("/default", 413), ("/more", 200), ("/in/less", 413)])
@pytest.mark.parametrize("headers", [{}, {"Transfer-Encoding": "chunked"}], ids=["length", "chunked"])
async def test_json_has_a_limit_by_setting_and_route(path: str, status: int, headers: dict[str, str]) -> None:
    app = App(settings={"limits": {"json": 10}})

    async def echo(request: Request) -> object:
        return await request.json()

    app.post("/default")(echo)
    app.post("/more", limits={"json": 100})(echo)
    app.scope("/in", limits={"json": 5}).post("/less")(echo)
    async with Client(app) as client:
        assert (await client.post(path, content=b"[1,2,3,4,5]", headers=headers)).status == status
        assert (await client.post(path, content=b"[12]")).status == 200
