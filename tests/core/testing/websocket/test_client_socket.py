"""The client's end of a WebSocket, against a server that sends what the test says."""

from __future__ import annotations

import pytest

from tests.core.testing.websocket.scripted_server import Script, accept_of, scripted_app
from turnbuckle import Request, Response, SwitchProtocols, WebSocketClosed
from turnbuckle.testing import Client, Frame, MalformedFrame, MalformedResponse, WebSocketRefused
from turnbuckle.testing.pytest_plugin import ClientFactory
from turnbuckle.testing.websocket.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT


def _frames(*frames: Frame) -> bytes:
    return b"".join(frame.encode(is_masked=False) for frame in frames)


def _unmasked(data: bytes) -> list[tuple[int, bytes]]:
    """Return opcode and payload of short masked frames."""
    found = []
    while data:
        size = data[1] & 0x7F
        assert data[1] & 0x80
        key, payload = data[2:6], data[6 : 6 + size]
        found.append((data[0] & 0x0F, bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))))
        data = data[6 + size :]
    return found


async def test_messages_that_arrive_with_the_response() -> None:
    script = Script(_frames(Frame(TEXT, b"one"), Frame(BINARY, b"two"), Frame(TEXT, b'{"three": 3}')))
    async with Client(scripted_app(script)) as client, client.websocket("/a?b=c", params={"d": "e"}) as socket:
        assert socket.response.status == 101
        assert await socket.receive_text() == "one"
        assert await socket.receive_bytes() == b"two"
        assert await socket.receive_json() == {"three": 3}
        assert socket.subprotocol is None
        assert not socket.is_compressed
        assert socket.closed is None
    assert _unmasked(bytes(script.received)) == [(CLOSE, b"\x03\xe8")]


async def test_message_of_the_other_type() -> None:
    async with (
        Client(scripted_app(Script(_frames(Frame(TEXT, b"one"), Frame(BINARY, b"two"))))) as client,
        client.websocket("/") as socket,
    ):
        with pytest.raises(TypeError, match="is text, not binary: 'one'"):
            await socket.receive_bytes()
        with pytest.raises(TypeError, match="is binary, not text: b'two'"):
            await socket.receive_text()


async def test_frames_that_the_client_sends() -> None:
    script = Script()
    async with Client(scripted_app(script)) as client, client.websocket("/") as socket:
        await socket.send("text")
        await socket.send(b"bytes")
        await socket.send_json({"a": 1})
        await socket.send_fragments(["a", "b", "c"])
        await socket.ping(b"there?")
        await socket.send_frame(Frame(0xF, b"wrong", is_final=False, reserved=7))
        await socket.settle()
        assert _unmasked(bytes(script.received)) == [
            (TEXT, b"text"),
            (BINARY, b"bytes"),
            (TEXT, b'{"a":1}'),
            (TEXT, b"a"),
            (CONTINUATION, b"b"),
            (CONTINUATION, b"c"),
            (PING, b"there?"),
            (0xF, b"wrong"),
        ]
        script.received.clear()
        await socket.send_frame(Frame(TEXT, b"bare"), is_masked=False)
        await socket.settle()
        assert script.received == b"\x81\x04bare"
        script.received.clear()


async def test_pings_are_answered_without_the_test() -> None:
    script = Script()
    async with Client(scripted_app(script)) as client, client.websocket("/") as socket:
        script.transport.write(_frames(Frame(PING, b"1"), Frame(PONG, b"2")))
        await client.settle()
        assert _unmasked(bytes(script.received)) == [(PONG, b"1")]
        assert socket.pongs == [b"2"]
        socket.answers_pings = False
        script.transport.write(_frames(Frame(PING, b"3")))
        await client.settle()
        assert len(script.received) == 7
        assert [frame.opcode for frame in socket.frames] == [PING, PONG, PING]


async def test_close_frame_of_the_server_is_answered() -> None:
    script = Script(_frames(Frame(TEXT, b"last"), Frame(CLOSE, b"\x03\xe9bye")))
    async with Client(scripted_app(script)) as client, client.websocket("/") as socket:
        assert [message async for message in socket] == ["last"]
        with pytest.raises(WebSocketClosed, match="1001: bye"):
            await socket.receive()
        with pytest.raises(WebSocketClosed):
            await socket.send("more")
        assert (socket.close_code, socket.close_reason) == (1001, "bye")
        assert socket.closed is not None
        assert socket.closed.was_clean
        await client.settle()
        assert _unmasked(bytes(script.received)) == [(CLOSE, b"\x03\xe9")]


async def test_close_frame_that_is_not_answered() -> None:
    script = Script()
    async with Client(scripted_app(script)) as client, client.websocket("/") as socket:
        socket.answers_close = False
        script.transport.write(_frames(Frame(CLOSE)))
        await client.settle()
        assert script.received == b""
        assert socket.close_code == 1005
        assert socket.closed is not None
        assert not socket.closed.was_clean


