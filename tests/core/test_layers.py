"""The rules of the house: which layer may import which, and how large folders and modules may be.

Every import counts, including imports for type checkers, within functions, and in the stubs of packages.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import pytest

_ROOT: Final = Path(__file__).parents[2]
_CORE: Final = _ROOT / "core" / "turnbuckle"

# From the ground up: a module imports from its own layer and from the layers before it.
_LAYERS: Final = (
    ("_frozen_mapping", "_lazy", "_safe_logger", "_version"),
    ("diagnostics",),
    ("errors",),
    ("http",),
    ("routing",),
    ("schema",),
    ("web",),
    ("server",),
    ("records", "setup", "settings", "plan", "hookspecs", "plugin"),  # the public layer
    ("runtime",),
    ("startup",),
    ("scope_parts",),
    ("scope",),
    ("app",),
    ("testing",),
    ("cli",),
    ("", "__main__"),  # the facade and the command
)
# The same for the folders and modules within a layer.
_WINGS: Final = {
    "server": ("model", "stalls", "logs", "lifespan", "connection", "streams", "tls", "listen", "run", "workers"),
    "startup": (
        "model",
        "quarantine",
        "settings",
        "plugins",
        "collect",
        "parameters",
        "resolve",
        "compile",
        "report",
        "pipeline",
    ),
}

_PUBLIC: Final = {
    "turnbuckle",
    "turnbuckle.hookspecs",
    "turnbuckle.records",
    "turnbuckle.errors",
    "turnbuckle.testing",
}
_SANS_IO: Final = {"asyncio", "socket", "ssl", "select", "time", "logging", "threading", "pluggy"}

_MAX_MODULES: Final = 15
_MAX_TOP_MODULES: Final = 20
_MAX_LINES: Final = 500
_MIN_LINES: Final = 40
# Exceptions, each with its reason.
_SMALL_MODULES: Final = {
    "cli/commands/check.py": "one module for each command",
    "cli/commands/settings.py": "one module for each command",
    "web/types.py": "type aliases",
}
_NAMES_TWICE: Final[dict[str, str]] = {}


def _modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module or ""


def _name_of(path: Path) -> str:
    parts = path.relative_to(_CORE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def _graph() -> Mapping[str, frozenset[str]]:
    """Return the modules of the core that each module of the core imports."""
    paths = [*_modules(_CORE), *_CORE.rglob("*.pyi")]
    names = {_name_of(path) for path in paths}
    graph: dict[str, set[str]] = defaultdict(set)
    for path in paths:
        name = _name_of(path)
        graph[name] |= {_target(imported, names) for imported in _imported_names(path)} & (names - {name})
    return {name: frozenset(targets) for name, targets in graph.items()}


def _imported_names(path: Path) -> Iterator[str]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _target(imported: str, names: set[str]) -> str:
    """Return the module that an imported name is in."""
    return imported if imported in names else imported.rpartition(".")[0]


def _circles(graph: Mapping[str, frozenset[str]]) -> list[set[str]]:
    """Return the sets of nodes that reach each other; a graph without a circle has none."""
    reached = {node: _reachable(graph, node) for node in graph}
    circles: list[set[str]] = []
    for node, nodes in reached.items():
        circle = {other for other in nodes if node in reached[other]}
        if circle and circle not in circles:
            circles.append(circle)
    return circles


def _reachable(graph: Mapping[str, frozenset[str]], start: str) -> set[str]:
    reached: set[str] = set()
    pending = [start]
    while pending:
        for target in graph[pending.pop()] - reached:
            reached.add(target)
            pending.append(target)
    return reached


def _part(module: str, depth: int) -> str:
    """Return one part of the name of a module: at depth 1 its layer, at depth 2 its wing."""
    return [*module.split("."), "", ""][depth]


def _rank(order: tuple[tuple[str, ...], ...], part: str) -> int:
    return next(rank for rank, parts in enumerate(order) if part in parts)


def test_layers_import_only_from_below() -> None:
    wrong = [
        f"{module} imports {target}"
        for module, targets in _graph().items()
        for target in targets
        if _rank(_LAYERS, _part(target, 1)) > _rank(_LAYERS, _part(module, 1))
    ]
    assert not wrong


@pytest.mark.parametrize("layer", _WINGS)
def test_wings_import_only_from_below(layer: str) -> None:
    order = tuple((wing,) for wing in ("", *_WINGS[layer]))
    wrong = [
        f"{module} imports {target}"
        for module, targets in _graph().items()
        for target in targets
        if _part(module, 1) == _part(target, 1) == layer
        and _rank(order, _part(target, 2)) > _rank(order, _part(module, 2))
    ]
    assert not wrong


def test_modules_import_each_other_in_no_circle() -> None:
    circles = [sorted(circle) for circle in _circles(_graph())]
    assert not circles


def test_circles_are_found() -> None:
    graph = {"a": frozenset("b"), "b": frozenset("ac"), "c": frozenset("d"), "d": frozenset("d"), "e": frozenset("a")}
    assert _circles(graph) == [{"a", "b"}, {"d"}]


def _folders() -> list[Path]:
    return sorted({path.parent for path in _modules(_CORE)} - {_CORE})


@pytest.mark.parametrize("folder", [pytest.param(folder, id=_name_of(folder)) for folder in _folders()])
def test_folders_are_neither_crowded_nor_empty(folder: Path) -> None:
    modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
    rooms = [path for path in folder.iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert len(modules) <= _MAX_MODULES
    assert len(modules) + len(rooms) >= 2


def test_top_folder_is_not_crowded() -> None:
    assert len([path for path in _CORE.glob("*.py") if path.name != "__init__.py"]) <= _MAX_TOP_MODULES


@pytest.mark.parametrize("folder", ["core", "plugins", "contrib"])
def test_modules_are_not_too_long(folder: str) -> None:
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in _modules(_ROOT / folder)}
    assert {path: count for path, count in lines.items() if count > _MAX_LINES} == {}


def test_modules_are_worth_a_file() -> None:
    small = [
        path.relative_to(_CORE).as_posix()
        for path in _modules(_CORE)
        if path.name not in {"__init__.py", "__main__.py", "_version.py"}
        and len(path.read_text(encoding="utf-8").splitlines()) < _MIN_LINES
    ]
    assert sorted(small) == sorted(_SMALL_MODULES)


def _names_defined_by(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        yield node.name
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id
    elif isinstance(node, ast.Assign) and not _is_type_variable(node.value):
        # Each module has its own type variables, by convention.
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _is_type_variable(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and ast.unparse(value.func) in {"TypeVar", "ParamSpec"}


def test_public_names_are_used_once() -> None:
    places: dict[str, set[str]] = defaultdict(set)
    for path in _modules(_CORE):
        for node in _tree(path).body:
            for name in _names_defined_by(node):
                if name[0] != "_":
                    places[name].add(_name_of(path))
    twice = {name: at for name, at in places.items() if len(at) > 1}
    assert twice.keys() == _NAMES_TWICE.keys(), twice


def test_http_does_no_io() -> None:
    for path in _modules(_CORE / "http"):
        assert not _SANS_IO & {name.split(".")[0] for name in _imports(path)}, path


@pytest.mark.parametrize("folder", ["routing", "schema", "web"])
def test_pure_folders_open_no_sockets_and_read_no_clock(folder: str) -> None:
    for path in _modules(_CORE / folder):
        assert not {"socket", "ssl", "select", "pluggy"} & {name.split(".")[0] for name in _imports(path)}, path


def test_errors_and_diagnostics_are_the_ground() -> None:
    assert _graph()["turnbuckle.diagnostics"] == frozenset()
    assert _graph()["turnbuckle.errors"] == {"turnbuckle.diagnostics"}


def test_pluggy_is_used_in_startup_only() -> None:
    for path in _modules(_CORE):
        if "startup" not in path.parts and path.name != "hookspecs.py":
            assert "pluggy" not in {name.split(".")[0] for name in _imports(path)}, path


def test_hookspecs_takes_only_the_markers_of_pluggy() -> None:
    tree = _tree(_CORE / "hookspecs.py")
    assert "PluginManager" not in {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "pluggy"]


def test_core_imports_no_plugins() -> None:
    for path in _modules(_CORE):
        assert not {"turnbuckle_plugins", "turnbuckle_contrib"} & {name.split(".")[0] for name in _imports(path)}, path


@pytest.mark.parametrize("folder", ["plugins", "contrib"])
def test_plugins_use_the_public_door(folder: str) -> None:
    for path in _modules(_ROOT / folder):
        for name in _imports(path):
            if name.split(".")[0] == "turnbuckle":
                assert ".".join(name.split(".")[:2]) in _PUBLIC, path


def test_plugins_do_not_import_contrib() -> None:
    for path in _modules(_ROOT / "plugins"):
        assert "turnbuckle_contrib" not in {name.split(".")[0] for name in _imports(path)}, path


@pytest.mark.parametrize("folder", ["core", "plugins", "contrib"])
def test_source_roots_are_no_packages(folder: str) -> None:
    assert not (_ROOT / folder / "__init__.py").exists()
    assert folder not in sys.modules
