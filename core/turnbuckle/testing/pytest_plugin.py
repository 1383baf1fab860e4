"""Offer the in-memory client to pytest: the fixture ``turnbuckle_client``.

Loaded in every pytest run of an environment that has Turnbuckle, so it imports nothing of it before the fixture is
used. The fixture itself is synchronous and thus independent of who runs the loop; and entering a client stays in the
test, because lifespans want to be entered and left by one task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

import pytest

if TYPE_CHECKING:
    from turnbuckle.testing.client import Client

__all__ = ["ClientFactory", "turnbuckle_client"]

ClientFactory: TypeAlias = "Callable[..., Client]"
"""Takes what ``turnbuckle.testing.Client`` takes."""


@pytest.fixture
def turnbuckle_client() -> Iterator[ClientFactory]:
    """Make clients: ``async with turnbuckle_client(app) as client: await client.get("/")``.

    A client that is left open fails the test: its lifespans would never end.
    """
    from turnbuckle.testing.client import Client

    made: list[Client] = []

    def make(*args: object, **options: object) -> Client:
        client = Client(*args, **options)  # type: ignore[arg-type]  # Client itself says what it takes
        made.append(client)
        return client

    yield make
    still_open = sum(client.is_open for client in made)
    if still_open:
        pytest.fail(f"{still_open} of {len(made)} clients were left open: use 'async with turnbuckle_client(app)'")
