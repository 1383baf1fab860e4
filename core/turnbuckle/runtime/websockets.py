"""Compile the handlers of WebSocket routes, and run them: from the request to the end of the WebSocket.

The handler runs in a task that is made inside of the middleware, so that it sees their context variables. The task of
the request waits until the handler accepts the WebSocket or ends; the middleware are then left as for any request. The
contexts that supply parameters are left when the handler ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from typing import Final, final

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.errors import Forbidden, ServiceUnavailable
from turnbuckle.plan import PlannedSignature
from turnbuckle.runtime.arguments import Arguments, compile_arguments
from turnbuckle.web.handlers import BoundHandler, describe_handler
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.streams.stream_context import current_stream_context
from turnbuckle.web.streams.sweep import StreamTimer
from turnbuckle.web.types import Handler
from turnbuckle.web.websocket.accept import AcceptWebSocket
from turnbuckle.web.websocket.channel import WebSocketClosed
from turnbuckle.web.websocket.options import WebSocketOptions, allows_origin
from turnbuckle.web.websocket.socket import Opening, WebSocket

__all__ = ["compile_websocket_handler", "for_hosts", "ignore_offer"]

_ENDS_TASK: Final = (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt)
_TASK_NAME: Final = "turnbuckle WebSocket"
_NOT_SENT: Final = "the response was not sent"

_log: Final = SafeLogger("turnbuckle.error")


def ignore_offer(dispatch: Handler) -> Handler:
    """Return the handler for requests of WebSockets at paths without one: they are answered like any request."""

    def ignore(request: Request) -> Awaitable[Response]:
        request.exception = None
        return dispatch(request)

    return ignore


def for_hosts(websockets: Handler, dispatch: Handler) -> Handler:
    """Return the handler for requests of WebSockets in an app without a plugin for the protocol.

    Only a host that carries messages can then carry WebSockets; on other connections, the offer is ignored.

    Args:
        websockets: the handler for requests of WebSockets.
        dispatch: the handler for all other requests.
    """
    return lambda request: (websockets if request.peer.carries_messages else dispatch)(request)


def compile_websocket_handler(
    handler: Callable[..., object], signature: PlannedSignature, options: WebSocketOptions
) -> BoundHandler:
    """Return the function that runs a handler until it accepts its WebSocket or ends.

    It returns an ``AcceptWebSocket``, or the value that the handler has returned before it accepted. A page of another
    origin is refused before.

    Args:
        handler: an ``async def``.
        signature: its parameters and guards.
        options: the options of the app.
    """
    arguments = compile_arguments(signature)
    origins = options.origins

    async def call(request: Request) -> object:
        if not allows_origin(request, origins):
            raise Forbidden("the origin of this page may not open a WebSocket here")
        return await _Run(request, handler, arguments, options).answer()

    return call


@final
class _Run:
    """One run of a handler.

    Args:
        request: the request.
        handler: the handler.
        arguments: its arguments.
        options: the options of the app.
    """

    __slots__ = ("_clock", "_options", "_socket", "_timer")

    def __init__(
        self, request: Request, handler: Callable[..., object], arguments: Arguments, options: WebSocketOptions
    ) -> None:
        loop = asyncio.get_running_loop()
        socket = self._socket = WebSocket(request, Opening(loop, AcceptWebSocket))
        self._options: Final = options
        context = current_stream_context()
        self._clock: Final = context.clock
        socket._sweep = context.sweep
        self._timer: StreamTimer | None = None
        request.supplied[WebSocket] = socket
        opening = socket._opening
        assert opening is not None
        socket._on_close = self._limit_end
        socket._task = loop.create_task(self._serve(handler, arguments, opening), name=_TASK_NAME)

    async def answer(self) -> object:
        """Return the answer to the request, once the handler has decided."""
        opening, task = self._socket._opening, self._socket._task
        assert opening is not None
        assert task is not None
        own = asyncio.current_task()
        if own is not None:
            own.add_done_callback(lambda _: _give_up(opening, _NOT_SENT))
        timer = self._clock.call_later(self._options.handshake, self._expire) if self._options.handshake else None
        try:
            answer = await opening.answer
        except asyncio.CancelledError:
            # A server that stops waits for this task, and so for the handler.
            task.cancel()
            _give_up(opening, _NOT_SENT)
            await asyncio.wait([task])
            raise
        finally:
            if timer is not None:
                timer.cancel()
        if answer is None:
            raise Forbidden
        return answer

    def _expire(self) -> None:
        opening, task = self._socket._opening, self._socket._task
        if opening is not None and not opening.answer.done():
            opening.answer.set_exception(ServiceUnavailable("the handler did not accept the WebSocket in time"))
            if task is not None:
                task.cancel()

    async def _serve(self, handler: Callable[..., object], arguments: Arguments, opening: Opening) -> None:
        socket = self._socket
        try:
            try:
                value = await _call(handler, arguments, socket.request)
            except _ENDS_TASK as error:
                if not opening.answer.done():
                    opening.answer.cancel()
                await self._close(1001 if socket.request.is_stopping else 1011)
                raise error
            except BaseException as error:  # noqa: BLE001  # sys.exit() must not stop the server
                if not opening.answer.done():
                    opening.answer.set_exception(error)
                else:
                    await _settle(opening)
                    await self._fail(error)
            else:
                if not opening.answer.done():
                    opening.answer.set_result(value)
                else:
                    if value is not None:
                        shown = type(value).__name__
                        _log.warning(
                            "the WebSocket handler of %s returned a %s, which is dropped", socket.request, shown
                        )
                    await _settle(opening)
                    await self._close(1000)
        finally:
            # No carrier may attach a channel that has no handler.
            _give_up(opening, "the handler has ended")
            if self._timer is not None:
                self._timer.cancel()
            socket._on_close = None
            # They refer to each other, and would stay in memory until the garbage is collected.
            socket.request.supplied.pop(WebSocket, None)

    async def _fail(self, error: BaseException) -> None:
        if isinstance(error, WebSocketClosed) and (self._socket.closed is not None or not self._socket.is_open):
            # The handler has ended because its WebSocket has.
            return
        _log.error("the WebSocket handler of %s failed", self._socket.request, exc_info=error)
        await self._close(1011)

    async def _close(self, code: int) -> None:
        # The channel may be of a plugin, and an end that fails is an end as well.
        with suppress(Exception):
            if self._socket.is_open:
                await self._socket.close(code)

    def _limit_end(self) -> None:
        task = self._socket._task
        if self._options.close_timeout and task is not None and not task.done():
            self._timer = self._clock.call_later(self._options.close_timeout, self._cancel_handler)

    def _cancel_handler(self) -> None:
        task = self._socket._task
        if task is not None and task.cancel():
            self._timer = self._clock.call_later(self._options.close_timeout, self._report_running)

    def _report_running(self) -> None:
        request = self._socket.request
        handler = describe_handler(request.route.handler) if request.route is not None else "the WebSocket handler"
        _log.warning(
            "%s goes on, although it was cancelled %g seconds ago, as the WebSocket of %s is closed: it must not catch"
            " asyncio.CancelledError without raising it again",
            handler,
            self._options.close_timeout,
            request,
        )


async def _call(handler: Callable[..., object], arguments: Arguments, request: Request) -> object:
    async with AsyncExitStack() as stack:
        values = await arguments.values(request, stack)
        result: Awaitable[object] = arguments.call(handler, values)  # type: ignore[assignment]  # it is an async def
        return await result


async def _settle(opening: Opening) -> None:
    """Wait until an accepted WebSocket has its channel, or can no longer get one.

    A handler may end before, if it has cancelled its wait for the first message.
    """
    answer = opening.answer
    if not opening.attached.done() and not answer.cancelled() and answer.exception() is None:
        with suppress(WebSocketClosed):
            await opening.attached


def _give_up(opening: Opening, reason: str) -> None:
    """End the waits for a channel that no carrier will attach."""
    if not opening.attached.done():
        opening.attached.set_exception(WebSocketClosed(1006, reason, was_clean=False))
        # A handler that was cancelled does not retrieve it.
        opening.attached.exception()
