"""The metrics of an app, as Prometheus reads them, and their readers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY, Counter
from prometheus_client.parser import text_string_to_metric_families

from turnbuckle import App, Plugin, Request, StartupError, Stream, WebSocket
from turnbuckle.testing import Client
from turnbuckle.testing.conformance import PluginConformance
from turnbuckle_contrib.metrics import MetricsPlugin

LOCAL = "http://localhost"
Values = dict[tuple[str, ...], float]


class TestMetricsPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return MetricsPlugin()


def _app(**settings: Any) -> App:
    app, release = App(plugins=[("metrics", settings), "websocket"]), asyncio.Event()

    @app.post("/echo/{name}")
    async def echo(request: Request, name: str) -> bytes:
        return await request.read()

    @app.get("/stream")
    async def stream(request: Request) -> Stream:
        return Stream(_pieces(release))

    @app.get("/release")
    async def release_stream(request: Request) -> None:
        release.set()

    @app.get("/fails")
    async def fails(request: Request) -> str:
        raise ValueError

    @app.websocket("/chat")
    async def chat(socket: WebSocket) -> None:
        async for text in socket:
            await socket.send(text)

    return app


async def _pieces(release: asyncio.Event) -> AsyncIterator[bytes]:
    yield b"abc"
    await release.wait()
    yield b"def"


async def _values(client: Client) -> Values:
    response = await client.get("/-/metrics")
    assert response.status == 200
    return _parsed(response.text)


def _parsed(text: str) -> Values:
    """Return the values by name and values of labels, in the order of the names of the labels."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_requests_by_method_route_and_class_of_status() -> None:
    async with Client(_app(), base_url=LOCAL, raise_exceptions=False) as client:
        for name in ("a", "b", "c"):
            await client.post(f"/echo/{name}", content=b"12345")
        await client.get("/fails")
        await client.get("/nothing/here")
        await client.get("/nothing/there")
        await client.head("/stream")
        values = await _values(client)
    total = "turnbuckle_requests_total"
    assert {key: value for key, value in values.items() if key[0] == total} == {
        (total, "POST", "/echo/{name}", "2xx"): 3,
        (total, "GET", "/fails", "5xx"): 1,
        (total, "GET", "unmatched", "4xx"): 2,
        (total, "HEAD", "/stream", "2xx"): 1,
    }
    assert values["turnbuckle_request_bytes_total", "POST", "/echo/{name}"] == 15
    assert values["turnbuckle_response_bytes_total", "POST", "/echo/{name}"] == 15
    assert values["turnbuckle_request_duration_seconds_count", "POST", "/echo/{name}"] == 3
    assert values["turnbuckle_requests_in_flight",] == 1
    assert values["turnbuckle_connections_accepted_total",] >= 1
    assert values["turnbuckle_plugin_startup_seconds", "metrics"] > 0
    assert ("process_resident_memory_bytes",) in values


async def test_stream_is_counted_at_its_end() -> None:
    name = "turnbuckle_request_duration_seconds"
    async with Client(_app(buckets=[1.0, 3.0]), base_url=LOCAL) as client:
        async with client.stream("GET", "/stream") as response:
            pieces = response.stream()
            assert await anext(pieces) == b"abc"
            assert (f"{name}_count", "GET", "/stream") not in await _values(client)
            await client.advance(2)
            await client.get("/release")
            assert await anext(pieces) == b"def"
        values = await _values(client)
    buckets = [values[f"{name}_bucket", bound, "GET", "/stream"] for bound in ("1.0", "3.0", "+Inf")]
    assert buckets == [0, 1, 1]
    assert values[f"{name}_sum", "GET", "/stream"] == pytest.approx(2.0)


