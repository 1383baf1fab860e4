"""Settings come from five sources; the later one wins, and each value knows where it came from."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path

import attrs
import pytest

from tests.core.startup.finding import error_of, errors_of, make_plugin, warning_of
from turnbuckle import App, Plan, PluginInfo, SettingsSources, Setup
from turnbuckle.settings import ServerSettings, Settings
from turnbuckle.startup.model.sources import Flag


def _write(folder: Path, text: str, name: str = "turnbuckle.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def _source(plan: Plan, key: str) -> str:
    return plan.setting_values[key].source


def test_defaults_are_shown_as_defaults() -> None:
    plan = App().resolve()
    assert plan.settings == Settings()
    assert _source(plan, "limits.content") == "default"
    assert plan.setting_values["limits.content"].value == 16 * 1024 * 1024


def test_each_source_beats_the_one_before(tmp_path: Path) -> None:
    file = _write(tmp_path, "[limits]\ncontent = 2\n")
    environ = {"TURNBUCKLE_LIMITS_CONTENT": "3"}
    flags = (Flag("limits.content=4"),)
    seen = [
        App().resolve(SettingsSources(folder=tmp_path)),
        App().resolve(SettingsSources(folder=tmp_path, environ=environ)),
        App().resolve(SettingsSources(folder=tmp_path, environ=environ, flags=flags)),
    ]
    assert [plan.settings.limits.content for plan in seen] == [2, 3, 4]
    sources = [_source(plan, "limits.content") for plan in seen]
    assert sources == [f"{file}:2", "$TURNBUCKLE_LIMITS_CONTENT", "--set"]


def test_code_beats_the_file_in_silence(tmp_path: Path) -> None:
    _write(tmp_path, "debug = true\n")
    plan = App(debug=False).resolve(SettingsSources(folder=tmp_path))
    assert plan.settings.debug is False
    assert plan.diagnostics == ()
    assert _source(plan, "debug").startswith("App(...) at ")
    assert "test_settings.py" in _source(plan, "debug")


def test_code_beats_a_flag_and_says_so() -> None:
    app = App(settings={"server": {"port": 1}})
    found = warning_of(app, "TB207", SettingsSources(flags=("server.port=2",)))
    assert app.plan.settings.server.port == 1
    assert "server.port from --set has no effect" in found.text


def test_environment_takes_two_underscores_between_sections() -> None:
    environ = {"TURNBUCKLE_LIMITS__HEADER_SECTION": "5", "HOME": "/", "TURNBUCKLE_LOG_ACCESS": "on"}
    settings = App().resolve(SettingsSources(environ=environ)).settings
    assert settings.limits.header_section == 5
    assert settings.log.access is True


def test_setting_that_two_variables_spell_is_taken_from_the_plainer() -> None:
    environ = {"TURNBUCKLE_LIMITS__CONTENT": "5", "TURNBUCKLE_LIMITS_CONTENT": "6"}
    app = App()
    found = warning_of(app, "TB206", SettingsSources(environ=environ))
    assert "'TURNBUCKLE_LIMITS__CONTENT' names no setting; did you mean 'TURNBUCKLE_LIMITS_CONTENT'?" in found.text
    assert app.plan.settings.limits.content == 6


def test_settings_are_found_in_pyproject(tmp_path: Path) -> None:
    path = _write(tmp_path, "[tool.other]\nx = 1\n[tool.turnbuckle.server]\nport = 7\n", "pyproject.toml")
    plan = App().resolve(SettingsSources(folder=tmp_path))
    assert plan.settings.server.port == 7
    assert _source(plan, "server.port") == f"{path}:4"


@pytest.mark.parametrize("text", ["[tool]\nx = 1", "tool = 1", "[tool]\nturnbuckle = 1"])
def test_pyproject_without_settings_has_none(tmp_path: Path, text: str) -> None:
    _write(tmp_path, text, "pyproject.toml")
    assert App().resolve(SettingsSources(folder=tmp_path)).settings == Settings()


def test_own_file_goes_before_pyproject(tmp_path: Path) -> None:
    _write(tmp_path, "[tool.turnbuckle]\ndebug = true\n", "pyproject.toml")
    _write(tmp_path, "")
    assert App().resolve(SettingsSources(folder=tmp_path)).settings.debug is False


def test_file_named_in_code_is_read(tmp_path: Path) -> None:
    path = _write(tmp_path, "debug = true", "other.toml")
    assert App(settings=str(path)).resolve().settings.debug is True
    assert App(settings=path).resolve().settings.debug is True


def test_file_named_outside_beats_the_one_named_in_code(tmp_path: Path) -> None:
    path = _write(tmp_path, "debug = true", "pyproject.toml")
    other = _write(tmp_path, "log.access = true")
    settings = App(settings=path).resolve(SettingsSources(file=other)).settings
    assert (settings.debug, settings.log.access) == (False, True)


def test_sources_of_project_read_folder_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNBUCKLE_SERVER_PORT", "9")
    _write(tmp_path, "debug = true")
    settings = App().resolve(SettingsSources.of_project(tmp_path, flags=[Flag("server.host=::1", "--host")])).settings
    assert (settings.server.port, settings.debug, settings.server.host) == (9, True, "::1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "[limits]\nconten = 1", "unknown setting 'limits.conten'; did you mean 'limits.content'?", id="key"
        ),
        pytest.param("[limts]\ncontent = 1", "unknown setting 'limts'; did you mean 'limits'?", id="section"),
    ],
)
def test_unknown_setting_in_file(tmp_path: Path, text: str, expected: str) -> None:
    path = _write(tmp_path, text)
    found = error_of(App(), "TB201", SettingsSources(folder=tmp_path))
    assert found.text == expected
    assert found.origins[0].location.startswith(str(path))


def test_unknown_setting_in_code() -> None:
    found = error_of(App(settings={"server": {"prot": 1}}), "TB201")
    assert "did you mean 'server.port'?" in found.text


def test_dotted_section_in_code_is_corrected() -> None:
    found = error_of(App(settings={"plugin.http2": {"cleartext": True}}), "TB201")
    assert found.text == "unknown setting 'plugin.http2'"
    assert found.fix == "write {'plugin': {'http2': {...}}} in code, or [plugin.http2] in a file"


def test_unknown_flag() -> None:
    found = error_of(App(), "TB201", SettingsSources(flags=("limits.contents=1",)))
    assert "did you mean 'limits.content'?" in found.text
    assert found.origins[0].location == "--set"


def test_unknown_variable_is_a_warning() -> None:
    found = warning_of(App(), "TB206", SettingsSources(environ={"TURNBUCKLE_LIMITS_CONTEN": "1"}))
    assert "'TURNBUCKLE_LIMITS_CONTEN' names no setting; did you mean 'TURNBUCKLE_LIMITS_CONTENT'?" in found.text


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        pytest.param({"server": {"port": "80"}}, "'server.port' must be a whole number, not '80'", id="type"),
        pytest.param({"server": {"port": 70000}}, "'server.port': port must be from 0 to 65535, not 70000", id="range"),
        pytest.param({"server": 5}, "'server' must be a table, not 5", id="section"),
        pytest.param(
            {"routing": {"trailing_slash": "lax"}},
            "'routing.trailing_slash' must be one of 'strict', 'redirect', 'ignore', not 'lax'",
            id="choice",
        ),
        pytest.param({"timeouts": {"idle": -1}}, "'timeouts.idle': idle must be a number of at least 0", id="negative"),
    ],
)
def test_wrong_value_in_code(settings: dict[str, object], expected: str) -> None:
    assert expected in error_of(App(settings=settings), "TB202").text


def test_settings_that_are_none() -> None:
    assert "must be a table or a path, not 5" in error_of(App(settings=5), "TB202").text


def test_wrong_section_in_file(tmp_path: Path) -> None:
    _write(tmp_path, "server = 5")
    assert "'server' must be a table, not 5" in error_of(App(), "TB202", SettingsSources(folder=tmp_path)).text


def test_wrong_value_of_a_flag_names_the_flag() -> None:
    found = error_of(App(), "TB202", SettingsSources(flags=(Flag("server.port=many", "--port"),)))
    assert found.text == "setting 'server.port' must be a whole number, not 'many'"
    assert found.origins[0].location == "--port"


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    _write(tmp_path, "[server]\nport = 70000\nbacklog = 0\nx = 1\n[limits]\ncontent = 'a'\n")
    found = errors_of(App(), SettingsSources(folder=tmp_path, flags=("nonsense",)))
    assert sorted(diagnostic.code for diagnostic in found) == ["TB201", "TB202", "TB202", "TB202", "TB205"]


@pytest.mark.parametrize("text", [pytest.param("a = ", id="malformed"), pytest.param(None, id="missing")])
def test_file_that_cannot_be_read(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "x.toml"
    if text is not None:
        path.write_text(text)
    assert str(path) in error_of(App(), "TB203", SettingsSources(file=path)).text


@pytest.mark.parametrize("flag", ["limits.content", "=1"])
def test_flag_without_key_or_value(flag: str) -> None:
    assert "is not KEY=VALUE" in error_of(App(), "TB205", SettingsSources(flags=(flag,))).text


@attrs.frozen
class Nested:
    depth: int = 1


@attrs.frozen
class Config:
    user: str
    password: str = attrs.field(default="", metadata={"secret": True})
    retries: int = attrs.field(default=1, validator=attrs.validators.lt(5))
    nested: Nested = attrs.field(factory=Nested)
    _hidden: int = 3
    computed: int = attrs.field(init=False, default=0)
    likes_user: str = attrs.Factory(lambda self: self.user, takes_self=True)


Configured = make_plugin("configured", info=PluginInfo(name="configured", config=Config))


def _settings_of(plan: Plan) -> object:
    return plan.root.configs["configured"]


def test_plugin_has_its_own_settings(tmp_path: Path) -> None:
    _write(tmp_path, "[plugin.configured]\nuser = 'u'\nhidden = 4\n[plugin.configured.nested]\ndepth = 2\n")
    sources = SettingsSources(
        folder=tmp_path,
        environ={"TURNBUCKLE_PLUGIN_CONFIGURED_PASSWORD": "p"},
        flags=("plugin.configured.retries=3",),
    )
    plan = App(plugins=[Configured]).resolve(sources)
    assert _settings_of(plan) == Config("u", "p", 3, Nested(2), 4)
    assert _source(plan, "plugin.configured.user") == f"{tmp_path / 'turnbuckle.toml'}:2"
    assert plan.setting_values["plugin.configured.likes_user"].value is None


def test_plugin_settings_in_code_come_in_two_ways() -> None:
    app = App(plugins=[(Configured, {"user": "a"})], settings={"plugin": {"configured": {"user": "b", "retries": 2}}})
    assert _settings_of(app.resolve()) == Config("a", retries=2)


def test_plugin_settings_in_scopes_say_where_each_was_given() -> None:
    app = App()
    for user in ("a", "b"):
        app.scope(f"/{user}", plugins=[(Configured, {"user": user})])  # here
    lines = Path(__file__).read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if text.endswith("])  # here"))
    plan = app.resolve(SettingsSources(environ={"TURNBUCKLE_PLUGIN_CONFIGURED_USER": "c"}))
    for user in ("a", "b"):
        value = plan.setting_values[f"plugin.configured.user in scope /{user}"]
        assert (value.value, value.source.rpartition(":")[2]) == (user, str(line))
    places = [diagnostic.origins[0].location for diagnostic in plan.diagnostics if diagnostic.code == "TB207"]
    assert [place.rpartition(":")[2] for place in places] == [str(line)] * 2


@pytest.mark.parametrize("name", ["un__even", "un_even"])
def test_plugin_with_any_underscores_takes_variables(name: str) -> None:
    plugin = make_plugin(name, info=PluginInfo(name=name, config=Nested))
    plan = App(plugins=[plugin]).resolve(SettingsSources(environ={f"TURNBUCKLE_PLUGIN_{name.upper()}_DEPTH": "7"}))
    assert plan.root.configs[name] == Nested(7)
    assert plan.diagnostics == ()


@attrs.frozen
class Tables:
    names: Mapping[str, str] = attrs.field(factory=dict)
    names_limit: int = 1
    ports: dict[str, int] = attrs.field(factory=dict)
    loose: dict = attrs.field(factory=dict)  # type: ignore[type-arg]  # as people write it


Tabled = make_plugin("tabled", info=PluginInfo(name="tabled", config=Tables))


def test_entries_of_a_table_join_those_from_before(tmp_path: Path) -> None:
    _write(tmp_path, "[plugin.tabled.names]\na = 'file'\nb = 'file'\n")
    start = "TURNBUCKLE_PLUGIN_TABLED_"
    sources = SettingsSources(
        folder=tmp_path,
        environ={f"{start}NAMES_B": "variable", f"{start}NAMES_C": "variable", f"{start}NAMES_LIMIT": "3"},
        flags=("plugin.tabled.names.c=flag", "plugin.tabled.ports.http=80", "plugin.tabled.loose.x=1"),
    )
    plan = App(plugins=[Tabled]).resolve(sources)
    names = {"a": "file", "b": "variable", "c": "flag"}
    assert plan.root.configs["tabled"] == Tables(names, 3, {"http": 80}, {"x": "1"})
    assert plan.diagnostics == ()
    assert _source(plan, "plugin.tabled.names") == "--set"


def test_entry_of_a_table_that_does_not_fit() -> None:
    found = error_of(App(plugins=[Tabled]), "TB202", SettingsSources(flags=("plugin.tabled.ports.http=many",)))
    assert found.text == "setting 'plugin.tabled.ports' must be a table, not {'http': 'many'}"
    assert found.origins[0].location == "--set"


def test_component_is_chosen_by_a_variable() -> None:
    sources = SettingsSources(environ={"TURNBUCKLE_COMPONENTS_JSON": "nope"})
    assert error_of(App(), "TB402", sources).text == "no json component is named 'nope'"


def test_secret_is_not_shown() -> None:
    plan = App(plugins=[(Configured, {"user": "a", "password": "p"})]).resolve()
    value = plan.setting_values["plugin.configured.password"]
    assert (value.value, value.shown()) == ("p", "********")
    assert plan.setting_values["plugin.configured.user"].shown() == "'a'"


@pytest.mark.parametrize("given", [5, ["pa55"]])
def test_secret_of_a_wrong_type_is_not_shown(given: object) -> None:
    found = error_of(App(plugins=[(Configured, {"user": "a", "password": given})]), "TB202")
    assert "must be text, not a secret" in found.text


def test_secret_that_is_refused_is_not_shown() -> None:
    def refuse(instance: object, attribute: object, value: str) -> None:
        raise ValueError(f"bad {value}")

    config = attrs.make_class("C", {"key": attrs.field(type=str, metadata={"secret": True}, validator=refuse)})
    plugin = make_plugin("p", info=PluginInfo(name="p", config=config))
    found = error_of(App(plugins=[(plugin, {"key": "pa55"})]), "TB202")
    assert found.text == "setting 'plugin.p.key': it was refused with ValueError"


def test_secret_that_is_refused_in_a_scope_is_not_shown() -> None:
    def refuse(instance: object, attribute: object, value: str) -> None:
        raise ValueError(f"bad {value}")

    config = attrs.make_class("C", {"key": attrs.field(type=str, metadata={"secret": True}, validator=refuse)})
    plugin = make_plugin("p", info=PluginInfo(name="p", config=config))
    app = App()
    app.scope("/admin", plugins=[(plugin, {"key": "pa55"})])
    assert error_of(app, "TB202").text == "setting 'plugin.p.key': it was refused with ValueError"


def test_section_with_a_secret_that_is_refused_as_a_whole_is_not_shown() -> None:
    @attrs.frozen
    class Account:
        user: str = "admin"
        password: str = attrs.field(default="", metadata={"secret": True})

        def __attrs_post_init__(self) -> None:
            if self.user in self.password:
                raise ValueError(f"{self.password} holds the name")

    plugin = make_plugin("p", info=PluginInfo(name="p", config=Account))
    found = error_of(App(plugins=[(plugin, {"user": "me", "password": "me-pa55"})]), "TB202")
    assert found.text == "setting 'plugin.p': it was refused with ValueError"


def test_section_that_is_secret_is_not_shown() -> None:
    config = attrs.make_class("C", {"keys": attrs.field(type=Nested, factory=Nested, metadata={"secret": True})})
    plugin = make_plugin("p", info=PluginInfo(name="p", config=config))
    plan = App(plugins=[(plugin, {"keys": {"depth": 1234}})]).resolve()
    assert plan.setting_values["plugin.p.keys.depth"].shown() == "********"
    assert "not a secret" in error_of(App(plugins=[(plugin, {"keys": {"depth": "pa55"}})]), "TB202").text
    assert "not a secret" in error_of(App(plugins=[(plugin, {"keys": "pa55"})]), "TB202").text


def test_secret_is_in_no_repr() -> None:
    plan = App(plugins=[(Configured, {"user": "a", "password": "pa55"})]).resolve()
    assert "pa55" not in repr(plan)
    assert "pa55" not in repr(Setup(settings=plan.settings, config=_settings_of(plan)))


@pytest.mark.parametrize(
    ("server", "is_warned"),
    [
        pytest.param({}, False, id="by-default"),
        pytest.param({"host": "127.0.0.9"}, False, id="loopback"),
        pytest.param({"host": "::1"}, False, id="loopback-of-ipv6"),
        pytest.param({"host": "LocalHost"}, False, id="localhost"),
        pytest.param({"host": "0.0.0.0", "unix": "/run/app"}, False, id="unix-socket"),
        pytest.param({"host": "0.0.0.0"}, True, id="every-address"),
        pytest.param({"host": "::"}, True, id="every-address-of-ipv6"),
        pytest.param({"host": "192.168.1.4"}, True, id="private-network"),
        pytest.param({"host": "localhost.example.com"}, True, id="some-name"),
        pytest.param({"host": ""}, True, id="no-name"),
    ],
)
def test_tracebacks_for_other_machines_are_warned_of(server: dict[str, object], is_warned: bool) -> None:
    for debug in (True, False):
        plan = App(debug=debug, settings={"server": server}).resolve()
        codes = [diagnostic.code for diagnostic in plan.diagnostics]
        assert ("TB211" in codes) == (debug and is_warned)


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"server": {"unix": "/run/x"}}, "server.unix from "),
        ({"server": {"bind": ["127.0.0.1:1", "unix:@x"]}}, "server.bind from "),
        ({"proxy": {"protocol": True, "trusted": ["10.0.0.1"]}}, "proxy.protocol from "),
        ({"server": {"unix": "/run/x"}, "timeouts": {"idle": 60}}, "server.unix from "),
        ({"server": {"unix": "/run/x"}, "timeouts": {"idle": 75}}, ""),
        ({"server": {"unix": "/run/x"}, "timeouts": {"idle": 0}}, ""),
        ({"server": {"bind": ["127.0.0.1:1", "fd:3"]}}, ""),
        ({"proxy": {"trusted": ["10.0.0.1"]}}, ""),
        ({}, ""),
    ],
)
def test_idle_timeout_below_the_keep_alive_of_proxies_is_a_hint(settings: dict[str, object], place: str) -> None:
    found = App(settings=settings).plan.diagnostics
    assert [(entry.level, entry.code) for entry in found] == ([("hint", "TB213")] if place else [])
    assert not place or found[0].origins[0].location.startswith(place)


@pytest.mark.parametrize(
    ("key", "value"), [("host", "::1"), ("host", ["::1"]), ("port", 0), ("unix", "/a"), ("fds", [3])]
)
def test_bind_beside_another_address_is_an_error(key: str, value: object, tmp_path: Path) -> None:
    (tmp_path / "turnbuckle.toml").write_text('[server]\nbind = ["127.0.0.1:8000"]\n')
    sources = SettingsSources(folder=tmp_path)
    found = error_of(App(settings={"server": {key: value}}), "TB212", sources)
    assert f"server.bind and server.{key} both" in found.text
    assert found.origins[0].location.endswith("turnbuckle.toml:2")
    assert "App(...)" in found.origins[1].location
    # An empty value takes back the value of another source.
    empty: object = "" if key == "unix" else []
    if key in {"unix", "fds"}:
        assert not App(settings={"server": {key: empty}}).resolve(sources).diagnostics


def test_missing_setting() -> None:
    found = error_of(App(plugins=[Configured]), "TB204")
    assert "'plugin.configured.user' is missing" in found.text
    assert "$TURNBUCKLE_PLUGIN_CONFIGURED_USER" in found.fix


def test_value_that_only_the_class_refuses() -> None:
    @attrs.frozen
    class Pair:
        low: int = 1
        high: int = 2

        def __attrs_post_init__(self) -> None:
            if self.low > 5 and self.high > 5:
                raise ValueError("not both")

    plugin = make_plugin("p", info=PluginInfo(name="p", config=Pair))
    found = error_of(App(plugins=[(plugin, {"low": 6, "high": 7})]), "TB202")
    assert found.text == "setting 'plugin.p': not both"


def test_required_value_that_is_refused() -> None:
    config = attrs.make_class("C", {"key": attrs.field(type=int, validator=attrs.validators.gt(0))})
    plugin = make_plugin("p", info=PluginInfo(name="p", config=config))
    assert "plugin.p.key" in error_of(App(plugins=[(plugin, {"key": 0})]), "TB202").text


def test_plugin_without_settings_is_given_some(tmp_path: Path) -> None:
    _write(tmp_path, "[plugin.plain]\nx = 1\n")
    plain = make_plugin("plain")
    assert error_of(App(plugins=[plain]), "TB209", SettingsSources(folder=tmp_path)).origins[0].location.endswith(":1")
    assert "takes no settings" in error_of(App(plugins=[(plain, {"x": 1})]), "TB209").text


def test_settings_of_a_plugin_that_is_not_enabled(tmp_path: Path) -> None:
    _write(tmp_path, "[plugin.plian]\nx = 1\n")
    found = warning_of(App(plugins=[make_plugin("plain")]), "TB208", SettingsSources(folder=tmp_path))
    assert "did you mean 'plain'?" in found.text


@pytest.mark.parametrize("config", [int, Nested, Config])
def test_class_of_settings_that_cannot_be_read(config: type) -> None:
    broken = type("Broken", (), {"__annotations__": {"x": "Nowhere"}, "x": 1})
    config = int if config is int else attrs.frozen(broken)
    plugin = make_plugin("p", info=PluginInfo(name="p", config=config))
    assert "'plugin.p'" in error_of(App(plugins=[plugin]), "TB210").text


def test_every_setting_is_documented() -> None:
    # Docstrings keep their indentation before Python 3.13.
    for cls in (Settings, *(field.type for field in attrs.fields(Settings) if attrs.has(field.type))):
        attrs.resolve_types(cls)
        for field in attrs.fields(cls):
            assert f"\n    {field.name}: " in inspect.cleandoc(cls.__doc__ or ""), (cls, field.name)


def test_server_settings_are_checked() -> None:
    with pytest.raises(ValueError, match="backlog must be from 1 to 1000000, not 0"):
        ServerSettings(backlog=0)
