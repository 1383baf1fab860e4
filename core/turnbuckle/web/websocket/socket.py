"""The argument of WebSocket handlers: one WebSocket, from its request to its end.

Theory of operation: a WebSocket begins as a request that the handler accepts or refuses. The handler runs in its own
task. Until it accepts, the task of the request waits for ``Opening.answer``, which is the response: with it, the
middleware around the handler ends as it does for any request. The carrier of the connection then attaches a channel,
and the handler continues. Nothing here knows frames.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, NoReturn, cast, final

from turnbuckle.web.content.json import ENCODE
from turnbuckle.web.foreign_names import SOCKET_NAMES, add_foreign_names
from turnbuckle.web.headers import HeaderPairs, Headers
from turnbuckle.web.multidict import QueryParams
from turnbuckle.web.request.request import Request
from turnbuckle.web.websocket.channel import MessageChannel, WebSocketClosed, check_close

if TYPE_CHECKING:
    from turnbuckle.web.request.session import Session
    from turnbuckle.web.streams.sweep import Sweep

__all__ = ["Opening", "WebSocket"]

# Not in the call itself: type checkers would take the error for code that cannot be reached.
_MESSAGES: Final[tuple[type, ...]] = (str, bytes)
_UNACCEPTED: Final = "the WebSocket is not accepted yet: to refuse it, raise Forbidden() or return a Response"
_CANNOT_ACCEPT: Final = "the WebSocket is not accepted yet, and send_nowait() cannot wait: await accept() before"


@final
class Opening:
    """The state of a WebSocket until the carrier of its connection has taken it over.

    Args:
        loop: the event loop of the server.
        accept: makes the response that accepts a WebSocket, with further fields.

    Attributes:
        accept: see above.
        answer: the response, or a value that has one; the task of the request waits for it.
        attached: done once there is a channel, or once there will be none; the handler waits for it, shielded.
    """

    __slots__ = ("accept", "answer", "attached")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, accept: Callable[[WebSocket, HeaderPairs | None], object]
    ) -> None:
        self.accept: Final = accept
        self.answer: Final[asyncio.Future[object]] = loop.create_future()
        self.attached: Final[asyncio.Future[None]] = loop.create_future()


@final
class WebSocket:
    """One WebSocket (RFC 6455).

    ``async for message in socket`` receives messages until the WebSocket is closed. The first message that is received
    or sent accepts the WebSocket, unless ``accept`` has been called. To refuse it, the handler returns a response or
    raises an exception such as ``Forbidden`` before.

    Several tasks may send; each message is sent as a whole, in the order of the calls. Only one task may receive.
    When the handler ends, the WebSocket is closed with 1000, or with 1011 if the handler raises.

    Args:
        request: the request that asks for the WebSocket.
        opening: its state until it is accepted.

    Attributes:
        request: see above.
        subprotocol: the subprotocol that ``accept`` has chosen; None for none.
        closed: how the WebSocket was closed; None while it is open.
    """

    __slots__ = (
        "__weakref__",
        "_channel",
        "_on_close",
        "_opening",
        "_sweep",
        "_task",
        "closed",
        "request",
        "subprotocol",
    )

    def __init__(self, request: Request, opening: Opening) -> None:
        self.request: Final = request
        self.subprotocol: str | None = None
        self.closed: WebSocketClosed | None = None
        self._task: asyncio.Task[None] | None = None
        self._sweep: Sweep | None = None
        self._opening: Opening | None = opening
        self._channel: MessageChannel | None = None
        self._on_close: Callable[[], None] | None = None

    def __repr__(self) -> str:
        state = "open" if self._channel is not None else "not accepted"
        if self.closed is not None:
            state = f"closed with {self.closed.code}"
        return f"<WebSocket {self.request.target} ({state})>"

    # -- the request

    @property
    def headers(self) -> Headers:
        """Return the fields of the request."""
        return self.request.headers

    @property
    def path_params(self) -> Mapping[str, object]:
        """Return the converted path parameters by name."""
        return self.request.path_params

    @property
    def query_params(self) -> QueryParams:
        """Return the parameters of the query."""
        return self.request.query_params

    @property
    def cookies(self) -> Mapping[str, str]:
        """Return the cookies of the request."""
        return self.request.cookies

    @property
    def session(self) -> Session:
        """Return the session of the client; it can be changed until the WebSocket is accepted."""
        return self.request.session

    @property
    def client(self) -> tuple[str, int] | None:
        """Return address and port of the client; None if it has none, as on a Unix socket."""
        return self.request.client

    @property
    def subprotocols(self) -> tuple[str, ...]:
        """Return the subprotocols that the client offers, in the order of its preference."""
        values = self.request.headers.get_list("sec-websocket-protocol")
        return tuple(token.strip(" \t") for value in values for token in value.split(",") if token.strip(" \t"))

    # -- acceptance

    @property
    def is_open(self) -> bool:
        """Return whether messages can be sent."""
        return self._channel is not None and self.closed is None

    @property
    def is_accepted(self) -> bool:
        """Return whether the WebSocket was accepted."""
        return self._opening is None or self._opening.answer.done()

    async def accept(self, subprotocol: str | None = None, *, headers: HeaderPairs | None = None) -> None:
        """Accept the WebSocket, and wait until the response is sent.

        Args:
            subprotocol: one of ``subprotocols``; None for none.
            headers: further fields of the response.

        Raises:
            RuntimeError: it was accepted already.
            ValueError: the client did not offer the subprotocol.
            WebSocketClosed: the client is gone, or middleware has answered with another response.
        """
        opening = self._opening
        if opening is None or opening.answer.done():
            raise RuntimeError("the WebSocket was accepted already")
        if subprotocol is not None and subprotocol not in self.subprotocols:
            offered = ", ".join(self.subprotocols) or "none"
            raise ValueError(f"subprotocol {subprotocol!r} was not offered by the client; it offered {offered}")
        self.subprotocol = subprotocol
        opening.answer.set_result(opening.accept(self, headers))
        # A wait that is cancelled, as by asyncio.wait_for(), leaves the WebSocket to later waits.
        await asyncio.shield(opening.attached)

    # -- messages

    def __aiter__(self) -> WebSocket:
        return self

    async def __anext__(self) -> str | bytes:
        channel = self._channel
        if channel is None:
            channel = await self._open()
        try:
            return await channel.receive()
        except WebSocketClosed:
            raise StopAsyncIteration from None

    async def receive(self) -> str | bytes:
        """Return the next message: ``str`` for text, ``bytes`` for a binary message.

        Raises:
            WebSocketClosed: the WebSocket is closed, and all messages were received.
            RuntimeError: another task is receiving.
        """
        channel = self._channel
        return await (channel if channel is not None else await self._open()).receive()

    async def receive_text(self) -> str:
        """Return the next message, which must be text; a binary message closes the WebSocket with 1003."""
        message = await self.receive()
        return message if isinstance(message, str) else await self._refuse(1003, "text expected")

    async def receive_bytes(self) -> bytes:
        """Return the next message, which must be binary; a text message closes the WebSocket with 1003."""
        message = await self.receive()
        return message if isinstance(message, bytes) else await self._refuse(1003, "a binary message expected")

    async def receive_json(self) -> object:
        """Return the value of the next message, text or binary; a message that is not JSON closes with 1007."""
        message = await self.receive()
        try:
            return self.request._app.codecs.json.decode(message.encode() if isinstance(message, str) else message)
        except (ValueError, RecursionError):
            return await self._refuse(1007, "JSON expected")

    async def send(self, message: str | bytes) -> None:
        """Send a text (``str``) or binary (``bytes``) message; wait while the client reads too slowly.

        Raises:
            WebSocketClosed: the WebSocket is closed.
            TypeError: the message is neither ``str`` nor ``bytes``.
        """
        if not isinstance(message, _MESSAGES):
            raise TypeError(_wrong_message(message))
        channel = self._channel
        await (channel if channel is not None else await self._open()).send(message)

    def send_nowait(self, message: str | bytes) -> bool:
        """Send a message unless the client reads too slowly; never wait.

        A publisher can so send to many clients, and decide what a slow one misses. On an ASGI host, this always
        returns False, because hosts have no such call; ``send`` works there.

        Returns:
            Whether the message was sent. Of a message that was not sent, nothing is kept.

        Raises:
            WebSocketClosed: the WebSocket is closed.
            RuntimeError: the WebSocket is not accepted.
            TypeError: the message is neither ``str`` nor ``bytes``.
        """
        if not isinstance(message, _MESSAGES):
            raise TypeError(_wrong_message(message))
        if self.closed is not None:
            raise self.closed.with_traceback(None)
        if self._channel is None:
            raise RuntimeError(_CANNOT_ACCEPT)
        return self._channel.send_nowait(message)

    async def send_json(self, value: object) -> None:
        """Send a value as JSON in a text message.

        Raises:
            WebSocketClosed: the WebSocket is closed.
            TypeError: the value contains an object that has no JSON form.
        """
        await self.send(ENCODE.get()(value).decode())

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the WebSocket, and wait until the client has closed it as well; do nothing if it is closed.

        Args:
            code: a close code that an endpoint may send (RFC 6455, section 7.4): 1000, another registered one, or one
                from 3000 to 4999 for the meaning of an application.
            reason: a text of at most 123 bytes in UTF-8.

        Raises:
            ValueError: the code or the reason cannot be sent.
            RuntimeError: the WebSocket is not accepted.
        """
        check_close(code, reason)
        if self._channel is None:
            raise RuntimeError(_UNACCEPTED)
        await self._channel.close(code, reason)

    # -- the inside

    async def _open(self) -> MessageChannel:
        if self.closed is not None:
            raise self.closed.with_traceback(None)
        opening = self._opening
        if opening is not None and opening.answer.done():
            # Another task has called accept(), or a wait of this task was cancelled.
            await asyncio.shield(opening.attached)
        elif opening is not None:
            await self.accept()
        return cast(MessageChannel, self._channel)

    async def _refuse(self, code: int, reason: str) -> NoReturn:
        await self.close(code, reason)
        raise WebSocketClosed(code, reason)

    def _attach(self, channel: MessageChannel) -> Callable[[WebSocketClosed], None]:
        opening = self._opening
        if opening is None or opening.attached.done():
            raise RuntimeError("the WebSocket has a channel already, or its handler has ended")
        self._channel, self._opening = channel, None
        opening.attached.set_result(None)
        return self._end

    def _end(self, closed: WebSocketClosed) -> None:
        """Note the end of the WebSocket; the handler is cancelled if it does not end soon."""
        if self.closed is None:
            self.closed = closed
            if self._on_close is not None:
                self._on_close()


def _wrong_message(message: object) -> str:
    return f"a message is str or bytes, not {message!r:.80}; send_json() sends other values"


add_foreign_names(WebSocket, SOCKET_NAMES)
