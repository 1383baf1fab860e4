"""Answer one request on a stream: call the application, and send its response through the run.

A response that cannot be completed as announced ends with a reset of its stream, so that the peer can tell; the other
streams of the connection go on. ``server/connection/response.py`` does the same for HTTP/1.1.

Sources: RFC 9110, sections 6.4.1, 6.5 and 8.6; RFC 9113, section 8.1.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Sequence
from typing import Final, Protocol

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.errors import ConnectionLost, ContentTooLarge, ProtocolError
from turnbuckle.http.events import RequestHead
from turnbuckle.http.serializer import BodyFraming, BodyWriter
from turnbuckle.server.connection.content import IncomingContent
from turnbuckle.server.connection.response import close_body, whole_body
from turnbuckle.server.connection.server_state import ServerState
from turnbuckle.server.logs.access_log import LoggedExchange
from turnbuckle.server.model.connection_state import ConnectionState
from turnbuckle.server.streams.channel import StreamChannel
from turnbuckle.server.streams.fields import FieldPair, common_head, encode_pairs, response_fields
from turnbuckle.web.conditional.selection import selected_response, selected_stream
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.response.trailers import Trailers, read_trailers
from turnbuckle.web.response.upgrade import SwitchProtocols

__all__ = ["answer"]

_HANDLING: Final = ConnectionState.HANDLING
_SENDING: Final = ConnectionState.SENDING

# Bytes of a streamed body that are written before other streams get a turn.
_MAX_IN_A_TURN: Final = 256 * 1024

_log: Final = SafeLogger("turnbuckle.server")


class AnsweredRun(LoggedExchange, Protocol):
    """The run of the request that is answered."""

    has_begun: bool
    """Whether the task runs the application."""

    @property
    def server(self) -> ServerState:
        """The state that all connections share."""

    @property
    def head(self) -> RequestHead:
        """The head of the request."""

    @property
    def content(self) -> IncomingContent | None:
        """The content of the request."""

    @property
    def channel(self) -> StreamChannel:
        """The carrier's end."""

    @property
    def date_field(self) -> FieldPair | None:
        """The Date field of the server; None if the host sends its own."""

    def send_complete(self, status: int, fields: Sequence[FieldPair], body: bytes) -> None:
        """Send a whole response, and end the run."""

    def begin_sending(self, status: int, fields: Sequence[FieldPair], *, is_endless: bool, ends: bool = False) -> None:
        """Send the head of a streamed response."""

    async def flush(self) -> None:
        """Wait until the channel can take more data.

        Raises:
            ConnectionLost: the stream has ended.
        """

    def end_response(self) -> None:
        """End the run after the last byte of a response, or once the peer has taken it."""

    def switch(self, request: Request, response: SwitchProtocols) -> None:
        """Make a tunnel of the stream."""

    def end_task(self) -> None:
        """Note that the task of the request ends."""

    def refuse(self, status: int, reason: str = "") -> None:
        """Answer with an error in place of the handler."""

    def cut(self, reason: str, *, error: bool = False) -> None:
        """Reset the stream."""


async def answer(run: AnsweredRun, request: Request) -> None:
    """Answer ``request`` through its run."""
    run.has_begun = True
    try:
        response = await run.server.application.handle(request)
        for name in request.vary:
            response.headers.add_vary(name)
        body = response.body
        if run.state is not _HANDLING:
            # The peer is gone, or a deadline has answered for the handler.
            _log_unanswered(run)
            await close_body(body)
        elif not isinstance(body, bytes):
            await _send_selected(run, request, response, body)
        elif isinstance(response, SwitchProtocols):
            run.switch(request, response)
        else:
            _send_whole(run, request, response, body)
    except asyncio.CancelledError:
        _give_up(run)
        raise
    except ProtocolError as error:
        run.refuse(error.status, str(error))
    except (GeneratorExit, KeyboardInterrupt):
        # Not caught here. But if a handler raised it, the loop goes on running, and a client is waiting.
        if run.server.loop.is_running():
            _give_up(run)
        raise
    except BaseException:  # noqa: BLE001  # every stream gets an end, and sys.exit() must not stop the server
        _log.exception("answering %s failed", request)
        _give_up(run)
    finally:
        # Not a callback of the task, which would cost another turn of the loop.
        run.end_task()


def _give_up(run: AnsweredRun) -> None:
    """End a run whose request will not be answered, unless it has ended."""
    if run.state is _HANDLING:
        run.refuse(500, "the handler ended without a response")
    elif run.state is _SENDING:
        run.cut("the handler ended before its response", error=True)
    else:
        _log_unanswered(run)


def _log_unanswered(run: AnsweredRun) -> None:
    access = run.server.access
    if access is not None:
        access.ended(run, 0, 0, complete=False)


