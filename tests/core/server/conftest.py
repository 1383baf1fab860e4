"""Check every change of a connection's state in the tests of the server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from turnbuckle.server.connection.base import BaseConnection
from turnbuckle.server.model.connection_state import TRANSITIONS, ConnectionState

_enter = BaseConnection._enter


def enter_checked(connection: BaseConnection, state: ConnectionState) -> None:
    """Enter a state that may follow the present one.

    Raises:
        AssertionError: it may not.
    """
    if state not in TRANSITIONS[connection.state]:
        raise AssertionError(f"no transition from {connection.state!r} to {state!r}")
    _enter(connection, state)


@pytest.fixture(scope="session", autouse=True)
def checked_transitions() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseConnection, "_enter", enter_checked)
        yield
