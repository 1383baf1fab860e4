"""docs/use/contrib.md lists every contrib plugin with all its settings."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs

from turnbuckle import App, Plugin
from turnbuckle.plugin import config_class
from turnbuckle.startup.plugins.discovery import installed_plugins
from turnbuckle.testing import Client

_PAGE: Final = (Path(__file__).parents[2] / "docs" / "use" / "contrib.md").read_text(encoding="utf-8")
_ROW: Final = re.compile(r"^\| `plugin\.([a-z_.]+)` \| `([^`]*)` \|", re.MULTILINE)


def _plugins() -> dict[str, type[Plugin]]:
    ours = [plugin for plugin in installed_plugins() if plugin.value.startswith("turnbuckle_contrib.")]
    return {plugin.name: plugin.entry_point.load() for plugin in ours}


def _defaults(name: str, config: type) -> dict[str, object]:
    made = config()
    values = {field.name: getattr(made, field.name) for field in attrs.fields(config)}
    return {f"{name}.{key}": _as_written(value) for key, value in values.items()}


def _as_written(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _as_written(entry) for key, entry in value.items()}
    return list(value) if isinstance(value, tuple) else value


def test_page_has_a_section_for_each_plugin() -> None:
    assert re.findall(r"^## `(\w+)`", _PAGE, re.MULTILINE) == sorted(_plugins())


def test_page_lists_every_setting_with_its_default() -> None:
    expected: dict[str, object] = {}
    for name, plugin in _plugins().items():
        config = config_class(plugin())
        if config is not None:
            expected.update(_defaults(name, config))
    assert {key: json.loads(value) for key, value in _ROW.findall(_PAGE)} == expected


async def test_first_example_works_as_described() -> None:
    source = re.search(r"^```python\n(.*?)^```$", _PAGE, re.MULTILINE | re.DOTALL)
    assert source is not None
    namespace: dict[str, App] = {}
    exec(source[1], namespace)
    async with Client(namespace["app"]) as client:
        home = await client.get("/")
        ready = await client.get("/-/health/ready")
    assert home.text == f"You are request {home.headers['x-request-id']}"
    assert home.headers["x-content-type-options"] == "nosniff"
    assert ready.json() == {"status": "ok"}
