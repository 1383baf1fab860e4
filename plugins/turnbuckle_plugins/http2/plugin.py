"""The plugin ``http2``: a provider of the protocol for ALPN and for connections in the clear."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from turnbuckle import Limits, Plugin, PluginInfo, ProtocolLink, ProtocolProvider, Setup
from turnbuckle_plugins.http2.config import HTTP2Config
from turnbuckle_plugins.http2.connection import HTTP2Connection
from turnbuckle_plugins.http2.engine.engine import Engine
from turnbuckle_plugins.http2.engine.field_codec import DecoderFactory
from turnbuckle_plugins.http2.engine.frames import PREFACE
from turnbuckle_plugins.http2.engine.state import EngineSettings

__all__ = ["HTTP2Plugin"]

# RFC 7541, section 4.1: what a field counts beyond its name and value.
_FIELD_OVERHEAD: Final = 32

# The protocol of extended CONNECT that tunnels exist for (RFC 8441, section 5).
_WEBSOCKET: Final = "websocket"


@final
class HTTP2Plugin(Plugin[HTTP2Config]):
    """Serve HTTP/2."""

    info = PluginInfo(name="http2")

    def provide_protocols(self, setup: Setup[HTTP2Config]) -> list[ProtocolProvider]:
        """Return the protocol."""
        preface = PREFACE if setup.config.cleartext else b""
        return [ProtocolProvider(name="http2", factory=_serve, alpn="h2", preface=preface, version="HTTP/2")]


def _serve(handler: object, setup: Setup[HTTP2Config]) -> Callable[[ProtocolLink], HTTP2Connection]:
    config = setup.config
    decoder = _decoder_of(config.engine)

    def make(link: ProtocolLink) -> HTTP2Connection:
        settings = _engine_settings(config, link.limits, accepts_connect=_WEBSOCKET in link.upgrades)
        return HTTP2Connection(link, Engine(settings, decoder))

    return make


def _decoder_of(engine: str) -> DecoderFactory:
    # Each library is imported only if it is chosen.
    if engine == "zttp":
        try:
            from turnbuckle_plugins.http2.engine.zttp_decoder import ZttpDecoder
        except ModuleNotFoundError as error:
            error.add_note("why: the engine 'zttp' needs the package zttp, which is not installed")
            error.add_note("fix: pip install 'turnbuckle[zttp]', or write engine = \"hpack\"")
            raise
        return ZttpDecoder
    from turnbuckle_plugins.http2.engine.hpack_decoder import HpackDecoder

    return HpackDecoder


def _engine_settings(config: HTTP2Config, limits: Limits, *, accepts_connect: bool) -> EngineSettings:
    return EngineSettings(
        max_streams=config.max_streams,
        stream_window=config.stream_window,
        connection_window=config.connection_window,
        field_section=limits.header_section + _FIELD_OVERHEAD * limits.field_count,
        continuations=config.continuations,
        resets=config.resets,
        resets_rate=config.resets_rate,
        control_frames=config.control_frames,
        control_rate=config.control_rate,
        accepts_connect=accepts_connect,
    )
