"""Limits of content by route, path and media type."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from turnbuckle import App, Plugin, Request, StartupError
from turnbuckle.testing import Client, ClientResponse
from turnbuckle.testing.conformance import MiddlewareConformance, PluginConformance
from turnbuckle_contrib.body_limit import BodyLimitPlugin


class TestBodyLimitPlugin(PluginConformance):
    def make_plugin(self) -> Plugin:
        return BodyLimitPlugin()


class TestBodyLimitMiddleware(MiddlewareConformance):
    plugin = BodyLimitPlugin


def _app(**config: object) -> App:
    app = App(plugins=["decompress", ("body_limit", config)])

    async def size(request: Request) -> dict[str, int]:
        return {"size": len(await request.read())}

    for path in ("/", "/files", "/files/raw", "/filesystem"):
        app.post(path)(size)
    app.post("/own", options={"body_limit": 5})(size)
    app.post("/large", limits={"content": 5000})(size)
    return app


_CONFIG = {
    "default": 100,
    "paths": {"/files": 1000, "/files/raw/": 2000},
    "types": {"application/json": 10, "image/*": 500},
}


async def _post(path: str, content: bytes | AsyncIterator[bytes], kind: str = "text/plain") -> ClientResponse:
    async with Client(_app(**_CONFIG)) as client:
        return await client.post(path, content=content, headers={"Content-Type": kind})


@pytest.mark.parametrize(
    ("path", "kind", "limit"),
    [
        ("/", "text/plain", 100),
        ("/", "application/json; charset=utf-8", 10),
        ("/", "image/png", 500),
        ("/files", "application/json", 1000),
        ("/files/raw", "text/plain", 2000),
        ("/filesystem", "text/plain", 100),
        ("/own", "image/png", 5),
        ("/large", "application/json", 5000),
    ],
)
async def test_limit_follows_from_route_path_and_type(path: str, kind: str, limit: int) -> None:
    assert (await _post(path, bytes(limit), kind)).json() == {"size": limit}
    refused = await _post(path, bytes(limit + 1), kind)
    assert (refused.status, refused.headers["content-type"]) == (413, "application/problem+json")
    assert refused.json()["limit"] == limit

    async def pieces(size: int) -> AsyncIterator[bytes]:
        yield bytes(size - 1)
        yield b"x"

    assert (await _post(path, pieces(limit), kind)).json() == {"size": limit}
    assert (await _post(path, pieces(limit + 1), kind)).status == 413


async def test_path_without_route_is_limited() -> None:
    assert (await _post("/nowhere", bytes(101))).status == 413


async def test_content_is_refused_before_it_is_sent() -> None:
    async with Client(_app(**_CONFIG)) as client:
        connection = client.connect()
        await connection.send(
            b"POST / HTTP/1.1\r\nHost: testserver\r\nContent-Length: 101\r\nExpect: 100-continue\r\n\r\n"
        )
        assert [response.status for response in connection.responses] == [413]
        assert not connection.responses[0].interim


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"default": -1}, "write a number of bytes, such as 1048576, not -1"),
        ({"paths": {"files": 1}}, "path 'files' must start with a slash"),
        ({"types": {"json": 1}}, "'json' is no media type"),
        ({"default": 2**30}, "the limit of 1073741824 bytes exceeds limits.content, which is 16777216"),
    ],
)
def test_settings_are_checked(config: dict[str, object], message: str) -> None:
    with pytest.raises(StartupError) as caught:
        _app(**config).resolve()
    assert message in str(caught.value.problems[0])


@pytest.mark.parametrize("value", [True, -1, "1 MB"])
def test_option_is_checked(value: object) -> None:
    with pytest.raises(StartupError) as caught:
        App(plugins=["body_limit"], options={"body_limit": value}).resolve()
    assert "write a number of bytes" in str(caught.value.problems[0])
