"""Every plugin in plugins/ passes the suite of plugins; a new one is found by its entry point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest

from turnbuckle import Plugin
from turnbuckle.startup.plugins.discovery import InstalledPlugin, installed_plugins
from turnbuckle.testing.conformance import PluginConformance

# What the libraries that are adapted cost is not the plugins' doing.
LIBRARIES: Final[Mapping[str, tuple[str, ...]]] = {
    "h11_parser": ("h11",),
    "httptools_parser": ("httptools",),
    "zttp_parser": ("zttp",),
    "werkzeug_router": ("werkzeug.routing",),
    "msgpack": ("msgspec",),
    "msgspec_json": ("msgspec",),
    "jinja_templates": ("jinja2",),
    "pydantic_models": ("pydantic.main",),
}
OURS: Final = [
    plugin for plugin in installed_plugins() if plugin.is_bundled and plugin.value.startswith("turnbuckle_plugins.")
]


@pytest.fixture(params=OURS, ids=lambda plugin: plugin.name)
def installed(request: pytest.FixtureRequest) -> InstalledPlugin:
    plugin: InstalledPlugin = request.param
    return plugin


class TestGoodNeighbour(PluginConformance):
    @pytest.fixture(autouse=True)
    def of(self, installed: InstalledPlugin) -> None:
        self.kind: type[Plugin] = installed.entry_point.load()
        self.import_beforehand = LIBRARIES.get(installed.name, ())  # type: ignore[misc]  # one class for all plugins

    def make_plugin(self) -> Plugin:
        return self.kind()


def test_plugins_are_found() -> None:
    assert {"get_handler", "h11_parser", "httptools_parser", "parse_into", "regex_router"} <= {one.name for one in OURS}