async def test_stream_that_the_client_leaves_is_incomplete() -> None:
    async with Client(_app(), base_url=LOCAL) as client:
        connection = client.connect()
        await connection.send(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
        await connection.reset()
        values = await _values(client)
    assert values["turnbuckle_responses_incomplete_total", "disconnected"] == 1


async def test_websocket_is_counted_at_its_end() -> None:
    async with Client(_app(), base_url=LOCAL) as client:
        async with client.websocket("/chat"):
            assert ("turnbuckle_websockets_total", "closed", "/chat") not in await _values(client)
            await client.advance(5)
        values = await _values(client)
    assert values["turnbuckle_websockets_total", "closed", "/chat"] == 1
    assert values["turnbuckle_websocket_seconds_total", "closed", "/chat"] == pytest.approx(5.0)
    assert not [key for key in values if "1xx" in key]


async def test_refusals_by_reason() -> None:
    app = _app()
    settings = {"capacity": {"connections": 1}, "limits": {"request_line": 100}, "timeouts": {"head": 5.0}}
    async with Client(app, settings=settings, base_url=LOCAL) as client:
        await client.raw(b"NONSENSE\r\n\r\n")
        await client.raw(b"GET /%b HTTP/1.1\r\n\r\n" % (b"x" * 200))
        slow = client.connect()
        await slow.send(b"GET")
        refused = client.connect()
        await client.advance(10)
        del refused
        values = await _values(client)
    refusals = {key[1]: value for key, value in values.items() if key[0] == "turnbuckle_refused_total"}
    assert refusals == {"malformed": 1, "target_too_long": 1, "head_timeout": 1}
    assert values["turnbuckle_connections_rejected_total", "capacity"] == 1
    assert values["turnbuckle_connections_rejected_total", "address"] == 0


async def test_labels_are_bounded_whatever_clients_send() -> None:
    async with Client(_app(), base_url=LOCAL) as client:
        for number in range(50):
            await client.raw(b"BREW%d /%d HTTP/1.1\r\nHost: a\r\n\r\n" % (number, number))
        values = await _values(client)
    requests = {key[1:]: value for key, value in values.items() if key[0] == "turnbuckle_requests_total"}
    assert requests == {("other", "unmatched", "5xx"): 50}


async def test_metrics_of_the_app_are_included_and_formats_are_negotiated() -> None:
    counter = Counter("orders", "Orders.", ["kind"])
    try:
        counter.labels("tea").inc(2, exemplar={"trace_id": "x"})
        async with Client(_app(), base_url=LOCAL) as client:
            assert (await _values(client))["orders_total", "tea"] == 2
            response = await client.get("/-/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"})
        assert response.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
        assert response.text.endswith("# EOF\n")
        assert "trace_id" not in response.text
        assert response.headers["cache-control"] == "no-store"
    finally:
        REGISTRY.unregister(counter)


@pytest.mark.parametrize(
    ("client", "headers", "status"),
    [
        pytest.param(("127.0.0.1", 5), {}, 200, id="this-machine"),
        pytest.param(("::1", 5), {}, 200, id="this-machine-v6"),
        pytest.param(("10.1.2.3", 5), {}, 403, id="another-machine"),
        pytest.param(None, {}, 403, id="unix-socket-of-a-proxy"),
        pytest.param(("127.0.0.1", 5), {"X-Forwarded-For": "10.1.2.3"}, 403, id="through-a-proxy"),
        pytest.param(("127.0.0.1", 5), {"Via": "1.1 proxy"}, 403, id="through-another-proxy"),
        pytest.param(("10.1.2.3", 5), {"X-Forwarded-For": "127.0.0.1"}, 403, id="claims-to-be-local"),
    ],
)
@pytest.mark.parametrize("has_proxy_headers", [False, True])
async def test_metrics_are_for_this_machine_only(
    client: tuple[str, int] | None, headers: dict[str, str], status: int, has_proxy_headers: bool
) -> None:
    app = App(plugins=["metrics", *(["proxy_headers"] if has_proxy_headers else [])])
    async with Client(app, client=client, base_url=LOCAL) as connected:
        assert (await connected.get("/-/metrics", headers=headers)).status == status


