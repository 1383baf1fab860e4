"""Provide the pytest fixtures ``turnbuckle_client``, ``plan_snapshot`` and ``turnbuckle_project``.

pytest loads this module in every run in an environment with Turnbuckle, so it imports Turnbuckle only when a fixture is
used. ``turnbuckle_client`` is synchronous and therefore independent of the plugin that runs the loop. The test itself
enters the client, because one task must enter and leave the lifespans.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, TypeAlias

import pytest

_NOT_IN_NAMES: Final = re.compile(r"[^\w.-]+")

if TYPE_CHECKING:
    from pathlib import Path

    from turnbuckle.testing.client.client import Client
    from turnbuckle.testing.project import Project
    from turnbuckle.testing.snapshots import PlanSnapshot

__all__ = ["ClientFactory", "plan_snapshot", "pytest_addoption", "turnbuckle_client", "turnbuckle_project"]

ClientFactory: TypeAlias = "Callable[..., Client]"
"""Takes the arguments of ``turnbuckle.testing.Client``."""


@pytest.fixture
def turnbuckle_client() -> Iterator[ClientFactory]:
    """Make clients: ``async with turnbuckle_client(app) as client: await client.get("/")``.

    A client that is left open fails the test, because its lifespans would never end.
    """
    from turnbuckle.testing.client.client import Client

    made: list[Client] = []

    def make(*args: object, **options: object) -> Client:
        client = Client(*args, **options)  # type: ignore[arg-type]  # Client checks its arguments
        made.append(client)
        return client

    yield make
    still_open = sum(client.is_open for client in made)
    if still_open:
        pytest.fail(f"{still_open} of {len(made)} clients were left open: use 'async with turnbuckle_client(app)'")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--update-plans``."""
    parser.getgroup("turnbuckle").addoption(
        "--update-plans", action="store_true", help="write the plans that plan_snapshot compares with"
    )


@pytest.fixture
def plan_snapshot(request: pytest.FixtureRequest) -> PlanSnapshot:
    """Compare the composition of an app with a file: ``plan_snapshot(app)``.

    The files are in the folder ``plans`` beside the test; ``--update-plans`` writes them.
    """
    from turnbuckle.testing.snapshots import PlanSnapshot

    name = _NOT_IN_NAMES.sub("-", request.node.name).strip("-")
    is_updating = bool(request.config.getoption("--update-plans"))
    return PlanSnapshot(request.path.parent, name, is_updating=is_updating)


@pytest.fixture
def turnbuckle_project(tmp_path: Path) -> Project:
    """Return an empty project: ``write({...})`` writes its files, and ``run("check", "main:app")`` runs a command."""
    from turnbuckle.testing.project import Project

    return Project(tmp_path)
