"""Whatever a client does, in whatever order, the server sends well-formed responses, in order, and lets go of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

from hypothesis import given, settings, strategies as st

from turnbuckle import App, Request
from turnbuckle.testing import Client, Connection


class Message(NamedTuple):
    """A request, and the content of the response to it."""

    data: bytes
    content: bytes


# Not among the interrupted messages: the 408 for an incomplete HEAD may be read as the answer to a complete one.
HEAD = Message(b"HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n", b"")
MESSAGES = [
    Message(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b""),
    HEAD,
    Message(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n", b"x" * 120_000),
    Message(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
    Message(
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde"
    ),
    Message(b"POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", b"unread"),
    Message(b"GET /thread HTTP/1.1\r\nHost: a\r\n\r\n", b"thread"),
    Message(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok", b"ok"),
]


def make_app() -> App:
    app = App("any")

    @app.route("/", methods=["GET", "POST"])
    async def echo(request: Request) -> bytes:
        return await request.read()

    @app.get("/stream")
    async def stream(request: Request) -> AsyncIterator[bytes]:
        return _pieces()

    @app.post("/unread")
    async def unread(request: Request) -> str:
        return "unread"

    @app.get("/thread")
    def thread(request: Request) -> str:
        return "thread"

    return app


async def _pieces() -> AsyncIterator[bytes]:
    for _ in range(12):
        yield b"x" * 10_000


APPLICATION = make_app().compile()

pieces = st.lists(st.integers(1, 40), min_size=1, max_size=30)
acts = st.lists(
    st.sampled_from(["send", "send", "send", "pause", "read", "resume", "wait", "wait long"]), min_size=1, max_size=40
)
ends = st.sampled_from(["half_close", "close", "reset", "leave open", "drain"])


async def _act(client: Client, connection: Connection, act: str, data: bytes) -> None:
    match act:
        case "send":
            await connection.send(data)
        case "pause":
            connection.pause_reading()
        case "read":
            await connection.read(1000)
        case "resume":
            await connection.resume_reading()
        case "wait":
            await client.advance(1)
        case _:
            await client.advance(16)


async def _end(client: Client, connection: Connection, end: str) -> None:
    match end:
        case "half_close":
            await connection.half_close()
        case "close":
            await connection.close()
        case "reset":
            await connection.reset()
        case "drain":
            client.server.begin_drain()
            await client.settle()
        case _:
            pass


def check_responses(connection: Connection, messages: list[Message]) -> None:
    # Reading them is the first check: it raises for bytes that are not HTTP.
    *before, last = connection.responses or (None,)
    answered = [response.content for response in before if response]

    assert [response.status for response in before if response] == [200] * len(before)
    assert answered == [message.content for message in messages[: len(answered)]]
    if last is not None and last.status == 200:
        assert last.content == messages[len(answered)].content
    elif last is not None:
        # A request that was never completed, for want of time or of bytes.
        assert (last.status, last.headers["connection"]) in ((400, "close"), (408, "close"))


async def check_play(messages: list[Message], sizes: list[int], script: list[str], end: str) -> None:
    data = b"".join(message.data for message in messages)
    async with Client(APPLICATION) as client:
        connection = client.connect()
        position = 0
        for number, act in enumerate(script):
            size = sizes[number % len(sizes)]
            await _act(client, connection, act, data[position : position + size])
            position += size if act == "send" else 0
        await _end(client, connection, end)
        check_responses(connection, messages)
        await client.advance(200)
        await client.settle()
        assert connection.is_lost
        check_responses(connection, messages)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([message for message in MESSAGES if message != HEAD]), max_size=6), pieces, acts, ends)
def test_server_bears_whatever_a_client_does(
    messages: list[Message], sizes: list[int], script: list[str], end: str
) -> None:
    asyncio.run(check_play(messages, sizes, script, end))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(MESSAGES), min_size=1, max_size=6), pieces)
def test_server_answers_a_pipeline_at_any_split(messages: list[Message], sizes: list[int]) -> None:
    data = b"".join(message.data for message in messages)

    async def play() -> None:
        async with Client(APPLICATION) as client:
            connection = client.connect()
            position = 0
            while position < len(data):
                size = sizes[position % len(sizes)]
                await connection.send(data[position : position + size])
                position += size
            assert [response.content for response in connection.responses] == [message.content for message in messages]

    asyncio.run(play())