@pytest.mark.parametrize(
    ("host", "status"),
    [
        pytest.param("localhost:8000", 200, id="localhost"),
        pytest.param("app.localhost", 200, id="below-localhost"),
        pytest.param("127.0.0.1:8000", 200, id="loopback-address"),
        pytest.param("[::1]:8000", 200, id="loopback-address-v6"),
        pytest.param("192.0.2.1", 200, id="another-address"),
        pytest.param("evil.example", 403, id="name-of-a-site"),
        pytest.param("localhost.evil.example", 403, id="name-that-begins-like-localhost"),
    ],
)
@pytest.mark.parametrize("allow", [["127.0.0.1"], ["127.0.0.0/8", "10.0.0.0/8", "unix"], ["::ffff:127.0.0.1"]])
async def test_requests_on_this_machine_need_a_local_host(allow: list[str], host: str, status: int) -> None:
    async with Client(_app(allow=allow), base_url=LOCAL) as client:
        assert (await client.get("/-/metrics", headers={"Host": host})).status == status


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        pytest.param({"allow": ["0.0.0.0/0"]}, "127.0.0.1", id="all-clients"),
        pytest.param({"allow": ["127.0.0.1", "10.0.0.0/8"]}, "10.1.2.3", id="another-network"),
        pytest.param({"token": "word"}, "127.0.0.1", id="token"),
    ],
)
async def test_other_clients_may_use_any_host(settings: dict[str, Any], address: str) -> None:
    async with Client(_app(**settings), client=(address, 5), base_url="http://app.example") as client:
        assert (await client.get("/-/metrics", headers={"Authorization": "Bearer word"})).status == 200


async def test_metrics_for_another_network() -> None:
    async with Client(_app(allow=["10.0.0.0/8", "unix"]), client=("10.1.2.3", 5)) as client:
        assert (await client.get("/-/metrics")).status == 200
    async with Client(_app(allow=["10.0.0.0/8"])) as client:
        assert (await client.get("/-/metrics")).status == 403


async def test_metrics_with_a_token() -> None:
    async with Client(_app(token="wörd"), client=("10.1.2.3", 5)) as client:
        for given in ("", "Bearer", "Bearer word", "Basic wörd"):
            response = await client.get("/-/metrics", headers={"Authorization": given} if given else {})
            assert response.status == 401
            assert response.headers["www-authenticate"] == 'Bearer realm="metrics"'
    async with Client(_app(token="word"), client=("10.1.2.3", 5)) as client:
        assert (await client.get("/-/metrics", headers={"Authorization": "bearer word"})).status == 200
    app = _app(token="hidden-word")
    app.resolve()
    assert "hidden-word" not in repr(app.plan)


async def test_metrics_in_a_scope() -> None:
    app = App()
    app.install("metrics", at="/ops")
    async with Client(app, base_url=LOCAL) as client:
        assert (await client.get("/ops/metrics")).status == 200
        assert (await client.get("/-/metrics")).status == 404


async def test_two_apps_count_for_themselves(tmp_path: Path) -> None:
    async with Client(_app(), base_url=LOCAL) as one, Client(_app(), base_url=LOCAL) as two:
        await one.get("/nothing")
        assert ("turnbuckle_requests_total", "GET", "unmatched", "4xx") in await _values(one)
        assert ("turnbuckle_requests_total", "GET", "unmatched", "4xx") not in await _values(two)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        pytest.param({"path": "metrics"}, "slash", id="path"),
        pytest.param({"allow": ["home"]}, "home", id="address"),
        pytest.param({"buckets": [1.0, 0.5]}, "rising", id="buckets"),
        pytest.param({"buckets": []}, "rising", id="no-buckets"),
        pytest.param({"interval": 0}, "interval", id="interval"),
    ],
)
def test_mistakes_are_reported_at_startup(settings: dict[str, object], says: str) -> None:
    with pytest.raises(StartupError) as caught:
        App(plugins=[("metrics", settings)]).resolve()
    (problem,) = caught.value.problems
    assert problem.diagnostic.code == "TB202"
    assert says in problem.diagnostic.text
