"""docs/architecture.md names folders, modules, classes and functions that exist; its glossary covers all modules."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.core.test_layers import _LAYERS as LAYERS

_ROOT: Final = Path(__file__).parents[2]
_CORE: Final = _ROOT / "core" / "turnbuckle"
_PAGE: Final = (_ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
_DRAWINGS: Final = "\n".join(re.findall(r"^```text\n(.*?)^```$", _PAGE, re.MULTILINE | re.DOTALL))
_CODE: Final = _DRAWINGS + "\n" + "\n".join(re.findall(r"`([^`\n]+)`", _PAGE.replace("```", "")))


@cache
def core_sources() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(_CORE.rglob("*.py")))


def section(title: str) -> str:
    return _PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("path", sorted(set(re.findall(r"(?<![\w/.])[\w/]+(?:/(?![\w/])|\.py\b)", _CODE))))
def test_path_exists(path: str) -> None:
    folders = [_CORE, _ROOT]
    if "/" not in path:
        assert path == "turnbuckle_plugin.py" or list(_CORE.rglob(path)), path
    else:
        assert any((folder / path).exists() for folder in folders), path


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\b(?:[A-Z]+[a-z]+){2,}\w*\b", _CODE + _DRAWINGS))))
def test_class_exists(name: str) -> None:
    assert re.search(rf"^class {name}\b", core_sources(), re.MULTILINE), name


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\b([a-z_]+)\(\)", _CODE))))
def test_function_exists(name: str) -> None:
    assert re.search(rf"^ *(?:async )?def {name}\(", core_sources(), re.MULTILINE), name


@pytest.mark.parametrize(
    "row",
    [row for row in section("Where to look").splitlines() if "`" in row],
    ids=lambda row: row.split("|")[1].strip(" ?"),
)
def test_place_is_where_the_page_says(row: str) -> None:
    """Each class or function of a row is defined in a module that the row names; a status is in each of its modules."""
    answer = row.split("|")[2]
    modules = [(_CORE / path).read_text(encoding="utf-8") for path in re.findall(r"`([\w/]+\.py)`", answer)]
    assert modules
    assert all(status in text for status in re.findall(r"\b\d{3}\b", row) for text in modules)
    for name in re.findall(r"`(\w+)(?:\(\))?`", answer):
        assert any(re.search(rf"^ *(?:class|(?:async )?def) {name}\b", text, re.MULTILINE) for text in modules), name


def test_paths_of_contributing_exist() -> None:
    text = (_ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = re.findall(r"(?<![\w.])((?:core|plugins|contrib|tests|docs|bench|examples)/[\w/.*]*)", text)
    assert len(paths) > 30
    written = [path for path in paths if "NAME" not in path and "TBnnn" not in path]
    assert [path for path in written if not list(_ROOT.glob(path.rstrip(".")))] == []


def test_layers_are_those_of_the_tests() -> None:
    rows = re.findall(r"^\| (`.+?) \|", section("Layers"), re.MULTILINE)
    shown = [name.removesuffix(".py").removesuffix("/") for row in rows for name in re.findall(r"`([^`]+)`", row)]
    height = {name: number for number, names in enumerate(LAYERS) for name in names}
    assert sorted(shown) == sorted(name for name in height if name and not name.startswith("_"))
    heights = [height[name] for name in shown]
    assert [-height for height in heights] == sorted(-height for height in heights)


def glossary() -> set[str]:
    text = section("Glossary")
    entries = re.findall(r"^\| ([^|`]+) \|", text, re.MULTILINE)
    usual = re.sub(r"`[^`]*`", "", text.partition("usual meaning:")[2])
    return set(re.findall(r"[a-z0-9]+", " ".join(entries).lower() + " " + usual.lower()))


def is_covered(word: str, known: set[str]) -> bool:
    """Return whether a word is in the glossary, or is a form of a word in it, such as ``parser`` of ``parse``."""
    return word in known or any(
        len(entry) > 3 and word.startswith(entry.removesuffix("e").removesuffix("y")) for entry in known
    )


def test_every_module_name_is_covered_by_the_glossary() -> None:
    known = glossary()
    names = {part for path in _CORE.rglob("*.py") for part in path.relative_to(_CORE).with_suffix("").parts}
    words = {word for name in names for word in name.strip("_").split("_") if name != "__init__"}
    missing = sorted(word for word in words if not is_covered(word, known))
    assert not missing, "add these words to the glossary of docs/architecture.md, or use the field's term"
