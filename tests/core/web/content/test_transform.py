"""Tests of ``turnbuckle.web.content.transform``, and of ``request.transform_content()``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.core.web.requests import ListSource, make_request
from turnbuckle import App, BadRequest, ContentTooLarge, Handler, Middleware, Request, Response, Setup
from turnbuckle.testing import Client


class Doubled:
    """Repeats each byte, drops spaces, and requires a full stop at the end."""

    def __init__(self) -> None:
        self.last = b""
        self.made = 0

    def transform(self, data: bytes, /) -> Iterator[bytes]:
        self.last = data[-1:]
        for byte in data:
            self.made += 1
            if byte == ord("!"):
                raise BadRequest("no shouting")
            yield bytes((byte, byte)) if byte != ord(" ") else b""

    def finish(self) -> Iterator[bytes]:
        if self.last not in {b"", b"."}:
            raise BadRequest("no end")
        yield b"#"


def doubled(*pieces: bytes, limit: int = 1000) -> Request:
    headers = [("Content-Length", "5"), ("Content-Encoding", "double"), ("Content-Type", "text/plain")]
    request = make_request("/", method="POST", headers=headers, content=ListSource(*pieces, limit=limit))
    request.transform_content(Doubled(), replaced=["Content-Encoding"])
    return request


async def test_handlers_read_the_transformed_content() -> None:
    assert await doubled(b"ab", b" ", b"c.").read() == b"aabbcc..#"
    assert [piece async for piece in doubled(b"a ", b".").stream()] == [b"aa", b"..", b"#"]
    assert await doubled().text() == "#"


def test_fields_describe_the_transformed_content() -> None:
    request = doubled(b".")
    assert request.content_length is None
    assert list(request.headers) == ["content-type"]
    assert request.content_type == "text/plain"


async def test_transforms_can_follow_each_other() -> None:
    request = doubled(b".")
    request.transform_content(Doubled())
    with pytest.raises(BadRequest, match="no end"):
        await request.read()
    request = doubled(b"")
    request.transform_content(Doubled())
    with pytest.raises(BadRequest, match="no end"):
        await request.read()


@pytest.mark.parametrize(
    ("pieces", "message"), [([b"a!b."], "no shouting"), ([b"a.", b"!"], "no shouting"), ([b"ab"], "no end")]
)
async def test_error_of_a_transform_is_final(pieces: list[bytes], message: str) -> None:
    request = doubled(*pieces)
    for _ in range(2):
        with pytest.raises(BadRequest, match=message):
            await request.read()


async def test_limit_counts_transformed_bytes() -> None:
    request = doubled(b"abc.")
    request.content_limit = 9
    assert len(await request.read()) == 9
    request = doubled(b"abc.")
    request.content_limit = 8
    with pytest.raises(ContentTooLarge):
        await request.read()


async def test_limit_of_received_bytes_follows() -> None:
    # The frame of compressed content may be longer than small content.
    request = doubled(b" " * 1000, b".")
    request.content_limit = 3
    assert await request.read() == b"..#"
    request = doubled(b" " * 1100, b".")
    request.content_limit = 3
    with pytest.raises(ContentTooLarge):
        await request.read()


async def test_json_has_its_limit() -> None:
    request = doubled(b"1.", limit=1000)
    request.json_limit = 4
    with pytest.raises(ContentTooLarge):
        await request.json()


async def test_pieces_are_produced_on_demand() -> None:
    transform = Doubled()
    request = make_request("/", method="POST", content=ListSource(b"a" * 1000))
    request.transform_content(transform)
    assert await anext(request.stream()) == b"aa"
    assert transform.made == 1


async def test_reader_that_is_cancelled_loses_nothing() -> None:
    class Waiting(ListSource):
        async def receive(self) -> bytes:
            await asyncio.sleep(0)
            return await super().receive()

    request = make_request("/", method="POST", content=Waiting(b"a", b"b", b"."))
    request.transform_content(Doubled())
    first = asyncio.ensure_future(request.read())
    second = asyncio.ensure_future(request.read())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    assert await second == b"aabb..#"


async def test_content_that_was_read_can_be_transformed() -> None:
    request = make_request("/", method="POST", content=b"ab.")
    assert await request.read() == b"ab."
    request.transform_content(Doubled())
    assert await request.read() == b"aabb..#"
    assert [piece async for piece in request.stream()] == [b"aabb..#"]


async def test_content_that_was_streamed_cannot_be_transformed() -> None:
    request = make_request("/", method="POST", content=b"abc")
    await anext(request.stream())
    with pytest.raises(RuntimeError, match="content that was streamed, or is being read, cannot be transformed"):
        request.transform_content(Doubled())


async def test_request_without_content_loses_only_its_fields() -> None:
    request = make_request("/", headers=[("Content-Encoding", "double"), ("Content-Length", "0"), ("X-A", "1")])
    request.transform_content(Doubled(), replaced=["content-encoding"])
    assert (await request.read(), request.content_length, list(request.headers)) == (b"", 0, ["x-a"])


async def test_content_type_may_change() -> None:
    request = make_request("/", method="POST", headers=[("Content-Type", "text/plain")], content=b".")
    assert request.content_type == "text/plain"
    request.transform_content(Doubled(), replaced=["content-type"])
    assert request.content_type == ""


async def test_large_output_leaves_the_loop_to_others() -> None:
    class Large:
        def transform(self, data: bytes, /) -> Iterator[bytes]:
            yield from [bytes(100_000)] * 10

        def finish(self) -> Iterator[bytes]:
            return iter(())

    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.ensure_future(count())
    await asyncio.sleep(0)
    request = make_request("/", method="POST", content=ListSource(b"a", limit=2_000_000))
    request.transform_content(Large())
    assert len(await request.read()) == 1_000_000
    counting.cancel()
    assert turns >= 3


async def test_middleware_of_an_app_transforms_content() -> None:
    def around(next_handler: Handler, setup: Setup) -> Handler:
        async def transform(request: Request) -> Response:
            request.transform_content(Doubled())
            return await next_handler(request)

        return transform

    app = App(middleware=[Middleware("double", around)])

    @app.post("/", limits={"content": 10})
    async def echo(request: Request) -> bytes:
        return await request.read()

    @app.post("/sync")
    def echo_in_thread(request: Request) -> bytes:
        return b"|".join(request.sync.stream())

    async with Client(app) as client:
        assert (await client.post("/", content=b"ab.")).content == b"aabb..#"
        assert (await client.post("/sync", content=b"a.")).content == b"aa|..|#"
        assert (await client.post("/", content=b"abcd.")).status == 413
        assert (await client.post("/", content=b"!" * 11)).status == 400
        assert (await client.post("/", content=b"ab")).text == "no end"
