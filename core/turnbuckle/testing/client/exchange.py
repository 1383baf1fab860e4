"""Send one request on a connection, and read its response at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final, final

from turnbuckle.http.events import Data, EndOfMessage
from turnbuckle.testing.client.connection import Connection
from turnbuckle.testing.client.request_encoder import OutgoingRequest
from turnbuckle.testing.client.response import ClientResponse, StreamedResponse
from turnbuckle.testing.client.response_assembler import ResponseAssembler
from turnbuckle.testing.client.response_reader import ResponseEvent
from turnbuckle.testing.transport.activity import Activity
from turnbuckle.web.headers import Headers

__all__ = ["Exchange"]


@final
class Exchange:
    """One request and its response.

    Args:
        connection: a connection that is free for another request.
        request: the request.
        activity: counts and awaits the activity on the connections.
    """

    def __init__(self, connection: Connection, request: OutgoingRequest, activity: Activity) -> None:
        self._connection: Final = connection
        self._request: Final = request
        self._activity: Final = activity
        self._assembler: Final = ResponseAssembler(request.method, request.url)
        self._sender: asyncio.Task[None] | None = None
        self._is_sent = False
        self._is_complete = False

    @property
    def leaves_connection_free(self) -> bool:
        """Whether both messages are complete and the connection stays open."""
        return self._is_complete and self._is_sent and self._connection.may_be_reused

    def begin(self) -> None:
        """Send the head, and the content as soon as the server reads it."""
        request = self._request
        self._connection.expect(request.method)
        if request.stream is None and not request.awaits_continue and not request.is_chunked:
            # Clients send small requests in one piece.
            self._connection.post(request.head + request.content)
            self._is_sent = True
            return
        self._connection.post(request.head)
        self._sender = asyncio.create_task(self._send_content())
        self._sender.add_done_callback(lambda _: self._activity.note())

    async def response(self) -> ClientResponse:
        """Return the whole response.

        Raises:
            IncompleteResponse: the server ended the connection before it was complete.
            MalformedResponse: the server sent bytes that are not HTTP.
            TimeoutError: there was no response in time.
        """
        while True:
            response = self._take(await self._next_event())
            if response is not None:
                return response

    async def streamed_response(self) -> StreamedResponse:
        """Return the response as soon as its head is complete; raise as ``response`` does."""
        while self._assembler.head is None:
            self._take(await self._next_event())
        return StreamedResponse(self._assembler.head, self._pieces)

    async def end(self) -> None:
        """Stop sending.

        Raises:
            Exception: the exception of the content iterator.
        """
        sender = self._sender
        if sender is None:
            return
        if not self._is_sent:
            sender.cancel()
        await asyncio.wait([sender])
        if not sender.cancelled():
            sender.result()

    async def _pieces(self, response: StreamedResponse) -> AsyncIterator[bytes]:
        while not self._is_complete:
            event = await self._next_event()
            self._take(event)
            if isinstance(event, EndOfMessage):
                response.trailers = Headers(event.trailers)
            elif isinstance(event, Data):
                yield event.data

    async def _next_event(self) -> ResponseEvent:
        return await self._connection.next_event(self._has_failed)

    def _take(self, event: ResponseEvent) -> ClientResponse | None:
        response = self._assembler.take(event)
        self._is_complete = response is not None
        # The content may have waited for this event (100).
        self._activity.note()
        return response

    def _has_failed(self) -> bool:
        sender = self._sender
        return sender is not None and sender.done() and not sender.cancelled() and sender.exception() is not None

    async def _send_content(self) -> None:
        if self._request.awaits_continue and not await self._may_continue():
            return
        async with aclosing(self._request.pieces()) as pieces:
            async for piece in pieces:
                if not await self._connection.may_post():
                    return
                self._connection.post(piece)
        self._is_sent = True

    async def _may_continue(self) -> bool:
        assembler = self._assembler
        await self._activity.until(
            lambda: bool(assembler.interim or assembler.head or self._connection.is_closed), "100 Continue"
        )
        return assembler.head is None and not self._connection.is_closed
