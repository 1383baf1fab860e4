"""Receive the content of a request from an ASGI host, and learn that its client is gone.

The host has a pending ``receive`` of the app whenever one may tell something: that content has arrived, or that the
client disconnected. While the handler has not read the content so far, there is none, so the host stops reading from
its client.

Source: the ASGI specification, HTTP: ``http.request`` and ``http.disconnect``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, cast, final

from turnbuckle import StreamRun
from turnbuckle_plugins.asgi.hosted.head import Message, Receive

__all__ = ["HostContent"]

# Bytes of content that may wait for the handler.
_WINDOW: Final = 64 * 1024


def _do_nothing() -> None:
    pass


@final
class HostContent:
    """The messages about one request that a host sends.

    Args:
        receive: waits for the next message.
        has_content: whether the request has content.
        waits_for_continue: whether the client waits for 100, which the host sends once the app receives.
        first: messages that were received already.
    """

    def __init__(
        self, receive: Receive, *, has_content: bool, waits_for_continue: bool, first: Message | None = None
    ) -> None:
        self._receive: Final = receive
        self._first = first
        self._is_held = waits_for_continue
        self._unread = 0
        self._has_ended = not has_content
        self._run: StreamRun | None = None
        self._on_disconnect: Callable[[], object] = _do_nothing
        self._task: asyncio.Task[None] | None = None
        self._waiting: asyncio.Future[None] | None = None

    def start(self) -> None:
        """Receive messages, unless the request is answered already.

        A task for content is started before ``run`` begins, so that the handler finds the content if it has arrived.
        For any other request, the task is only made if the request is not answered in the first turn of the loop.
        """
        if self._run is None or not self._run.is_done:
            self._task = asyncio.get_running_loop().create_task(self._read())

    def serve(self, run: StreamRun, on_disconnect: Callable[[], object]) -> None:
        """Pass the content to a request that has begun, and report a disconnect to it."""
        self._run, self._on_disconnect = run, on_disconnect
        self._wake()
        if self._task is None:
            asyncio.get_running_loop().call_soon(self.start)

    def stop(self) -> None:
        """Receive no more."""
        if self._task is not None:
            self._task.cancel()

    def ask(self) -> None:
        """Receive although the client waits for 100: the handler reads the content."""
        self._is_held = False
        self._wake()

    def consumed(self, size: int) -> None:
        """Note that the handler has read so many bytes."""
        self._unread -= size
        self._wake()

    async def _read(self) -> None:
        message = self._first
        while True:
            if message is None:
                await self._window()
                message = await self._receive()
            if (run := self._run) is None:
                run = await self._begun()
            if message["type"] == "http.disconnect":
                self._on_disconnect()
                run.disconnect()
                return
            self._take(message, run)
            message = None

    async def _begun(self) -> StreamRun:
        """Wait for the request: an eager loop runs a new task before the code that makes it goes on."""
        self._waiting = asyncio.get_running_loop().create_future()
        await self._waiting
        return cast("StreamRun", self._run)

    async def _window(self) -> None:
        """Wait until the handler has read most of the content so far."""
        while self._is_held or (self._unread >= _WINDOW and not self._has_ended):
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting

    def _take(self, message: Message, run: StreamRun) -> None:
        # Hosts send further empty messages after the end.
        if self._has_ended or message["type"] != "http.request":
            return
        if data := message.get("body"):
            self._unread += len(data)
            run.content_received(data)
        if not message.get("more_body", False):
            self._has_ended = True
            run.content_ended()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
