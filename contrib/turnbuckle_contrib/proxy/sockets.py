"""Pass the messages of a WebSocket on, in both directions, until one side closes it."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import aiohttp

from turnbuckle import HTTPError, Response, WebSocket, WebSocketClosed
from turnbuckle_contrib.proxy.config import ProxyConfig
from turnbuckle_contrib.proxy.fields import request_fields
from turnbuckle_contrib.proxy.forward import Forwarder, url_of
from turnbuckle_contrib.proxy.upstreams import target_of

__all__ = ["forward_socket"]

_log: Final = logging.getLogger("turnbuckle.proxy")

_GOING_AWAY: Final = 1001
_BAD_GATEWAY: Final = 1014
# RFC 6455, section 7.4.1: codes that stand for the absence of a code, and are not sent.
_NOT_SENT: Final = {1005: 1000, 1006: _BAD_GATEWAY, 1015: _BAD_GATEWAY}
_MAX_REASON: Final = 123


async def forward_socket(forwarder: Forwarder, socket: WebSocket, session: aiohttp.ClientSession) -> Response | None:
    """Connect a WebSocket with an upstream.

    Returns:
        The refusal of the upstream; None once the WebSocket is closed.

    Raises:
        HTTPError: 502, the upstream cannot be reached; 504, it takes too long.
    """
    config = forwarder.config
    upstream_socket = await _connect(forwarder, socket, session)
    if isinstance(upstream_socket, Response):
        return upstream_socket
    async with upstream_socket:
        await socket.accept(upstream_socket.protocol)
        up = asyncio.ensure_future(_send_up(socket, upstream_socket))
        down = asyncio.ensure_future(_send_down(socket, upstream_socket))
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            up.cancel()
            down.cancel()
            await asyncio.gather(up, down, return_exceptions=True)
        await _close_both(socket, upstream_socket, config)
    return None


async def _connect(
    forwarder: Forwarder, socket: WebSocket, session: aiohttp.ClientSession
) -> aiohttp.ClientWebSocketResponse | Response:
    config, request = forwarder.config, socket.request
    target = target_of(request, forwarder.prefix, is_stripped=config.strip_prefix)
    fields = request_fields(request, forwarded=config.forwarded, prefix=target.prefix, is_websocket=True)
    upstream = forwarder.upstreams.choose()
    host = request.host if config.preserve_host and request.host else upstream.authority
    try:
        async with asyncio.timeout(config.response_timeout):
            return await session.ws_connect(
                url_of(upstream, target),
                headers=[("Host", host), *fields],
                protocols=socket.subprotocols,
                max_msg_size=config.max_message,
                autoping=True,
            )
    except aiohttp.WSServerHandshakeError as error:
        # The content of the refusal is not available.
        if 400 <= error.status <= 499:
            return Response(b"", error.status)
        _log.warning("upstream %s refused a WebSocket: %r", upstream.origin, error)
        raise HTTPError(502) from error
    except (aiohttp.ClientError, OSError) as error:
        _log.warning("upstream %s did not answer %s: %r", upstream.origin, request, error)
        if isinstance(error, aiohttp.ClientConnectorError):
            forwarder.upstreams.failed(upstream)
        raise HTTPError(504 if isinstance(error, TimeoutError) else 502) from error


async def _send_up(socket: WebSocket, upstream_socket: aiohttp.ClientWebSocketResponse) -> None:
    async for message in socket:
        if isinstance(message, str):
            await upstream_socket.send_str(message)
        else:
            await upstream_socket.send_bytes(message)


async def _send_down(socket: WebSocket, upstream_socket: aiohttp.ClientWebSocketResponse) -> None:
    async for message in upstream_socket:
        if message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
            await socket.send(message.data)


async def _close_both(socket: WebSocket, upstream_socket: aiohttp.ClientWebSocketResponse, config: ProxyConfig) -> None:
    """Close the other side with the code of the side that has closed."""
    if socket.closed is not None:
        code = _NOT_SENT.get(socket.closed.code, socket.closed.code)
        if socket.closed.code == 1006:
            code = _GOING_AWAY
        await upstream_socket.close(code=code, message=socket.closed.reason.encode()[:_MAX_REASON])
        return
    code = upstream_socket.close_code or 1006
    try:
        await socket.close(_NOT_SENT.get(code, code))
    except (ValueError, WebSocketClosed):
        await socket.close(_BAD_GATEWAY)
