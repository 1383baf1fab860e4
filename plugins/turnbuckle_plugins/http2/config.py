"""The settings of the plugin, in the table ``[plugin.http2]``."""

from __future__ import annotations

from typing import Final, Literal

import attrs
from attrs.validators import ge, in_, le

__all__ = ["HTTP2Config"]

_DEFAULT_WINDOW: Final = 65535
_MAX_WINDOW: Final = 2**31 - 1
_MAX_OF_ZTTP: Final = 100


@attrs.frozen(kw_only=True)
class HTTP2Config:
    """Settings of the plugin.

    Attributes:
        engine: the library that decompresses the fields of requests: "hpack", written in Python, or "zttp", written in
            Zig, which takes a fraction of the time.
        cleartext: whether connections without TLS may use HTTP/2. Browsers never do; gRPC, proxies and tools do.
        max_streams: requests of one connection at a time; further ones are refused, and clients send them again. A
            request that its client has cancelled counts until its handler ends.
        stream_window: bytes of content of one request that may wait for its handler; at least 65535.
        connection_window: the same for all requests of a connection together.
        continuations: CONTINUATION frames of one field block; beyond it GOAWAY.
        resets: requests that a client may cancel in a burst, or make the server reset (which counts five times);
            beyond it GOAWAY.
        resets_rate: how many of them come back each second.
        control_frames: frames that serve no request, such as PING, SETTINGS and empty DATA, in a burst; beyond it
            GOAWAY.
        control_rate: how many of them come back each second.
    """

    engine: Literal["hpack", "zttp"] = attrs.field(default="hpack", validator=in_(("hpack", "zttp")))
    cleartext: bool = False
    max_streams: int = attrs.field(default=100, validator=[ge(1), le(_MAX_WINDOW)])
    stream_window: int = attrs.field(default=262144, validator=[ge(_DEFAULT_WINDOW), le(_MAX_WINDOW)])
    connection_window: int = attrs.field(default=1048576, validator=[ge(_DEFAULT_WINDOW), le(_MAX_WINDOW)])
    continuations: int = attrs.field(default=16, validator=ge(0))
    resets: int = attrs.field(default=500, validator=ge(1))
    resets_rate: int = attrs.field(default=50, validator=ge(0))
    control_frames: int = attrs.field(default=1000, validator=ge(1))
    control_rate: int = attrs.field(default=200, validator=ge(0))

    @max_streams.validator
    def _fits_the_engine(self, attribute: attrs.Attribute[int], value: int) -> None:
        if self.engine == "zttp" and value > _MAX_OF_ZTTP:
            raise ValueError(f"max_streams is at most {_MAX_OF_ZTTP} with the engine zttp, not {value!r}")
