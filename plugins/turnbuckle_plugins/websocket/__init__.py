"""WebSocket on HTTP/1.1 connections and on streams of HTTP/2 (RFC 6455, 7692 and 8441).

``config`` has the settings, ``plugin`` the hooks, ``handshake`` checks requests and negotiates compression, ``frames``
reads and writes the frames of nearly all messages, ``engine`` reads all other frames with the library websockets, and
``connection`` is the protocol of one connection, with its deadlines. Handlers see nothing of it: they have a
``turnbuckle.WebSocket``.

Needs the extra ``websocket``: ``pip install 'turnbuckle[websocket]'``.
"""

from __future__ import annotations

from turnbuckle_plugins.websocket.config import WebSocketConfig
from turnbuckle_plugins.websocket.plugin import WebSocketPlugin

__all__ = ["WebSocketConfig", "WebSocketPlugin"]
