"""Type checkers know what a resource is, and find a key that is used for something else."""

from __future__ import annotations

from pathlib import Path

from tests.type_checking import run_mypy

_RIGHT = """\
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, assert_type

from turnbuckle import App, Lifespan, Request, ResourceKey, Setup


class Store:
    pass


STORE: Final = ResourceKey("store", Store)
ANNOTATED: ResourceKey[Store] = ResourceKey("annotated", Store)


@asynccontextmanager
async def opened(setup: Setup) -> AsyncIterator[Store]:
    setup.background(sweep, on_failure="stop")
    yield Store()


async def sweep() -> None:
    pass


async def home(request: Request, setup: Setup) -> None:
    assert_type(request.resource(STORE), Store)
    assert_type(setup.resource(ANNOTATED), Store)


Lifespan("store", opened, provides=STORE, needs=[ANNOTATED])
App().lifespan(Lifespan("store", opened))
"""
_WRONG = """\
    text: str = request.resource(STORE)
    request.resource("store")
    setup.background(home)
    setup.background(sweep, on_failure="retry")
"""


def test_types_of_resources(tmp_path: Path) -> None:
    marker = "    assert_type(setup.resource(ANNOTATED), Store)\n"
    (tmp_path / "right.py").write_text(_RIGHT)
    (tmp_path / "wrong.py").write_text(_RIGHT.replace(marker, marker + _WRONG))
    output = run_mypy(tmp_path, "--strict", "--config-file=", "--no-error-summary", ".").stdout
    found = [line.split(":", 2)[:2] for line in output.splitlines() if " error: " in line]
    first = _RIGHT[: _RIGHT.index(marker)].count("\n") + 2
    assert found == [["wrong.py", str(first + number)] for number in range(4)], output
