"""A third-party plugin, in its own distribution and environment, is found by its entry point only."""

from __future__ import annotations

import re
from importlib.metadata import entry_points

import pytest

from .conftest import Environment

_GREETED = ['200 {"greeting":"Hello, Ada"} shop', '200 ["acme_greeter"] shop']
_ENABLED = '[plugins]\nenabled = ["greeter"]\n'


def test_plugin_is_not_in_the_environment_of_the_tests(environment: Environment) -> None:
    assert "greeter" not in entry_points(group="turnbuckle.plugins").names


def test_installed_is_not_enabled_and_not_imported(environment: Environment) -> None:
    assert environment.ask() == ["404 Not Found None", "200 [] None"]


@pytest.mark.parametrize(
    ("settings", "plugins", "variables"),
    [
        pytest.param(_ENABLED, (), {}, id="settings"),
        pytest.param("", ("greeter",), {}, id="command-line"),
        pytest.param("", (), {"TURNBUCKLE_PLUGINS": "greeter"}, id="environment"),
        pytest.param("[plugins]\nautoload = true\n", (), {}, id="autoload"),
    ],
)
def test_enabled_plugin_serves(
    settings: str, plugins: tuple[str, ...], variables: dict[str, str], environment: Environment
) -> None:
    environment.settings(settings)
    assert environment.ask(*plugins, **variables) == _GREETED


@pytest.mark.parametrize(
    ("plugins", "variables"),
    [
        pytest.param(("no:greeter",), {}, id="command-line"),
        pytest.param((), {"TURNBUCKLE_PLUGINS": "no:greeter"}, id="environment"),
    ],
)
def test_disabled_plugin_is_not_imported(
    plugins: tuple[str, ...], variables: dict[str, str], environment: Environment
) -> None:
    environment.settings(_ENABLED)
    assert environment.ask(*plugins, **variables) == ["404 Not Found None", "200 [] None"]


def test_plugin_is_configured(environment: Environment) -> None:
    environment.settings(_ENABLED + '[plugin.greeter]\ngreeting = "Hi"\n')
    assert environment.ask()[0] == '200 {"greeting":"Hi, Ada"} shop'
    assert environment.ask(TURNBUCKLE_PLUGIN_GREETER_GREETING="Ahoy")[0] == '200 {"greeting":"Ahoy, Ada"} shop'


def test_plan_shows_the_distribution(environment: Environment) -> None:
    result = environment.turnbuckle("plan", "shop:app", "-p", "greeter")
    assert result.returncode == 0, result.stderr
    assert "/greet/{name}" in result.stdout
    assert "acme-greeter 2.1" in result.stdout


def test_plugins_are_listed_without_import(environment: Environment) -> None:
    result = environment.turnbuckle("plugins")
    assert result.returncode == 0, result.stderr
    assert re.search(r"greeter.*acme-greeter 2\.1", result.stdout)


def test_mistake_in_its_settings_is_reported(environment: Environment) -> None:
    environment.settings(_ENABLED + '[plugin.greeter]\ngreting = "Hi"\n')
    result = environment.turnbuckle("check", "shop:app")
    assert result.returncode == 3
    assert "TB201 unknown setting 'plugin.greeter.greting'; did you mean 'plugin.greeter.greeting'?" in result.stderr
    assert "plugin 'greeter' at turnbuckle.toml:4" in result.stderr
