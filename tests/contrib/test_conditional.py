"""ETags of buffered responses, and the 304 and 412 that follow from them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import cache

import pytest

from turnbuckle import App, Plugin, Request, Response, StartupError, Text
from turnbuckle.testing import Client, ClientResponse
from turnbuckle.testing.conformance import MiddlewareConformance, PluginConformance
from turnbuckle_contrib.conditional import ConditionalPlugin

TEXT = "to be or not to be, " * 500


class TestConditionalPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return ConditionalPlugin()


class TestConditionalMiddleware(MiddlewareConformance):
    plugin = ConditionalPlugin


def _app(*plugins: object, **config: object) -> App:
    app = App(plugins=[*plugins, ("conditional", config)])  # type: ignore[list-item]  # App checks its arguments

    @app.get("/")
    async def text(request: Request, text: str = TEXT, status: int = 200, field: str = "", value: str = "") -> Response:
        return Response(text, status, {field: value} if field else {})

    @app.post("/")
    async def post(request: Request) -> str:
        return TEXT

    @app.get("/stream")
    async def stream(request: Request) -> AsyncIterator[bytes]:
        yield TEXT.encode()

    @app.get("/nothing")
    async def nothing(request: Request) -> Response:
        return Response(b"")

    return app


@cache
def _plain_app() -> App:
    return _app()


async def _send(path: str = "/", method: str = "GET", app: App | None = None, **fields: str) -> ClientResponse:
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    async with Client(app or _plain_app()) as client:
        return await client.request(method, path, headers=headers)


async def test_buffered_answer_gets_a_strong_etag_that_follows_from_its_content() -> None:
    tags = [(await _send(path)).headers["etag"] for path in ("/", "/", "/?text=other")]
    assert tags[0] == tags[1] != tags[2]
    assert tags[0].startswith('"')


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_client_that_has_the_content_gets_304(method: str) -> None:
    etag = (await _send(method=method)).headers["etag"]
    response = await _send(method=method, if_none_match=f'"other", {etag}')
    assert (response.status, response.content, response.headers["etag"]) == (304, b"", etag)
    assert (await _send(method=method, if_none_match="*")).status == 304
    assert (await _send(method=method, if_none_match='"other"')).status == 200


async def test_client_that_demands_another_content_gets_412() -> None:
    etag = (await _send()).headers["etag"]
    assert (await _send(if_match=etag)).status == 200
    assert (await _send(if_match='"other"')).status == 412


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/", "POST"),
        ("/stream", "GET"),
        ("/nothing", "GET"),
        ("/?status=404", "GET"),
        ("/?status=203", "GET"),
        ("/?field=Cache-Control&value=No-Store", "GET"),
        ("/nowhere", "GET"),
    ],
)
async def test_other_answers_get_none(path: str, method: str) -> None:
    assert "etag" not in (await _send(path, method)).headers


async def test_etag_of_the_handler_stays() -> None:
    assert (await _send("/?field=ETag&value=%22mine%22")).headers["etag"] == '"mine"'


async def test_content_has_a_maximum_size() -> None:
    app = _app(max_size=1000)
    assert "etag" in (await _send("/?text=" + "x" * 1000, app=app)).headers
    assert "etag" not in (await _send("/?text=" + "x" * 1001, app=app)).headers


@pytest.mark.parametrize("plugins", [("compress",), ()], ids=["with compress", "alone"])
async def test_etag_and_compression_work_together(plugins: tuple[str, ...]) -> None:
    app = _app(*plugins)
    first = await _send(app=app, accept_encoding="gzip")
    etag = first.headers["etag"]
    assert etag.startswith("W/") is bool(plugins)
    assert (await _send(app=app, accept_encoding="gzip", if_none_match=etag)).status == 304
    plain = await _send(app=app)
    assert plain.headers["etag"] == etag.removeprefix("W/")
    assert (await _send(app=app, if_none_match=etag)).status == 304


@pytest.mark.parametrize("size", [0, -1, 2**30])
def test_settings_are_checked(size: int) -> None:
    with pytest.raises(StartupError) as caught:
        _app(max_size=size).resolve()
    assert f"max_size must be from 1 to 16777216 bytes, not {size}" in str(caught.value.problems[0])


async def test_response_of_a_handler_may_be_sent_again() -> None:
    app = App(plugins=["conditional"])
    shared = Text(TEXT)

    @app.get("/")
    async def home(request: Request) -> Response:
        return shared

    tags = {(await _send(app=app)).headers["etag"] for _ in range(3)}
    assert len(tags) == 1
