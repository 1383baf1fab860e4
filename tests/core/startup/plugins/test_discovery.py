"""A plugin that is passed by value has the distribution that its module was installed by."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.startup.finding import make_plugin
from turnbuckle import App
from turnbuckle.startup.plugins.discovery import distribution_of, installed_plugins

_PLUGIN = "from turnbuckle import Plugin, PluginInfo\nclass It(Plugin):\n    info = PluginInfo(name='it')\n"


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    importlib.invalidate_caches()
    yield folder
    for name in [name for name in sys.modules if name.startswith("by_value_")]:
        del sys.modules[name]


def _install(folder: Path, module: str, *distributions: str) -> None:
    (folder / f"{module}.py").write_text(_PLUGIN)
    for name in distributions:
        info = folder / f"{name.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (info / "RECORD").write_text(f"{module}.py,,\n{info.name}/METADATA,,\n")


def test_plugin_by_value_has_its_distribution(packages: Path) -> None:
    _install(packages, "by_value_one", "by-value")
    plugin = importlib.import_module("by_value_one").It
    for value in (plugin, plugin()):
        (found,) = [plugin for plugin in App(plugins=[value]).plan.plugins if plugin.name == "it"]
        assert found.origin.distribution == "by-value 1.2"


@pytest.mark.parametrize("distributions", [(), ("first-of-two", "second-of-two")])
def test_module_without_one_distribution(distributions: tuple[str, ...], packages: Path) -> None:
    module = f"by_value_{len(distributions)}"
    _install(packages, module, *distributions)
    importlib.import_module(module)
    assert distribution_of(module) == ""


@pytest.mark.parametrize(
    ("folder", "metadata"),
    [
        pytest.param(
            "~y_leftover-0.9.dist-info", "Metadata-Version: 2.1\nName: my-leftover\nVersion: 0.9\n", id="renamed"
        ),
        pytest.param("~y_leftover-0.9.dist-info", None, id="renamed, without metadata"),
        pytest.param("my_leftover-0.9.dist-info", None, id="without metadata"),
        pytest.param("my_leftover-0.9.dist-info", "Metadata-Version: 2.1\n", id="without a name"),
    ],
)
def test_remainder_of_an_interrupted_pip_is_left_out(folder: str, metadata: str | None, packages: Path) -> None:
    info = packages / folder
    info.mkdir()
    (info / "entry_points.txt").write_text("[turnbuckle.plugins]\nleftover = gone:Plugin\n")
    if metadata is not None:
        (info / "METADATA").write_text(metadata)
    assert "leftover" not in {plugin.name for plugin in installed_plugins()}


def test_plugin_of_the_project_has_none() -> None:
    (found,) = [plugin for plugin in App(plugins=[make_plugin("own")]).plan.plugins if plugin.name == "own"]
    assert found.origin.distribution == ""
    assert distribution_of("no_such_module") == ""
