"""One server for each parser: whatever reads the bytes, the verdict is the same."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.security.serving import PARSERS, Target, application
from turnbuckle.testing import Client


@pytest.fixture(params=PARSERS)
async def target(request: pytest.FixtureRequest) -> AsyncIterator[Target]:
    """Serve with one parser after the other."""
    async with Client(application(request.param)) as client:
        yield Target(client)
