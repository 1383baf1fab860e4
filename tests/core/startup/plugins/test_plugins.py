"""Which plugins take part: enabling, disabling, discovery, loading, and what plugins say about each other."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.core.startup.finding import Site, error_of, errors_of, make_plugin, plugin_states, warning_of
from turnbuckle import App, Plugin, PluginInfo, SettingsSources
from turnbuckle.startup.plugins.discovery import installed_plugins

_SOURCE = """
from turnbuckle import Plugin, PluginInfo, Route

def answer(request): return "yes"

class It(Plugin):
    info = PluginInfo(name="{name}")

    def provide_routes(self, setup):
        return [Route(path="/{name}", handler=answer)]
"""


def _install(site: Site, *names: str, distribution: str = "") -> list[str]:
    return [site.install(name, _SOURCE.format(name=name), distribution=distribution) for name in names]


@pytest.mark.parametrize("ref", ["class", "instance"])
def test_plugin_passed_in_code(ref: str) -> None:
    cls = make_plugin("p")
    plan = App(plugins=[cls if ref == "class" else cls()]).resolve()
    assert plugin_states(plan) == {"p": "enabled"}


def test_lone_name_is_not_taken_for_letters(site: Site) -> None:
    _install(site, "one")
    assert plugin_states(App(plugins="one").resolve())["one"] == "enabled"


@pytest.mark.parametrize(
    "sources",
    [
        pytest.param(SettingsSources(plugins=("one",)), id="command-line"),
        pytest.param(SettingsSources(environ={"TURNBUCKLE_PLUGINS": "one, no:two"}), id="environment"),
        pytest.param(SettingsSources(flags=("plugins.enabled=one",)), id="setting"),
        pytest.param(SettingsSources(flags=("plugins.optional=one",)), id="optional"),
    ],
)
def test_plugin_enabled_by_name(site: Site, sources: SettingsSources) -> None:
    one, two = _install(site, "one", "two")
    plan = App().resolve(sources)
    states = plugin_states(plan)
    assert states["one"] == "enabled"
    assert states["two"] in {"installed", "disabled"}
    assert one in sys.modules
    assert two not in sys.modules
    assert [planned.route.path for planned, _ in plan.routes()] == ["/one"]
    (origin,) = [plugin.origin for plugin in plan.plugins if plugin.name == "one"]
    assert origin.distribution == "one 1.2"


@pytest.mark.parametrize(
    "sources",
    [
        pytest.param(SettingsSources(plugins=("no:one",)), id="command-line"),
        pytest.param(SettingsSources(environ={"TURNBUCKLE_PLUGINS": "no:one"}), id="environment"),
        pytest.param(SettingsSources(flags=("plugins.disabled=one",)), id="setting"),
    ],
)
def test_plugin_disabled_by_name_is_not_imported(site: Site, sources: SettingsSources) -> None:
    (module,) = _install(site, "one")
    plan = App(plugins=["one", make_plugin("two")]).resolve(sources)
    assert plugin_states(plan) == {"one": "disabled", "two": "enabled"}
    assert module not in sys.modules


def test_class_is_disabled_by_its_name() -> None:
    plan = App(plugins=[make_plugin("one")]).resolve(SettingsSources(plugins=("no:one",)))
    assert plugin_states(plan) == {"one": "disabled"}
    assert plan.diagnostics == ()


def test_installed_plugin_is_not_enabled_and_not_imported(site: Site) -> None:
    (module,) = _install(site, "one")
    assert App().resolve().plugins[0].state == "builtin"
    assert module not in sys.modules


def test_installed_plugins_are_listed_without_import(site: Site) -> None:
    (module,) = _install(site, "zeta")
    (found,) = [plugin for plugin in installed_plugins() if plugin.name == "zeta"]
    assert (found.distribution, found.value, found.extra) == ("zeta 1.2", f"{module}:It", "")
    assert module not in sys.modules


def test_entry_point_without_a_distribution() -> None:
    from importlib.metadata import EntryPoint

    (found,) = installed_plugins([EntryPoint("a", "b:C", "turnbuckle.plugins")])
    assert (found.name, found.distribution, found.origin.location) == ("a", "", "b:C")


def test_autoload_enables_what_others_installed(site: Site) -> None:
    _install(site, "one", "two")
    states = plugin_states(App().resolve(SettingsSources(flags=("plugins.autoload=true",))))
    assert {name for name, state in states.items() if state == "enabled"} == {"one", "two"}


def test_only_builtin_imports_nothing_else(site: Site, tmp_path: Path) -> None:
    (module,) = _install(site, "one")
    (tmp_path / "turnbuckle_plugin.py").write_text("1 / 0")
    app = App(plugins=["one", make_plugin("two")])
    app.scope("/x", plugins=["one"])
    plan = app.resolve(SettingsSources(folder=tmp_path, plugins=("one",), only_builtin=True))
    assert plugin_states(plan) == {}
    assert module not in sys.modules


def test_same_plugin_asked_for_twice_by_name_is_one(site: Site) -> None:
    _install(site, "one")
    app = App(plugins=["one"])
    plan = app.resolve(SettingsSources(plugins=("one",), flags=("plugins.enabled=one",)))
    assert [plugin.name for plugin in plan.plugins if plugin.state == "enabled"] == ["one"]


def test_name_means_the_class_that_is_passed() -> None:
    assert plugin_states(App(plugins=["p", make_plugin("p")]).resolve()) == {"p": "enabled"}


def test_parser_setting_enables_the_plugin_that_has_it(site: Site) -> None:
    source = """
