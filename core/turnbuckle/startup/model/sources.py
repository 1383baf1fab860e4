"""The sources of settings and plugins, beside the code of the app.

Later sources take precedence: defaults, ``turnbuckle.toml``, environment, command line, code. A value of the
environment or the command line that the code overrules is reported.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import attrs

from turnbuckle.diagnostics import Diagnostic

__all__ = ["Flag", "SettingsSources", "read_text_file"]


@attrs.frozen
class Flag:
    """A setting given on the command line.

    Attributes:
        text: ``key.path=value``, for example ``"limits.content=1000"``.
        name: the command-line option, for messages, for example ``"--set"`` or ``"--port"``.
    """

    text: str
    name: str = "--set"


def _flags(values: tuple[Flag | str, ...] | list[Flag | str]) -> tuple[Flag, ...]:
    return tuple(value if isinstance(value, Flag) else Flag(value) for value in values)


@attrs.frozen(kw_only=True)
class SettingsSources:
    """The sources to read beside the code; none by default.

    Attributes:
        folder: folder with ``turnbuckle.toml``, or else ``[tool.turnbuckle]`` in ``pyproject.toml``, and with
            ``turnbuckle_plugin.py``; None for no folder.
        file: a settings file to read instead of the files in the folder; it must exist.
        environ: the environment variables; only variables that start with ``TURNBUCKLE_`` are read.
        flags: the settings given on the command line.
        plugins: ``NAME`` or ``no:NAME``, as given to ``-p``.
        only_builtin: enable only the built-in plugins, even if the other sources or the code enable more.
        overrides: settings by section that take precedence over all other sources and over the code; for tests.
        entry_points: look for installed plugins by their entry points.
        carries_messages: whether the host of the app carries WebSockets itself, as ASGI hosts do; the app then needs no
            plugin for them.
        found: warnings about the import of the app, which the plan repeats.
    """

    folder: Path | None = None
    file: Path | None = None
    environ: Mapping[str, str] = attrs.field(factory=dict)
    flags: tuple[Flag, ...] = attrs.field(default=(), converter=_flags)
    plugins: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    only_builtin: bool = False
    overrides: Mapping[str, object] = attrs.field(factory=dict)
    entry_points: bool = True
    carries_messages: bool = False
    found: tuple[Diagnostic, ...] = attrs.field(default=(), repr=False)

    @classmethod
    def of_project(cls, folder: Path | str = ".", **more: object) -> SettingsSources:
        """Return the sources of a server that is started in a folder: its files and the environment of the process."""
        return cls(folder=Path(folder), environ=dict(os.environ), **more)  # type: ignore[arg-type]  # checked by attrs


def read_text_file(path: Path) -> str:
    """Return the text of a file in UTF-8, with or without a byte order mark, which editors on Windows write.

    Raises:
        OSError: it cannot be read, or it is a named pipe: without a writer, it would never end. The pipes of a shell,
            as in ``<(command)``, are below ``/dev`` or ``/proc`` and have a writer.
        UnicodeDecodeError: it is not UTF-8.
    """
    if stat.S_ISFIFO(path.stat().st_mode) and path.parts[:2] not in {("/", "dev"), ("/", "proc")}:
        raise OSError(errno.EINVAL, "it is a named pipe")
    return path.read_text(encoding="utf-8-sig")
