"""Requests and responses through the proxy: paths, fields, content, upstreams and settings."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.contrib.proxy.making import answering, echo_app, exchange, make_proxy, raw_upstream, serving
from turnbuckle import App, Plugin, StartupError
from turnbuckle.testing.conformance import PluginConformance
from turnbuckle_contrib.proxy import ProxyPlugin


class TestProxyPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return ProxyPlugin("http://127.0.0.1:9")


def get(path: str, *lines: str, method: str = "GET", content: bytes = b"") -> bytes:
    length = [f"Content-Length: {len(content)}"] if content else []
    head = [f"{method} {path} HTTP/1.1", "Host: front.example", "Connection: close", *length, *lines]
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + content


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/up/a/b?x=1&x=2", "/base/a/b?x=1&x=2"),
        ("/up/", "/base/"),
        ("/up/a%20b%2Fc;d=?a=%20&b=%zz", "/base/a%20b%2Fc;d=?a=%20&b=%zz"),
        ("/up/%C3%BC//x", "/base/%C3%BC//x"),
        ("/up/a+b?q=a+b&u=http://x/?y", "/base/a+b?q=a+b&u=http://x/?y"),
        ("/%75p/a", "/base/a"),
        ("/up/a..b/...", "/base/a..b/..."),
        ("/up/x?a=../..", "/base/x?a=../.."),
    ],
)
async def test_path_is_passed_on_as_received(path: str, expected: str) -> None:
    async with serving(echo_app()) as upstream, serving(make_proxy(upstream, base="/base/")) as proxy:
        response = await exchange(proxy, get(path))
    assert (response.status, response.json()["target"]) == (200, expected)


async def test_prefix_may_stay() -> None:
    async with serving(echo_app()) as upstream, serving(make_proxy(upstream, strip_prefix=False)) as proxy:
        assert (await exchange(proxy, get("/up/a"))).json()["target"] == "/up/a"


async def test_whole_app_behind_own_routes() -> None:
    async with serving(echo_app()) as upstream:
        app = App(plugins=[ProxyPlugin(f"http://{upstream}")])
        app.get("/own")(lambda: "own")
        async with serving(app) as proxy:
            assert (await exchange(proxy, get("/own"))).content == b"own"
            assert (await exchange(proxy, get("/other"))).json()["target"] == "/other"


async def test_fields_of_the_request() -> None:
    lines = [
        "X-Forwarded-For: 6.6.6.6",
        "X_Forwarded_For: 6.6.6.6",
        "X-Real-IP: 6.6.6.6",
        "Forwarded: for=6.6.6.6",
        "Proxy: http://evil.example",
        "Connection: X-Hop, keep-alive, content-length",
        "X-Hop: 1",
        "Keep-Alive: timeout=5",
        "TE: trailers",
        "Proxy-Authorization: secret",
        "Upgrade: h2c",
        "Cookie: a=1",
        "Cookie: b=2",
        "Via: 1.0 fred",
        "X-Text: \xc3\xbc",
        "X-Twice: 1",
        "X-Twice: 2",
        "Authorization: Bearer x",
    ]
    async with serving(echo_app()) as upstream, serving(make_proxy(upstream)) as proxy:
        response = await exchange(proxy, get("/up/x", *lines, method="POST", content=b"abc"))
        fields = response.fields()
    assert response.json()["content"] == "abc"
    assert {name: value for name, value in fields.items() if name != "x-twice"} == {
        "host": upstream,
        "content-length": "3",
        "cookie": "a=1; b=2",
        "via": "1.0 fred, 1.1 turnbuckle",
        "x-text": "\xc3\xbc",
        "authorization": "Bearer x",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "http",
        "x-forwarded-host": "front.example",
        "x-forwarded-prefix": "/up",
    }
    assert [value for name, value in response.json()["fields"] if name.lower() == "x-twice"] == ["1", "2"]


async def test_host_and_forwarded() -> None:
    async with serving(echo_app()) as upstream:
        app = make_proxy(upstream, preserve_host=True, forwarded="forwarded")
        async with serving(app) as proxy:
            fields = (await exchange(proxy, get("/up/x"))).fields()
            assert (fields["host"], fields["forwarded"]) == (
                "front.example",
                'for=127.0.0.1;proto=http;host="front.example"',
            )
        async with serving(make_proxy(upstream, forwarded="none")) as proxy:
            fields = (await exchange(proxy, get("/up/x", "X-Forwarded-For: 6.6.6.6"))).fields()
            assert "x-forwarded-for" not in fields


async def test_loop_is_ended() -> None:
    async with serving(echo_app()) as upstream, serving(make_proxy(upstream)) as proxy:
        hops = ", ".join(["1.1 turnbuckle"] * 10)
        assert (await exchange(proxy, get("/up/x", f"Via: {hops}"))).status == 508


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_methods(method: str) -> None:
    async with serving(echo_app()) as upstream, serving(make_proxy(upstream)) as proxy:
        response = await exchange(proxy, get("/up/x", method=method))
    assert response.status == 200
    if method == "HEAD":
        assert (response.content, int(response.get("content-length") or 0) > 0) == (b"", True)
    else:
        assert response.json()["method"] == method
        assert "transfer-encoding" not in response.fields()


async def test_chunked_content_in_both_directions() -> None:
    request = get("/up/x", "Transfer-Encoding: chunked", method="POST") + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    async with serving(echo_app()) as upstream, serving(make_proxy(upstream)) as proxy:
        sent = await exchange(proxy, request)
        assert (sent.json()["content"], sent.fields()["transfer-encoding"]) == ("abcde", "chunked")
        received = await exchange(proxy, get("/up/pieces"))
        assert (received.status, received.content, received.is_complete) == (200, b"012", True)


async def test_fields_of_the_response() -> None:
    async with serving(echo_app()) as upstream, serving(make_proxy(upstream)) as proxy:
        response = await exchange(proxy, get("/up/cookies"))
    cookies = [value for name, value in response.headers if name == "set-cookie"]
    assert [cookie[:3] for cookie in cookies] == ["a=1", "b=2"]
    assert response.get("x-secret") is None
    assert response.get("content-length") == "1"


async def test_location_leads_to_the_proxy() -> None:
    async with serving(echo_app()) as upstream, serving(make_proxy(upstream)) as proxy:
        for to, expected in [(f"http://{upstream}/login", "/up/login"), ("http://other.example/x", None)]:
            response = await exchange(proxy, get(f"/up/redirect?to={to}"))
            assert (response.status, response.get("location")) == (302, expected or to)


async def test_answer_without_content() -> None:
    answer = b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 5\r\n\r\n'
    async with raw_upstream(answering(answer)) as upstream, serving(make_proxy(upstream)) as proxy:
        response = await exchange(proxy, get("/up/x", 'If-None-Match: "a"'))
    assert (response.status, response.content, response.get("etag"), response.get("content-type")) == (
        304,
        b"",
        '"a"',
        None,
    )


async def test_content_is_not_changed() -> None:
    fields = b"Content-Encoding: gzip\r\nDate: x\r\nServer: up\r\nX-Text: \xff\r\nContent-Length: 3\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\n" + fields + b"\x1f\x8b\x00"
    async with raw_upstream(answering(answer)) as upstream, serving(make_proxy(upstream)) as proxy:
        response = await exchange(proxy, get("/up/x"))
    assert (response.content, response.get("content-encoding")) == (b"\x1f\x8b\x00", "gzip")
    assert [response.get(name) for name in ("date", "server", "x-text", "content-type")] == ["x", "up", "\xff", None]


async def test_large_content_is_streamed_with_back_pressure() -> None:
    size, taken = 50_000_000, 0

    async def upstream_script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while taken < size:
            writer.write(bytes(100_000))
            await writer.drain()
            taken += 100_000

    async with raw_upstream(upstream_script) as upstream, serving(make_proxy(upstream)) as proxy:
        host, _, port = proxy.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=65536)
        writer.write(get("/up/x"))
        await reader.readexactly(1000)
        before = -1
        while before != taken:
            before = taken
            await asyncio.sleep(0.3)
        assert taken < 20_000_000
        rest = await reader.read(-1)
        assert taken == size
        assert len(rest) > size - 1000
        writer.close()


async def test_upload_is_streamed() -> None:
    seen = asyncio.Event()

    async def upstream_script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(3) == b"abc"
        seen.set()
        assert await reader.readexactly(3) == b"def"
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")

    async with raw_upstream(upstream_script) as upstream, serving(make_proxy(upstream)) as proxy:
        host, _, port = proxy.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /up/x HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
        async with asyncio.timeout(10):
            await seen.wait()
            writer.write(b"def")
            assert (await reader.readline()).startswith(b"HTTP/1.1 201")
        writer.close()


# -- several upstreams


async def test_upstreams_take_turns_and_failed_ones_pause() -> None:
    async with AsyncExitStack() as stack:
        names = []
        for number in range(2):
            answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n%d" % number
            names.append(await stack.enter_async_context(raw_upstream(answering(answer))))
        dead = "127.0.0.1:1"
        proxy = await stack.enter_async_context(serving(make_proxy(*names, dead)))
        answers = [(await exchange(proxy, get("/up/x"))).content for _ in range(6)]
        posted = [(await exchange(proxy, get("/up/x", method="POST"))).status for _ in range(4)]
    assert sorted(answers) == [b"0"] * 3 + [b"1"] * 3
    assert posted == [200] * 4


async def test_idempotent_request_is_repeated_once() -> None:
    calls = []

    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(await reader.readuntil(b"\r\n\r\n"))

    async with raw_upstream(broken) as upstream, serving(make_proxy(upstream)) as proxy:
        for request, expected in [
            (get("/up/x"), {2, 4}),
            (get("/up/x", method="POST"), {1}),
            (get("/up/x", method="PUT", content=b"x"), {1}),
        ]:
            calls.clear()
            assert (await exchange(proxy, request)).status == 502
            # The client of the upstream repeats one itself.
            assert len(calls) in expected


@pytest.mark.parametrize(
    ("settings", "code", "says"),
    [
        pytest.param({}, "TB306", "no upstream", id="none"),
        pytest.param({"upstreams": ["127.0.0.1:80"]}, "TB202", "is a URL", id="no-url"),
        pytest.param({"upstreams": ["ftp://a"]}, "TB202", "is a URL", id="scheme"),
        pytest.param({"upstreams": ["http://a:b@c"]}, "TB202", "no user or password", id="password"),
        pytest.param({"upstreams": ["http://a/?b"]}, "TB202", "is a URL", id="query"),
        pytest.param({"upstreams": ["http://a:x"]}, "TB202", "ort", id="port"),
        pytest.param({"upstreams": ["http://a"], "prefix": "x"}, "TB202", "slash", id="prefix"),
        pytest.param({"upstreams": ["http://a"], "read_timeout": 0}, "TB202", "read_timeout", id="timeout"),
        pytest.param({"upstreams": ["http://a"], "max_content": 0}, "TB202", "max_content", id="limit"),
        pytest.param({"upstreams": ["http://a"], "websockets": True}, "TB437", "WebSocket", id="no-websocket"),
    ],
)
def test_mistakes_are_reported_at_startup(settings: dict[str, object], code: str, says: str) -> None:
    with pytest.raises(StartupError) as caught:
        App(plugins=[("proxy", settings)]).resolve()
    # With a wrong value of "upstreams", there is no upstream as well.
    problem = caught.value.problems[0]
    assert problem.diagnostic.code == code
    assert says in problem.diagnostic.text
    assert "a:b@" not in str(caught.value)
