"""Write a project from templates, completely or not at all.

A template is a data file of the package with the suffix ``.txt``; ``string.Template`` replaces names in its path and
its text.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from typing import Final

__all__ = ["write_project"]

_SUFFIX: Final = ".txt"


def write_project(folder: Path, kinds: tuple[str, ...], values: Mapping[str, str]) -> list[Path]:
    """Write the files of some templates into a new folder, and return their paths.

    Args:
        folder: the new folder.
        kinds: folders of templates; files of a later folder are added to the files of an earlier one.
        values: the values that templates can use.

    Raises:
        FileExistsError: the folder exists; nothing in it is changed.
        OSError: the folder cannot be written.
    """
    rendered = {path: text for kind in kinds for path, text in _rendered(kind, values)}
    folder.mkdir()
    try:
        return [_write(folder / path, text) for path, text in sorted(rendered.items())]
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _rendered(kind: str, values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    root = files("turnbuckle.cli.scaffold") / "templates" / kind
    for path, template in _templates(root, ""):
        text = template.read_text(encoding="utf-8")
        yield Template(path).substitute(values), Template(text).substitute(values)


def _templates(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _templates(entry, f"{path}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            yield path + entry.name.removesuffix(_SUFFIX), entry


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
