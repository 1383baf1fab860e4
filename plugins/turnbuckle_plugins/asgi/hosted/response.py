"""Send the response of one request as messages of ASGI.

The core writes without waiting; a host takes one message at a time, and makes the app wait while its client does not
read. ``HostResponse`` is between the two: it queues messages, and tells the core to pause while many bytes wait.

Sources: the ASGI specification, HTTP, and its extensions ``http.response.trailers``, ``http.response.early_hint`` and
``http.response.pathsend``.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final, final

from turnbuckle import StreamRun, SwitchProtocols
from turnbuckle_plugins.asgi.hosted.head import Message, ScopeDict, Send

__all__ = ["HostResponse", "IncompleteResponse"]

# Bytes that may wait for the host before the core pauses, and those at which it goes on.
_HIGH: Final = 64 * 1024
_LOW: Final = 16 * 1024


def _do_nothing(*_: object) -> None:
    pass


class IncompleteResponse(Exception):
    """Raised into the host, so that it cuts the connection: the response cannot be completed as announced."""


@final
class HostResponse:
    """The response to one request on a host; a ``turnbuckle.StreamChannel``.

    Args:
        scope: the scope of the request.
        drops_date: whether a Date field of the app is dropped.
        on_continue: called when the core asks for the content; the host sends 100 once the app receives.
        on_consumed: called with the number of bytes of content that the handler has read.
        on_switch: returns the message that accepts a WebSocket; None for a request, which cannot become one.

    Attributes:
        is_writing_paused: whether the core has to wait before it sends more.
    """

    def __init__(
        self,
        scope: ScopeDict,
        *,
        drops_date: bool = True,
        on_continue: Callable[[], object] = _do_nothing,
        on_consumed: Callable[[int], object] = _do_nothing,
        on_switch: Callable[[SwitchProtocols], Message] | None = None,
    ) -> None:
        self.is_writing_paused = False
        self._extensions: Final = scope.get("extensions") or {}
        self._type: Final = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
        self._drops_date: Final = drops_date
        self._on_switch: Final = on_switch
        self._on_continue: Final = on_continue
        self._on_consumed: Final = on_consumed
        self._queue: Final[deque[Message]] = deque()
        self._size = 0
        self._is_ended = self._is_gone = self._has_trailers = False
        self._cut: IncompleteResponse | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._sending: asyncio.Task[object] | None = None

    # -- called by the core --------------------------------------------------------------------------------------------

    @property
    def unsent_size(self) -> int:
        """Number of bytes of content that wait for the host; 0 if there are so few that the core need not wait."""
        return self._size if self.is_writing_paused else 0

    def send_interim(self, status: int, fields: Sequence[tuple[bytes, bytes]]) -> bool:
        """Ask for the content (100), or send early hints (103) if the host can; return whether it can."""
        if status == 100:
            self._on_continue()
        elif "http.response.early_hint" not in self._extensions:
            return False
        else:
            links = [value for name, value in fields if name == b"link"]
            self._put({"type": "http.response.early_hint", "links": links})
        return True

    def send_head(self, status: int, fields: Sequence[tuple[bytes, bytes]], *, ends: bool) -> None:
        """Send the head of the response; ``ends`` if it has no content."""
        if self._type == "websocket.http.response" and self._type not in self._extensions:
            # The host answers 403, whatever the status is.
            self._is_ended = True
            self._put({"type": "websocket.close", "code": 1000})
            return
        # A host sends its own Date as a rule, and a response must not have two (RFC 9110, section 6.6.1).
        headers = [field for field in fields if field[0] != b"date"] if self._drops_date else list(fields)
        self._has_trailers = not ends and "http.response.trailers" in self._extensions and _may_have_trailers(headers)
        message: Message = {"type": f"{self._type}.start", "status": status, "headers": headers}
        if self._has_trailers:
            message["trailers"] = True
        self._put(message)
        if ends:
            self._end_content(b"")

    def send_data(self, data: bytes, *, ends: bool) -> None:
        """Send content; ``ends`` with its last bytes."""
        if self._is_ended:
            return
        if ends:
            self._end_content(data)
            if self._has_trailers:
                self.send_trailers(())
        elif data:
            self._put({"type": f"{self._type}.body", "body": data, "more_body": True}, len(data))

    def send_trailers(self, fields: Sequence[tuple[bytes, bytes]]) -> None:
        """Send trailers, if the host can, and end the response."""
        if not self._is_ended:
            self._end_content(b"")
        if self._has_trailers:
            self._has_trailers = False
            self._put({"type": "http.response.trailers", "headers": list(fields), "more_trailers": False})

    def reset(self, reason: str, *, error: bool) -> None:
        """End the response, which cannot be completed; the host cuts the connection."""
        if self._is_gone or self._cut is not None:
            return
        self._cut = IncompleteResponse(reason)
        if self._sending is not None:
            # The host makes the task wait for a client that does not read.
            self._sending.cancel()
        self._wake()

    def content_consumed(self, size: int) -> None:
        """Note the number of bytes of content that the handler has read."""
        self._on_consumed(size)

    def switch(self, response: SwitchProtocols) -> None:
        """Accept a WebSocket.

        Raises:
            RuntimeError: the request is an ordinary one, or the response switches to another protocol.
        """
        if self._on_switch is None:
            raise RuntimeError(f"an ASGI host cannot switch to the protocol {response.protocol!r}")
        message = self._on_switch(response)
        self._is_ended = True
        self._put(message)

    # -- called by the task of the host --------------------------------------------------------------------------------

    def disconnect(self) -> None:
        """Drop the rest: the client is gone."""
        self._queue.clear()
        self._is_ended, self._is_gone, self._has_trailers = True, True, False
        self._wake()

    async def send_all(self, send: Send, run: StreamRun) -> None:
        """Pass the messages to the host until the response has ended.

        Raises:
            IncompleteResponse: the response cannot be completed.
        """
        queue = self._queue
        while True:
            while queue:
                message = queue.popleft()
                await self._send(message, send)
                if "body" in message:
                    self._size -= len(message["body"])
                    if self.is_writing_paused and self._size <= _LOW:
                        self.is_writing_paused = False
                        run.resume_writing()
            if self._cut is not None:
                raise self._cut
            if self._is_ended and not self._has_trailers:
                return
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting

    async def _send(self, message: Message, send: Send) -> None:
        task = self._sending = asyncio.current_task()
        try:
            await send(message)
        except asyncio.CancelledError:
            # Unless the host has cancelled the task as well, reset() has.
            if self._cut is None or task is None or task.uncancel():
                raise
            raise self._cut from None
        finally:
            self._sending = None

    def _put(self, message: Message, size: int = 0) -> None:
        self._queue.append(message)
        self._size += size
        if self._size > _HIGH:
            self.is_writing_paused = True
        self._wake()

    def _end_content(self, data: bytes) -> None:
        self._is_ended = True
        self._put({"type": f"{self._type}.body", "body": data, "more_body": False}, len(data))

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


def _may_have_trailers(fields: Iterable[tuple[bytes, bytes]]) -> bool:
    """Return whether trailers may follow: they are announced, or only known at the end of a stream."""
    names = {name for name, _ in fields}
    return b"trailer" in names or b"content-length" not in names
