"""A project folder to run the command line in, inside of this process and outside."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from turnbuckle.cli.group import turnbuckle

SECONDS = 60

SHOP = """\
from turnbuckle import App, Request

app = App("shop")


@app.get("/", name="home")
async def home(request: Request) -> str:
    return "Welcome"
"""


class Project:
    """A folder with an app in ``shop.py``; its modules are removed from ``sys.modules`` after the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("shop.py", SHOP)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def call(self, *args: str) -> Result:
        """Run a command in this process."""
        return CliRunner().invoke(turnbuckle, args, prog_name="turnbuckle")

    def spawn(self, *args: str) -> AbstractContextManager[subprocess.Popen[str]]:
        """Run a command in a process, which is killed after a timeout."""
        return self.start([sys.executable, "-m", "turnbuckle", *args])

    @contextmanager
    def start(self, command: Sequence[str], pass_fds: Sequence[int] = ()) -> Iterator[subprocess.Popen[str]]:
        """Run any program in the folder, in a process that is killed after a timeout."""
        with subprocess.Popen(
            command,
            cwd=self.folder,
            pass_fds=pass_fds,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            watchdog = threading.Timer(SECONDS, process.kill)
            watchdog.start()
            try:
                yield process
            finally:
                watchdog.cancel()
                process.kill()

    @contextmanager
    def serve(self, *args: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
        """Serve in a process; yield the process and its address."""
        with self.spawn("serve", *args) as process:
            yield process, self.listening(process)

    def listening(self, process: subprocess.Popen[str]) -> str:
        """Return the address of a started server."""
        return _listening(process)


def _listening(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if "listening on " in line:
            return line.rpartition("listening on ")[2].strip()
    pytest.fail("never listened:\n" + "".join(seen))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield Project(tmp_path)
    for name in set(sys.modules) - before:
        if not name.startswith("turnbuckle") or name.startswith("turnbuckle_target"):
            del sys.modules[name]


@pytest.fixture
def refusal(project: Project) -> Callable[..., str]:
    """Run a command that must fail with one error and exit status 3, and return the error."""

    def refused(*args: str) -> str:
        result = project.call(*args)
        assert result.exit_code == 3, result.output
        assert result.stdout == ""
        assert "Traceback" not in result.stderr
        assert all(line.startswith("  ") for line in result.stderr.splitlines()[1:])
        return result.stderr.strip()

    return refused
