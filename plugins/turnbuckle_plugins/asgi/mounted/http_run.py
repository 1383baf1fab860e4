"""Run an ASGI app for one HTTP request: turn its messages into a response, and the content into messages for it.

The app runs in its own task, because it may go on after its response, and may stream it from other tasks. The handler
waits until the app has sent either a complete response or the beginning of a streamed one. A streamed response takes
the pieces of the app from a small store; while the store is full, ``send`` waits for the peer.

Source: the ASGI specification, part "HTTP & WebSocket" 2.4.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable
from typing import Any, Final, TypeAlias, cast, final

from turnbuckle import ConnectionLost, File, HTTPError, ProtocolError, Request, Response
from turnbuckle_plugins.asgi.mounted.messages import (
    AppProtocolError,
    ASGIApp,
    ClientGone,
    Message,
    Scope,
    decoded_fields,
    decoded_links,
    is_of_client,
)

__all__ = ["HTTPRun"]

# Bytes of a streamed response that wait for the connection before ``send`` waits.
_MAX_STORED: Final = 64 * 1024

# Bytes of a response to HEAD that an app may send; after that ``send`` reports that the client has gone.
_MAX_DISCARDED: Final = 1024 * 1024

_Start: TypeAlias = "tuple[int, list[tuple[str, str]], str | None]"
"""The status of a response, its fields, and its announced length."""


class _Phase(enum.IntEnum):
    BEGUN = 0  # nothing was sent
    STARTED = 1  # the head was sent, and no content
    STREAMING = 2  # a part of the content was sent
    COMPLETE = 3  # the whole response was sent
    DISCARDING = 4  # the content is not needed, as for HEAD
    CLOSED = 5  # the client has gone, or another response was sent


@final
class HTTPRun:
    """One call of an app for a request, and its response.

    Args:
        request: the request.
        name: description of the app for messages.
        report: logs an exception of the app that has no response.

    Attributes:
        on_close: called when the client of a streamed response has gone; None for nothing.
        on_complete: called when all of a streamed response was taken; None for nothing.
        task: the task that calls the app.
        running: the tasks of the app that run; the call removes its own at its end.
    """

    __slots__ = (
        "_answered",
        "_ended_first",
        "_error",
        "_failure",
        "_has_content",
        "_name",
        "_phase",
        "_pieces",
        "_received",
        "_request",
        "_response",
        "_start",
        "_stored",
        "_trailers",
        "_waiters",
        "on_close",
        "on_complete",
        "report",
        "running",
        "task",
    )

    def __init__(self, request: Request, name: str, report: Callable[[str, BaseException | None], None]) -> None:
        self._request: Final = request
        self._name: Final = name
        self.report: Final = report
        self._phase = _Phase.BEGUN
        self._start: _Start | None = None
        self._response: Response | None = None
        self._failure: BaseException | None = None
        self._error: BaseException | None = None
        self._answered: asyncio.Future[None] | None = None
        # Whether the app ended while its client was there.
        self._ended_first = False
        self._waiters: list[asyncio.Future[None]] | None = None
        self._has_content = True
        self._received = 0
        self._pieces: list[bytes] = []
        self._stored = 0
        # The trailer fields so far, if the app has announced some.
        self._trailers: list[tuple[str, str]] | None = None
        self.on_close: Callable[[], object] | None = None
        self.on_complete: Callable[[], object] | None = None
        self.task: asyncio.Task[None] | None = None
        self.running: set[asyncio.Task[None]] | None = None

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        """Call the app. Its exceptions become exceptions of the handler, or of the streamed response."""
        try:
            await app(scope, self.receive, self.send)
        except asyncio.CancelledError:
            if self._phase < _Phase.COMPLETE:
                self._end(self._broken("was cancelled before its response was complete"))
            raise
        except BaseException as error:  # noqa: BLE001  # sys.exit() in an app must not stop the server
            self._end(error)
        else:
            self._end(None)
        finally:
            if self.task is not None and self.running is not None:
                self.running.discard(self.task)

    async def response(self) -> Response:
        """Return the response of the app as soon as it has begun.

        Raises:
            AppProtocolError: the app broke the rules of ASGI, or returned without a response.
            BaseException: the exception of the app, or of the content that it read.
        """
        if self._response is None and self._failure is None:
            self._answered = asyncio.get_running_loop().create_future()
            await self._answered
        if self._failure is not None:
            raise self._failure
        return cast("Response", self._response)

    @property
    def is_streaming(self) -> bool:
        """Whether the response has begun, and is not complete."""
        return self._phase in {_Phase.STREAMING, _Phase.DISCARDING}

    # -- messages to the app -------------------------------------------------------------------------------------------

    async def receive(self) -> dict[str, Any]:
        """Return the next message to the app: a piece of the content, or that the client has gone."""
        if self._has_content and self._phase < _Phase.COMPLETE:
            message = await self._receive_content()
            if message is not None:
                return message
        await self._wait_for_end()
        return {"type": "http.disconnect"}

    async def _receive_content(self) -> dict[str, Any] | None:
        request = self._request
        try:
            if not self._received and (content := request.received()) is not None:
                self._has_content = False
                return {"type": "http.request", "body": content, "more_body": False}
            piece = await request.next_piece()
        except (ConnectionLost, RuntimeError):
            # The client has gone, or the response was sent.
            self._has_content = False
            return None
        except (ProtocolError, HTTPError) as error:
            # ASGI has no message for content that is too large or malformed, so it is answered here.
            self._has_content = False
            self._fail(error)
            return None
        self._received += len(piece)
        self._has_content = bool(piece) and self._received != request.content_length
        return {"type": "http.request", "body": piece, "more_body": self._has_content}

    async def _wait_for_end(self) -> None:
        """Wait until the response is complete, or the client has gone."""
        lost = self._request.peer.lost
        while self._phase < _Phase.COMPLETE and not lost.is_set():
            waiter = self._new_waiter()
            wake = lambda waiter=waiter: None if waiter.done() else waiter.set_result(None)  # noqa: E731
            lost.add_callback(wake)
            try:
                await waiter
            finally:
                lost.discard_callback(wake)

    # -- messages of the app -------------------------------------------------------------------------------------------

    async def send(self, message: Message) -> None:
        """Take a message of the app.

        Raises:
            AppProtocolError: ASGI does not allow the message here.
            ClientGone: the client of a streamed response has gone.
        """
        try:
            kind = message["type"]
        except (KeyError, TypeError) as error:
            raise self._broken(f"sent {message!r:.200}, which has no type") from error
        if kind == "http.response.body" and self._phase is _Phase.STARTED:
            body, more = self._body_of(message)
            if not more and self._trailers is None:
                self._complete(body)
                return
            self._begin_stream()
            await self._store(body)
        elif kind == "http.response.start" and self._phase is _Phase.BEGUN:
            self._take_start(message)
        elif kind == "http.response.body" and self._phase is _Phase.STREAMING:
            body, more = self._body_of(message)
            await self._store(body, is_last=not more and self._trailers is None)
        elif self._phase in {_Phase.CLOSED, _Phase.DISCARDING}:
            await self._ignore(message)
        else:
            await self._take_other(kind, message)

    def _take_start(self, message: Message) -> None:
        status = message.get("status")
        if not isinstance(status, int) or not 200 <= status <= 599:
            raise self._broken(f"sent 'http.response.start' with the status {status!r:.80}")
        try:
            self._start = (status, *decoded_fields(message.get("headers", ())))
        except AppProtocolError as error:
            raise self._broken(f"sent 'http.response.start' with a fault: {error}") from error
        if message.get("trailers"):
            self._trailers = []
        self._phase = _Phase.STARTED

    def _body_of(self, message: Message) -> tuple[bytes, bool]:
        body, more = message.get("body", b""), message.get("more_body", False)
        if not isinstance(body, bytes):
            if not isinstance(body, bytearray | memoryview):
                kind = type(body).__name__
                raise self._broken(f"sent 'http.response.body' with a body of type {kind}, which is no bytes")
            body = bytes(body)
        return body, bool(more)

    async def _take_other(self, kind: object, message: Message) -> None:
        if kind == "http.response.early_hint" and self._phase is _Phase.BEGUN:
            await self._send_early_hint(message)
        elif kind == "http.response.pathsend" and self._phase is _Phase.STARTED:
            self._send_path(message)
        elif kind == "http.response.trailers" and self._phase is _Phase.STREAMING and self._trailers is not None:
            await self._take_trailers(message, self._trailers)
        else:
            raise self._broken(f"sent {kind!r:.80} {_PLACES[self._phase]}")

    async def _send_early_hint(self, message: Message) -> None:
        try:
            await self._request.early_hints(decoded_links(message.get("links", ())))
        except (AppProtocolError, ValueError) as error:
            raise self._broken(f"sent 'http.response.early_hint' with a fault: {error}") from error

    async def _take_trailers(self, message: Message, trailers: list[tuple[str, str]]) -> None:
        try:
            trailers += decoded_fields(message.get("headers", ()))[0]
        except AppProtocolError as error:
            raise self._broken(f"sent 'http.response.trailers' with a fault: {error}") from error
        await self._store(b"", is_last=not message.get("more_trailers", False))

    def _send_path(self, message: Message) -> None:
        body: Any = File(message["path"]).body
        response = self._new_response()
        if "content-length" not in response.headers and body.size is not None:
            response.headers.add("content-length", str(body.size))
        response.body = body
        self._phase = _Phase.COMPLETE
        self._answer(response)

    async def _ignore(self, message: Message) -> None:
        """Drop a message that has no reader."""
        if self._phase is _Phase.DISCARDING:
            body, more = self._body_of(message)
            self._stored += len(body)
            if self._stored <= _MAX_DISCARDED:
                self._phase = _Phase.DISCARDING if more else _Phase.COMPLETE
                await asyncio.sleep(0)
                return
            self._phase = _Phase.CLOSED
        raise self._no_reader()

    # -- the response --------------------------------------------------------------------------------------------------

    def _new_response(self) -> Response:
        status, fields, length = cast(_Start, self._start)
        response = Response(b"", status, fields)
        if length is not None:
            response.headers.add("content-length", length)
        return response

    def _complete(self, body: bytes) -> None:
        status, fields, length = cast(_Start, self._start)
        if length is not None and (length != str(len(body)) or not body):
            # A length that is not right is an error of the server; without content, as for HEAD, it is sent as it is.
            fields.append(("content-length", length))
        response = Response(b"", status, fields)
        # Set later, because the constructor would add a Content-Type.
        response.body = body
        self._phase = _Phase.COMPLETE
        self._answer(response)

    def _begin_stream(self) -> None:
        response = self._new_response()
        response.body = _Stream(self)
        if (trailers := self._trailers) is not None:
            # Called at the end of the content, when the app has sent them.
            response.trailers = lambda: trailers
        self._phase = _Phase.STREAMING
        self._answer(response)

    def _answer(self, response: Response) -> None:
        self._response = response
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(None)
        self._wake()

    def _fail(self, error: BaseException) -> None:
        """Answer with an error; if the response has begun, break it off."""
        if self._response is not None:
            self._error = error
        else:
            self._failure, self._phase = error, _Phase.CLOSED
            if self._answered is not None and not self._answered.done():
                self._answered.set_result(None)
        self._wake()

    def _end(self, error: BaseException | None) -> None:
        """Note that the app has returned or raised."""
        self._ended_first = not self._request.peer.lost.is_set()
        if self._phase in {_Phase.BEGUN, _Phase.STARTED}:
            self._fail(error or self._broken(f"returned {_PLACES[self._phase]}"))
        elif self._phase is _Phase.STREAMING:
            self._error = self._error or error or self._broken("returned before its response was complete")
            self._wake()
        elif error is not None and not is_of_client(error):
            self.report("after its response", error)

    # -- the content of a streamed response ----------------------------------------------------------------------------

    async def _store(self, body: bytes, *, is_last: bool = False) -> None:
        if body:
            self._pieces.append(body)
            self._stored += len(body)
        if is_last:
            self._phase = _Phase.COMPLETE
        self._wake()
        while self._stored > _MAX_STORED and self._phase is _Phase.STREAMING:
            await self._new_waiter()
        if self._phase is _Phase.CLOSED:
            raise self._no_reader()

    async def take(self) -> bytes:
        """Return the stored content, or ``b""`` at the end of the response.

        Raises:
            AppProtocolError: the app ended before the response was complete.
            BaseException: the exception of the app.
        """
        while not self._pieces:
            if self._error is not None:
                raise self._error
            if self._phase is not _Phase.STREAMING:
                if self._phase is _Phase.COMPLETE and self.on_complete is not None:
                    self.on_complete()
                return b""
            await self._new_waiter()
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces, self._stored = [], 0
        self._wake()
        return data

    def close(self) -> None:
        """Take no more content: the response was sent, or the client has gone."""
        if self._phase is _Phase.STREAMING:
            is_needed = self._request.method != "HEAD" and self._response is not None
            self._phase = _Phase.CLOSED if is_needed else _Phase.DISCARDING
            self._pieces, self._stored = [], 0
            if self.on_close is not None:
                self.on_close()
        self._wake()

    def abandon(self) -> None:
        """Expect no response any more."""
        self._phase = _Phase.CLOSED
        self._wake()

    def _new_waiter(self) -> asyncio.Future[None]:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._waiters is None:
            self._waiters = []
        self._waiters.append(waiter)
        return waiter

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(None)

    def _no_reader(self) -> Exception:
        """Return the exception for a message that has no reader."""
        if self._ended_first:
            return self._broken("has ended, so that its tasks cannot send any more")
        return ClientGone("the client has gone")

    def _broken(self, fault: str) -> AppProtocolError:
        return AppProtocolError(f"{self._name} {fault}")


_PLACES: Final = {
    _Phase.BEGUN: "before 'http.response.start'",
    _Phase.STARTED: "after 'http.response.start'",
    _Phase.STREAMING: "in the middle of its response",
    _Phase.COMPLETE: "after its response",
    _Phase.DISCARDING: "in the middle of its response",
    _Phase.CLOSED: "after its response",
}


@final
class _Stream:
    """The body of a streamed response."""

    __slots__ = ("_run",)

    def __init__(self, run: HTTPRun) -> None:
        self._run: Final = run

    def __aiter__(self) -> _Stream:
        return self

    async def __anext__(self) -> bytes:
        data = await self._run.take()
        if not data:
            raise StopAsyncIteration
        return data

    async def aclose(self) -> None:
        """Take no more content."""
        self._run.close()
