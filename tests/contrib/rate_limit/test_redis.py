"""Rate limits in a real Redis: shared by processes, and with Redis away."""

from __future__ import annotations

import asyncio

import pytest

from tests.contrib.conftest import RedisServer
from turnbuckle import App, Request
from turnbuckle.testing import Client

pytest.importorskip("limits", reason="the package limits is not installed (pip install 'turnbuckle[rate-limit]')")


def _app(server: RedisServer, *plugins: object, **config: object) -> App:
    given = ("rate_limit", {"url": server.url, "rules": ["3/minute"], **config})
    app = App(plugins=[*plugins, given])  # type: ignore[list-item]  # App checks its arguments

    @app.get("/")
    async def home(request: Request) -> str:
        return "x"

    return app


async def test_processes_count_together(redis_server: RedisServer) -> None:
    async with Client(_app(redis_server)) as one, Client(_app(redis_server)) as other:
        responses = [await client.get("/") for client in (one, other, one, other, one)]
    assert [response.status for response in responses] == [200, 200, 200, 429, 429]
    assert responses[0].headers["ratelimit"] == '"3/60s by address";r=2;t=60'
    assert 1 <= int(responses[4].headers["retry-after"]) <= 120
    assert responses[4].headers["ratelimit"].startswith('"3/60s by address";r=0;t=')


async def test_time_gives_requests_back(redis_server: RedisServer) -> None:
    async with Client(_app(redis_server, rules=["2/second"])) as client:
        assert [(await client.get("/")).status for _ in range(3)] == [200, 200, 429]
        await asyncio.sleep(2.1)
        assert (await client.get("/")).status == 200


async def test_apps_with_other_prefixes_count_apart(redis_server: RedisServer) -> None:
    for prefix in ("a", "b"):
        async with Client(_app(redis_server, rules=["1/minute"], prefix=prefix)) as client:
            assert [(await client.get("/")).status for _ in range(2)] == [200, 429]


async def test_scopes_count_apart(redis_server: RedisServer) -> None:
    app = _app(redis_server, rules=["3/minute"])
    for prefix in ("/a", "/b"):
        plugin = ("rate_limit", {"url": redis_server.url, "rules": ["1/minute"]})
        scope = app.scope(prefix, plugins=[plugin])

        @scope.get("/x")
        async def inner(request: Request) -> str:
            return "x"

    async with Client(app) as client:
        assert [(await client.get(path)).status for path in ("/a/x", "/a/x", "/b/x")] == [200, 429, 200]
        assert (await client.get("/")).status == 429


async def test_requests_are_allowed_while_redis_is_away(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    app = _app(redis_server, "health", rules=["1/minute"])
    async with Client(app) as client:
        assert [(await client.get("/")).status for _ in range(2)] == [200, 429]
        redis_server.stop()
        responses = [await client.get("/") for _ in range(5)]
        assert [response.status for response in responses] == [200] * 5
        assert "ratelimit" not in responses[0].headers
        assert (await client.get("/-/health/ready")).status == 200
        redis_server.start()
        await asyncio.sleep(1.1)
        assert [(await client.get("/")).status for _ in range(2)] == [200, 429]
    assert caplog.text.count("rate limits are not counted, because Redis does not answer") == 1
    assert caplog.text.count("Redis answers again") == 1


async def test_requests_are_refused_while_redis_is_away_if_the_settings_say_so(redis_server: RedisServer) -> None:
    app = _app(redis_server, "health", on_failure="refuse")
    async with Client(app) as client:
        assert (await client.get("/-/health/ready")).status == 200
        redis_server.stop()
        response = await client.get("/")
        assert (response.status, response.headers["retry-after"]) == (503, "5")
        assert response.headers["content-type"] == "application/problem+json"
        assert (await client.get("/-/health/ready")).status == 503


async def test_app_starts_while_redis_is_away(redis_server: RedisServer) -> None:
    redis_server.stop()
    async with Client(_app(redis_server)) as client:
        assert (await client.get("/")).status == 200


async def test_redis_that_hangs_costs_the_timeout_once(redis_server: RedisServer) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    redis_server.stop()
    hanging = await asyncio.start_server(accept, "127.0.0.1", redis_server.port)
    loop = asyncio.get_running_loop()
    async with Client(_app(redis_server, timeout=0.2)) as client:
        began = loop.time()
        assert [(await client.get("/")).status for _ in range(20)] == [200] * 20
        assert loop.time() - began < 2
    hanging.close()


async def test_keys_expire_and_hide_secrets(redis_server: RedisServer) -> None:
    import redis.asyncio

    async with Client(_app(redis_server, rules=["5/minute by header X-API-Key"])) as client:
        await client.get("/", headers={"X-API-Key": "top-secret"})
    store = redis.asyncio.Redis.from_url(redis_server.url)
    keys = await store.keys("*")
    assert len(keys) == 1
    assert b"top-secret" not in keys[0]
    assert 0 < await store.ttl(keys[0]) <= 120
    await store.aclose()


def test_url_is_not_printed(redis_server: RedisServer) -> None:
    app = _app(redis_server, url="redis://user:hidden@127.0.0.1:1/0")
    assert "hidden" not in repr(app.plan)