async def test_close_waits_for_the_end_of_the_connection() -> None:
    class Answering(Script):
        def data_received(self, data: bytes) -> None:
            self.transport.write(_frames(Frame(TEXT, b"on the way"), Frame(CLOSE, b"\x0b\xb8")))
            self.transport.close()

    async with Client(scripted_app(Answering())) as client, client.websocket("/") as socket:
        await socket.close(3000, "enough")
        assert socket.connection.is_closed
        assert await socket.receive() == "on the way"
        assert socket.close_code == 3000
        await socket.close()


async def test_connection_that_is_lost() -> None:
    async with Client(scripted_app(Script(b"\x81", ends=True))) as client, client.websocket("/") as socket:
        with pytest.raises(WebSocketClosed):
            await socket.receive()
        assert socket.close_code == 1006
        assert socket.close_reason == ""
    async with Client(scripted_app()) as client, client.websocket("/") as socket:
        await socket.connection.reset()
        assert socket.close_code == 1006


async def test_client_that_stops_reading() -> None:
    script = Script()
    async with Client(scripted_app(script)) as client, client.websocket("/") as socket:
        socket.connection.pause_reading()
        script.transport.write(_frames(*(Frame(BINARY, bytes(50_000)) for _ in range(3))))
        await client.settle()
        assert socket.connection.unread == 150_012
        assert socket.frames == []
        assert await socket.receive() == bytes(50_000)
        assert socket.connection.unread == 150_012 - 65536
        await socket.connection.resume_reading()
        assert len(socket.frames) == 3


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x83\x00", id="frame"),
        pytest.param(b"\x80\x00", id="message"),
        pytest.param(b"\x88\x01a", id="close"),
        pytest.param(b"\x88\x00\x81\x00", id="frame_after_close"),
    ],
)
async def test_server_that_is_wrong(data: bytes) -> None:
    async with Client(scripted_app(Script(data))) as client:
        with pytest.raises(MalformedFrame):
            async with client.websocket("/") as socket:
                await socket.settle()


async def test_offers_and_their_answers() -> None:
    script = Script(bytes.fromhex("c1 07 f2 48 cd c9 c9 07 00"))
    headers = {
        "Sec-WebSocket-Protocol": "b",
        "Sec-WebSocket-Extensions": "permessage-deflate; server_max_window_bits=10",
    }
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        seen.append(request)
        return SwitchProtocols(
            "websocket", lambda: script, {"Sec-WebSocket-Accept": accept_of(request), "Set-Cookie": "x=1", **headers}
        )

    async with (
        Client(scripted_app(answer=answer)) as client,
        client.websocket(
            "/p", subprotocols=["a", "b"], origin="http://x", headers={"X-A": "1"}, cookies={"c": "d"}, compression=True
        ) as socket,
    ):
        assert socket.subprotocol == "b"
        assert socket.is_compressed
        assert await socket.receive() == "Hello"
        await socket.send("Hello")
        await socket.settle()
        assert script.received[0] == 0xC1
        assert client.cookies["x"] == "1"
    (request,) = seen
    assert request.headers["sec-websocket-protocol"] == "a, b"
    assert request.headers["origin"] == "http://x"
    assert request.headers["x-a"] == "1"
    assert request.cookies == {"c": "d"}


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Sec-WebSocket-Accept": "x"}, id="accept"),
        pytest.param({"Sec-WebSocket-Protocol": "b"}, id="subprotocol_that_was_not_offered"),
        pytest.param({"Sec-WebSocket-Extensions": "permessage-deflate"}, id="extension_that_was_not_offered"),
        pytest.param({"Upgrade": "other"}, id="upgrade"),
    ],
)
async def test_response_that_a_client_must_not_accept(headers: dict[str, str]) -> None:
    async with Client(scripted_app(headers=headers), raise_exceptions=False) as client:
        with pytest.raises(MalformedResponse, match=next(iter(headers))):
            async with client.websocket("/", subprotocols=["a"]):
                """Not reached."""


async def test_refused_handshake() -> None:
    async with Client(scripted_app(answer=lambda _: Response(b"no", 403, {"X-Why": "so"}))) as client:
        with pytest.raises(WebSocketRefused, match="status 403: b'no'") as refused:
            async with client.websocket("/"):
                """Not reached."""
        assert refused.value.response.headers["x-why"] == "so"


async def test_exception_of_the_handler_before_the_response() -> None:
    def answer(request: Request) -> Response:
        raise ZeroDivisionError("in the handler")

    async with Client(scripted_app(answer=answer)) as client:
        with pytest.raises(ZeroDivisionError):
            async with client.websocket("/"):
                """Not reached."""
    async with Client(scripted_app(answer=answer), raise_exceptions=False) as client:
        with pytest.raises(WebSocketRefused):
            async with client.websocket("/"):
                """Not reached."""


async def test_wait_in_vain() -> None:
    async with Client(scripted_app(), timeout=0.05) as client, client.websocket("/") as socket:
        with pytest.raises(TimeoutError, match="a message"):
            await socket.receive()
        with pytest.raises(TimeoutError, match="close the connection"):
            await socket.close()


async def test_client_of_the_fixture(turnbuckle_client: ClientFactory) -> None:
    script = Script(_frames(Frame(TEXT, b"one")))
    async with turnbuckle_client(scripted_app(script)) as client, client.websocket("/") as socket:
        assert await socket.receive() == "one"
