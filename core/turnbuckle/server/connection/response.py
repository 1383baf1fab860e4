"""Answer one request: call the application, and write its response to the transport.

A response whose body is complete is sent in one write. A streamed body is sent piece by piece, no faster than the peer
reads it. If it cannot be completed as announced, the connection is cut off, so that the peer can tell.

Sources: RFC 9110, sections 6.4.1 and 8.6; RFC 9112, sections 6.3, 8 and 9.6.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from typing import Final, Protocol

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.errors import ConnectionLost, ContentTooLarge, ProtocolError
from turnbuckle.http.serializer import (
    BodyFraming,
    BodyWriter,
    Field,
    announced_length,
    choose_framing,
    chunked_response,
    common_response,
    connection_line,
    content_size,
    error_response,
    framing_line,
    full_response,
    response_head,
    wants_close,
)
from turnbuckle.server.connection.file_response import FileSink, send_file
from turnbuckle.server.connection.upgrade import UpgradableConnection, switch_protocols
from turnbuckle.server.model.connection_state import ConnectionState
from turnbuckle.web.conditional.selection import selected_response, selected_stream
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.file_body import FileBody
from turnbuckle.web.response.response import Response
from turnbuckle.web.response.trailers import Trailers, read_trailers, takes_trailers
from turnbuckle.web.response.upgrade import SwitchProtocols

__all__ = ["ResponseSink", "close_body", "respond", "whole_body"]

_HANDLING: Final = ConnectionState.HANDLING

# Bytes of a streamed body that are written before other connections get a turn.
_MAX_IN_A_TURN: Final = 256 * 1024

_FRAMED: Final = frozenset({BodyFraming.LENGTH, BodyFraming.CHUNKED})

_EVENT_STREAM: Final = "text/event-stream"

_log: Final = SafeLogger("turnbuckle.server")


class ResponseSink(UpgradableConnection, FileSink, Protocol):
    """The connection that a response is written to."""

    @property
    def state(self) -> ConnectionState:
        """What the connection waits for; read directly by ``respond``, because a property costs a call."""

    @property
    def is_last(self) -> bool:
        """Whether the response is the last one."""

    @property
    def is_handling(self) -> bool:
        """Whether a response is due and nothing of it was sent."""

    def begin_sending(self, head: bytes, *, is_endless: bool, is_event_stream: bool = False) -> None:
        """Send the head of a streamed response.

        Args:
            head: the head.
            is_endless: whether the length of the response is not announced.
            is_event_stream: whether the response consists of server-sent events.
        """

    def cut(self) -> None:
        """Abort the transport, so that the peer can tell that data is missing."""


async def respond(connection: ResponseSink, request: Request) -> None:
    """Answer ``request`` on ``connection``, and let the connection continue."""
    try:
        response = await connection.server.application.handle(request)
        for name in request.vary:
            response.headers.add_vary(name)
        body = response.body
        if connection.state != _HANDLING:
            # The peer is gone, or a deadline has answered for the handler.
            _log_unanswered(connection)
            await close_body(body)
        elif not isinstance(body, bytes):
            await _send_selected(connection, request, response, body)
        elif isinstance(response, SwitchProtocols):
            switch_protocols(connection, request, response)
        else:
            _send_whole(connection, request, response, body)
    except asyncio.CancelledError:
        # If the server cancelled the handler, it has closed the connection; a handler may also cancel itself.
        _give_up(connection)
        raise
    except ProtocolError as error:
        connection.exchange.refuse(error.status, str(error))
    except (GeneratorExit, KeyboardInterrupt):
        # Not caught here. But if a handler raised it, the loop goes on running, and a client is waiting.
        if connection.server.loop.is_running():
            _give_up(connection)
        raise
    except BaseException:  # noqa: BLE001  # every connection gets an end, and sys.exit() must not stop the server
        _log.exception("answering %s failed", request)
        _give_up(connection)


def _give_up(connection: ResponseSink) -> None:
    """End a connection whose request will not be answered, unless it has ended."""
    if connection.is_handling:
        connection.exchange.refuse(500, "the handler ended without a response")
    elif connection.is_sending:
        # Part of a response is sent: the client would take a second one for the answer to its next request.
        connection.cut()
    else:
        _log_unanswered(connection)


def _log_unanswered(connection: ResponseSink) -> None:
    access = connection.server.access
    if access is not None:
        access.ended(connection.exchange, 0, 0, complete=False)


def _send_whole(connection: ResponseSink, request: Request, response: Response, body: bytes) -> None:
    exchange = connection.exchange
    head = exchange.head
    content = exchange.content
    server = connection.server
    if content is not None and content.error is not None:
        exchange.refuse(content.error.status, str(content.error))
        return
    status = response.status
    # ``_must_close`` without a look at the fields: a response with a Connection field is not a common one.
    close = (
        not head.keep_alive
        or connection.is_last
        or (content is not None and not content.may_be_dropped(connection.timeouts.drain_content))
    )
    own_lines = server.date_line
    if close or not head.minor_version:
        own_lines += connection_line(head.minor_version, close)
    try:
        fields = response.fields()
        data = common_response(status, fields, body, own_lines, head.method)
        if data is None:
            # A field or the method makes it no common response, as the fields do that preconditions need.
            response = selected_response(request, response)
            status, fields, body = response.status, response.fields(), whole_body(response)
            close = _must_close(connection, fields)
            own_lines = server.date_line + connection_line(head.minor_version, close)
            if _sends_trailers(request, response, len(body)):
                data = chunked_response(status, fields, body, own_lines, read_trailers(response.trailers or ()))
            else:
                fields = _without_trailer(response, fields)
                data = full_response(status, fields, body, own_lines, head.method)
    except (TypeError, ValueError):
        data, close, status = _replace(connection, request), True, 500
    connection.transport.write(data)
    if server.access is not None:
        server.access.ended(exchange, status, content_size(data))
    connection.end_response(close)


def _sends_trailers(request: Request, response: Response, length: int | None) -> bool:
    """Return whether trailers follow the content, given its length, or None if it has no known length."""
    head = request.head
    if response.trailers is None or announced_length(response.fields()) is not None:
        return False
    has_content = choose_framing(head.method, head.minor_version, response.status, length) in _FRAMED
    return has_content and head.minor_version > 0 and takes_trailers(request.headers)


def _without_trailer(response: Response, fields: list[Field]) -> list[Field]:
    """Return the fields without the announcement of trailers that are not sent."""
    return fields if response.trailers is None else [field for field in fields if field[0].lower() != "trailer"]


def whole_body(response: Response) -> bytes:
    """Return the body of a response that has a complete one.

    Raises:
        TypeError: it is a stream.
    """
    body = response.body
    if not isinstance(body, bytes):
        raise TypeError(f"the body of {response!r} is no longer bytes")
    return body


def _replace(connection: ResponseSink, request: Request) -> bytes:
    """Return the error response that replaces a response that cannot be sent."""
    _log.exception("the response to %s cannot be sent", request)
    return error_response(500, date_line=connection.server.date_line, method=connection.exchange.head.method)


def _must_close(connection: ResponseSink, fields: list[Field]) -> bool:
    exchange = connection.exchange
    content = exchange.content
    return (
        not exchange.head.keep_alive
        or connection.is_last
        or (content is not None and not content.may_be_dropped(connection.timeouts.drain_content))
        or wants_close(fields)
    )


async def _send_selected(
    connection: ResponseSink, request: Request, response: Response, body: AsyncIterable[bytes | str]
) -> None:
    """Send a stream, or what its preconditions and ranges leave of it."""
    try:
        selected, content = await selected_stream(request, response)
    except Exception:  # noqa: BLE001  # the file is gone, or a field of the application is malformed
        await close_body(body)
        if connection.state == _HANDLING:
            _send_replacement(connection, request)
            connection.end_response(close=True)
        return
    if content is not body:
        await close_body(body)
    if connection.state != _HANDLING:
        # The peer went away while the file was opened.
        _log_unanswered(connection)
        await close_body(content)
    elif isinstance(content, bytes):
        _send_whole(connection, request, selected, content)
    else:
        await _send_stream(connection, request, selected, content)


async def _send_stream(
    connection: ResponseSink, request: Request, response: Response, body: AsyncIterable[bytes | str]
) -> None:
    writer: BodyWriter | None = None
    is_complete = False
    try:
        has_trailers = response.trailers is not None and _sends_trailers(request, response, None)
        writer, close = _start_stream(connection, response, body, has_trailers=has_trailers)
        connection.server.response_work.note_answered(asyncio.current_task())
        await _send_pieces(connection, writer, body, response.trailers if has_trailers else None)
        is_complete = True
    except Exception as error:  # noqa: BLE001  # an application's iterator may raise anything
        if writer is None:
            _send_replacement(connection, request)
            connection.end_response(close=True)
        else:
            _break_off(connection, request, error)
        return
    finally:
        access = connection.server.access
        if access is not None and writer is not None:
            access.ended(connection.exchange, response.status, writer.written, complete=is_complete)
        await close_body(body)
    if connection.is_sending:
        # The connection may have ended while the body was being closed.
        connection.end_response(close)


def _break_off(connection: ResponseSink, request: Request, error: Exception) -> None:
    """Cut off a connection with an incomplete response: only that informs the peer (RFC 9112, section 8)."""
    if isinstance(error, ConnectionLost | ContentTooLarge | ProtocolError):
        # Caused by the peer, which must not be able to fill the log with tracebacks.
        _log.debug("the response to %s broke off: %s", request, error)
    else:
        _log.error("the response to %s broke off", request, exc_info=error)
    connection.cut()


def _send_replacement(connection: ResponseSink, request: Request) -> None:
    data = _replace(connection, request)
    connection.transport.write(data)
    access = connection.server.access
    if access is not None:
        access.ended(connection.exchange, 500, content_size(data))


def _start_stream(
    connection: ResponseSink, response: Response, body: object, *, has_trailers: bool
) -> tuple[BodyWriter, bool]:
    if not isinstance(body, AsyncIterable):
        raise TypeError(f"the body of {response!r} was set to {body!r:.80}, which cannot be sent")
    head = connection.exchange.head
    fields = response.fields()
    if not has_trailers:
        fields = _without_trailer(response, fields)
    length = announced_length(fields)
    framing = choose_framing(head.method, head.minor_version, response.status, length)
    close = framing is BodyFraming.UNTIL_CLOSE or _must_close(connection, fields)
    head_bytes = response_head(
        response.status,
        fields,
        framing_line(framing, head.method, response.status, length),
        connection.server.date_line + connection_line(head.minor_version, close),
    )
    is_event_stream = (response.content_type or "").startswith(_EVENT_STREAM)
    connection.begin_sending(head_bytes, is_endless=length is None, is_event_stream=is_event_stream)
    return BodyWriter(framing, length), close


async def _send_pieces(
    connection: ResponseSink,
    writer: BodyWriter,
    body: AsyncIterable[bytes | str],
    trailers: Trailers | None,
) -> None:
    if writer.framing is BodyFraming.NONE:
        return
    if isinstance(body, FileBody) and await send_file(connection, writer, body):
        writer.end()
        return
    # Not writelines: from Python 3.12 on, asyncio's never pauses writing, and registers a socket that was closed.
    write = connection.transport.write
    in_this_turn = 0
    async for piece in body:
        data = writer.write(piece.encode("utf-8", "replace") if isinstance(piece, str) else piece)
        if connection.is_writing_paused or not connection.is_sending:
            await connection.flush()
        if data:
            write(data)
        in_this_turn += len(data)
        if in_this_turn >= _MAX_IN_A_TURN:
            # A body that never waits must not occupy the loop while the kernel accepts its data.
            in_this_turn = 0
            await asyncio.sleep(0)
    end = writer.end(() if trailers is None else read_trailers(trailers))
    await connection.flush()
    if end:
        write(end)


async def close_body(body: object) -> None:
    """Close an async generator, so that its ``finally`` blocks run; errors in them do not change the response."""
    close = getattr(body, "aclose", None)
    if close is None:
        return
    try:
        await close()
    except Exception:  # noqa: BLE001  # an application's iterator may raise anything
        _log.exception("closing the body of a response failed")
