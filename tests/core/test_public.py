"""The public names of the package are complete, and importing it is cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import turnbuckle

_PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_every_public_name_is_there() -> None:
    for name in turnbuckle.__all__:
        assert getattr(turnbuckle, name) is not None
        assert name in dir(turnbuckle)


def test_names_are_found_where_type_checkers_find_them() -> None:
    stub = ast.parse(Path(turnbuckle.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    found = [(node.module, alias) for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted(alias.name for _, alias in found) == turnbuckle.__all__
    for module, alias in found:
        assert alias.name == alias.asname
        assert getattr(import_module(module or ""), alias.name) is getattr(turnbuckle, alias.name)


def test_dir_has_only_public_names() -> None:
    assert dir(turnbuckle) == turnbuckle.__all__
    assert not [name for name in dir(turnbuckle) if name.startswith("_") and name != "__version__"]


def test_names_for_annotations_of_users_are_public() -> None:
    names = ("Cookie", "FormLimits", "MediaType", "MiddlewareFunction", "OnFailure", "QueryParams", "SameSite", "State")
    assert {*names, "UploadedFile", "Zone"} <= set(turnbuckle.__all__)


def test_extra_all_has_every_extra_of_users() -> None:
    extras = tomllib.loads(_PROJECT.read_text())["project"]["optional-dependencies"]
    named = set(extras["all"][0].partition("[")[2].rstrip("]").split(",")) | {"httptools", "msgspec", "uvloop"}
    # Without the extras for work on Turnbuckle itself.
    assert named == set(extras) - {"all", "dev", "fuzz", "test"}


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="module 'turnbuckle' has no attribute 'Ap'"):
        turnbuckle.Ap  # noqa: B018


def test_version_is_that_of_the_project() -> None:
    assert tomllib.loads(_PROJECT.read_text())["project"]["version"] == turnbuckle.__version__


def test_import_imports_nothing_else() -> None:
    code = "import sys, turnbuckle; print(sorted(m for m in sys.modules if m.startswith('turnbuckle.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['turnbuckle._lazy', 'turnbuckle._version']"


def test_app_waits_with_what_is_heavy() -> None:
    heavy = "{'cattrs', 'importlib.metadata', 'asyncio'}"
    code = f"import sys; from turnbuckle import App; print({heavy} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
