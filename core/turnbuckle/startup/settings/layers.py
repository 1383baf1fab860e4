"""Read all sources of settings into layers: trees of values, each with its source.

Nothing is checked against a class here; ``builder`` does that for the core and for each plugin.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs

from turnbuckle.diagnostics import Origin, file_location
from turnbuckle.startup.model.declaration import Declaration
from turnbuckle.startup.model.diagnostics import Diagnostics
from turnbuckle.startup.model.sources import SettingsSources, read_text_file
from turnbuckle.startup.settings.fixes import how_to_read_file
from turnbuckle.startup.settings.misplaced import ROOT, report_misplaced, report_unread_file
from turnbuckle.startup.settings.toml_lines import line_of, locate

__all__ = ["FileLayer", "Layers", "TextValue", "read_layers"]

_PREFIX: Final = "TURNBUCKLE_"
# These variables are read elsewhere; they are no settings.
_NOT_SETTINGS: Final = {"TURNBUCKLE_PLUGINS"}


@attrs.frozen
class TextValue:
    """A value given as text, by the environment or the command line."""

    text: str
    source: str


@attrs.frozen
class FileLayer:
    """A settings file, read.

    Attributes:
        path: path of the file, for messages; "" when there is none.
        values: the tree of settings.
        lines: the line of each key.
        root: the key of the table that holds the settings, such as ``tool.turnbuckle``.
    """

    path: str = ""
    values: Mapping[str, object] = attrs.field(factory=dict)
    lines: Mapping[tuple[str, ...], int] = attrs.field(factory=dict)
    root: tuple[str, ...] = ()

    def location(self, key: tuple[str, ...]) -> str:
        """Return ``file:line`` of a key."""
        return file_location(self.path, line_of(self.lines, self.root + key))


@attrs.frozen(kw_only=True)
class Layers:
    """All sources except the defaults; later ones take precedence.

    Attributes:
        file: the settings file.
        environ: the values of the environment, by variable without ``TURNBUCKLE_`` and with single underscores.
        flags: the values of the command line, by key.
        code: the tree of settings given in code.
        code_source: the location of that code, for messages.
    """

    file: FileLayer
    environ: Mapping[str, TextValue]
    flags: Mapping[tuple[str, ...], TextValue]
    code: Mapping[str, object]
    code_source: str


def read_layers(declaration: Declaration, sources: SettingsSources, diagnostics: Diagnostics) -> Layers:
    """Read all sources; report a source that cannot be read, and leave it out."""
    code: object = declaration.settings
    path = sources.file or (code if isinstance(code, Path) else None)
    values = dict(code) if isinstance(code, Mapping) else {}
    if code is not None and not isinstance(code, Mapping | Path):
        diagnostics.add(
            "TB202",
            f"settings of the app must be a table or a path, not {code!r}",
            declaration.origin,
            why="each setting has a name",
            fix="pass a mapping of sections, or the path of a settings file",
        )
    if declaration.debug is not None:
        values["debug"] = declaration.debug
    chosen: dict[str, object] = {}
    if declaration.root.chain is not None:
        chosen["chain"] = declaration.root.chain
    if declaration.root.without:
        chosen["without"] = list(declaration.root.without)
    if chosen:
        values = _merged(values, {"middleware": chosen})
    return Layers(
        file=_named_file(path, diagnostics) if path is not None else _found_file(sources.folder, diagnostics),
        environ=_read_environ(sources.environ),
        flags=_read_flags(sources, diagnostics),
        code=_merged(values, sources.overrides),
        code_source=f"App(...) at {declaration.origin.location}",
    )


def _merged(tree: Mapping[str, object], overrides: Mapping[str, object]) -> dict[str, object]:
    merged = dict(tree)
    for key, value in overrides.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(below, value)
        else:
            merged[key] = value
    return merged


def _named_file(path: Path, diagnostics: Diagnostics) -> FileLayer:
    root = ROOT if path.name == "pyproject.toml" else ()
    return _read_file(path, root, diagnostics)


def _found_file(folder: Path | None, diagnostics: Diagnostics) -> FileLayer:
    if folder is None:
        return FileLayer()
    own, shared = folder / "turnbuckle.toml", folder / "pyproject.toml"
    if own.exists() or own.is_symlink():  # a folder, a named pipe or a dangling link is a problem, and no absence
        if shared.is_file():
            report_unread_file(own, shared, diagnostics)
        return _read_file(own, (), diagnostics)
    return _read_file(shared, ROOT, diagnostics) if shared.is_file() else FileLayer()


def _read_file(path: Path, root: tuple[str, ...], diagnostics: Diagnostics) -> FileLayer:
    try:
        text = read_text_file(path)
        tree: object = tomllib.loads(text)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        if isinstance(error, UnicodeDecodeError):
            reason = f"it is not UTF-8 (at byte {error.start}); save it as UTF-8"
        diagnostics.add(
            "TB203",
            f"settings file {str(path)!r} cannot be read: {reason}",
            Origin(plugin="app", location=str(path)),
            why="without it, the app would run with other settings than intended",
            fix=how_to_read_file(
                str(path), reason or str(error), is_missing=isinstance(error, FileNotFoundError), line=_line_in(reason)
            ),
        )
        return FileLayer(str(path))
    lines = locate(text)
    if root and isinstance(tree, dict):
        report_misplaced(str(path), tree, lines, diagnostics)
    for part in root:
        tree = tree.get(part, {}) if isinstance(tree, dict) else {}
    return FileLayer(str(path), tree if isinstance(tree, dict) else {}, lines, root)


def _line_in(reason: str | None) -> int | None:
    found = re.search(r"\(at line (\d+)", reason or "")
    return int(found[1]) if found is not None else None


def _read_environ(environ: Mapping[str, str]) -> Mapping[str, TextValue]:
    given: dict[str, TextValue] = {}
    # If a setting is spelled in two ways, the one with fewer double underscores counts; the other names no setting.
    for name in sorted(environ, key=lambda variable: variable.count("__")):
        if name.startswith(_PREFIX) and name not in _NOT_SETTINGS:
            rest = name.removeprefix(_PREFIX)
            plain = rest.replace("__", "_")
            given[rest if plain in given else plain] = TextValue(environ[name], f"${name}")
    return given


def _read_flags(sources: SettingsSources, diagnostics: Diagnostics) -> Mapping[tuple[str, ...], TextValue]:
    flags: dict[tuple[str, ...], TextValue] = {}
    for flag in sources.flags:
        key, equals, text = flag.text.partition("=")
        if not equals or not key.strip():
            diagnostics.add(
                "TB205",
                f"{flag.name} {flag.text!r} is not KEY=VALUE",
                why="a setting is given as its key, the first '=', and its value",
                fix="write for example limits.content=1000000",
            )
            continue
        flags[tuple(part.strip() for part in key.split("."))] = TextValue(text.strip(), flag.name)
    return flags
