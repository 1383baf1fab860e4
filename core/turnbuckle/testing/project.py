"""Try the command line on a project of a few files, in processes of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, final

import attrs

__all__ = ["Finished", "Project"]

_TIMEOUT: Final = 60.0


@attrs.frozen(kw_only=True)
class Finished:
    """A command that has ended.

    Attributes:
        command: its arguments.
        status: the exit status.
        stdout: what it wrote.
        stderr: what it complained of.
    """

    command: tuple[str, ...]
    status: int
    stdout: str
    stderr: str

    def __str__(self) -> str:
        return f"{' '.join(self.command)} ended with {self.status}\n{self.stdout}{self.stderr}"

    @property
    def codes(self) -> list[str]:
        """The codes of all problems that it told, in order."""
        words = (line.split(maxsplit=2) for line in self.stderr.splitlines())
        return [word for line in words for word in line[:2] if word.startswith("TB") and word[2:].isdigit()]


@final
class Project:
    """A folder with the files of an application.

    Args:
        folder: an empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder: Final = folder

    def write(self, files: Mapping[str, str]) -> None:
        """Write files by their paths in the project; folders are made as needed.

        Raises:
            ValueError: a path leads out of the project.
        """
        for name, text in files.items():
            path = self.folder / name
            if not path.resolve().is_relative_to(self.folder.resolve()):
                raise ValueError(f"{name!r} is outside of the project")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def run(self, *arguments: str, environ: Mapping[str, str] | None = None, stdin: str = "") -> Finished:
        """Run ``turnbuckle`` in the project, and return what came of it.

        Args:
            arguments: such as ``"check", "main:app"``.
            environ: variables beside those of this process, of which none for Turnbuckle is kept.
            stdin: what it may read.

        Raises:
            TimeoutExpired: it did not end within a minute.
        """
        return self._run((sys.executable, "-m", "turnbuckle", *arguments), environ, stdin)

    def run_python(self, *arguments: str, environ: Mapping[str, str] | None = None, stdin: str = "") -> Finished:
        """Run Python in the project; see ``run``."""
        return self._run((sys.executable, *arguments), environ, stdin)

    def _run(self, command: tuple[str, ...], environ: Mapping[str, str] | None, stdin: str) -> Finished:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TURNBUCKLE_")}
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**kept, **(environ or {})},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
        return Finished(command=command[1:], status=done.returncode, stdout=done.stdout, stderr=done.stderr)
