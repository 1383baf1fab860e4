"""Documents over HTTP, bounded in time and size."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress

import pytest
import trustme

from tests.contrib.auth.issuers import http, key_server
from turnbuckle_contrib.auth.fetch import Fetcher, FetchFailed, check_url


@pytest.mark.parametrize(
    "url",
    [
        "https://issuer.example/keys?a=b",
        "http://127.0.0.1:8000/",
        "http://localhost/keys",
        "http://[::1]:1/",
        "https://[2001:db8::1]/",
    ],
)
def test_url_of_https_or_of_this_machine_is_accepted(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://issuer.example/keys",
        "http://127.0.0.1.evil.example/",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "ftp://localhost/",
        "https://",
        "https:///keys",
        "https://user:password@issuer.example/",
        "https://issuer.example/#keys",
        "https://issuer.example/a b",
        "https://issuer.example/\r\nX: y",
        "//issuer.example/",
        "",
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="must"):
        check_url(url)


@pytest.mark.parametrize(
    ("answer", "document"),
    [
        pytest.param(http(b'{"a": 1}'), {"a": 1}, id="length"),
        pytest.param(http(b"[1]", "200"), [1], id="no reason phrase"),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\n[1, 2]", [1, 2], id="to the end"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + http(b"[3]"), [3], id="interim"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[4\r\n1;x=y\r\n]\r\n0\r\n\r\n",
            [4],
            id="chunked",
        ),
    ],
)
async def test_document_is_read(answer: bytes, document: object) -> None:
    async with key_server() as server:
        server.answer = answer
        assert await Fetcher().fetch_json(server.url) == (200, document)
        assert server.requests[0].startswith(b"GET /keys HTTP/1.1\r\nHost: 127.0.0.1:")
        assert b"Connection: close" in server.requests[0]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\n", id="cut off in the head"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[1]", id="cut off in the body"),
        pytest.param(b"SSH-2.0-x\r\n\r\n", id="another protocol"),
        pytest.param(http(b"no json"), id="no JSON"),
        pytest.param(http(b"\xff"), id="no UTF-8"),
        pytest.param(http(b"[" * 100_000), id="nested"),
        pytest.param(http(b" " * 300_000), id="too large"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n", id="huge length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", id="negative length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n1", id="two lengths"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 300_000, id="too large to the end"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", id="large head"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 10, id="interim responses without end"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n", id="huge chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n", id="malformed chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n[1]", id="coding"),
        pytest.param(http(b"[1]", "200 OK", "Content-Encoding: gzip"), id="compressed"),
    ],
)
async def test_answer_that_cannot_be_read_fails(answer: bytes) -> None:
    async with key_server() as server:
        server.answer = answer
        with pytest.raises(FetchFailed):
            await Fetcher().fetch_json(server.url)


async def test_redirect_is_not_followed() -> None:
    async with key_server() as server:
        server.answer = http(b"{}", "302 Found", "Location: http://127.0.0.1:1/")
        assert await Fetcher().fetch_json(server.url) == (302, {})
        assert len(server.requests) == 1


async def test_slow_server_fails_in_time() -> None:
    async with key_server() as server:
        server.pause = 5
        with pytest.raises(FetchFailed, match=r"did not answer within 0.05 s"):
            await Fetcher(timeout=0.05).fetch_json(server.url)


async def test_nothing_listens() -> None:
    with pytest.raises(FetchFailed, match="could not be fetched"):
        await Fetcher().fetch_json("http://127.0.0.1:1/")


async def test_post_sends_a_form() -> None:
    async with key_server() as server:
        await Fetcher().fetch_json(server.url, content=b"a=b", headers={"Authorization": "Basic x"})
        head = server.requests[0]
        assert head.startswith(b"POST /keys HTTP/1.1\r\n")
        assert b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\nAuthorization: Basic x" in head
        with pytest.raises(FetchFailed):
            await Fetcher().fetch_json(server.url, headers={"X": "a\r\nY: b"})


async def test_certificate_is_verified() -> None:
    authority = trustme.CA()
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(served)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(http(b"[1]"))
        await writer.drain()
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=served)
    port = server.sockets[0].getsockname()[1]
    assert await Fetcher(context=trusting).fetch_json(f"https://localhost:{port}/") == (200, [1])
    with pytest.raises(FetchFailed, match="certificate"):
        await Fetcher().fetch_json(f"https://localhost:{port}/")
    with pytest.raises(FetchFailed, match=r"certificate|mismatch"):
        await Fetcher(context=trusting).fetch_json(f"https://127.0.0.1:{port}/")
    server.close()
