"""Middleware that buffers a streaming handler's response is reported with both locations."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterator

import pytest

from tests.core.startup.finding import make_plugin, warning_of
from turnbuckle import SSE, App, Handler, Middleware, Request, Response, Route, Setup, Stream
from turnbuckle.startup.resolve.middleware.effects import streams_response


def _link(name: str, **more: bool) -> Middleware:
    def factory(call_next: Handler, setup: Setup) -> Handler:
        return call_next

    return Middleware(name, factory, **more)


def test_buffering_middleware_over_a_stream() -> None:
    app = App(middleware=[_link("compress", buffers_response=True), _link("other")])

    @app.get("/stream")
    async def stream(request: Request) -> AsyncIterator[str]:
        yield "x"

    @app.get("/plain")
    async def plain(request: Request) -> str:
        return "x"

    found = warning_of(app, "TB413")
    assert "'compress' buffers the response of GET /stream" in found.text
    assert len(found.origins) == 2


def test_buffering_middleware_over_a_stream_of_a_plugin_without_origin() -> None:
    async def stream(request: Request) -> AsyncIterator[str]:
        yield "x"

    plugin = make_plugin("p", provide_routes=lambda self, setup: [Route(path="/s", handler=stream)])
    found = warning_of(App(plugins=[plugin], middleware=[_link("c", buffers_response=True)]), "TB413")
    assert [origin.plugin for origin in found.origins] == ["app", "p"]


async def _generator(request: Request) -> object:
    yield b""


class _Callable:
    async def __call__(self, request: Request) -> AsyncIterator[bytes]:
        yield b""


async def _iterable(request: Request) -> AsyncIterable[bytes]:
    raise NotImplementedError


async def _stream(request: Request) -> Stream:
    raise NotImplementedError


async def _events(request: Request) -> SSE:
    raise NotImplementedError


async def _either(request: Request) -> Response | AsyncGenerator[str, None]:
    raise NotImplementedError


async def _unknown(request: Request) -> nowhere.Stream | None:  # noqa: F821  # as behind TYPE_CHECKING
    raise NotImplementedError


async def _plain(request: Request) -> Response:
    raise NotImplementedError


async def _strange(request: Request) -> nowhere.Streaming:  # noqa: F821  # as above
    raise NotImplementedError


async def _silent(request: Request):  # noqa: ANN202  # a handler without an annotation is the case under test
    raise NotImplementedError


def _chunks(request: Request) -> Iterator[bytes]:
    raise NotImplementedError


@pytest.mark.parametrize("handler", [_generator, _Callable(), _iterable, _stream, _events, _either, _unknown])
def test_handler_that_streams(handler: Callable[..., object]) -> None:
    assert streams_response(Route(path="/", handler=handler))


@pytest.mark.parametrize("handler", [_plain, _strange, _silent, _chunks])
def test_handler_that_is_not_known_to_stream(handler: Callable[..., object]) -> None:
    assert not streams_response(Route(path="/", handler=handler))
    assert streams_response(Route(path="/", handler=handler, streams_response=True))


def test_route_may_say_that_it_streams() -> None:
    app = App(middleware=[_link("compress", buffers_response=True)])
    app.scope("/x").route("/report", streams_response=True)(_plain)
    assert "the response of GET /x/report" in warning_of(app, "TB413").text


def test_reading_middleware_over_a_route_that_streams_the_content() -> None:
    app = App(middleware=[_link("signed", reads_body=True), _link("other")])
    app.add_route("/upload", _plain, methods=["POST"], streams_body=True)
    app.add_route("/form", _silent, methods=["POST"])
    found = warning_of(app, "TB425")
    assert "middleware 'signed' reads the content of requests for POST /upload" in found.text
    assert [origin.plugin for origin in found.origins] == ["app", "app"]
    assert len({origin.location for origin in found.origins}) == 2


def test_effects_count_in_scopes_within_and_nowhere_else() -> None:
    app = App()
    app.scope("/a", middleware=[_link("signed", reads_body=True)])
    app.scope("/b").add_route("/upload", _plain, methods=["POST"], streams_body=True)
    assert app.resolve().diagnostics == ()
