"""All plugins with their states, including plugins with mistakes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.core.startup.finding import Site, make_plugin
from turnbuckle import App, SettingsSources
from turnbuckle.plan import PlannedPlugin
from turnbuckle.startup.pipeline import plugin_inventory
from turnbuckle.startup.report.inventory import inventory_without_app

SOUND = "from turnbuckle import Plugin, PluginInfo\nclass It(Plugin):\n    info = PluginInfo(name='{}')\n"
BROKEN = "import nothing_like_it\n"


def _inventory(app: App, **sources: object) -> dict[str, PlannedPlugin]:
    found = plugin_inventory(app.declaration(), SettingsSources(**sources))
    return {plugin.name: plugin for plugin in found.plugins if plugin.state != "builtin"}


def _raise(self: object, setup: object) -> list[object]:
    raise LookupError("no key")


def test_plugins_are_enabled_or_only_installed(site: Site) -> None:
    site.install("one", SOUND.format("one"))
    module = site.install("two", SOUND.format("two"))
    found = _inventory(App(plugins=["one"]))
    assert (found["one"].state, found["one"].api, found["one"].origin.distribution) == ("enabled", 1, "one 1.2")
    assert (found["two"].state, found["two"].origin.distribution) == ("installed", "two 1.2")
    assert module not in sys.modules


def test_installed_plugins_are_listed_for_an_app_that_looks_none_up(site: Site) -> None:
    site.install("spare", SOUND.format("spare"))
    assert _inventory(App())["spare"].state == "installed"


def test_plugin_that_cannot_be_imported_is_listed(site: Site) -> None:
    site.install("bad", BROKEN)
    site.install("good", SOUND.format("good"))
    found = _inventory(App(plugins=["bad", "good"]))
    assert found["good"].state == "enabled"
    assert (found["bad"].state, found["bad"].origin.distribution) == ("failed", "bad 1.2")
    assert found["bad"].note.startswith("TB103 plugin 'bad' cannot be imported: ModuleNotFoundError: ")


def test_optional_plugin_that_fails_is_quarantined_with_its_reason(site: Site) -> None:
    site.install("bad", BROKEN)
    found = _inventory(App(settings={"plugins": {"optional": ["bad"]}}))
    assert (found["bad"].state, found["bad"].origin.distribution) == ("quarantined", "bad 1.2")
    assert found["bad"].note.startswith("TB103 ")


def test_plugin_with_a_failing_hook_is_listed() -> None:
    found = _inventory(App(plugins=[make_plugin("bad", provide_routes=_raise)]))
    assert found["bad"].state == "failed"
    assert found["bad"].note.startswith("TB306 ")


def test_plugin_that_does_not_exist_is_listed() -> None:
    assert _inventory(App(), plugins=("nope",))["nope"].note.startswith("TB101 unknown plugin 'nope'")


def test_inventory_lists_every_problem() -> None:
    found = plugin_inventory(App(settings={"nope": 1}).declaration(), SettingsSources(plugins=("nope",)))
    assert [diagnostic.code for diagnostic in found.diagnostics] == ["TB201", "TB101"]


def test_inventory_leaves_the_app_open() -> None:
    app = App()
    plugin_inventory(app.declaration(), SettingsSources())
    app.get("/")(_raise)
    assert len(app.declaration().root.routes) == 1


# -- without an app


def _alone(folder: Path, **sources: object) -> dict[str, PlannedPlugin]:
    found = inventory_without_app(SettingsSources(folder=folder, **sources))
    return {plugin.name: plugin for plugin in found.plugins}


def test_inventory_without_app_imports_nothing(site: Site, tmp_path: Path) -> None:
    modules = [site.install(name, BROKEN) for name in ("one", "two", "three")]
    (tmp_path / "turnbuckle.toml").write_text('[plugins]\nenabled = ["one", "nope"]\ndisabled = ["three"]\n')
    found = _alone(tmp_path)
    assert (found["one"].state, found["two"].state, found["three"].state) == ("enabled", "installed", "disabled")
    assert found["one"].note.startswith("enabled by plugins.enabled (")
    assert found["nope"].note.startswith("TB101 unknown plugin 'nope'")
    assert not set(modules) & set(sys.modules)


def test_inventory_without_app_leaves_out_optional_plugins(site: Site, tmp_path: Path) -> None:
    site.install("twice", BROKEN, distribution="acme")
    site.install("twice", BROKEN, distribution="other")
    (tmp_path / "turnbuckle.toml").write_text('[plugins]\noptional = ["nope", "twice"]\n')
    found = _alone(tmp_path)
    assert (found["nope"].state, found["twice"].state) == ("quarantined", "quarantined")
    assert found["nope"].note == "TB101 unknown plugin 'nope'"


def test_inventory_without_app_has_built_in_plugins(tmp_path: Path) -> None:
    found = _alone(tmp_path)["h1"]
    assert (found.state, found.api, found.hooks) == ("builtin", 1, ("provide_parsers",))


@pytest.mark.parametrize(("only_builtin", "state"), [(False, "enabled"), (True, "installed")])
def test_inventory_without_app_follows_autoload(site: Site, tmp_path: Path, only_builtin: bool, state: str) -> None:
    site.install("one", SOUND.format("one"))
    (tmp_path / "turnbuckle.toml").write_text("[plugins]\nautoload = true\n")
    assert _alone(tmp_path, only_builtin=only_builtin)["one"].state == state


def test_inventory_without_app_lists_the_plugin_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "turnbuckle_plugin.py").write_text("raise SystemExit\n")
    assert _alone(tmp_path)["turnbuckle_plugin.py"].state == "enabled"
    assert "turnbuckle_plugin.py" not in _alone(tmp_path, only_builtin=True)


def test_inventory_without_app_sees_two_of_one_name(site: Site, tmp_path: Path) -> None:
    site.install("one", BROKEN, distribution="acme")
    site.install("one", BROKEN, distribution="other")
    found = inventory_without_app(SettingsSources(folder=tmp_path))
    notes = [plugin.note for plugin in found.plugins if plugin.name == "one"]
    assert notes == ["TB102 2 distributions offer plugin 'one'"] * 2
