"""Each way in which a WebSocket ends reaches the handler, and nothing waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from tests.plugins.websocket.peer import BINARY, CLOSE, PING, PONG, TEXT, SocketPeer, close, frame, request
from turnbuckle import App, Forbidden, WebSocket, WebSocketClosed
from turnbuckle.testing import Client
from turnbuckle_plugins.websocket.frames import shared_frame


class Session:
    """A dependency."""


class Ends:
    """An app with a handler that echoes, and notes how its WebSocket ended."""

    def __init__(self, **options: object) -> None:
        self.app = App(plugins=[("websocket", options)])
        self.seen: list[object] = []
        self.sockets: list[WebSocket] = []
        self.app.add_websocket_route("/", self.echo)

    async def echo(self, socket: WebSocket) -> None:
        self.sockets.append(socket)
        try:
            while True:
                await socket.send(await socket.receive())
        except WebSocketClosed as closed:
            self.seen.append((closed.code, closed.was_clean))
        finally:
            self.seen.append("end")


async def test_lost_connection_is_abnormal() -> None:
    ends = Ends()
    async with Client(ends.app) as client:
        peer = SocketPeer(client)
        await peer.open()
        await peer.connection.reset()
        assert ends.seen == [(1006, False), "end"]


async def test_end_of_input_is_abnormal() -> None:
    ends = Ends()
    async with Client(ends.app) as client:
        peer = SocketPeer(client)
        await peer.open()
        await peer.connection.half_close()
        assert ends.seen == [(1006, False), "end"]
        assert peer.connection.is_closed


async def test_silent_peer_is_pinged_and_then_aborted() -> None:
    ends = Ends(ping_interval=20, ping_timeout=10)
    async with Client(ends.app) as client:
        peer = SocketPeer(client)
        await peer.open()
        await client.clock.advance(21)
        assert peer.frames == [(PING, b"")]
        await peer.send(frame(PONG))
        await client.clock.advance(19)
        assert len(peer.frames) == 1
        await client.clock.advance(2)
        assert peer.frames == [(PING, b"")] * 2
        await client.clock.advance(11)
        await peer.connection.settle()
        assert ends.seen == [(1006, False), "end"]
        assert peer.connection.is_lost


async def test_messages_are_answers_to_pings() -> None:
    ends = Ends(ping_interval=20, ping_timeout=10)
    async with Client(ends.app) as client:
        peer = SocketPeer(client)
        await peer.open()
        for _ in range(5):
            await client.clock.advance(19)
            assert await peer.send(frame(TEXT, b"a")) == [(TEXT, b"a")]
        assert all(opcode == TEXT for opcode, _ in peer.frames)


async def test_idle_websocket_is_closed() -> None:
    ends = Ends(idle=60, ping_interval=0)
    async with Client(ends.app) as client:
        peer = SocketPeer(client)
        await peer.open()
        await client.clock.advance(50)
        await peer.send(frame(TEXT, b"a"))
        await client.clock.advance(50)
        assert peer.close_code is None
        await client.clock.advance(11)
        assert peer.close_code == 1001
        await peer.send(close(1001))
        assert ends.seen == [(1001, True), "end"]
        assert peer.connection.is_closed


async def test_drain_closes_with_1001() -> None:
    ends = Ends()
    async with Client(ends.app) as client:
        peer = SocketPeer(client)
        await peer.open()
        client.server.begin_drain()
        await peer.connection.settle()
        assert peer.close_code == 1001
        assert ends.seen == [(1001, True), "end"]
        await peer.send(close(1001))
        assert peer.connection.is_closed


async def test_peer_that_does_not_answer_a_close_is_aborted() -> None:
    ends = Ends(close_timeout=5)
    async with Client(ends.app) as client:
        peer = SocketPeer(client)
        await peer.open()
        client.server.begin_drain()
        await client.clock.advance(4)
        assert not peer.connection.is_lost
        await client.clock.advance(2.5)
        await peer.connection.settle()
        assert peer.connection.is_lost


async def test_handler_that_ends_closes_with_1000() -> None:
    app = App(plugins=["websocket"])

    @app.websocket("/")
    async def short(socket: WebSocket) -> None:
        await socket.accept()

    async with Client(app) as client:
        peer = SocketPeer(client)
        await peer.open()
        assert peer.frames == [(CLOSE, b"\x03\xe8")]


@pytest.mark.parametrize("error", [ValueError("broken"), Forbidden("too late")])
async def test_handler_that_raises_closes_with_1011(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    app = App(plugins=["websocket"])

    @app.websocket("/")
    async def fails(socket: WebSocket) -> None:
        await socket.accept()
        raise error

    async with Client(app, raise_exceptions=False) as client:
        peer = SocketPeer(client)
        await peer.open()
        assert peer.frames == [(CLOSE, b"\x03\xf3")]
    assert "the WebSocket handler of GET / failed" in caplog.text
    assert str(error) in caplog.text


def _busy_app(**config: float) -> tuple[App, list[str]]:
    """Return an app whose handler waits for something else, and a list that notes its cancellation."""
    app = App(plugins=[("websocket", config)])
    seen: list[str] = []

    @app.websocket("/")
    async def busy(socket: WebSocket) -> None:
        await socket.accept()
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("cancelled")

    return app, seen


async def test_handler_that_does_not_notice_the_end_is_cancelled() -> None:
    app, seen = _busy_app(close_timeout=5)
    async with Client(app) as client:
        peer = SocketPeer(client)
        await peer.open()
        await peer.send(close(1000))
        assert peer.connection.is_closed
        await client.clock.advance(4)
        assert seen == []
        await client.clock.advance(2)
        await peer.connection.settle()
        assert seen == ["cancelled"]


async def test_handler_that_swallows_its_cancellation_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    app = App(plugins=[("websocket", {"close_timeout": 5})])
    release = asyncio.Event()

    @app.websocket("/")
    async def stubborn(socket: WebSocket) -> None:
        await socket.accept()
        while not release.is_set():
            with suppress(asyncio.CancelledError):
                await release.wait()

    async with Client(app) as client:
        peer = SocketPeer(client)
        await peer.open()
        await peer.send(close(1000))
        await client.clock.advance(9)
        assert caplog.text == ""
        for _ in range(3):
            await client.clock.advance(5)
            await peer.connection.settle()
        [record] = caplog.records
        assert record.levelname == "WARNING"
        assert "stubborn goes on, although it was cancelled 5 seconds ago" in record.getMessage()
        release.set()


async def test_stop_cancels_the_handler() -> None:
    app, seen = _busy_app()
    async with Client(app) as client:
        await SocketPeer(client).open()
    assert seen == ["cancelled"]


async def test_context_of_a_dependency_is_left_with_the_handler() -> None:
    app = App(plugins=["websocket"])
    seen: list[str] = []

    @app.supply
    async def session() -> AsyncIterator[Session]:
        seen.append("enter")
        yield Session()
        seen.append("leave")

    @app.websocket("/")
    async def handler(socket: WebSocket, session: Session) -> None:
        async for _ in socket:
            seen.append("message")

    async with Client(app) as client:
        peer = SocketPeer(client)
        await peer.open()
        await peer.send(frame(TEXT, b"a"))
        assert seen == ["enter", "message"]
        await peer.send(close(1000))
        assert seen == ["enter", "message", "leave"]


async def test_sender_waits_for_a_slow_reader() -> None:
    app = App(plugins=[("websocket", {"write_timeout": 30, "ping_interval": 0})])
    seen: list[object] = []

    @app.websocket("/")
    async def flood(socket: WebSocket) -> None:
        await socket.accept()
        try:
            for _ in range(100):
                await socket.send(b"x" * 50_000)
                seen.append(1)
        except WebSocketClosed as closed:
            seen.append((closed.code, closed.reason))

    async with Client(app) as client:
        peer = SocketPeer(client)
        peer.connection.pause_reading(window=100_000)
        await peer.connection.send(b"")
        await peer.connection.send(request())
        sent = len(seen)
        assert 0 < sent < 100
        # A peer that reads something is not too slow.
        await client.clock.advance(25)
        await peer.connection.read(60_000)
        await client.clock.advance(25)
        assert len(seen) < 100
        await client.clock.advance(40)
        await peer.connection.settle()
        assert seen[-1] == (1006, "the peer reads too slowly")


async def test_slow_reader_that_goes_on_gets_everything() -> None:
    app = App(plugins=["websocket"])

    @app.websocket("/")
    async def flood(socket: WebSocket) -> None:
        await socket.accept()
        async with asyncio.TaskGroup() as group:
            for number in range(10):
                group.create_task(socket.send(bytes([number]) * 50_000))

    async with Client(app) as client:
        peer = SocketPeer(client)
        peer.connection.pause_reading(window=1000)
        await peer.connection.send(request())
        await peer.connection.resume_reading()
        assert [payload[:1] for opcode, payload in peer.frames if opcode == BINARY] == [bytes([n]) for n in range(10)]
        assert peer.close_code == 1000


async def test_message_is_sent_now_or_not_at_all() -> None:
    app = App(plugins=["websocket"])
    seen: list[object] = []

    @app.websocket("/")
    async def publish(socket: WebSocket) -> None:
        with pytest.raises(RuntimeError, match="not accepted yet"):
            socket.send_nowait("early")
        await socket.accept()
        with pytest.raises(TypeError, match="str or bytes"):
            socket.send_nowait(1)  # type: ignore[arg-type]
        for number in range(10):
            seen.append(socket.send_nowait(bytes([number]) * 50_000))
        await socket.send("waits")
        seen.append(socket.send_nowait("last"))
        async for _ in socket:
            pass
        for _ in range(3):
            with pytest.raises(WebSocketClosed) as closed:
                socket.send_nowait("late")
            seen.append(len(closed.traceback))

    async with Client(app) as client:
        peer = SocketPeer(client)
        peer.connection.pause_reading(window=1000)
        await peer.connection.send(request())
        sent = seen.count(True)
        assert seen == [True] * sent + [False] * (10 - sent)
        assert 0 < sent < 10
        await peer.connection.resume_reading()
        frames = [(opcode, payload[:5]) for opcode, payload in peer.frames]
        assert frames == [*((BINARY, bytes([n]) * 5) for n in range(sent)), (TEXT, b"waits"), (TEXT, b"last")]
        await peer.send(close(1000))
        # An exception that is raised again does not collect the frames of earlier raises.
        assert len(set(seen[11:])) == 1


async def test_frame_is_shared_until_the_end_of_the_turn() -> None:
    message = "x" * 1000
    shared = shared_frame(message)
    assert shared == b"\x81\x7e\x03\xe8" + message.encode()
    assert shared_frame(message) is shared
    assert shared_frame(message + "y") != shared
    again = shared_frame(message)
    await asyncio.sleep(0)
    assert shared_frame(message) is not again


async def test_close_is_awaited_and_validated() -> None:
    app = App(plugins=["websocket"])
    seen: list[object] = []

    @app.websocket("/")
    async def closes(socket: WebSocket) -> None:
        with pytest.raises(RuntimeError, match="not accepted"):
            await socket.close()
        await socket.accept()
        with pytest.raises(RuntimeError, match="accepted already"):
            await socket.accept()
        for code in (999, 1005, 1006, 1015, 2999, 5000):
            with pytest.raises(ValueError, match="cannot be sent"):
                await socket.close(code)
        with pytest.raises(ValueError, match="exceeds 123"):
            await socket.close(1000, "\u20ac" * 42)
        await socket.close(4001, "done")
        seen.append("closed")
        await socket.close()
        for call in (socket.receive(), socket.send("x")):
            with pytest.raises(WebSocketClosed, match="4001: done"):
                await call
        seen.append(socket.closed.code if socket.closed else None)

    async with Client(app) as client:
        peer = SocketPeer(client)
        await peer.open()
        assert peer.frames == [(CLOSE, b"\x0f\xa1done")]
        assert seen == []
        # Messages on their way are dropped.
        await peer.send(frame(TEXT, b"late") + close(4001))
        assert seen == ["closed", 4001]
        assert peer.connection.is_closed


async def test_only_one_task_receives() -> None:
    app = App(plugins=["websocket"])
    seen: list[object] = []

    @app.websocket("/")
    async def twice(socket: WebSocket) -> None:
        await socket.accept()
        results = await asyncio.gather(socket.receive(), socket.receive(), return_exceptions=True)
        seen.extend(results)

    async with Client(app) as client:
        peer = SocketPeer(client)
        await peer.open()
        await peer.send(frame(TEXT, b"a"))
        assert seen[0] == "a"
        assert isinstance(seen[1], RuntimeError)


async def test_receive_that_is_cancelled_loses_no_message() -> None:
    app = App(plugins=["websocket"])
    seen: list[object] = []

    @app.websocket("/")
    async def patient(socket: WebSocket) -> None:
        await socket.accept()
        receiving = asyncio.ensure_future(socket.receive())
        await asyncio.sleep(0)
        receiving.cancel()
        seen.append(await socket.receive())

    async with Client(app) as client:
        peer = SocketPeer(client)
        await peer.open()
        await peer.send(frame(TEXT, b"a"))
        assert seen == ["a"]


async def test_peer_that_breaks_the_protocol_and_never_stops_is_cut_off() -> None:
    ends = Ends()
    async with Client(ends.app) as client:
        peer = SocketPeer(client)
        await peer.open()
        await peer.send(frame(3))
        assert peer.close_code == 1002
        for _ in range(80):
            await peer.connection.send(b"x" * 65536)
        assert peer.connection.is_lost


async def test_access_log_has_the_start_and_the_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "turnbuckle.access")
    async with Client(Ends().app, settings={"log": {"access": True}}) as client:
        peer = SocketPeer(client)
        await peer.open("/?q=1")
        await client.clock.advance(3)
        await peer.send(frame(TEXT, b"abc"))
        await peer.send(close(1000, "bye"))
        peer = SocketPeer(client)
        await peer.open()
        await peer.connection.reset()
    entries = [record.getMessage() for record in caplog.records if record.name == "turnbuckle.access"]
    assert [entry.partition(" ")[2] for entry in entries] == [
        '"GET /?q=1 HTTP/1.1" 101 0 0.0ms - complete',
        '"GET /?q=1 HTTP/1.1" 101 5 3000.0ms - closed "1000 (bye); 1 messages received in 20 bytes, 1 sent"',
        '"GET / HTTP/1.1" 101 0 0.0ms - complete',
        '"GET / HTTP/1.1" 101 0 0.0ms - disconnected '
        '"1006 (the connection was lost); 0 messages received in 0 bytes, 0 sent"',
    ]


async def test_handler_that_only_sends_lets_the_loop_notice_a_lost_connection() -> None:
    app, ends = App(plugins=["websocket"]), list[str | int]()

    @app.websocket("/")
    async def flood(socket: WebSocket) -> None:
        await socket.accept()
        # What asyncio does when a write fails: the loss is only reported in the next turn of the loop.
        socket._channel._transport.abort()  # type: ignore[union-attr]
        for _ in range(1000):
            try:
                await socket.send("x")
            except WebSocketClosed as closed:
                ends.append(closed.code)
                return
        ends.append("not noticed")

    async with Client(app) as client:
        peer = SocketPeer(client)
        await peer.open()
        await client.settle()
        assert ends == [1006]
