"""Upstreams and clients that fail, are slow, or attack."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.contrib.proxy.making import answering, echo_app, exchange, make_proxy, raw_upstream, serving
from turnbuckle import App

_GET = b"GET /up/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 20", id="part-of-a-head"),
        pytest.param(b"nonsense\r\n\r\n", id="no-http"),
        pytest.param(b"HTTP/1.1 600 X\r\nContent-Length: 0\r\n\r\n", id="status"),
        pytest.param(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", id="switches"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", id="two-lengths"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx", id="bad-length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX-A: a\x00b\r\nContent-Length: 0\r\n\r\n", id="nul"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX A: b\r\nContent-Length: 0\r\n\r\n", id="bad-name"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\nContent-Length: 0\r\n\r\n", id="large-field"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Type: c/d\r\n\r\n", id="two-types"),
    ],
)
async def test_malformed_response_is_answered_with_502(answer: bytes) -> None:
    async with raw_upstream(answering(answer)) as upstream, serving(make_proxy(upstream)) as proxy:
        async with asyncio.timeout(20):
            response = await exchange(proxy, _GET)
    assert (response.status, response.content) == (502, b"Bad Gateway")


async def test_upstream_that_is_not_there(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "turnbuckle.proxy"):
        async with serving(make_proxy("127.0.0.1:1")) as proxy:
            response = await exchange(proxy, _GET)
    assert (response.status, response.content) == (502, b"Bad Gateway")
    assert "upstream http://127.0.0.1:1 did not answer GET /up/x" in caplog.text


async def test_upstream_that_does_not_answer() -> None:
    gone = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        gone.set()

    async with raw_upstream(silent) as upstream, serving(make_proxy(upstream, response_timeout=0.3)) as proxy:
        response = await exchange(proxy, _GET)
        assert (response.status, response.content) == (504, b"Gateway Timeout")
        async with asyncio.timeout(10):
            await gone.wait()


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"Content-Length: 10\r\n\r\nabc", id="length"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", id="chunks"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n", id="bad-chunk"),
    ],
)
async def test_response_that_breaks_off_is_not_complete(start: bytes) -> None:
    async with (
        raw_upstream(answering(b"HTTP/1.1 200 OK\r\n" + start)) as upstream,
        serving(make_proxy(upstream)) as proxy,
    ):
        response = await exchange(proxy, _GET)
    assert (response.status in {0, 200, 502}, response.is_complete and response.status == 200) == (True, False)


@pytest.mark.parametrize("settings", [{"read_timeout": 0.3}, {"max_response": 5}])
async def test_response_that_stops_or_is_too_large_is_cut_off(settings: dict[str, object]) -> None:
    gone = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await asyncio.sleep(0.05)
        writer.write(b"3\r\nabc\r\n")
        await reader.read(-1)
        gone.set()

    async with raw_upstream(script) as upstream, serving(make_proxy(upstream, **settings)) as proxy:
        response = await exchange(proxy, _GET)
        assert response.is_complete is False
        async with asyncio.timeout(10):
            await gone.wait()


async def test_announced_response_that_is_too_large() -> None:
    answer = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789")
    async with raw_upstream(answer) as upstream, serving(make_proxy(upstream, max_response=9)) as proxy:
        assert (await exchange(proxy, _GET)).status == 502


async def _open(authority: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = authority.partition(":")
    return await asyncio.open_connection(host, int(port))


@pytest.mark.parametrize("begins", [False, True])
async def test_client_that_goes_away_ends_the_request_to_the_upstream(begins: bool) -> None:
    came, gone = asyncio.Event(), asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if begins:
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        came.set()
        await reader.read(-1)
        gone.set()

    async with raw_upstream(script) as upstream, serving(make_proxy(upstream)) as proxy, asyncio.timeout(20):
        reader, writer = await _open(proxy)
        writer.write(_GET.replace(b"Connection: close\r\n", b""))
        await came.wait()
        if begins:
            await reader.readuntil(b"abc")
        # A client that only closes its sending side may still wait for the response; this one resets the connection.
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        assert await gone.wait()


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 100\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"]
)
async def test_upload_that_breaks_off_is_not_complete_for_the_upstream(framing: bytes) -> None:
    received: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    began = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        first = await reader.readuntil(b"abc")
        began.set()
        received.set_result(head + first + await reader.read(-1))

    async with raw_upstream(script) as upstream, serving(make_proxy(upstream)) as proxy, asyncio.timeout(20):
        _, writer = await _open(proxy)
        writer.write(b"POST /up/x HTTP/1.1\r\nHost: a\r\n" + framing)
        await began.wait()
        writer.transport.abort()
        content = (await received).partition(b"\r\n\r\n")[2]
    assert content in {b"abc", b"3\r\nabc\r\n"}


async def test_content_that_is_too_large() -> None:
    received: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read(-1))

    request = b"POST /up/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = b"8\r\n01234567\r\n" * 3 + b"0\r\n\r\n"
    async with raw_upstream(script) as upstream, serving(make_proxy(upstream, max_content=20)) as proxy:
        assert (await exchange(proxy, request + chunks)).status == 413
        assert (
            await exchange(proxy, request.replace(b"Transfer-Encoding: chunked", b"Content-Length: 21"))
        ).status == 413
        await asyncio.sleep(0.1)
    assert not any(content.endswith(b"0\r\n\r\n") for content in received)


async def test_early_answer_to_an_upload() -> None:
    answer = answering(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
    async with raw_upstream(answer) as upstream, serving(make_proxy(upstream)) as proxy, asyncio.timeout(20):
        reader, writer = await _open(proxy)
        writer.write(b"POST /up/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc")
        assert (await reader.readline()).startswith(b"HTTP/1.1 403")
        writer.transport.abort()


# -- smuggling


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: 1_0\r\n\r\n0123456789",
        b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        b"Content-Length : 5\r\n\r\nabcde",
        b"Foo: a\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
async def test_request_with_two_meanings_does_not_reach_the_upstream(lines: bytes) -> None:
    calls = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(await reader.read(-1))

    async with raw_upstream(script) as upstream, serving(make_proxy(upstream)) as proxy:
        response = await exchange(proxy, b"POST /up/x HTTP/1.1\r\nHost: a\r\n" + lines)
    assert (response.status in {400, 501}, calls) == (True, [])


async def test_trailers_do_not_become_fields() -> None:
    request = (
        b"POST /up/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTrailer: X-Admin\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    async with serving(echo_app()) as upstream, serving(make_proxy(upstream)) as proxy:
        response = await exchange(proxy, request + b"1\r\na\r\n0\r\nX-Admin: 1\r\n\r\n")
    assert not {"x-admin", "trailer"} & response.fields().keys()


async def test_bytes_behind_a_response_are_no_response() -> None:
    extra = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood" + extra)

    async with raw_upstream(script) as upstream, serving(make_proxy(upstream)) as proxy:
        contents = [(await exchange(proxy, _GET)).content for _ in range(3)]
    assert b"evil" not in contents


@pytest.mark.parametrize("method", [b"HEAD", b"GET"])
async def test_content_where_there_must_be_none(method: bytes) -> None:
    answer = b"HTTP/1.1 %s\r\nContent-Length: 4\r\n\r\nevil" % (b"200 OK" if method == b"HEAD" else b"304 Not Modified")

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)

    async with raw_upstream(script) as upstream, serving(make_proxy(upstream)) as proxy:
        for _ in range(3):
            response = await exchange(proxy, _GET.replace(b"GET", method))
            assert response.status in {200, 304, 502}
            assert b"evil" not in response.content


async def test_cookies_are_not_kept_and_redirects_not_followed() -> None:
    async with serving(echo_app()) as upstream, serving(make_proxy(upstream)) as proxy:
        await exchange(proxy, _GET.replace(b"/up/x", b"/up/cookies"))
        assert "cookie" not in (await exchange(proxy, _GET)).fields()
        assert (await exchange(proxy, _GET.replace(b"/up/x", b"/up/redirect?to=/x"))).status == 302


async def test_path_that_leaves_the_base() -> None:
    async with serving(echo_app()) as upstream, serving(make_proxy(upstream, base="/public")) as proxy:
        for path in (b"/up/../admin", b"/up/%2e%2e/admin", b"/up/..%2fadmin", b"/up/..\\admin"):
            assert (await exchange(proxy, _GET.replace(b"/up/x", path))).status in {400, 404}
        absolute = await exchange(proxy, _GET.replace(b"/up/x", b"http://169.254.169.254/up/x"))
        assert absolute.json()["target"] == "/public/x"


async def test_client_that_waits_for_continue() -> None:
    head = b"POST /up/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    async with serving(echo_app()) as upstream, serving(make_proxy(upstream)) as proxy, asyncio.timeout(20):
        reader, writer = await _open(proxy)
        writer.write(head)
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"abc")
        response = await reader.read(-1)
        assert b'"content": "abc"' in response
        assert b"expect" not in response.lower()
        writer.close()


async def test_interim_responses_are_dropped() -> None:
    answer = answering(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")
    async with raw_upstream(answer) as upstream, serving(make_proxy(upstream)) as proxy:
        response = await exchange(proxy, _GET)
    assert (response.status, response.content, response.get("link")) == (200, b"a", None)


async def test_requests_at_the_same_time() -> None:
    async with serving(echo_app()) as upstream, serving(make_proxy(upstream, connections=3)) as proxy:
        responses = await asyncio.gather(*(exchange(proxy, _GET.replace(b"/x", b"/%d" % n)) for n in range(30)))
    assert [response.json()["target"] for response in responses] == [f"/{n}" for n in range(30)]


async def _pieces() -> AsyncIterator[bytes]:
    yield b"de"
    yield b"f"


async def test_request_over_http2() -> None:
    async with serving(echo_app()) as upstream:
        app = App(plugins=[("http2", {"cleartext": True})])
        app.install("proxy", at="/up", settings={"upstreams": [f"http://{upstream}"]})
        async with serving(app) as proxy, httpx.AsyncClient(http1=False, http2=True) as client:
            cookies = [("cookie", "a=1"), ("cookie", "b=2")]
            response = await client.post(f"http://{proxy}/up/x", content=b"abc", headers=cookies)
            empty = await client.get(f"http://{proxy}/up/x")

            streamed = await client.post(f"http://{proxy}/up/x", content=_pieces())
    fields = {name.lower(): value for name, value in response.json()["fields"]}
    assert (response.json()["content"], fields["cookie"], fields["via"]) == ("abc", "a=1; b=2", "2 turnbuckle")
    assert "transfer-encoding" not in {name.lower() for name, _ in empty.json()["fields"]}
    assert streamed.json()["content"] == "def"
