"""An ASGI host in memory that holds an app to the specification: the order of its messages, and the type of each part.

It has one client, whose reading and disconnecting a test controls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import attrs

Message = dict[str, Any]

# The parts of each message: name, type, whether it is required.
_PARTS: dict[str, dict[str, tuple[type | tuple[type, ...], bool]]] = {
    "http.response.start": {"status": (int, True), "headers": (list, False), "trailers": (bool, False)},
    "http.response.body": {"body": (bytes, False), "more_body": (bool, False)},
    "http.response.trailers": {"headers": (list, True), "more_trailers": (bool, False)},
    "http.response.early_hint": {"links": (list, True)},
    "http.response.pathsend": {"path": (str, True)},
    "websocket.accept": {"subprotocol": ((str, type(None)), False), "headers": (list, False)},
    "websocket.send": {"bytes": ((bytes, type(None)), False), "text": ((str, type(None)), False)},
    "websocket.close": {"code": (int, False), "reason": ((str, type(None)), False)},
    "websocket.http.response.start": {"status": (int, True), "headers": (list, False)},
    "websocket.http.response.body": {"body": (bytes, False), "more_body": (bool, False)},
    "lifespan.startup.complete": {},
    "lifespan.startup.failed": {"message": (str, False)},
    "lifespan.shutdown.complete": {},
    "lifespan.shutdown.failed": {"message": (str, False)},
}


def check_parts(message: Message) -> str:
    """Return the type of a message; fail if a part is missing, unknown or of another type."""
    kind = message["type"]
    parts = _PARTS[kind]
    assert set(message) - {"type"} <= set(parts), f"unknown parts in {message}"
    for name, (types, is_required) in parts.items():
        assert name in message or not is_required, f"{name} is missing in {message}"
        # bool is an int to isinstance, and not to a host in another language.
        assert name not in message or type(message[name]) in (types if isinstance(types, tuple) else (types,)), message
    for name, value in message.get("headers", ()):
        assert (type(name), type(value)) == (bytes, bytes)
        assert name == name.lower()
        assert not {b"\r"[0], b"\n"[0], 0} & {*name, *value}
        assert name not in (b"transfer-encoding", b"keep-alive"), name
        assert name != b"connection" or value == b"close"
    return str(kind)


class HTTPCall:
    """One request: the messages in both directions, and the state of the client.

    Attributes:
        messages: the messages of the app.
        is_reading: set while the client reads; ``send`` waits for it once the buffer is full.
    """

    def __init__(self, scope: Message, content: Iterable[bytes] | None, extensions: Iterable[str], buffer: int) -> None:
        self.scope = scope
        self.messages: list[Message] = []
        self.hints: list[bytes] = []
        self.trailers: list[tuple[bytes, bytes]] | None = None
        self.is_reading = asyncio.Event()
        self.is_reading.set()
        self.received = 0
        self.buffered = 0
        self.error: BaseException | None = None
        self._extensions = set(extensions)
        self._buffer = buffer
        self._state = "start"
        self._incoming: asyncio.Queue[Message] = asyncio.Queue()
        if content is not None:
            self.send_content(*content)

    def send_content(self, *pieces: bytes, ends: bool = True) -> None:
        for piece in pieces:
            self._incoming.put_nowait({"type": "http.request", "body": piece, "more_body": True})
        if ends:
            self._incoming.put_nowait({"type": "http.request", "body": b"", "more_body": False})

    def disconnect(self) -> None:
        self._state = "disconnected"
        self.is_reading.set()
        self._incoming.put_nowait({"type": "http.disconnect"})

    async def receive(self) -> Message:
        if self._state == "end" and self._incoming.empty():
            return {"type": "http.disconnect"}
        message = await self._incoming.get()
        self.received += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        kind = check_parts(message)
        if self._state == "disconnected":
            raise OSError("the client has disconnected")
        self.messages.append(message)
        getattr(self, f"_on_{kind.rpartition('.')[2]}")(message)
        self.buffered += len(message.get("body", b""))
        if self.buffered > self._buffer:
            await self.is_reading.wait()
            self.buffered = 0

    def _on_early_hint(self, message: Message) -> None:
        assert "http.response.early_hint" in self._extensions
        assert self._state == "start"
        self.hints += message["links"]

    def _on_start(self, message: Message) -> None:
        assert self._state == "start"
        assert 200 <= message["status"] <= 599
        assert not message.get("trailers") or "http.response.trailers" in self._extensions
        self._state = "body"

    def _on_body(self, message: Message) -> None:
        assert self._state == "body"
        if not message.get("more_body", False):
            self._state = "trailers" if self.messages[0].get("trailers") else "end"

    def _on_pathsend(self, message: Message) -> None:
        assert "http.response.pathsend" in self._extensions
        assert self._state == "body"
        self._state = "end"

    def _on_trailers(self, message: Message) -> None:
        assert self._state == "trailers"
        self.trailers = [*(self.trailers or ()), *message["headers"]]
        if not message.get("more_trailers", False):
            self._state = "end"

    @property
    def status(self) -> int:
        return int(next(message for message in self.messages if message["type"] == "http.response.start")["status"])

    @property
    def headers(self) -> dict[str, str]:
        start = next(message for message in self.messages if message["type"] == "http.response.start")
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in start.get("headers", ())}

    @property
    def content(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)

    def check_end(self) -> None:
        """Fail unless the response is complete, with as many bytes as it announces."""
        assert self._state in {"end", "disconnected"}, self._state
        length = self.headers.get("content-length") if self.messages and self._state == "end" else None
        if length is not None and self.scope["method"] != "HEAD" and self.status != 304:
            assert len(self.content) == int(length)


class SocketCall:
    """One WebSocket: the messages in both directions.

    Attributes:
        messages: the messages of the app.
        is_reading: set while the client reads; ``send`` waits for it.
    """

    def __init__(self, scope: Message, extensions: Iterable[str]) -> None:
        self.scope = scope
        self.messages: list[Message] = []
        self.is_reading = asyncio.Event()
        self.is_reading.set()
        self._extensions = set(extensions)
        self._state = "connecting"
        self._incoming: asyncio.Queue[Message] = asyncio.Queue()
        self._outgoing: asyncio.Queue[Message] = asyncio.Queue()
        self._incoming.put_nowait({"type": "websocket.connect"})

    @property
    def unread(self) -> int:
        """Number of messages of the client that the app has not received."""
        return self._incoming.qsize()

    def send_message(self, message: str | bytes) -> None:
        # Hosts pass both parts or one.
        parts = {"text": message} if isinstance(message, str) else {"bytes": message, "text": None}
        self._incoming.put_nowait({"type": "websocket.receive", **parts})

    def disconnect(self, code: int | None = 1005, reason: str = "") -> None:
        self._state = "closed"
        self.is_reading.set()
        self._incoming.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})

    async def next(self) -> Message:
        """Return the next message of the app."""
        return await asyncio.wait_for(self._outgoing.get(), 5)

    async def receive(self) -> Message:
        return await self._incoming.get()

    async def send(self, message: Message) -> None:
        kind = check_parts(message)
        if self._state == "closed" and kind == "websocket.send":
            raise OSError("the client has disconnected")
        self._check_order(kind, message)
        self.messages.append(message)
        self._outgoing.put_nowait(message)
        await self.is_reading.wait()

    def _check_order(self, kind: str, message: Message) -> None:
        if kind == "websocket.send":
            assert self._state == "open"
            assert (message.get("text") is None) != (message.get("bytes") is None)
        elif kind == "websocket.accept":
            assert self._state == "connecting"
            assert message.get("subprotocol") in (None, *self.scope["subprotocols"])
            self._state = "open"
        elif kind == "websocket.close":
            assert self._state in {"connecting", "open"}
            self._state = "closed"
            self._incoming.put_nowait({"type": "websocket.disconnect", "code": message.get("code", 1000)})
        else:
            assert "websocket.http.response" in self._extensions
            assert self._state == ("connecting" if kind.endswith("start") else "refusing")
            self._state = "closed" if kind.endswith("body") and not message.get("more_body") else "refusing"


@attrs.define
class StrictHost:
    """A host of one app.

    Args:
        app: the app.
        lifespan: whether the host sends a lifespan.
        extensions: names of the extensions of requests that it offers.
        buffer: bytes of a response that it takes while the client does not read.
    """

    app: Any
    lifespan: bool = attrs.field(default=True, kw_only=True)
    extensions: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    buffer: int = attrs.field(default=64 * 1024, kw_only=True)
    sent: list[Message] = attrs.field(factory=list, init=False)
    _incoming: asyncio.Queue[Message] = attrs.field(factory=asyncio.Queue, init=False)
    _task: asyncio.Task[None] | None = attrs.field(default=None, init=False)
    _changed: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    async def __aenter__(self) -> Self:
        if self.lifespan:
            scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
            self._incoming.put_nowait({"type": "lifespan.startup"})
            self._task = asyncio.create_task(self.app(scope, self._incoming.get, self._send))
            await self._next_message()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._task is not None:
            if self.sent[-1]["type"] == "lifespan.startup.complete":
                self._incoming.put_nowait({"type": "lifespan.shutdown"})
                await self._next_message()
                assert self.sent[-1] == {"type": "lifespan.shutdown.complete"}
            await self._task

    async def _send(self, message: Message) -> None:
        check_parts(message)
        self.sent.append(message)
        self._changed.set()

    async def _next_message(self) -> None:
        await asyncio.wait_for(self._changed.wait(), 5)
        self._changed.clear()

    def call(
        self,
        method: str = "GET",
        url: str = "/",
        headers: Mapping[str, str] | None = None,
        content: Iterable[bytes] | None = (),
        **scope: Any,
    ) -> HTTPCall:
        """Return a request that is not passed to the app yet; None as its content means that it is sent later."""
        raw_path, _, query = url.partition("?")
        fields = {"host": "testserver", **(headers or {})}
        full = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.5"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": raw_path,
            "raw_path": raw_path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in fields.items()],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8000),
            "extensions": {name: {} for name in self.extensions},
            **scope,
        }
        full = {name: value for name, value in full.items() if value is not ...}
        return HTTPCall(full, content, self.extensions, self.buffer)

    def socket(self, url: str = "/", headers: Mapping[str, str] | None = None, **scope: Any) -> SocketCall:
        """Return a WebSocket that is not passed to the app yet."""
        fields = {"upgrade": "websocket", "connection": "Upgrade", "sec-websocket-version": "13", **(headers or {})}
        full = self.call("GET", url, fields, None, **{"scheme": "ws", "subprotocols": [], **scope}).scope
        del full["method"]
        return SocketCall({**full, "type": "websocket"}, self.extensions)

    async def run(self, call: HTTPCall) -> HTTPCall:
        """Pass a request to the app, and return it with its response."""
        await asyncio.wait_for(self.app(call.scope, call.receive, call.send), 10)
        call.check_end()
        return call

    async def request(self, method: str = "GET", url: str = "/", **more: Any) -> HTTPCall:
        """Send a request, and return it with its response."""
        return await self.run(self.call(method, url, **more))
