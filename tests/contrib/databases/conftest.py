"""A PostgreSQL server for the tests, in a temporary folder, on a Unix socket."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import missing

_SECONDS = 60


class PostgresServer:
    """A PostgreSQL server that can be stopped and started again. It does not run as root, so root changes the user."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._user = None if os.geteuid() else "nobody"
        if self._user is not None:
            found = pwd.getpwnam(self._user)
            os.chown(folder, found.pw_uid, found.pw_gid)

    @property
    def url(self) -> str:
        return f"postgresql://tester@/postgres?host={self.folder}"

    @property
    def sqlalchemy_url(self) -> str:
        return self.url.replace("postgresql://", "postgresql+asyncpg://")

    def _command(self, program: str, *options: str) -> list[str]:
        user = ["setpriv", f"--reuid={self._user}", "--regid=nogroup", "--clear-groups"] if self._user else []
        return [*user, str(self._programs / program), *options]

    def create(self) -> None:
        command = self._command(
            "initdb",
            "-D",
            f"{self.folder}/data",
            "-U",
            "tester",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        )
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=_SECONDS)

    def start(self) -> None:
        options = ["listen_addresses=", f"unix_socket_directories={self.folder}", "fsync=off", "max_connections=30"]
        arguments = [part for option in options for part in ("-c", option)]
        command = self._command("postgres", "-D", f"{self.folder}/data", *arguments)
        log = (self.folder / "log").open("ab")
        self._process = subprocess.Popen(command, cwd="/", stdout=log, stderr=log)
        log.close()
        ready = self._command("pg_isready", "-q", "-h", str(self.folder), "-U", "tester")
        deadline = time.monotonic() + _SECONDS
        while subprocess.run(ready, check=False, cwd="/").returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            # Fast shutdown: it disconnects its clients.
            self._process.send_signal(2)
            self._process.wait(_SECONDS)
            self._process = None


@pytest.fixture(scope="session")
def _created_server() -> Iterator[PostgresServer]:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    found = shutil.which("initdb")
    if not folders and found is None:
        missing("PostgreSQL is not installed (on Debian: apt-get install postgresql)")
    programs = folders[-1] if folders else Path(str(found)).resolve().parent
    # Its path is short, because a path of a socket must be, and other users can reach it.
    folder = Path(tempfile.mkdtemp(prefix="tb-pg-", dir="/tmp"))
    server = PostgresServer(programs, folder)
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres(_created_server: PostgresServer) -> PostgresServer:
    if _created_server._process is None:
        _created_server.start()
    return _created_server
