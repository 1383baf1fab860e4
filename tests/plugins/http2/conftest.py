"""Fixtures of the tests of HTTP/2."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest

from tests.plugins.http2.serving import ENGINES, Served, serving


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The name of each engine of HTTP/2 that is installed."""
    name: str = request.param
    return name


@pytest.fixture
async def served(engine: str, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Served]:
    """The app, and a connection after the exchange of prefaces; the log has every level."""
    caplog.set_level(logging.DEBUG, logger="turnbuckle.server")
    async with serving(engine) as target:
        await target.peer.start()
        yield target
