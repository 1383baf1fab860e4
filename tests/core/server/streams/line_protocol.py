r"""A protocol of lines, as the example of the hook ``provide_protocols``: by its preface, and by ALPN.

The client sends ``LINES/1\n`` and then one request a line, as ``GET /path`` or ``POST /path text``. A response is its
status and content on one line. All requests of a connection are served at the same time, and answered in any order, so
each line begins with the number of its request.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Sequence
from typing import cast

from turnbuckle import (
    Handler,
    Plugin,
    PluginInfo,
    ProtocolLink,
    ProtocolProvider,
    RequestHead,
    Setup,
    StreamRun,
    SwitchProtocols,
)

PREFACE = b"LINES/1\n"


class LineConnection(asyncio.Protocol):
    """One connection."""

    transport: asyncio.Transport

    def __init__(self, link: ProtocolLink) -> None:
        self.link = link
        self.received = b""
        self.number = 0
        self.has_begun = False
        self.channels: set[LineChannel] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.await_line()

    def await_line(self) -> None:
        self.link.set_deadline(self.link.clock.monotonic() + (self.link.timeouts.idle or math.inf))

    def data_received(self, data: bytes) -> None:
        *lines, self.received = (self.received + data).split(b"\n")
        if len(self.received) > self.link.limits.request_line:
            self.link.refused("the line is too long")
            self.transport.abort()
            return
        for line in lines:
            if self.has_begun:
                self.begin(line)
            self.has_begun = True
        self.await_line()

    def begin(self, line: bytes) -> None:
        method, _, rest = line.partition(b" ")
        target, has_content, content = rest.partition(b" ")
        self.number += 1
        channel = LineChannel(self, self.number)
        head = RequestHead(method, target, 1, [(b"host", b"lines.example")])
        run = channel.run = self.link.run(head, channel, has_content=bool(has_content))
        if has_content:
            run.content_received(content)
            run.content_ended()
        if self.link.is_draining:
            self.link.close_after_requests()

    def expire(self, now: float) -> None:
        self.link.close_after_requests()


class LineChannel:
    """One request of a connection."""

    is_writing_paused = False
    unsent_size = 0

    def __init__(self, connection: LineConnection, number: int) -> None:
        self.connection = connection
        self.number = number
        self.run: StreamRun | None = None
        self.response = b""

    def send_interim(self, status: int, fields: Sequence[tuple[bytes, bytes]]) -> bool:
        return True

    def send_head(self, status: int, fields: Sequence[tuple[bytes, bytes]], *, ends: bool) -> None:
        self.response = b"%d: %d " % (self.number, status)
        if ends:
            self.end()

    def send_data(self, data: bytes, *, ends: bool) -> None:
        self.response += data
        if ends:
            self.end()

    def send_trailers(self, fields: Sequence[tuple[bytes, bytes]]) -> None:
        self.end()

    def end(self) -> None:
        self.connection.transport.write(self.response + b"\n")

    def reset(self, reason: str, *, error: bool) -> None:
        self.connection.transport.write(b"%d: broken\n" % self.number)

    def content_consumed(self, size: int) -> None:
        pass

    def switch(self, response: SwitchProtocols) -> None:
        raise RuntimeError("lines have no tunnels")


class LinesPlugin(Plugin):
    """Serve requests as lines."""

    info = PluginInfo(name="lines")

    def provide_protocols(self, setup: Setup) -> Iterable[ProtocolProvider]:
        def factory(handler: Handler, setup: Setup) -> type[LineConnection]:
            return LineConnection

        return [ProtocolProvider(name="lines", factory=factory, alpn="lines/1", preface=PREFACE, version="LINES/1")]
