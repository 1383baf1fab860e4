"""Answer one request: call the application, and put its response on the wire.

A response that is all there leaves in one write. One whose body is made while it is sent leaves piece by piece, no
faster than the peer takes it; when it cannot be completed as announced, the connection is cut, so that the peer can
tell.

Sources: RFC 9110, sections 6.4.1 and 8.6; RFC 9112, sections 6.3, 8 and 9.6.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from typing import TYPE_CHECKING, Final

from turnbuckle._safe_logger import SafeLogger
from turnbuckle.errors import ConnectionLost, ContentTooLarge, ProtocolError
from turnbuckle.http.serializer import (
    BodyFraming,
    BodyWriter,
    Field,
    announced_length,
    choose_framing,
    connection_line,
    content_size,
    error_response,
    framing_line,
    full_response,
    response_head,
    wants_close,
)
from turnbuckle.server.connection.upgrade import switch_protocols
from turnbuckle.server.model.connection_state import ConnectionState
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.response.upgrade import SwitchProtocols

if TYPE_CHECKING:
    from turnbuckle.server.connection.connection import HTTPConnection

__all__ = ["respond"]

_HANDLING: Final = ConnectionState.HANDLING

# Octets of a streamed body that are written before other connections have their turn.
_MAX_IN_A_TURN: Final = 256 * 1024

_log: Final = SafeLogger("turnbuckle.server")


async def respond(connection: HTTPConnection, request: Request) -> None:
    """Answer ``request`` on ``connection``, and let the connection go on to what follows."""
    try:
        response = await connection.server.application.handle(request)
        body = response.body
        if connection.state != _HANDLING:
            # The peer is gone, or a deadline has answered for the handler.
            _log_unanswered(connection)
            await _close_body(body)
        elif not isinstance(body, bytes):
            await _send_stream(connection, request, response, body)
        elif isinstance(response, SwitchProtocols):
            switch_protocols(connection, request, response)
        else:
            _send_whole(connection, request, response, body)
    except asyncio.CancelledError:
        # Somebody who wanted the handler to end has seen to the connection; a handler may also cancel itself.
        _give_up(connection)
        raise
    except ProtocolError as error:
        connection.refuse(error.status, str(error))
    except (GeneratorExit, KeyboardInterrupt):
        # Not ours to stop; but what a handler raised leaves a loop that runs, and a client that waits.
        if connection.server.loop.is_running():
            _give_up(connection)
        raise
    except BaseException:  # noqa: BLE001  # no connection is left without an end, and sys.exit() ends no server
        _log.exception("answering %s failed", request)
        _give_up(connection)


def _give_up(connection: HTTPConnection) -> None:
    """End a connection whose request will not be answered, unless that is done."""
    if connection.is_handling:
        connection.refuse(500, "the handler ended without a response")
    elif connection.is_sending:
        # Something of a response is out: a second one would be taken for the answer to another request.
        connection.cut()
    else:
        _log_unanswered(connection)


def _log_unanswered(connection: HTTPConnection) -> None:
    access = connection.server.access
    if access is not None:
        access.ended(connection, 0, 0, complete=False)


def _send_whole(connection: HTTPConnection, request: Request, response: Response, body: bytes) -> None:
    head = connection.head
    content = connection.content
    shared = connection.server
    if content is not None and content.error is not None:
        connection.refuse(content.error.status, str(content.error))
        return
    status = response.status
    try:
        fields = response.fields()
        close = _must_close(connection, fields)
        own_lines = shared.date_line
        if close or not head.minor_version:
            own_lines += connection_line(head.minor_version, close)
        data = full_response(status, fields, body, own_lines, head.method)
    except (TypeError, ValueError):
        data, close, status = _replace(connection, request), True, 500
    connection.transport.write(data)
    if shared.access is not None:
        shared.access.ended(connection, status, content_size(data))
    connection.end_response(close)


def _replace(connection: HTTPConnection, request: Request) -> bytes:
    """Return the answer that takes the place of a response that cannot be sent."""
    _log.exception("the response to %s cannot be sent", request)
    return error_response(500, date_line=connection.server.date_line, method=connection.head.method)


def _must_close(connection: HTTPConnection, fields: list[Field]) -> bool:
    content = connection.content
    return (
        not connection.head.keep_alive
        or connection.is_last
        or (content is not None and not content.may_be_dropped(connection.timeouts.drain_content))
        or wants_close(fields)
    )


async def _send_stream(
    connection: HTTPConnection, request: Request, response: Response, body: AsyncIterable[bytes | str]
) -> None:
    writer: BodyWriter | None = None
    is_complete = False
    try:
        writer, close = _start_stream(connection, response, body)
        await _send_pieces(connection, writer, body)
        is_complete = True
    except Exception as error:  # noqa: BLE001  # whatever the application's iterator raises
        if writer is None:
            _send_replacement(connection, request)
            connection.end_response(close=True)
        else:
            _break_off(connection, request, error)
        return
    finally:
        access = connection.server.access
        if access is not None and writer is not None:
            access.ended(connection, response.status, writer.written, complete=is_complete)
        await _close_body(body)
    connection.end_response(close)


def _break_off(connection: HTTPConnection, request: Request, error: Exception) -> None:
    """Cut a connection on which half a response is out: only that tells the peer so (RFC 9112, section 8)."""
    if isinstance(error, ConnectionLost | ContentTooLarge | ProtocolError):
        # The peer's doing: it must not be able to fill the log with tracebacks.
        _log.debug("the response to %s broke off: %s", request, error)
    else:
        _log.error("the response to %s broke off", request, exc_info=error)
    connection.cut()


def _send_replacement(connection: HTTPConnection, request: Request) -> None:
    data = _replace(connection, request)
    connection.transport.write(data)
    access = connection.server.access
    if access is not None:
        access.ended(connection, 500, content_size(data))


def _start_stream(connection: HTTPConnection, response: Response, body: object) -> tuple[BodyWriter, bool]:
    if not isinstance(body, AsyncIterable):
        raise TypeError(f"the body of {response!r} was set to {body!r:.80}, which cannot be sent")
    head = connection.head
    fields = response.fields()
    length = announced_length(fields)
    framing = choose_framing(head.method, head.minor_version, response.status, length)
    close = framing is BodyFraming.UNTIL_CLOSE or _must_close(connection, fields)
    octets = response_head(
        response.status,
        fields,
        framing_line(framing, head.method, response.status, length),
        connection.server.date_line + connection_line(head.minor_version, close),
    )
    connection.begin_sending(octets)
    return BodyWriter(framing, length), close


async def _send_pieces(connection: HTTPConnection, writer: BodyWriter, body: AsyncIterable[bytes | str]) -> None:
    if writer.framing is BodyFraming.NONE:
        return
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
                # A body that never waits must not hold the loop for as long as the kernel takes what it makes.
                in_this_turn = 0
                await asyncio.sleep(0)
    end = writer.end()
    await connection.flush()
    if end:
        write(end)


async def _close_body(body: object) -> None:
    """Let a generator that will not be asked for more run its ``finally``; what that raises changes no response."""
    close = getattr(body, "aclose", None)
    if close is None:
        return
    try:
        await close()
    except Exception:  # noqa: BLE001  # whatever the application's iterator raises
        _log.exception("closing the body of a response failed")
