"""A separate environment, in which pip has installed a third-party distribution."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

import attrs
import pytest

from tests.processes import unmeasured_environ

_DISTRIBUTION: Final = Path(__file__).parent / "distribution"
_QUICK: Final = ("--quiet", "--disable-pip-version-check", "--no-deps", "--no-index", "--no-build-isolation")
_APP: Final = """\
import sys
from turnbuckle import App, Request

app = App("shop")


@app.get("/imported")
async def imported(request: Request) -> list[str]:
    return [name for name in sys.modules if name.startswith("acme_")]
"""
_ASK: Final = """\
import asyncio, sys
from shop import app
from turnbuckle import SettingsSources
from turnbuckle.testing import Client


async def main(*plugins):
    async with Client(app, sources=SettingsSources.of_project(plugins=plugins)) as client:
        for path in ("/greet/Ada", "/imported"):
            response = await client.get(path)
            print(response.status, response.text, response.headers.get("X-Signed"))


asyncio.run(main(*sys.argv[1:]))
"""


@attrs.frozen
class Environment:
    """A Python with the third party's plugin, and a folder to work in."""

    python: Path
    folder: Path

    def run(self, *args: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the folder."""
        environ = {name: value for name, value in unmeasured_environ().items() if not name.startswith("TURNBUCKLE_")}
        return subprocess.run(
            [self.python, *args], cwd=self.folder, env=environ | variables, capture_output=True, text=True, check=False
        )

    def turnbuckle(self, *args: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the command line in the folder."""
        return self.run("-m", "turnbuckle", *args, **variables)

    def ask(self, *plugins: str, **variables: str) -> list[str]:
        """Serve the app in memory with plugins of the command line, and return a line for each response."""
        result = self.run("-c", _ASK, *plugins, **variables)
        assert result.returncode == 0, result.stderr
        return result.stdout.splitlines()

    def settings(self, text: str) -> None:
        """Write the settings of the app."""
        (self.folder / "turnbuckle.toml").write_text(text)


def _own_environment(folder: Path) -> Path:
    venv.create(folder, symlinks=True)
    (library,) = (folder / "lib").glob("python*/site-packages")
    # The packages of this environment are available there as well, as in the environment of an app.
    (library / "_around.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in _libraries()))
    return folder / "bin" / "python"


def _libraries() -> list[str]:
    return [path for path in sys.path if Path(path).name == "site-packages"]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment in which pip has installed the distribution."""
    folder = tmp_path_factory.mktemp("environment")
    python = _own_environment(folder)
    command = [python, "-m", "pip", "install", *_QUICK, str(_DISTRIBUTION)]
    result = subprocess.run(command, env=unmeasured_environ(), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert list((folder / "lib").rglob("acme_greeter/__init__.py"))
    return python


@pytest.fixture
def environment(installed: Path, tmp_path: Path) -> Environment:
    (tmp_path / "shop.py").write_text(_APP)
    return Environment(installed, tmp_path)
