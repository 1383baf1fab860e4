"""Content is read on demand and within its limit; unread content is dropped or ends the connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.core.server.serving_in_memory import GET, echo, hello, post, post_head, serving
from turnbuckle.errors import ContentTooLarge, ProtocolError
from turnbuckle.http.limits import Limits
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response

_CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
_EXPECT = b"Expect: 100-continue"


async def test_content_arrives_in_pieces() -> None:
    pieces: list[bytes] = []

    async def collect(request: Request) -> Response:
        pieces.extend([piece async for piece in request.stream()])
        return Response("done")

    async with serving(collect) as served:
        await served.connection.send(post_head(9))
        for piece in (b"one", b"two", b"six"):
            await served.connection.send(piece)
        assert pieces == [b"one", b"two", b"six"]
        assert served.statuses == [200]


async def test_large_reads_of_content_are_not_cut() -> None:
    sizes: list[int] = []

    async def measure(request: Request) -> Response:
        sizes.extend([len(piece) async for piece in request.stream()])
        return Response("done")

    async with serving(measure) as served:
        await served.connection.send(post_head(500_000))
        await served.connection.send(b"x" * 200_000)
        await served.connection.send(b"x" * 200_000)
        # The last read has more than the content, so the parser gets it in pieces, and keeps the next head.
        await served.connection.send(b"x" * 100_000 + GET)
        assert sizes[:2] == [200_000, 200_000]
        assert sum(sizes) == 500_000
        assert max(sizes[2:]) == 32768
        assert served.statuses == [200, 200]


async def test_chunked_content_brings_trailers() -> None:
    seen: list[object] = []

    async def look(request: Request) -> Response:
        content = await request.read()
        seen.append(request.trailers.get("x-sum"))
        return Response(content)

    async with serving(look) as served:
        await served.send(_CHUNKED + b"3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\nHost: evil\r\n\r\n" + GET)
        assert [response.content for response in served.connection.responses] == [b"abcde", b""]
        assert seen[0] == "5"


async def test_continue_is_sent_when_content_is_first_read() -> None:
    async with serving(echo) as served:
        received = await served.send(post_head(5, _EXPECT))
        assert received == b"HTTP/1.1 100 Continue\r\n\r\n"
        await served.send(b"hello")
        assert served.statuses == [100, 200]


async def test_continue_is_sent_even_when_content_is_there() -> None:
    async with serving(echo) as served:
        await served.send(post(b"hello", _EXPECT))
        assert served.statuses == [100, 200]


async def test_continue_is_not_sent_by_a_handler_that_does_not_read() -> None:
    async with serving(hello) as served:
        received = await served.send(post_head(5, _EXPECT))
        assert served.statuses == [200]
        assert b"\r\nConnection: close\r\n" in received
        assert served.is_closed


async def test_content_beyond_the_limit_of_the_request_is_too_large() -> None:
    async def limited(request: Request) -> Response:
        request.content_limit = 4
        try:
            return Response(await request.read())
        except ContentTooLarge:
            return Response("too much", 413)

    async with serving(limited) as served:
        await served.send(post(b"12345"))
        await served.send(_CHUNKED + b"5\r\n12345\r\n0\r\n\r\n")
        await served.send(post(b"1234"))
        assert served.statuses == [413, 413]
        assert served.is_closed


async def test_announced_content_beyond_the_limit_is_refused_before_it_is_sent() -> None:
    async def limited(request: Request) -> Response:
        request.content_limit = 4
        try:
            return Response(await request.read())
        except ContentTooLarge:
            return Response("too much", 413)

    async with serving(limited) as served:
        await served.send(post_head(5, _EXPECT))
        assert served.statuses == [413]
        assert served.is_closed


async def test_chunked_content_beyond_the_limit_of_the_server_is_too_large() -> None:
    async with serving(echo, limits=Limits(content=4)) as served:
        await served.send(_CHUNKED + b"3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n")
        assert served.statuses == [413]
        assert served.is_closed


async def test_unread_content_is_dropped_for_the_next_request() -> None:
    async with serving(hello) as served:
        await served.send(post(b"x" * 1000) + post(b"y") + GET)
        assert served.statuses == [200, 200, 200]
        assert not served.is_closed


async def test_unread_content_that_comes_later_is_dropped_too() -> None:
    async with serving(hello) as served:
        await served.send(post_head(10))
        assert served.statuses == [200]
        await served.send(b"x" * 10 + GET)
        assert served.statuses == [200, 200]


@pytest.mark.parametrize(
    "request_head", [pytest.param(post_head(1_000_000), id="length"), pytest.param(_CHUNKED, id="chunked")]
)
async def test_unread_content_of_unknown_or_great_length_ends_the_connection(request_head: bytes) -> None:
    async with serving(hello) as served:
        received = await served.send(request_head)
        assert served.statuses == [200]
        assert b"\r\nConnection: close\r\n" in received
        assert served.is_closed


async def test_malformed_content_is_answered_whatever_the_handler_made_of_it() -> None:
    errors: list[int] = []

    async def careless(request: Request) -> Response:
        for _ in range(2):
            try:
                await request._content_source.receive()  # type: ignore[union-attr]
            except ProtocolError as error:
                errors.append(error.status)
        return Response("all is well")

    async with serving(careless) as served:
        await served.send(_CHUNKED + b"x\r\n" + GET)
        assert served.statuses == [400]
        assert errors == [400, 400]
        assert served.is_closed


async def test_many_small_chunks_leave_the_loop_to_others() -> None:
    async with serving(echo) as served:
        await served.send(_CHUNKED + b"1\r\nx\r\n" * 5000 + b"0\r\n\r\n")
        assert served.connection.responses[0].content == b"x" * 5000


async def test_content_that_is_not_read_is_held_back() -> None:
    async with serving(echo, limits=Limits(content=10_000_000)) as served:
        await served.connection.send(GET + post_head(1_000_000))
        for _ in range(10):
            await served.connection.send(b"x" * 100_000)
        assert served.statuses == [200, 200]
        assert len(served.connection.responses[1].content) == 1_000_000


# -- several readers, and late ones --------------------------------------------------------------------------------


async def test_content_can_be_read_by_two_tasks_at_a_time() -> None:
    async def twice(request: Request) -> Response:
        first, second = await asyncio.gather(request.read(), request.read())
        return Response(first + b"+" + second)

    async with serving(twice) as served:
        await served.connection.send(post_head(4) + b"so")
        await served.send(b"me")
        assert served.connection.received.endswith(b"\r\n\r\nsome+some")


async def test_content_is_read_on_after_a_reader_was_cancelled() -> None:
    async def impatient(request: Request) -> Response:
        reader = asyncio.create_task(request.read())
        second = asyncio.create_task(request.read())
        await asyncio.sleep(0)
        reader.cancel()
        return Response(await second)

    async with serving(impatient) as served:
        await served.connection.send(post_head(4))
        await served.send(b"some")
        assert served.connection.received.endswith(b"\r\n\r\nsome")


async def test_content_that_is_read_in_part_cannot_be_streamed_from_there() -> None:
    async def impatient(request: Request) -> Response:
        reader = asyncio.create_task(request.read())
        await asyncio.sleep(0)
        reader.cancel()
        with pytest.raises(RuntimeError, match="was read already"):
            [piece async for piece in request.stream()]
        return Response(await request.read())

    async with serving(impatient) as served:
        await served.connection.send(post_head(4) + b"so")
        await served.send(b"me")
        assert served.connection.received.endswith(b"\r\n\r\nsome")


async def test_failed_read_fails_alike_for_everyone() -> None:
    async def patient(request: Request) -> Response:
        request.content_limit = 2
        outcomes = await asyncio.gather(request.read(), request.read(), return_exceptions=True)
        outcomes += await asyncio.gather(request.read(), return_exceptions=True)
        return Response(" ".join(type(outcome).__name__ for outcome in outcomes))

    async with serving(patient) as served:
        await served.send(post(b"some"))
        assert served.connection.received.endswith(b"ContentTooLarge ContentTooLarge ContentTooLarge")


@pytest.mark.parametrize("waits", [pytest.param(True, id="waiting"), pytest.param(False, id="later")])
@pytest.mark.parametrize("length", [pytest.param(4, id="dropped"), pytest.param(1 << 20, id="connection_ends")])
async def test_content_read_after_the_response_is_an_error(waits: bool, length: int) -> None:
    gate = asyncio.Event()
    readers: list[asyncio.Task[bytes]] = []

    async def read(request: Request) -> bytes:
        if not waits:
            await gate.wait()
        return await request.read()

    async def hasty(request: Request) -> Response:
        readers.append(asyncio.create_task(read(request)))
        await asyncio.sleep(0)
        return Response("done")

    async with serving(hasty) as served:
        await served.connection.send(post_head(length))
        await served.send(b"some")
        gate.set()
        with pytest.raises(RuntimeError, match="the response is sent"):
            await readers[0]
        assert served.statuses == [200]


async def test_content_can_be_read_while_the_response_waits_for_its_reader() -> None:
    taken: list[bytes] = []

    async def drain(request: Request) -> None:
        async for piece in request.stream():
            taken.append(piece)

    async def duplex(request: Request) -> Response:
        task = asyncio.create_task(drain(request))

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield b"x" * 65536
            await task

        return Response(pieces())

    async with serving(duplex) as served:
        served.connection.pause_reading()
        await served.connection.send(post_head(8))
        await served.connection.send(b"some")
        await served.connection.send(b"more")
        assert b"".join(taken) == b"somemore"
        await served.connection.resume_reading()
        assert served.statuses == [200]


# -- content that arrives with its head


async def test_arrived_content_is_read_as_often_as_any_other() -> None:
    seen: list[object] = []

    async def look(request: Request) -> Response:
        seen.append(await request.read())
        seen.append(await request.read())
        seen.append([piece async for piece in request.stream()])
        seen.append(dict(request.trailers.items()))
        return Response("done")

    async with serving(look) as served:
        await served.send(post(b"hello") + GET)
        assert served.statuses == [200, 200]
        assert seen[:4] == [b"hello", b"hello", [b"hello"], {}]


async def test_arrived_content_is_streamed_once() -> None:
    pieces: list[bytes] = []

    async def stream(request: Request) -> Response:
        pieces.extend([piece async for piece in request.stream()])
        with pytest.raises(RuntimeError, match="streamed"):
            await request.read()
        with pytest.raises(RuntimeError, match="streamed"):
            pieces.extend([piece async for piece in request.stream()])
        return Response("done")

    async with serving(stream) as served:
        await served.send(post(b"hello"))
        assert served.statuses == [200]
        assert pieces == [b"hello"]


@pytest.mark.parametrize("arrived", [1, 3, 5])
async def test_content_of_which_some_arrived_is_read_to_its_end(arrived: int) -> None:
    async with serving(echo) as served:
        await served.connection.send(post_head(5) + b"hello"[:arrived])
        await served.send(b"hello"[arrived:] + GET)
        assert [response.content for response in served.connection.responses] == [b"hello", b""]


async def test_arrived_content_that_is_read_after_the_response_is_an_error() -> None:
    gate = asyncio.Event()
    readers: list[asyncio.Task[bytes]] = []

    async def read(request: Request) -> bytes:
        await gate.wait()
        return await request.read()

    async def hasty(request: Request) -> Response:
        readers.append(asyncio.create_task(read(request)))
        return Response("done")

    async with serving(hasty) as served:
        await served.send(post(b"some"))
        gate.set()
        with pytest.raises(RuntimeError, match="the response is sent"):
            await readers[0]
        assert served.statuses == [200]


async def test_arrived_content_beyond_the_limit_of_the_request_is_too_large_for_a_stream_too() -> None:
    async def small(request: Request) -> Response:
        request.content_limit = 2
        with pytest.raises(ContentTooLarge):
            raise AssertionError([piece async for piece in request.stream()])
        return Response("done")

    async with serving(small) as served:
        await served.send(post(b"some"))
        assert served.statuses == [200]
