"""The field Server-Timing: its spans, and the clients that get it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import pytest

from turnbuckle import App, BadRequest, Handler, Plugin, Request, Response, StartupError, middleware
from turnbuckle.testing import Client, ClientResponse
from turnbuckle.testing.conformance import MiddlewareConformance, PluginConformance
from turnbuckle_contrib.server_timing import ServerTimingPlugin, Timings


class TestServerTimingPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return ServerTimingPlugin()


class TestServerTimingMiddleware(MiddlewareConformance):
    """Time stands still, so that requests have the same timings."""

    def app_options(self) -> Mapping[str, object]:
        return {"plugins": [(ServerTimingPlugin(lambda: 0.0), {"trusted": ["127.0.0.1"]})]}


class _Timed:
    """An app whose clock moves by a second at each look."""

    def __init__(self, *, debug: bool = False, **config: object) -> None:
        self.looks = 0
        self.app = App(plugins=[(ServerTimingPlugin(self.look), config)], debug=debug)
        self.app.get("/")(self.home)
        self.shared = Response(b"x")

        @self.app.get("/shared")
        async def shared(request: Request) -> Response:
            return self.shared

        @self.app.get("/fails")
        async def fails(timings: Timings) -> str:
            with timings.span("db"):
                raise BadRequest

        @self.app.get("/stream")
        async def stream(timings: Timings) -> AsyncIterator[str]:
            yield "x"

    def look(self) -> float:
        self.looks += 1
        return float(self.looks)

    async def home(self, timings: Timings) -> str:
        with timings.span("db", 'the "query"\\ \u00fc'):
            pass
        with timings.span("db", 'the "query"\\ \u00fc'):
            pass
        timings.add("cache", 0.0123)
        return "x"


async def _get(timed: _Timed, path: str = "/", client: tuple[str, int] | None = ("192.0.2.1", 1)) -> ClientResponse:
    async with Client(timed.app, client=client) as opened:
        return await opened.get(path)


async def test_trusted_clients_get_spans_app_and_total() -> None:
    response = await _get(_Timed(trusted=["192.0.2.0/24"]))
    assert response.headers.get_list("server-timing") == [
        'db;dur=2000.0;desc="the _query__ _", cache;dur=12.3, app;dur=5000.0, total;dur=7000.0'
    ]


async def test_other_clients_get_nothing_and_handlers_work() -> None:
    timed = _Timed(trusted=["198.51.100.1"])
    response = await _get(timed)
    assert (response.text, response.headers.get("server-timing")) == ("x", None)
    assert (await _get(_Timed())).headers.get("server-timing") is None


async def test_all_clients_get_timings_in_debug_mode() -> None:
    assert "server-timing" in (await _get(_Timed(debug=True), client=None)).headers


@pytest.mark.parametrize(("path", "names"), [("/fails", ["db", "app"]), ("/nowhere", ["app"]), ("/stream", ["app"])])
async def test_errors_and_streams_have_timings(path: str, names: list[str]) -> None:
    value = (await _get(_Timed(debug=True), path)).headers["server-timing"]
    assert [part.partition(";")[0] for part in value.split(", ")] == [*names, "total"]


async def test_error_of_middleware_has_timings() -> None:
    timed = _Timed(debug=True)

    @middleware(zone="security")
    async def refuse(request: Request, call_next: Handler) -> Response:
        raise BadRequest

    timed.app.add_middleware(refuse)
    response = await _get(timed)
    assert (response.status, response.headers["server-timing"]) == (400, "total;dur=1000.0")


async def test_shared_response_has_one_field() -> None:
    timed = _Timed(debug=True)
    for _ in range(2):
        assert len((await _get(timed, "/shared")).headers.get_list("server-timing")) == 1


def test_names_are_tokens_and_spans_are_bounded() -> None:
    timings = Timings()
    for name in ("", "a b", "a;dur=1", "\u00fc"):
        with pytest.raises(ValueError, match="the name of a span is a token"):
            timings.add(name, 1.0)
    for number in range(1000):
        timings.add(f"span{number}", 0.001)
    assert timings.format().count(",") == 49


def test_settings_are_checked() -> None:
    with pytest.raises(StartupError) as caught:
        App(plugins=[("server_timing", {"trusted": ["everyone"]})]).resolve()
    assert "everyone" in str(caught.value.problems[0])
