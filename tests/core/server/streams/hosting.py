"""Run a handler in a ``HostedApplication``, with a fake clock and channels in memory: the base of the tests of runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs

from tests.core.server.streams.recording_channel import RecordingChannel, head
from turnbuckle import HostedApplication, Peer, StreamRun
from turnbuckle.http.limits import Limits
from turnbuckle.http.parser import H1ParserFactory
from turnbuckle.server.model.application import Application
from turnbuckle.server.model.capacity import Capacity
from turnbuckle.server.model.timeouts import Timeouts
from turnbuckle.testing.transport.activity import turns
from turnbuckle.testing.transport.fake_clock import FakeClock
from turnbuckle.web.types import Handler

_TURNS = 40


@attrs.frozen
class Hosted:
    """A started application, and its clock."""

    host: HostedApplication
    clock: FakeClock

    async def begin(
        self,
        method: str = "GET",
        target: str = "/",
        *fields: tuple[bytes, bytes],
        has_content: bool = False,
        window: int | None = None,
        has_tunnels: bool = False,
        **options: Any,
    ) -> tuple[StreamRun, RecordingChannel]:
        """Begin a request; return its run and its channel once nothing more happens."""
        channel = RecordingChannel(window=window, has_tunnels=has_tunnels)
        peer = Peer(("192.0.2.1", 4000), ("192.0.2.9", 80), protocol="HTTP/2")
        run = self.host.run(head(method, target, *fields, **options), peer, channel, has_content=has_content)
        await self.settle()
        return run, channel

    async def post(self, content: bytes, *fields: tuple[bytes, bytes]) -> tuple[StreamRun, RecordingChannel]:
        """Send a request with content."""
        run, channel = await self.begin("POST", "/", *fields, has_content=True)
        run.content_received(content)
        run.content_ended()
        await self.settle()
        return run, channel

    async def until_done(self, run: StreamRun) -> None:
        """Wait for a run that uses threads."""
        async with asyncio.timeout(5):
            while not run.is_done:  # noqa: ASYNC110  # there is no event for it
                await asyncio.sleep(0.001)

    async def settle(self) -> None:
        """Wait until nothing more happens."""
        await turns(_TURNS)

    async def advance(self, seconds: float) -> None:
        """Advance the clock."""
        await self.clock.advance(seconds)
        await self.settle()


@asynccontextmanager
async def hosting(
    handle: Handler,
    *,
    limits: Limits | None = None,
    timeouts: Timeouts | None = None,
    capacity: Capacity | None = None,
    sends_date: bool = True,
    **options: Any,
) -> AsyncIterator[Hosted]:
    """Host ``handle``."""
    application = Application(
        handle=handle,
        parser_factory=H1ParserFactory(),
        limits=limits or Limits(),
        timeouts=timeouts or Timeouts(),
        capacity=capacity or Capacity(),
        **options,
    )
    clock = FakeClock()
    host = HostedApplication(application, clock=clock, sends_date=sends_date)
    await host.start()
    try:
        yield Hosted(host, clock)
    finally:
        host.abort()
        await host.stop()