def _send_whole(run: AnsweredRun, request: Request, response: Response, body: bytes) -> None:
    content, method = run.content, run.head.method
    if content is not None and content.error is not None:
        run.refuse(content.error.status, str(content.error))
        return
    status, size = response.status, len(body)
    trailers: Trailers | None = None
    try:
        pairs = common_head(status, response.fields(), size, method, run.date_field)
        if pairs is None:
            # A field, the status or the method makes it no common response.
            response = selected_response(request, response)
            status, body = response.status, whole_body(response)
            pairs, framing, _ = response_fields(status, response.fields(), method, run.date_field, len(body))
            body = b"" if framing is BodyFraming.NONE else body
            size = len(body)
            trailers = _trailers_of(response, framing)
    except (TypeError, ValueError):
        _refuse_unsendable(run, request)
        return
    if run.server.access is not None:
        run.server.access.ended(run, status, size)
    if trailers is None:
        run.send_complete(status, pairs, body)
        return
    run.begin_sending(status, pairs, is_endless=False)
    run.channel.send_data(body, ends=False)
    _end_stream(run, trailers)


def _trailers_of(response: Response, framing: BodyFraming) -> Trailers | None:
    return None if framing is BodyFraming.NONE else response.trailers


def _end_stream(run: AnsweredRun, trailers: Trailers | None) -> None:
    fields = None if trailers is None else encode_pairs(read_trailers(trailers))
    if fields:
        run.channel.send_trailers(fields)
    else:
        run.channel.send_data(b"", ends=True)
    run.end_response()


def _refuse_unsendable(run: AnsweredRun, request: Request) -> None:
    _log.exception("the response to %s cannot be sent", request)
    if run.state is _HANDLING:
        run.refuse(500, "the response cannot be sent")


async def _send_selected(
    run: AnsweredRun, request: Request, response: Response, body: AsyncIterable[bytes | str]
) -> None:
    """Send a stream, or what its preconditions and ranges leave of it."""
    try:
        selected, content = await selected_stream(request, response)
    except Exception:  # noqa: BLE001  # the file is gone, or a field of the application is malformed
        await close_body(body)
        _refuse_unsendable(run, request)
        return
    if content is not body:
        await close_body(body)
    if run.state is not _HANDLING:
        # The peer went away while the file was opened.
        _log_unanswered(run)
        await close_body(content)
    elif isinstance(content, bytes):
        _send_whole(run, request, selected, content)
    else:
        await _send_stream(run, request, selected, content)


async def _send_stream(
    run: AnsweredRun, request: Request, response: Response, body: AsyncIterable[bytes | str]
) -> None:
    writer: BodyWriter | None = None
    is_complete = False
    try:
        writer = _start_stream(run, response, body)
        run.server.response_work.note_answered(asyncio.current_task())
        await _send_pieces(run, writer, body, _trailers_of(response, writer.framing))
        is_complete = True
    except Exception as error:  # noqa: BLE001  # an application's iterator may raise anything
        if writer is None:
            _refuse_unsendable(run, request)
        else:
            _break_off(run, request, error)
        return
    finally:
        access = run.server.access
        if access is not None and writer is not None:
            access.ended(run, response.status, writer.written, complete=is_complete)
        await close_body(body)


def _start_stream(run: AnsweredRun, response: Response, body: object) -> BodyWriter:
    if not isinstance(body, AsyncIterable):
        raise TypeError(f"the body of {response!r} was set to {body!r:.80}, which cannot be sent")
    pairs, framing, length = response_fields(response.status, response.fields(), run.head.method, run.date_field)
    if framing is BodyFraming.NONE:
        run.begin_sending(response.status, pairs, is_endless=False, ends=True)
    else:
        run.begin_sending(response.status, pairs, is_endless=length is None)
    return BodyWriter(framing, length)


async def _send_pieces(
    run: AnsweredRun, writer: BodyWriter, body: AsyncIterable[bytes | str], trailers: Trailers | None
) -> None:
    if writer.framing is BodyFraming.NONE:
        run.end_response()
        return
    channel = run.channel
    in_this_turn = 0
    async for piece in body:
        data = writer.write(piece.encode("utf-8", "replace") if isinstance(piece, str) else piece)
        if channel.is_writing_paused or run.state is not _SENDING:
            await run.flush()
        if data:
            channel.send_data(data, ends=False)
        in_this_turn += len(data)
        if in_this_turn >= _MAX_IN_A_TURN:
            # A body that never waits must not occupy the loop while the carrier accepts its data.
            in_this_turn = 0
            await asyncio.sleep(0)
    writer.end()
    await run.flush()
    _end_stream(run, trailers)


def _break_off(run: AnsweredRun, request: Request, error: Exception) -> None:
    """Reset a stream with an incomplete response: only that informs the peer."""
    if isinstance(error, ConnectionLost | ContentTooLarge | ProtocolError):
        # Caused by the peer, which must not be able to fill the log with tracebacks.
        _log.debug("the response to %s broke off: %s", request, error)
        run.cut("the response broke off")
    else:
        _log.error("the response to %s broke off", request, exc_info=error)
        run.cut("the response broke off", error=True)
