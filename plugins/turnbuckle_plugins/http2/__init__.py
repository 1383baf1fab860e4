"""HTTP/2 for Turnbuckle: over TLS by ALPN, and in the clear for clients that know it (RFC 9113).

Needs the extra ``http2``: ``pip install 'turnbuckle[http2]'``.
"""

from __future__ import annotations

from turnbuckle_plugins.http2.config import HTTP2Config
from turnbuckle_plugins.http2.plugin import HTTP2Plugin

__all__ = ["HTTP2Config", "HTTP2Plugin"]