from turnbuckle import ParserProvider, Plugin, PluginInfo
from turnbuckle.http.parser import H1Parser

class It(Plugin):
    info = PluginInfo(name="fancy_parser")

    def provide_parsers(self, setup):
        return [ParserProvider("fancy", H1Parser)]
"""
    site.install("fancy_parser", source)
    plan = App().resolve(SettingsSources(flags=("parser=fancy",)))
    assert plan.parser.name == "fancy"
    assert plan.parser.rule == "setting parser (--set) asks for it"


def test_project_plugin_is_enabled(tmp_path: Path) -> None:
    text = _SOURCE.format(name="mine") + "\nfrom attrs import frozen\n@frozen\nclass Other: x: int = 1\n"
    (tmp_path / "turnbuckle_plugin.py").write_text(text)
    plan = App().resolve(SettingsSources(folder=tmp_path))
    assert plugin_states(plan) == {"mine": "enabled"}


def test_project_plugin_that_fails(tmp_path: Path) -> None:
    path = tmp_path / "turnbuckle_plugin.py"
    path.write_text("x = 1\n1 / 0\n")
    found = error_of(App(), "TB103", SettingsSources(folder=tmp_path))
    assert "ZeroDivisionError" in found.text
    assert found.origins[0].location == f"{path}:2"


def test_project_plugin_file_without_plugin(tmp_path: Path) -> None:
    (tmp_path / "turnbuckle_plugin.py").write_text("from turnbuckle import Plugin\n")
    assert "defines no plugin" in error_of(App(), "TB104", SettingsSources(folder=tmp_path)).text


def test_unknown_plugin_gets_a_hint(site: Site) -> None:
    _install(site, "sessions")
    found = error_of(App(plugins=["session"]), "TB101")
    assert found.text == "unknown plugin 'session'; did you mean 'sessions'?"
    assert "test_plugins.py" in found.origins[0].location


def test_entry_points_are_ignored_when_switched_off(site: Site) -> None:
    _install(site, "one")
    assert "did you mean" not in error_of(App(plugins=["one"]), "TB101", SettingsSources(entry_points=False)).text


def test_two_distributions_with_one_name(site: Site) -> None:
    _install(site, "one", distribution="first")
    _install(site, "one", distribution="second")
    found = error_of(App(plugins=["one"]), "TB102")
    assert [origin.distribution for origin in found.origins] == ["first 1.2", "second 1.2"]


@pytest.mark.parametrize(
    ("source", "text", "line"),
    [
        pytest.param("x = 1\n1 / 0", "ZeroDivisionError: division by zero", ":2", id="raises"),
        pytest.param("\n\ndef x(:", "SyntaxError", ":3", id="syntax"),
        pytest.param("import nowhere_at_all", "No module named 'nowhere_at_all'", ":1", id="missing-module"),
        pytest.param("raise SystemExit(3)", "SystemExit: 3", ":1", id="exits"),
        pytest.param("", "has no attribute 'It'", "", id="no-such-attribute"),
    ],
)
def test_plugin_that_cannot_be_imported(site: Site, source: str, text: str, line: str) -> None:
    module = site.install("one", source)
    found = error_of(App(plugins=["one"]), "TB103")
    assert text in found.text
    assert found.origins[0].distribution == "one 1.2"
    if line:
        assert found.origins[0].location.endswith(f"{module}.py{line}")


def test_missing_module_names_the_extra(site: Site) -> None:
    site.install("one", "import nowhere_at_all", extra="fast")
    assert error_of(App(plugins=["one"]), "TB103").fix == "pip install 'one[fast]', or '.[fast]' in a clone"


def test_broken_plugin_hides_nothing(site: Site) -> None:
    site.install("one", "1 / 0")
    found = errors_of(App(plugins=["one", "two"], settings={"debgu": True}))
    assert sorted(diagnostic.code for diagnostic in found) == ["TB101", "TB103", "TB201"]


@pytest.mark.parametrize("ref", [3, object, "json", int], ids=["number", "object", "module", "class"])
def test_what_is_no_plugin(ref: object) -> None:
    import json

    found = error_of(App(plugins=[json if ref == "json" else ref]), "TB104")
    assert "is not a plugin" in found.text
    assert found.origins[0].location


def test_plugin_that_cannot_be_made() -> None:
    def fail(self: Plugin, needed: int) -> None: ...

    found = error_of(App(plugins=[make_plugin("p", __init__=fail)]), "TB104")
    assert "cannot be made: TypeError" in found.text


@pytest.mark.parametrize(
    "info",
    [
        pytest.param(None, id="none"),
        pytest.param("name", id="no-info"),
        pytest.param(PluginInfo(name="Bad-Name"), id="bad-name"),
        pytest.param(PluginInfo(name="app"), id="the-name-of-the-app"),
        pytest.param(PluginInfo(name=3), id="no-text"),
    ],
)
def test_plugin_that_says_nothing_useful(info: object) -> None:
    members = {} if info is None else {"info": info}
    assert "plugin P has" in error_of(App(plugins=[type("P", (Plugin,), members)]), "TB111").text


def test_plugin_whose_names_differ(site: Site) -> None:
    site.install("one", _SOURCE.format(name="other"))
    assert "has the entry point 'one'" in error_of(App(plugins=["one"]), "TB111").text


def test_plugin_enabled_twice() -> None:
    found = error_of(App(plugins=[make_plugin("p"), make_plugin("p")]), "TB105")
    assert len(found.origins) == 2


def test_requirement_that_is_missing() -> None:
    info = PluginInfo(name="auth", requires="session")
    found = error_of(App(plugins=[make_plugin("auth", info=info), make_plugin("sessions")]), "TB106")
    assert found.text.endswith("requires plugin 'session', which is not enabled; did you mean 'sessions'?")


def test_requirement_of_a_scope_is_met_by_the_app() -> None:
    app = App(plugins=[make_plugin("sessions")])
    app.scope("/a", plugins=[make_plugin("auth", info=PluginInfo(name="auth", requires=("sessions",)))])
    assert plugin_states(app.resolve()) == {"sessions": "enabled", "auth": "enabled"}


def test_plugins_that_do_not_go_together() -> None:
    one = make_plugin("one", info=PluginInfo(name="one", conflicts=("two", "one", "three")))
    assert "conflicts with plugin 'two'" in error_of(App(plugins=[one, make_plugin("two")]), "TB107").text


@pytest.mark.parametrize(
    ("api", "fix"),
    [
        pytest.param(2, "upgrade turnbuckle; write api=1 if the plugin is yours", id="newer"),
        pytest.param(0, "upgrade the plugin; write api=1 if it is yours", id="older"),
        pytest.param("1", "write api=1 in its info", id="no-number"),
    ],
)
def test_plugin_for_another_generation(api: int, fix: str) -> None:
    plugin = make_plugin("p", info=PluginInfo(name="p", api=api))
    assert error_of(App(plugins=[plugin]), "TB108").fix == fix


def test_plugins_come_after_what_they_require() -> None:
    infos = [
        PluginInfo(name="a", after=("c", "absent")),
        PluginInfo(name="b"),
        PluginInfo(name="c", requires=("d",)),
        PluginInfo(name="d"),
    ]
    plan = App(plugins=[make_plugin(info.name, info=info) for info in infos]).resolve()
    assert [plugin.name for plugin in plan.plugins if plugin.state == "enabled"] == ["b", "d", "c", "a"]


def test_plugins_in_a_cycle() -> None:
    infos = [PluginInfo(name="a", requires=("b",)), PluginInfo(name="b", after=("a",))]
    found = error_of(App(plugins=[make_plugin(info.name, info=info) for info in infos]), "TB109")
    assert found.text.endswith("in a cycle: a -> b -> a")


def test_disabled_plugin_that_does_not_exist() -> None:
    found = warning_of(App(plugins=[make_plugin("cors")]), "TB112", SettingsSources(plugins=("no:cros",)))
    assert found.text.endswith("did you mean 'cors'?")


def test_optional_plugin_that_fails_is_left_out(site: Site) -> None:
    site.install("one", "1 / 0")
    app = App(plugins=["one", make_plugin("two")])
    found = warning_of(app, "TB110", SettingsSources(flags=("plugins.optional=one",)))
    assert found.text.startswith("optional plugin 'one' is left out: TB103 ")
    assert plugin_states(app.plan)["one"] == "quarantined"
    assert plugin_states(app.plan)["two"] == "enabled"


def test_optional_plugin_that_is_not_installed() -> None:
    app = App()
    warning_of(app, "TB110", SettingsSources(flags=("plugins.optional=nowhere",)))
    assert plugin_states(app.plan)["nowhere"] == "quarantined"


def _raise(self: Plugin, setup: object) -> list[object]:
    raise RuntimeError("no")


async def _async(self: Plugin, setup: object) -> list[object]:
    return []


@pytest.mark.parametrize("hook", [_raise, _async], ids=["when-asked", "when-admitted"])
def test_optional_plugin_that_fails_later_is_left_out(hook: object) -> None:
    app = App(plugins=[make_plugin("one", provide_routes=hook)])
    warning_of(app, "TB110", SettingsSources(flags=("plugins.optional=one",)))
    assert plugin_states(app.plan)["one"] == "quarantined"


def test_seconds_are_reported_for_each_plugin_and_phase() -> None:
    plan = App(plugins=[make_plugin("p")]).resolve()
    assert set(plan.seconds) == {"configure", "load and collect", "resolve"}
    assert all(plugin.seconds > 0 for plugin in plan.plugins)
