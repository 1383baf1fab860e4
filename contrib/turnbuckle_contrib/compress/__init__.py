"""Compress the content of responses by the Accept-Encoding of the request (RFC 9110, section 12.5.3).

Content in memory is compressed as a whole, in a thread if it is large. A stream stays a stream: each of its pieces is
sent at once. ``plugin`` decides which responses are compressed, ``encoders`` has the codings, ``stream`` the streams.
"""

from __future__ import annotations

from turnbuckle_contrib.compress.plugin import CompressConfig, CompressPlugin

__all__ = ["CompressConfig", "CompressPlugin"]
