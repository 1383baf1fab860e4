"""Compressed responses: which ones, for which clients, and what happens to their fields."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from turnbuckle import NDJSON, SSE, App, File, NotModified, Plugin, Request, Response, StartupError, Stream, Text
from turnbuckle.testing import Client, ClientResponse
from turnbuckle.testing.conformance import MiddlewareConformance, PluginConformance
from turnbuckle_contrib.compress import CompressPlugin
from turnbuckle_contrib.content_codings import make_decoder

TEXT = "to be or not to be, " * 500
BIG = "to be or not to be, " * 50_000
SHARED = Text(TEXT)
ALL_ACCEPTED = "gzip, br, zstd"


class TestCompressPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return CompressPlugin()


class TestCompressMiddleware(MiddlewareConformance):
    plugin = CompressPlugin


def decode(response: ClientResponse) -> bytes:
    coding = response.headers.get("content-encoding", "")
    if not coding:
        return response.content
    decoder = make_decoder(coding)
    content = b"".join(decoder.decode(response.content))
    decoder.finish()
    return content


def _app(folder: Path | None = None, **config: object) -> App:
    app = App(plugins=[("compress", config)])

    @app.get("/text")
    async def text(request: Request, size: int = len(TEXT), kind: str = "text/plain") -> Response:
        return Response(TEXT[:size], content_type=kind)

    @app.get("/fields")
    async def fields(request: Request) -> Response:
        """Send the fields that the query names."""
        return Response(TEXT, int(request.query_params.get("status", "200")), _given(request), "text/plain")

    @app.get("/shared")
    async def shared(request: Request) -> Response:
        return SHARED

    @app.get("/big")
    async def big(request: Request) -> str:
        return BIG

    @app.get("/noise")
    async def noise(request: Request) -> Response:
        return Response(os.urandom(5000), content_type="text/plain")

    @app.get("/version")
    async def version(request: Request) -> Response:
        return Text(TEXT).etag("v1")

    @app.get("/checked")
    async def checked(request: Request) -> Response:
        request.check_preconditions(etag="v1")
        return Text(TEXT).etag("v1")

    @app.put("/version")
    async def save(request: Request) -> str:
        request.check_preconditions(etag="v1")
        return "saved"

    @app.get("/stream")
    async def stream(request: Request, length: bool = False) -> Response:
        return Stream(_pieces(), headers={"Content-Length": "15000"} if length else {}, content_type="text/plain")

    @app.get("/lines")
    async def lines(request: Request) -> Response:
        return NDJSON([{"n": n} for n in range(1000)])

    @app.get("/raises")
    async def raises(request: Request) -> Response:
        raise RuntimeError("x" * 1000)

    @app.head("/only-head")
    async def only_head(request: Request) -> Response:
        return Response(b"", headers={"Content-Length": "10000", "Content-Type": "text/plain"})

    @app.get("/file/{name}")
    async def file(request: Request, name: str) -> Response:
        assert folder is not None
        return File(folder / name)

    return app


def _given(request: Request) -> list[tuple[str, str]]:
    return [(name.replace("_", "-"), value) for name, value in request.query_params.items() if name != "status"]


async def _pieces() -> AsyncIterator[str]:
    for _ in range(15):
        yield "piece" * 200


@cache
def _plain_app() -> App:
    return _app()


async def _get(
    path: str, accept: str | None = ALL_ACCEPTED, app: App | None = None, method: str = "GET", **fields: str
) -> ClientResponse:
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    headers = named if accept is None else {"Accept-Encoding": accept, **named}
    async with Client(app or _plain_app(), raise_exceptions=False) as client:
        return await client.request(method, path, headers=headers)


# -- negotiation -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        pytest.param(None, None, id="no field"),
        pytest.param("", None, id="empty"),
        pytest.param("gzip", "gzip", id="gzip"),
        pytest.param("x-gzip", "gzip", id="x-gzip"),
        pytest.param("GZIP", "gzip", id="case"),
        pytest.param("br", "br", id="br"),
        pytest.param("gzip, deflate, br, zstd", "zstd", id="the server's favourite"),
        pytest.param("gzip, br;q=0.9", "gzip", id="the client's favourite"),
        pytest.param("gzip;q=0, br;q=0.1", "br", id="a coding that is not accepted"),
        pytest.param("*", "zstd", id="any"),
        pytest.param("*;q=0.5, zstd;q=0", "br", id="any other"),
        pytest.param("identity", None, id="identity"),
        pytest.param("identity, gzip;q=0.5", None, id="identity preferred"),
        pytest.param("identity;q=0.5, gzip", "gzip", id="identity not preferred"),
        pytest.param("identity;q=0, gzip", "gzip", id="identity not accepted"),
        pytest.param("identity;q=0", None, id="nothing accepted"),
        pytest.param("identity;q=0, *;q=0", None, id="nothing accepted at all"),
        pytest.param("deflate", None, id="deflate"),
        pytest.param("gzip;q=abc", None, id="malformed"),
    ],
)
async def test_coding_follows_from_accept_encoding(accept: str | None, coding: str | None) -> None:
    response = await _get("/text", accept)
    assert response.status == 200
    assert response.headers.get("content-encoding") == coding
    assert decode(response) == TEXT.encode()
    assert response.headers["vary"] == "Accept-Encoding"
    assert response.headers["content-length"] == str(len(response.content))


async def test_codings_have_the_order_of_the_settings() -> None:
    app = _app(codings=["gzip", "br"])
    assert (await _get("/text", app=app)).headers["content-encoding"] == "gzip"
    assert "content-encoding" not in (await _get("/text", "zstd", app=app)).headers


async def test_codings_whose_packages_are_missing_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turnbuckle_contrib.content_codings.coding_package", lambda coding: None)
    assert (await _get("/text", app=_app())).headers["content-encoding"] == "gzip"
    with pytest.raises(StartupError) as caught:
        _app(codings=["br"]).resolve()
    assert "'br' needs pip install 'turnbuckle[brotli]'" in str(caught.value.problems[0])


# -- which responses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "is_compressed"),
    [
        ("/text?size=500", True),
        ("/text?size=499", False),
        ("/text?size=0", False),
        ("/text?kind=text/html;%20charset=latin-1", True),
        ("/text?kind=application/problem%2Bjson", True),
        ("/text?kind=image/svg%2Bxml", True),
        ("/text?kind=image/png", False),
        ("/text?kind=application/octet-stream", False),
        ("/text?kind=application/zip", False),
        ("/text?kind=nonsense", False),
        ("/fields?status=404", True),
        ("/fields?status=500", True),
        ("/fields?Cache-Control=public,%20no-transform", False),
        ("/fields?Cache-Control=No-Transform&cache_control=public", False),
        ("/fields?Content-Range=bytes%200-5/9&status=206", False),
        ("/fields?Content-Digest=x", False),
        ("/lines", True),
        ("/stream", True),
        ("/noise", False),
    ],
)
async def test_responses_that_are_compressed(path: str, is_compressed: bool) -> None:
    response = await _get(path)
    assert ("content-encoding" in response.headers) is is_compressed


async def test_encoded_content_is_not_encoded_again() -> None:
    response = await _get("/fields?Content-Encoding=aes128gcm")
    assert response.headers.get_list("content-encoding") == ["aes128gcm"]
    assert response.text == TEXT


@pytest.mark.parametrize("path", ["/text?size=10", "/text?kind=image/png", "/fields?Cache-Control=no-transform"])
async def test_response_that_is_never_compressed_does_not_vary(path: str) -> None:
    assert "vary" not in (await _get(path)).headers


async def test_vary_of_the_handler_is_extended() -> None:
    assert (await _get("/fields?Vary=Cookie")).headers["vary"] == "Cookie, Accept-Encoding"
    assert (await _get("/fields?Vary=*")).headers["vary"] == "*"


async def test_response_that_is_sent_twice_is_not_changed() -> None:
    for _ in range(2):
        assert "content-encoding" in (await _get("/shared")).headers
        plain = await _get("/shared", "identity")
        assert "content-encoding" not in plain.headers
        assert plain.text == TEXT


async def test_error_page_is_compressed() -> None:
    app = _app(min_size=1)
    for path, status in (("/nowhere", 404), ("/raises", 500)):
        response = await _get(path, app=app)
        assert response.status == status
        assert "accept-encoding" in response.headers["vary"].lower()


@pytest.mark.parametrize(
    "path",
    ["/text", "/text?size=10", "/noise", "/big", "/stream", "/lines", "/version", "/fields?status=204", "/nowhere"],
)
@pytest.mark.parametrize("accept", [ALL_ACCEPTED, "gzip", None])
async def test_head_has_the_fields_of_get(path: str, accept: str | None) -> None:
    get, head = await _get(path, accept), await _get(path, accept, method="HEAD")
    assert head.content == b""
    ignored = {"date", "transfer-encoding"}
    fields = [{(n.lower(), v) for n, v in r.headers.items() if n.lower() not in ignored} for r in (get, head)]
    assert fields[0] == fields[1]


async def test_head_handler_that_announces_a_length() -> None:
    head = await _get("/only-head", method="HEAD")
    assert head.headers["content-encoding"] == "zstd"
    assert "content-length" not in head.headers
    assert (await _get("/only-head", None, method="HEAD")).headers["content-length"] == "10000"


# -- preconditions and ranges ------------------------------------------------------------------------------------------


async def test_etag_of_compressed_content_is_weak() -> None:
    assert (await _get("/version")).headers["etag"] == 'W/"v1"'
    assert (await _get("/version", "identity")).headers["etag"] == '"v1"'


async def test_etag_without_quotes_stays() -> None:
    response = await _get("/fields?ETag=v1")
    assert (response.headers["etag"], decode(response)) == ("v1", TEXT.encode())


@pytest.mark.parametrize("path", ["/version", "/checked"])
@pytest.mark.parametrize("tag", ['W/"v1"', '"v1"', '"v0", W/"v1"'])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_unchanged_content_is_answered_304(path: str, tag: str, method: str) -> None:
    response = await _get(path, method=method, if_none_match=tag)
    assert (response.status, response.content) == (304, b"")
    assert response.headers["vary"] == "Accept-Encoding"
    assert "content-encoding" not in response.headers
    assert response.headers["etag"] == ('W/"v1"' if path == "/version" or "W/" in tag else '"v1"')


async def test_changed_content_is_sent() -> None:
    response = await _get("/version", if_none_match='W/"v0"')
    assert (response.status, decode(response)) == (200, TEXT.encode())


async def test_malformed_list_of_tags_is_ignored() -> None:
    response = await _get("/version", if_none_match='"v1" and more')
    assert (response.status, decode(response)) == (200, TEXT.encode())


async def test_unchanged_content_is_not_compressed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turnbuckle_contrib.compress.plugin.make_encoder", None)
    assert (await _get("/version", if_none_match='W/"v1"')).status == 304


@pytest.mark.parametrize(
    ("tag", "status"),
    [('"v1"', 200), ('W/"v1"', 200), ('"v0", W/"v1"', 200), ("*", 200), ('W/"v0"', 412), ('"v0"', 412)],
)
async def test_client_saves_the_version_that_it_has_read(tag: str, status: int) -> None:
    assert (await _get("/version", method="PUT", if_match=tag)).status == status


async def test_get_with_if_match_gets_the_content_that_the_strong_tag_stands_for() -> None:
    response = await _get("/version", if_match='"v1"')
    assert (response.status, response.text) == (200, TEXT)
    assert (await _get("/version", if_match='"v0"')).status == 412


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "page.css").write_text(TEXT)
    (tmp_path / "small.css").write_text("a{}")
    (tmp_path / "big.css").write_text(BIG)
    (tmp_path / "photo.jpeg").write_bytes(bytes(5000))
    return tmp_path


async def test_files_are_compressed_up_to_a_size(folder: Path) -> None:
    app = _app(folder, max_file=len(BIG) - 1)
    response = await _get("/file/page.css", app=app)
    assert (response.headers["content-encoding"], decode(response)) == ("zstd", TEXT.encode())
    assert response.headers["etag"].startswith('W/"')
    assert not {"content-length", "accept-ranges"} & set(response.headers)
    for name in ("small.css", "big.css", "photo.jpeg"):
        response = await _get(f"/file/{name}", app=app)
        assert "content-encoding" not in response.headers
        assert response.headers["accept-ranges"] == "bytes"
        assert response.content == (folder / name).read_bytes()
    assert decode(await _get("/file/big.css", app=_app(folder))) == BIG.encode()


async def test_no_file_is_compressed_if_the_settings_say_so(folder: Path) -> None:
    assert "content-encoding" not in (await _get("/file/page.css", app=_app(folder, max_file=0))).headers


async def test_ranges_are_parts_of_content_without_a_coding(folder: Path) -> None:
    app = _app(folder)
    etag = (await _get("/file/page.css", None, app=app)).headers["etag"]
    part = await _get("/file/page.css", app=app, range="bytes=6-7")
    assert (part.status, part.content) == (206, TEXT.encode()[6:8])
    assert "content-encoding" not in part.headers
    assert part.headers["vary"] == "Accept-Encoding"
    assert (await _get("/file/page.css", app=app, range="bytes=6-7", if_range=etag)).status == 206
    whole = await _get("/file/page.css", app=app, range="bytes=6-7", if_range=f"W/{etag}")
    assert (whole.status, whole.content) == (200, TEXT.encode())


async def test_unchanged_file_is_answered_304(folder: Path) -> None:
    app = _app(folder)
    etag = (await _get("/file/page.css", app=app)).headers["etag"]
    assert (await _get("/file/page.css", app=app, if_none_match=etag)).status == 304
    modified = (await _get("/file/page.css", app=app)).headers["last-modified"]
    assert (await _get("/file/page.css", app=app, if_modified_since=modified)).status == 304


async def test_head_of_a_file_has_the_fields_of_get(folder: Path) -> None:
    app = _app(folder)
    get, head = await _get("/file/page.css", app=app), await _get("/file/page.css", app=app, method="HEAD")
    for name in ("content-encoding", "etag", "vary", "content-type", "last-modified", "content-length"):
        assert get.headers.get(name) == head.headers.get(name)


async def test_missing_file_is_an_error_and_no_broken_response(folder: Path) -> None:
    app = App(plugins=["compress"])

    @app.get("/")
    async def vanishes(request: Request) -> Response:
        response = File(folder / "page.css")
        (folder / "page.css").unlink()
        return response

    assert (await _get("/", app=app)).status == 500


# -- streams -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
@pytest.mark.parametrize("kind", ["events", "lines", "text"])
async def test_pieces_of_streams_are_sent_at_once(coding: str, kind: str) -> None:
    go = asyncio.Event()

    async def items() -> AsyncIterator[str]:
        yield "first"
        await go.wait()
        yield "last"

    responses: dict[str, Callable[[], Response]] = {
        "events": lambda: SSE(items()),
        "lines": lambda: NDJSON(items()),
        "text": lambda: Stream(items(), content_type="text/plain"),
    }
    app = App(plugins=["compress"])
    app.get("/")(lambda request: _soon(responses[kind]()))
    decoder = make_decoder(coding)
    async with Client(app) as client, client.stream("GET", "/", headers={"Accept-Encoding": coding}) as response:
        assert response.headers["content-encoding"] == coding
        pieces = response.stream()
        decoded = b""
        while b"first" not in decoded:
            decoded += b"".join(decoder.decode(await anext(pieces)))
        go.set()
        async for piece in pieces:
            decoded += b"".join(decoder.decode(piece))
        decoder.finish()
        assert b"last" in decoded


async def _soon(response: Response) -> Response:
    return response


async def test_stream_with_a_length_loses_it() -> None:
    response = await _get("/stream?length=true")
    assert "content-length" not in response.headers
    assert len(decode(response)) == 15_000


async def test_stream_is_closed_with_its_client() -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield os.urandom(1000).hex().encode()
        finally:
            closed.set()

    app = App(plugins=["compress"])
    app.get("/")(lambda request: _soon(Stream(endless(), content_type="text/plain")))
    async with Client(app) as client:
        async with client.stream("GET", "/", headers={"Accept-Encoding": "gzip"}) as response:
            await anext(response.stream())
        await asyncio.wait_for(closed.wait(), 2)
    assert closed.is_set()


async def test_trailers_are_kept() -> None:
    app = App(plugins=["compress"])

    @app.get("/")
    async def with_trailers(request: Request) -> Response:
        return Stream(_pieces(), content_type="text/plain", trailers=lambda: {"X-Sum": "15"})

    response = await _get("/", app=app, te="trailers")
    assert len(decode(response)) == 15_000
    assert response.trailers["x-sum"] == "15"


async def test_stream_that_never_waits_lets_others_run() -> None:
    async def zeros() -> AsyncIterator[bytes]:
        for _ in range(2000):
            yield bytes(1000)

    app = App(plugins=["compress"])
    app.get("/")(lambda request: _soon(Stream(zeros(), content_type="text/plain")))
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with Client(app) as client:
        counting = asyncio.ensure_future(count())
        await client.get("/", headers={"Accept-Encoding": "gzip"})
        counting.cancel()
    assert turns > 20


async def test_large_content_is_compressed_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    from turnbuckle_contrib.compress import plugin

    threads: list[bool] = []
    encode = plugin._encode
    monkeypatch.setattr(
        plugin,
        "_encode",
        lambda *args: (threads.append(threading.current_thread() is threading.main_thread()), encode(*args))[1],
    )
    assert decode(await _get("/big")) == BIG.encode()
    assert decode(await _get("/text")) == TEXT.encode()
    assert threads == [False, True]


async def test_mounted_asgi_app_is_compressed_and_its_stream_stays_one() -> None:
    go, left = asyncio.Event(), asyncio.Event()

    async def asgi(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        fields = [(b"content-type", b"text/plain"), (b"etag", b'"v1"')]
        if scope["path"].endswith("/length"):
            fields.append((b"content-length", b"10000"))
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": b"first" * 1000, "more_body": True})
        if scope["path"].endswith("/waits"):
            await go.wait()
        await send({"type": "http.response.body", "body": b"last!" * 1000, "more_body": False})
        if scope["path"].endswith("/waits"):
            left.set()

    app = App(plugins=["asgi", "compress", "conditional"])
    app.mount("/old", asgi)
    whole = await _get("/old/length", app=app)
    assert (whole.headers["content-encoding"], whole.headers["etag"]) == ("zstd", 'W/"v1"')
    assert decode(whole) == b"first" * 1000 + b"last!" * 1000
    head = await _get("/old/length", app=app, method="HEAD")
    assert (head.headers["content-encoding"], head.content) == ("zstd", b"")
    assert (await _get("/old/length", app=app, if_none_match='W/"v1"')).status == 304
    assert (await _get("/old/length", "identity", app=app)).headers["content-length"] == "10000"
    decoder = make_decoder("gzip")
    async with (
        Client(app) as client,
        client.stream("GET", "/old/waits", headers={"Accept-Encoding": "gzip"}) as response,
    ):
        pieces = response.stream()
        decoded = b""
        while len(decoded) < 5000:
            decoded += b"".join(decoder.decode(await anext(pieces)))
        assert not left.is_set()
        go.set()
        async for piece in pieces:
            decoded += b"".join(decoder.decode(piece))
    assert decoded == b"first" * 1000 + b"last!" * 1000


# -- BREACH ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "is_compressed"),
    [
        ({"sec_fetch_site": "cross-site", "cookie": "a=b"}, False),
        ({"sec_fetch_site": "cross-site", "authorization": "Basic x"}, False),
        ({"sec_fetch_site": "cross-site"}, True),
        ({"sec_fetch_site": "same-origin", "cookie": "a=b"}, True),
        ({"sec_fetch_site": "none", "cookie": "a=b"}, True),
        ({"cookie": "a=b"}, True),
        ({"sec_fetch_site": "cross-site", "sec_fetch_user": "?1", "cookie": "a=b"}, True),
    ],
)
async def test_requests_of_other_sites_with_cookies_are_answered_without_a_coding(
    fields: dict[str, str], is_compressed: bool
) -> None:
    response = await _get("/text", **fields)
    assert ("content-encoding" in response.headers) is is_compressed
    assert response.headers["vary"] == "Accept-Encoding"
    assert "content-encoding" in (await _get("/text", app=_app(cross_site=True), **fields)).headers


async def test_padding_hides_the_length() -> None:
    app = _app(padding=200)
    for coding in ("gzip", "zstd"):
        sizes = set()
        for _ in range(20):
            response = await _get("/text", coding, app=app)
            assert decode(response) == TEXT.encode()
            sizes.add(len(response.content))
        assert len(sizes) > 5
    assert "content-encoding" not in (await _get("/text", "br", app=app)).headers


async def test_guess_of_a_secret_shows_in_the_length_without_the_mitigation() -> None:
    """The attack itself: a right guess is shorter. It needs the answer to be compressed."""
    app = App(plugins=[("compress", {"min_size": 1})])

    @app.get("/")
    async def page(request: Request, q: str) -> Response:
        return Text(f"{q} " + "".join(f"{number:x}" for number in range(200)) + " token=f9c3a1b27d")

    async def length(guess: str, **fields: str) -> int:
        return len((await _get(f"/?q=token={guess}", "gzip", app=app, cookie="session=1", **fields)).content)

    assert await length("f9c3a1b27d") < await length("a1b2c3d4e5")
    attack = {"sec_fetch_site": "cross-site"}
    assert await length("f9c3a1b27d", **attack) == await length("a1b2c3d4e5", **attack)


async def test_route_is_left_out_by_its_option() -> None:
    app = App(plugins=["compress"])

    @app.get("/", options={"compress": False})
    async def home(request: Request) -> str:
        return TEXT

    response = await _get("/", app=app)
    assert (response.text, response.headers.get("vary")) == (TEXT, None)
    app = App(plugins=["compress"], options={"compress": "no"})
    with pytest.raises(StartupError, match="problem") as caught:
        app.resolve()
    assert "write False for a route whose responses are never compressed, not 'no'" in str(caught.value.problems[0])


# -- settings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"codings": ["deflate"]}, "'deflate' is none of the codings zstd, br, gzip"),
        ({"gzip_level": 10}, "gzip_level must be from 1 to 9, not 10"),
        ({"br_level": -1}, "br_level must be from 0 to 11, not -1"),
        ({"zstd_level": 20}, "zstd_level must be from 1 to 19, not 20"),
        ({"min_size": -1}, "min_size must be from 0"),
        ({"types": ["text"]}, "'text' is no pattern of media types; write it like 'text/*', '*+json' or 'font/ttf'"),
        ({"padding": 50, "codings": ["br"]}, "padding needs gzip or zstd: the coding br cannot have any"),
    ],
)
def test_settings_are_checked(config: dict[str, object], message: str) -> None:
    with pytest.raises(StartupError) as caught:
        _app(**config).resolve()
    assert message in str(caught.value.problems[0])


async def test_types_of_the_settings_replace_the_default() -> None:
    app = _app(types=["image/*"])
    assert "content-encoding" in (await _get("/text?kind=image/png", app=app)).headers
    assert "content-encoding" not in (await _get("/text", app=app)).headers


async def test_handler_that_raises_not_modified_keeps_its_tag() -> None:
    app = App(plugins=["compress"])

    @app.get("/")
    async def unchanged(request: Request) -> Response:
        raise NotModified({"ETag": '"other"'})

    assert (await _get("/", app=app, if_none_match='W/"v1"')).headers["etag"] == '"other"'
