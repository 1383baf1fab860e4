"""Handlers of WebSockets run on a channel of messages, without a wire protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import attrs
import pytest

from turnbuckle import (
    AcceptWebSocket,
    App,
    Forbidden,
    Peer,
    Request,
    RequestHead,
    Response,
    SettingsSources,
    WebSocket,
    WebSocketClosed,
)
from turnbuckle.web.types import Handler


@attrs.define(eq=False)
class Channel:
    """A channel whose other end is the test."""

    sent: list[str | bytes] = attrs.field(factory=list)
    closes: list[tuple[int, str]] = attrs.field(factory=list)
    incoming: asyncio.Queue[str | bytes | WebSocketClosed] = attrs.field(factory=asyncio.Queue)

    async def receive(self) -> str | bytes:
        message = await self.incoming.get()
        if isinstance(message, WebSocketClosed):
            raise message
        return message

    async def send(self, message: str | bytes) -> None:
        self.sent.append(message)

    def send_nowait(self, message: str | bytes) -> bool:
        return False

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self.closes.append((code, reason))


@attrs.define(eq=False)
class Host:
    """A host that carries messages, as an ASGI host does."""

    channel: Channel = attrs.field(factory=Channel)
    report: Callable[[WebSocketClosed], None] = lambda closed: None
    task: asyncio.Task[None] | None = None

    async def open(self, app: App, path: str = "/", fields: Sequence[tuple[bytes, bytes]] = ()) -> Response:
        """Run a request for a WebSocket; attach the channel if the app accepts it."""
        application = app.compile(SettingsSources(carries_messages=True))

        async def run() -> Response:
            head = RequestHead(
                b"GET", path.encode(), 1, [(b"host", b"a"), (b"upgrade", b"websocket"), *fields], upgrade=b"websocket"
            )
            response = await application.handle(Request(head, None, Peer(carries_messages=True)))
            if isinstance(response, AcceptWebSocket):
                self.task = response.task
                self.report = response.attach(self.channel)
            return response

        response = await asyncio.create_task(run())
        await _settle()
        return response


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_handler_receives_and_sends_messages() -> None:
    app = App()

    @app.websocket("/{room}")
    async def chat(socket: WebSocket, room: str, number: int = 1) -> None:
        await socket.accept(headers={"X-Room": room})
        await socket.send_json({"room": room, "number": number})
        await socket.send((await socket.receive_text()).upper())
        await socket.send(await socket.receive_bytes())
        await socket.send_json(await socket.receive_json())

    host = Host()
    response = await host.open(app, "/den?number=2")
    assert response.status == 101
    assert response.headers.get("x-room") == "den"
    for message in ("a", b"b", "[1]"):
        host.channel.incoming.put_nowait(message)
    await _settle()
    assert host.channel.sent == ['{"room":"den","number":2}', "A", b"b", "[1]"]
    assert host.channel.closes == [(1000, "")]


async def test_iteration_accepts_and_ends_with_the_websocket() -> None:
    app = App()
    ends: list[object] = []

    @app.websocket("/")
    async def echo(socket) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001  # without annotation on purpose
        async for message in socket:
            ends.append(message)
        ends.append(socket.closed)
        ends.append(repr(socket))

    host = Host()
    await host.open(app)
    closed = WebSocketClosed(4000, "bye")
    for message in ("a", closed):
        host.channel.incoming.put_nowait(message)
    host.report(closed)
    await _settle()
    assert ends == ["a", closed, "<WebSocket / (closed with 4000)>"]
    assert host.channel.closes == []


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param([], 101, id="none"),
        pytest.param([(b"origin", b"http://a")], 101, id="same"),
        pytest.param([(b"origin", b"http://b")], 403, id="other"),
        pytest.param([(b"origin", b"http://a"), (b"origin", b"http://a")], 403, id="two"),
    ],
)
async def test_origin_is_checked_without_a_plugin(fields: list[tuple[bytes, bytes]], status: int) -> None:
    app = App()

    @app.websocket("/")
    async def chat(socket: WebSocket) -> None:
        await socket.accept()

    assert (await Host().open(app, fields=fields)).status == status


async def test_scope_middleware_guards_and_error_handlers_hold() -> None:
    app = App()
    seen: list[str] = []

    async def guard(request: Request) -> None:
        seen.append(f"guard {request.method}")

    async def around(request: Request, call_next: Handler) -> Response:
        seen.append("in")
        response = await call_next(request)
        seen.append(f"out {response.status}")
        return response

    scope = app.scope("/api", middleware=[around], guards=[guard])

    @scope.error_handler(Forbidden)
    async def refused(request: Request, error: Forbidden) -> Response:
        return Response(b"no", 403, {"X-Handled": "yes"})

    @scope.websocket("/{name}", name="chat")
    async def chat(socket: WebSocket, name: str) -> None:
        if name == "x":
            raise Forbidden
        await socket.accept()
        seen.append("handler")

    host = Host()
    assert (await host.open(app, "/api/a")).status == 101
    assert seen == ["in", "guard GET", "out 101", "handler"]
    response = await Host().open(app, "/api/x")
    assert response.headers.get("x-handled") == "yes"
    assert app.url_for("chat", name="b") == "/api/b"


async def test_context_variables_of_middleware_are_seen() -> None:
    from contextvars import ContextVar

    user: ContextVar[str] = ContextVar("user")
    app = App()

    @app.middleware
    async def set_user(request: Request, call_next: Handler) -> Response:
        user.set("ann")
        return await call_next(request)

    @app.websocket("/")
    async def chat(socket: WebSocket) -> None:
        await socket.send(user.get())

    host = Host()
    await host.open(app)
    assert host.channel.sent == ["ann"]


async def test_path_without_a_websocket_ignores_the_offer() -> None:
    app = App()

    @app.get("/")
    async def page() -> str:
        return "page"

    @app.websocket("/chat")
    async def chat(socket: WebSocket) -> None:
        await socket.accept()

    assert (await Host().open(app, "/")).body == b"page"
    assert (await Host().open(app, "/nothing")).status == 404


async def test_response_that_nothing_attaches_ends_the_handler() -> None:
    app = App()
    ends: list[object] = []

    @app.websocket("/")
    async def chat(socket: WebSocket) -> None:
        try:
            await socket.accept()
        except WebSocketClosed as closed:
            ends.append(closed.code)
            raise

    application = app.compile(SettingsSources(carries_messages=True))
    head = RequestHead(b"GET", b"/", 1, [(b"host", b"a")], upgrade=b"websocket")
    task = asyncio.create_task(application.handle(Request(head, None, Peer(carries_messages=True))))
    response = await task
    await _settle()
    assert ends == [1006]
    assert isinstance(response, AcceptWebSocket)
    with pytest.raises(RuntimeError, match="has ended"):
        response.attach(Channel())
    with pytest.raises(RuntimeError, match="no plugin carries"):
        response.factory()


async def test_exit_of_a_handler_does_not_stop_the_server(caplog: pytest.LogCaptureFixture) -> None:
    app = App()

    @app.websocket("/")
    async def chat(socket: WebSocket) -> None:
        await socket.accept()
        raise SystemExit(1)

    host = Host()
    await host.open(app)
    assert host.channel.closes == [(1011, "")]
    assert "the WebSocket handler of GET / failed" in caplog.text


async def test_send_refuses_other_values() -> None:
    app = App()
    found: list[str] = []

    @app.websocket("/")
    async def chat(socket: WebSocket) -> None:
        for call in (socket.send(1), socket.accept("v1")):  # type: ignore[arg-type]
            try:
                await call
            except (TypeError, ValueError) as error:
                found.append(str(error))
        with pytest.raises(AttributeError, match=r"await socket\.send"):
            socket.send_text("a")  # type: ignore[attr-defined]

    assert (await Host().open(app)).status == 403
    assert found[0].startswith("a message is str or bytes, not 1; send_json()")
    assert found[1] == "subprotocol 'v1' was not offered by the client; it offered none"


async def test_value_that_is_returned_after_acceptance_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    app = App()

    @app.websocket("/")
    async def chat(socket: WebSocket) -> Response:
        await socket.accept()
        return Response(b"too late", 418)

    host = Host()
    await host.open(app)
    assert host.channel.closes == [(1000, "")]
    assert "returned a Response, which is dropped" in caplog.text


async def _slow(request: Request, call_next: Handler) -> Response:
    response = await call_next(request)
    await asyncio.sleep(0.05)
    return response


async def test_wait_that_is_cancelled_before_the_response_keeps_the_websocket() -> None:
    app = App(middleware=[_slow])
    waits: list[str] = []

    @app.websocket("/")
    async def chat(socket: WebSocket) -> None:
        for _ in range(2):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(socket.receive(), 0.001)
            waits.append("timeout")
        await socket.send("sent")
        await socket.send(await socket.receive_text())

    host = Host()
    host.channel.incoming.put_nowait("received")
    assert (await host.open(app)).status == 101
    assert waits == ["timeout", "timeout"]
    assert host.channel.sent == ["sent", "received"]
    assert host.channel.closes == [(1000, "")]


@pytest.mark.parametrize(("error", "code"), [(None, 1000), (ValueError("wrong"), 1011)])
async def test_handler_that_ends_before_the_response_is_sent_closes(error: Exception | None, code: int) -> None:
    app = App(middleware=[_slow])

    @app.websocket("/")
    async def chat(socket: WebSocket) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.accept(), 0.001)
        if error is not None:
            raise error

    host = Host()
    assert (await host.open(app)).status == 101
    assert host.channel.closes == [(code, "")]


async def test_handler_that_is_cancelled_before_the_response_gets_no_channel() -> None:
    app = App(middleware=[_slow])
    ends: list[object] = []

    @app.websocket("/")
    async def chat(socket: WebSocket) -> None:
        other = asyncio.create_task(socket.receive())
        await asyncio.sleep(0)
        try:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await socket.receive()
        finally:
            other.add_done_callback(lambda task: ends.append(task.exception()))

    host = Host()
    with pytest.raises(RuntimeError, match="has ended"):
        await host.open(app)
    await _settle()
    [closed] = ends
    assert isinstance(closed, WebSocketClosed)
    assert (closed.code, closed.reason) == (1006, "the handler has ended")


async def test_request_that_is_cancelled_as_it_is_answered_ends_the_wait_of_its_handler() -> None:
    app = App()
    ends: list[object] = []

    @app.websocket("/")
    async def chat(socket: WebSocket) -> None:
        # The answer is there by then, and the task of the request has not taken it yet.
        asyncio.get_running_loop().call_soon(task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await socket.accept()
        ends.append("cancelled")

    application = app.compile(SettingsSources(carries_messages=True))
    head = RequestHead(b"GET", b"/", 1, [(b"host", b"a")], upgrade=b"websocket")
    task = asyncio.create_task(application.handle(Request(head, None, Peer(carries_messages=True))))
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert ends == ["cancelled"]
