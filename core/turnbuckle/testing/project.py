"""Run the command line on a project of a few files, in separate processes."""

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
    """A finished command.

    Attributes:
        command: the arguments.
        status: the exit status.
        stdout: the standard output.
        stderr: the standard error output.
    """

    command: tuple[str, ...]
    status: int
    stdout: str
    stderr: str

    def __str__(self) -> str:
        return f"{' '.join(self.command)} ended with {self.status}\n{self.stdout}{self.stderr}"

    @property
    def codes(self) -> list[str]:
        """The codes of all reported problems, in order."""
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
        """Write files by their paths in the project, and make folders as needed.

        Raises:
            ValueError: a path is outside of the project.
        """
        for name, text in files.items():
            path = self.folder / name
            if not path.resolve().is_relative_to(self.folder.resolve()):
                raise ValueError(f"{name!r} is outside of the project")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def run(self, *arguments: str, environ: Mapping[str, str] | None = None, stdin: str = "") -> Finished:
        """Run ``turnbuckle`` in the project, and return the result.

        Args:
            arguments: such as ``"check", "main:app"``.
            environ: additional variables; variables of this process for Turnbuckle are removed.
            stdin: the standard input.

        Raises:
            TimeoutExpired: the command did not end within a minute.
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
