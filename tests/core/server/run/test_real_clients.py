"""Real clients (curl, httpx, requests, aiohttp) against a server on a real socket.

The tests check that clients and server understand each other. Everything else is tested in memory.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import httpx
import pytest
import requests
import uvloop

from turnbuckle import App, Redirect, Request, Response
from turnbuckle.server.run.server import HTTPServer

LARGE = bytes(range(256)) * 8192
"""2 MiB: more than any buffer on the way holds, and enough for curl to ask first (Expect: 100-continue)."""


def make_app() -> App:
    app = App("real clients")

    @app.route("/echo", methods=["GET", "POST", "PUT"])
    async def echo(request: Request) -> bytes:
        return await request.read()

    @app.get("/text")
    async def text(request: Request) -> str:
        return "smörgåsbord"

    @app.post("/json")
    async def as_json(request: Request) -> dict[str, object]:
        return {"got": await request.json()}

    @app.post("/form")
    async def form(request: Request) -> dict[str, object]:
        return dict((await request.form()).items())

    @app.get("/stream")
    async def stream(request: Request) -> AsyncIterator[bytes]:
        return _pieces()

    @app.get("/cookies")
    async def cookies(request: Request) -> Response:
        response = Response(json.dumps(dict(request.cookies)))
        response.set_cookie("session", "s3cret")
        return response

    @app.get("/redirect")
    async def redirect(request: Request) -> Response:
        return Redirect("/text")

    @app.get("/nothing")
    async def nothing(request: Request) -> None:
        return None

    @app.get("/client")
    async def client(request: Request) -> str:
        return f"{request.client}"

    @app.get("/thread")
    def thread(request: Request) -> str:
        return "from a thread"

    return app


async def _pieces() -> AsyncIterator[bytes]:
    for start in range(0, len(LARGE), 100_000):
        yield LARGE[start : start + 100_000]


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """Serve on a port that the system chooses."""
    async with HTTPServer(make_app().compile(), port=0) as server:
        yield server.addresses[0].url


# -- curl


async def _curl(*arguments: str, sent: bytes | None = None) -> bytes:
    command = ["curl", "--silent", "--show-error", "--max-time", "20", "--noproxy", "*", *arguments]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
    received, errors = await process.communicate(sent)
    assert (process.returncode, errors.decode()) == (0, "")
    return received


async def test_curl_gets_text(url: str) -> None:
    head, _, content = (await _curl("--include", f"{url}/text")).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert content.decode() == "smörgåsbord"


async def test_curl_uses_one_connection_for_several_requests(url: str) -> None:
    ends = await _curl(f"{url}/client", f"{url}/client", f"{url}/client", "--write-out", "\n")

    assert len(set(ends.splitlines())) == 1


async def test_curl_reads_the_head_alone(url: str) -> None:
    head = await _curl("--head", f"{url}/text")

    assert b"Content-Length: 13\r\n" in head
    assert head.endswith(b"\r\n\r\n")


async def test_curl_waits_to_be_asked_for_large_content(url: str) -> None:
    received = await _curl(
        "--header", "Expect: 100-continue", "--data-binary", "@-", "--dump-header", "-", f"{url}/echo", sent=LARGE
    )

    assert received.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert received.endswith(LARGE)


async def test_curl_sends_chunks(url: str) -> None:
    received = await _curl("--upload-file", "-", "--header", "Expect:", f"{url}/echo", sent=LARGE)

    assert received == LARGE


async def test_curl_speaks_http_1_0(url: str) -> None:
    head, _, content = (await _curl("--http1.0", "--include", f"{url}/stream")).partition(b"\r\n\r\n")

    assert b"transfer-encoding" not in head.lower()
    assert content == LARGE


async def test_curl_follows_redirects_and_keeps_cookies(url: str, tmp_path: Path) -> None:
    jar = str(tmp_path / "jar")
    redirected = await _curl("--location", f"{url}/redirect")
    await _curl("--cookie-jar", jar, f"{url}/cookies")
    second = await _curl("--cookie", jar, f"{url}/cookies")

    assert redirected.decode() == "smörgåsbord"
    assert json.loads(second) == {"session": "s3cret"}


async def test_curl_offers_another_protocol_in_vain(url: str) -> None:
    assert (await _curl("--http2", f"{url}/text")).decode() == "smörgåsbord"


async def test_curl_reaches_a_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    async with HTTPServer(make_app().compile(), unix=path):
        assert await _curl("--unix-socket", path, "http://a/client") == b"None"


# -- httpx


@pytest.fixture
async def httpx_client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        yield client


async def test_httpx_gets_and_posts(httpx_client: httpx.AsyncClient) -> None:
    text = await httpx_client.get("/text")
    as_json = await httpx_client.post("/json", json={"é": 1})
    form = await httpx_client.post("/form", data={"a": "b c"})
    nothing = await httpx_client.get("/nothing")
    thread = await httpx_client.get("/thread")

    assert (text.status_code, text.reason_phrase, text.http_version) == (200, "OK", "HTTP/1.1")
    assert (text.text, thread.text) == ("smörgåsbord", "from a thread")
    assert (as_json.json(), form.json()) == ({"got": {"é": 1}}, {"a": "b c"})
    assert (nothing.status_code, nothing.content) == (204, b"")


async def test_httpx_streams_both_ways(httpx_client: httpx.AsyncClient) -> None:
    echoed = await httpx_client.post("/echo", content=_pieces())
    async with httpx_client.stream("GET", "/stream") as response:
        streamed = b"".join([piece async for piece in response.aiter_bytes()])

    assert (echoed.content == LARGE, streamed == LARGE) == (True, True)
    assert response.headers["transfer-encoding"] == "chunked"


async def test_httpx_sends_many_requests_at_a_time(httpx_client: httpx.AsyncClient) -> None:
    responses = await asyncio.gather(*(httpx_client.post("/echo", content=b"%d" % n) for n in range(50)))

    assert [response.content for response in responses] == [b"%d" % n for n in range(50)]


async def test_httpx_keeps_cookies_and_follows_redirects(httpx_client: httpx.AsyncClient) -> None:
    await httpx_client.get("/cookies")
    cookies = await httpx_client.get("/cookies")
    redirected = await httpx_client.get("/redirect", follow_redirects=True)

    assert (cookies.json(), redirected.text) == ({"session": "s3cret"}, "smörgåsbord")


async def test_httpx_may_leave_in_the_middle(httpx_client: httpx.AsyncClient) -> None:
    async with httpx_client.stream("GET", "/stream") as response:
        async for _ in response.aiter_bytes():
            break

    assert (await httpx_client.get("/text")).status_code == 200


# -- requests


@pytest.fixture
def session(url: str) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


async def test_requests_gets_and_posts(url: str, session: requests.Session) -> None:
    text = await asyncio.to_thread(session.get, f"{url}/text", timeout=20)
    as_json = await asyncio.to_thread(session.post, f"{url}/json", json={"é": 1}, timeout=20)
    form = await asyncio.to_thread(session.post, f"{url}/form", data={"a": "b c"}, timeout=20)
    head = await asyncio.to_thread(session.head, f"{url}/text", timeout=20)

    assert (text.status_code, text.text, text.encoding) == (200, "smörgåsbord", "utf-8")
    assert (as_json.json(), form.json()) == ({"got": {"é": 1}}, {"a": "b c"})
    assert (head.headers["Content-Length"], head.content) == ("13", b"")


async def test_requests_streams_both_ways(url: str, session: requests.Session) -> None:
    pieces = (LARGE[start : start + 100_000] for start in range(0, len(LARGE), 100_000))
    echoed = await asyncio.to_thread(session.post, f"{url}/echo", data=pieces, timeout=20)
    streamed = await asyncio.to_thread(session.get, f"{url}/stream", timeout=20)

    assert (echoed.content == LARGE, streamed.content == LARGE) == (True, True)


async def test_requests_keeps_its_connection_and_cookies(url: str, session: requests.Session) -> None:
    ends = [(await asyncio.to_thread(session.get, f"{url}/client", timeout=20)).text for _ in range(3)]
    await asyncio.to_thread(session.get, f"{url}/cookies", timeout=20)
    cookies = await asyncio.to_thread(session.get, f"{url}/cookies", timeout=20)
    redirected = await asyncio.to_thread(session.get, f"{url}/redirect", timeout=20)

    assert len(set(ends)) == 1
    assert cookies.json() == {"session": "s3cret"}
    assert (redirected.text, len(redirected.history)) == ("smörgåsbord", 1)


# -- aiohttp


@pytest.fixture
async def aiohttp_client(url: str) -> AsyncIterator[aiohttp.ClientSession]:
    # A separate jar: by default aiohttp stores no cookies for an IP address.
    async with aiohttp.ClientSession(url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield session


async def test_aiohttp_gets_and_posts(aiohttp_client: aiohttp.ClientSession) -> None:
    async with aiohttp_client.get("/text") as text:
        assert (text.status, text.reason, await text.text()) == (200, "OK", "smörgåsbord")
    async with aiohttp_client.post("/json", json={"é": 1}) as as_json:
        assert await as_json.json() == {"got": {"é": 1}}
    async with aiohttp_client.post("/form", data={"a": "b c"}) as form:
        assert await form.json() == {"a": "b c"}
    async with aiohttp_client.get("/nothing") as nothing:
        assert (nothing.status, await nothing.read()) == (204, b"")


async def test_aiohttp_streams_both_ways(aiohttp_client: aiohttp.ClientSession) -> None:
    async with aiohttp_client.post("/echo", data=_pieces(), expect100=True) as echoed:
        assert await echoed.read() == LARGE
    async with aiohttp_client.get("/stream") as streamed:
        assert b"".join([piece async for piece in streamed.content.iter_any()]) == LARGE


async def test_aiohttp_keeps_cookies_and_follows_redirects(aiohttp_client: aiohttp.ClientSession) -> None:
    async with aiohttp_client.get("/cookies"):
        pass
    async with aiohttp_client.get("/cookies") as cookies:
        assert json.loads(await cookies.read()) == {"session": "s3cret"}
    async with aiohttp_client.get("/redirect") as redirected:
        assert (await redirected.text(), len(redirected.history)) == ("smörgåsbord", 1)


# -- and on the loop that servers use


@pytest.mark.parametrize("path", ["/text", "/stream", "/thread"])
def test_uvloop_serves_the_same(path: str) -> None:
    async def fetch() -> bytes:
        async with HTTPServer(make_app().compile(), port=0) as server:
            return await _curl(f"{server.addresses[0].url}{path}")

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        received = runner.run(fetch())

    assert received == {"/text": "smörgåsbord".encode(), "/stream": LARGE, "/thread": b"from a thread"}[path]
