"""WebSocket on HTTP/1.1 connections and on streams of HTTP/2 (RFC 6455, 7692 and 8441).

``config`` has the settings, ``plugin`` the hooks, ``handshake`` checks requests and negotiates compression, ``frames``
and ``frame_reader`` read and write the frames of nearly all messages, ``engine`` reads all other frames with the
library websockets, and ``connection`` is the protocol of one connection, with its deadlines. Handlers see nothing of
it: they have a ``turnbuckle.WebSocket``.

Why the library websockets: for one message of 1 KiB, received and sent, its part without I/O takes 14 us, and wsproto
50 us, because that masks in Python (Python 3.11). Reading the header of a whole, uncompressed message here, with the
library's function for masking, takes 2 us.

Needs the extra ``websocket``: ``pip install 'turnbuckle[websocket]'``.
"""

from __future__ import annotations

from turnbuckle_plugins.websocket.config import WebSocketConfig
from turnbuckle_plugins.websocket.plugin import WebSocketPlugin

__all__ = ["WebSocketConfig", "WebSocketPlugin"]
