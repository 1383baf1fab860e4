"""Where settings and enabled plugins come from, beside the code of the app.

Later ones win: defaults, ``turnbuckle.toml``, environment, command line, code. A value of the command line or the
environment that the code overrules is reported, so that it never goes unnoticed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import attrs

__all__ = ["Flag", "SettingsSources"]


@attrs.frozen
class Flag:
    """A setting given on the command line.

    Attributes:
        text: ``key.path=value``, for example ``"limits.content=1000"``.
        name: the option that gave it, for messages, for example ``"--set"`` or ``"--port"``.
    """

    text: str
    name: str = "--set"


def _flags(values: tuple[Flag | str, ...] | list[Flag | str]) -> tuple[Flag, ...]:
    return tuple(value if isinstance(value, Flag) else Flag(value) for value in values)


@attrs.frozen(kw_only=True)
class SettingsSources:
    """What else is read, beside the code; nothing by default.

    Attributes:
        folder: searched for ``turnbuckle.toml``, or else ``[tool.turnbuckle]`` in ``pyproject.toml``, and for a
            ``turnbuckle_plugin.py``; None searches nowhere.
        file: a settings file to read instead of those; it must exist.
        environ: variables, of which those that start with ``TURNBUCKLE_`` are looked at.
        flags: settings given on the command line.
        plugins: ``NAME`` or ``no:NAME``, as ``-p`` gives them.
        only_builtin: enable nothing but what is built in, whatever the other sources and the code say.
        entry_points: look for installed plugins by their entry points.
    """

    folder: Path | None = None
    file: Path | None = None
    environ: Mapping[str, str] = attrs.field(factory=dict)
    flags: tuple[Flag, ...] = attrs.field(default=(), converter=_flags)
    plugins: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    only_builtin: bool = False
    entry_points: bool = True

    @classmethod
    def of_project(cls, folder: Path | str = ".", **more: object) -> SettingsSources:
        """Return the sources of a server that is started in a folder: its files and the environment of the process."""
        return cls(folder=Path(folder), environ=dict(os.environ), **more)  # type: ignore[arg-type]  # checked by attrs
