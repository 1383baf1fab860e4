"""Contexts that supply values are left once, after the stream that uses them, however the stream ends."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest

from turnbuckle import NDJSON, App
from turnbuckle.testing import Client

EVENTS: list[str] = []


class _Session:
    """A session of a database."""


def _app() -> App:
    app = App()

    @app.supply
    async def session() -> AsyncIterator[_Session]:
        try:
            yield _Session()
        finally:
            EVENTS.append("left")

    async def rows() -> AsyncIterator[str]:
        try:
            while True:
                yield "x" * 100_000
        finally:
            for _ in range(10):
                # The last query is cancelled.
                await asyncio.sleep(0)
            EVENTS.append("rows closed")

    @app.get("/")
    async def stream(session: _Session) -> NDJSON:
        return NDJSON(rows())

    return app


async def test_context_is_left_after_a_stream_that_a_client_broke_off(caplog: pytest.LogCaptureFixture) -> None:
    EVENTS.clear()
    async with Client(_app()) as client:
        for _ in range(3):
            async with client.stream("GET", "/") as response:
                assert await anext(response.stream())
            await client.settle()
            # The iteration is not left to the collector, which would close the rows a second time.
            gc.collect()
            await asyncio.sleep(0)
    assert EVENTS == ["rows closed", "left"] * 3
    # A client must not be able to fill the log.
    assert not caplog.records
