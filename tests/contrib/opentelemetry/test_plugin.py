"""One span for each request, with the attributes of the convention, from a client's context to the end of a stream."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import pytest
from opentelemetry import propagate, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from turnbuckle import App, NotFound, Plugin, Request, Response, ServiceUnavailable, StartupError, Stream, WebSocket
from turnbuckle.testing import Client
from turnbuckle.testing.conformance import MiddlewareConformance, PluginConformance
from turnbuckle_contrib.opentelemetry import OpenTelemetryPlugin
from turnbuckle_contrib.opentelemetry.spans import redact_query

_PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class TestOpenTelemetryPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return OpenTelemetryPlugin()


class TestOpenTelemetryMiddleware(MiddlewareConformance):
    def app_options(self) -> Mapping[str, object]:
        return {"plugins": [OpenTelemetryPlugin(TracerProvider())]}


class TestMiddlewareWithoutSDK(MiddlewareConformance):
    plugin = OpenTelemetryPlugin


class Traced:
    """An app whose spans are kept."""

    def __init__(self, **settings: Any) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        plugin = OpenTelemetryPlugin(provider, MeterProvider([self.reader]))
        self.current: dict[str, str] = {}
        self.release = asyncio.Event()
        self.app = app = App(plugins=[(plugin, settings), "websocket", "health"])

        @app.middleware
        async def inner(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
            self.note("middleware")
            return await call_next(request)

        @app.get("/users/{name}")
        async def user(request: Request, name: str) -> str:
            self.note("handler")
            request.after_response(self.note, "after")
            headers: dict[str, str] = {}
            propagate.inject(headers)
            return headers.get("traceparent", "")

        @app.get("/stream")
        async def stream(request: Request) -> Stream:
            return Stream(self.pieces())

        @app.get("/fails")
        async def fails(request: Request) -> str:
            raise ValueError("on purpose")

        @app.get("/refuses/{status}")
        async def refuses(request: Request, status: int) -> str:
            raise NotFound if status == 404 else ServiceUnavailable

        @app.websocket("/chat")
        async def chat(socket: WebSocket) -> None:
            self.note("socket")
            async for text in socket:
                await socket.send(text)

    def note(self, place: str) -> None:
        self.current[place] = f"{trace.get_current_span().get_span_context().span_id:016x}"

    async def pieces(self) -> AsyncIterator[bytes]:
        yield b"abc"
        self.note("stream")
        await self.release.wait()
        yield b"def"

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    def only(self) -> ReadableSpan:
        (span,) = self.spans
        return span


def _span_id(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.span_id:016x}"


async def test_span_of_a_request() -> None:
    traced = Traced()
    async with Client(traced.app, client=("192.0.2.1", 5)) as client:
        response = await client.get("/users/ada?page=2&api_key=hidden", headers={"User-Agent": "Test"})
    span = traced.only()
    assert (span.name, span.kind) == ("GET /users/{name}", trace.SpanKind.SERVER)
    assert span.attributes == {
        "http.request.method": "GET",
        "http.route": "/users/{name}",
        "http.response.status_code": 200,
        "url.scheme": "http",
        "url.path": "/users/ada",
        "url.query": "page=2&api_key=REDACTED",
        "server.address": "testserver",
        "server.port": 80,
        "client.address": "192.0.2.1",
        "client.port": 5,
        "user_agent.original": "Test",
        "network.protocol.version": "1.1",
    }
    assert span.status.is_unset
    assert span.parent is None
    assert response.text.split("-")[2] == _span_id(span)
    assert traced.current == dict.fromkeys(("middleware", "handler", "after"), _span_id(span))


async def test_context_of_the_client_is_the_parent() -> None:
    traced = Traced()
    async with Client(traced.app) as client:
        response = await client.get("/users/ada", headers={"traceparent": _PARENT})
        await client.get("/users/ada", headers={"traceparent": "nonsense"})
    first, second = traced.spans
    assert first.parent is not None
    assert f"{first.parent.span_id:016x}" == _PARENT.split("-")[2]
    assert first.parent.is_remote
    assert response.text.split("-")[1] == _PARENT.split("-")[1]
    assert second.parent is None


async def test_failure_is_recorded_and_a_refusal_is_no_failure() -> None:
    traced = Traced()
    async with Client(traced.app, raise_exceptions=False) as client:
        await client.get("/fails")
        await client.get("/refuses/503")
        await client.get("/refuses/404")
        await client.get("/nothing")
    failed, unavailable, refused, unmatched = traced.spans
    assert failed.attributes is not None
    assert failed.attributes["error.type"] == "ValueError"
    assert failed.status.status_code is trace.StatusCode.ERROR
    (event,) = failed.events
    assert event.attributes is not None
    assert event.attributes["exception.message"] == "on purpose"
    assert unavailable.attributes is not None
    assert unavailable.attributes["error.type"] == "503"
    assert not unavailable.events
    for span in (refused, unmatched):
        assert span.attributes is not None
        assert span.attributes["http.response.status_code"] == 404
        assert "error.type" not in span.attributes
        assert span.status.is_unset
    assert unmatched.name == "GET"


async def test_span_of_a_stream_ends_with_the_stream() -> None:
    traced = Traced()
    async with Client(traced.app) as client:
        async with client.stream("GET", "/stream") as response:
            pieces = response.stream()
            assert await anext(pieces) == b"abc"
            assert not traced.spans
            traced.release.set()
            assert await anext(pieces) == b"def"
        assert traced.current["stream"] == _span_id(traced.only())
        traced.exporter.clear()
        traced.release.clear()
        connection = client.connect()
        await connection.send(b"GET /stream HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n")
        await connection.reset()
        left = traced.only()
    assert left.attributes is not None
    assert left.attributes["error.type"] == "disconnected"
    assert (left.attributes["server.address"], left.attributes["server.port"]) == ("::1", 8000)
    assert left.status.is_unset


async def test_span_of_a_websocket_ends_with_the_websocket() -> None:
    traced = Traced()
    async with Client(traced.app) as client:
        async with client.websocket("/chat"):
            assert not traced.spans
        span = traced.only()
    assert (span.name, traced.current["socket"]) == ("GET /chat", _span_id(span))
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 101


async def test_excluded_paths_and_attributes() -> None:
    traced = Traced(excluded=["/users/eve", "/-/health"], query=False, client=False)
    async with Client(traced.app) as client:
        for path in ("/users/eve", "/-/health/live", "/users/evelyn?page=2"):
            await client.get(path)
    span = traced.only()
    assert span.attributes is not None
    assert span.attributes["url.path"] == "/users/evelyn"
    assert not {"url.query", "client.address", "client.port", "user_agent.original"} & span.attributes.keys()


async def test_unknown_method_does_not_name_the_span() -> None:
    traced = Traced()
    async with Client(traced.app) as client:
        await client.raw(b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n")
    span = traced.only()
    assert span.name == "HTTP"
    assert span.attributes is not None
    assert span.attributes["http.request.method"] == "_OTHER"
    assert span.attributes["http.request.method_original"] == "BREW"


async def test_duration_metric() -> None:
    traced = Traced(duration_metric=True)
    async with Client(traced.app, raise_exceptions=False) as client:
        await client.get("/users/ada")
        await client.get("/fails")
    data = traced.reader.get_metrics_data()
    assert data is not None
    (metric,) = data.resource_metrics[0].scope_metrics[0].metrics
    assert (metric.name, metric.unit) == ("http.server.request.duration", "s")
    points = [dict(point.attributes or {}) for point in metric.data.data_points]
    common = {"http.request.method": "GET", "url.scheme": "http", "network.protocol.version": "1.1"}
    assert points == [
        {**common, "http.route": "/users/{name}", "http.response.status_code": 200},
        {**common, "http.route": "/fails", "http.response.status_code": 500, "error.type": "ValueError"},
    ]


@pytest.mark.parametrize(
    ("query", "redacted"),
    [
        pytest.param("a=1&b", "a=1&b", id="plain"),
        pytest.param("Signature=abc&sig=d&a=1", "Signature=REDACTED&sig=REDACTED&a=1", id="signatures"),
        pytest.param("access_token=abc&TOKEN=x=y&token", "access_token=REDACTED&TOKEN=REDACTED&token", id="secrets"),
        pytest.param("", "", id="empty"),
    ],
)
def test_query_without_secrets(query: str, redacted: str) -> None:
    assert redact_query(query) == redacted


def test_mistake_is_reported_at_startup() -> None:
    with pytest.raises(StartupError) as caught:
        App(plugins=[("opentelemetry", {"excluded": ["health"]})]).resolve()
    (problem,) = caught.value.problems
    assert problem.diagnostic.code == "TB202"
    assert "slash" in problem.diagnostic.text


def test_app_without_an_sdk_and_plugin_that_is_not_enabled_need_no_sdk() -> None:
    code = (
        "import asyncio, sys\n"
        "from turnbuckle import App\n"
        "from turnbuckle.testing import Client\n"
        "async def main():\n"
        "    async with Client(App()) as client:\n"
        "        await client.get('/')\n"
        "    assert 'opentelemetry' not in sys.modules\n"
        "    async with Client(App(plugins=['opentelemetry'])) as client:\n"
        "        assert (await client.get('/')).status == 404\n"
        "    assert 'opentelemetry.sdk' not in sys.modules\n"
        "asyncio.run(main())\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
