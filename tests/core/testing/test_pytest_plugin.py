"""The pytest plugin, tested in a separate pytest run: its fixtures, and its cost for runs without them."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import turnbuckle.testing
from turnbuckle.server.model.application import Application
from turnbuckle.testing import Client

_APPLICATION = """
from turnbuckle.http.parser import H1ParserFactory
from turnbuckle.server.model.application import Application
from turnbuckle.web.response.response import Response

async def answer(request):
    return Response(request.path)

application = Application(handle=answer, parser_factory=H1ParserFactory())
"""

_USED = """
async def test_answers(turnbuckle_client):
    async with turnbuckle_client(application, base_url="http://somewhere") as client:
        response = await client.get("/here")
        assert (response.text, response.url) == ("/here", "http://somewhere/here")
"""

_LEFT_OPEN = """
async def test_forgets(turnbuckle_client):
    await turnbuckle_client(application).__aenter__()
"""


def _run_pytest(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(_APPLICATION + text)
    plugins = ["-p", "turnbuckle.testing.pytest_plugin", "-p", "pytest_asyncio.plugin", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-q", *plugins, "-o", "asyncio_mode=auto", str(folder)]
    # Loading every installed plugin takes longer than the test.
    environ = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder, env=environ, check=False)


def test_plugin_is_registered_with_pytest() -> None:
    (entry,) = entry_points(group="pytest11", name="turnbuckle")

    assert entry.value == "turnbuckle.testing.pytest_plugin"


def test_fixture_makes_clients(tmp_path: Path) -> None:
    done = _run_pytest(tmp_path, _USED)

    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout


def test_fixture_fails_a_test_that_leaves_a_client_open(tmp_path: Path) -> None:
    done = _run_pytest(tmp_path, _LEFT_OPEN)

    assert done.returncode == 1
    assert "1 of 1 clients were left open" in done.stdout


def test_plugin_imports_nothing_before_it_is_used() -> None:
    code = (
        "import sys, turnbuckle.testing.pytest_plugin;"
        "print(sorted(name for name in sys.modules if name.startswith('turnbuckle')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert ast.literal_eval(done.stdout) == [
        "turnbuckle",
        "turnbuckle._lazy",
        "turnbuckle._version",
        "turnbuckle.testing",
        "turnbuckle.testing.pytest_plugin",
    ]


async def test_fixture_makes_clients_here(
    turnbuckle_client: Callable[..., Client], make_application: Callable[..., Application]
) -> None:
    async with turnbuckle_client(make_application()) as client:
        assert (await client.get("/")).status == 200


def test_names_of_the_package_are_found_and_no_others() -> None:
    assert set(turnbuckle.testing.__all__) <= set(dir(turnbuckle.testing))
    for name in turnbuckle.testing.__all__:
        assert getattr(turnbuckle.testing, name).__name__ == name
    with pytest.raises(AttributeError, match="Nothing"):
        _ = turnbuckle.testing.Nothing
