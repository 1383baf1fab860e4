"""Further mistakes of plugin authors: each has its code, and a fix for this case."""

# ruff: noqa: ANN001, ANN201  # functions as authors write them

from __future__ import annotations

import dataclasses
from typing import Any

import attrs
import pytest

from tests.core.startup.finding import error_of, make_plugin
from turnbuckle import App, Plugin, PluginInfo, Setup
from turnbuckle.startup.plugins.error_hints import explain_error


@attrs.frozen
class Config:
    """Settings."""

    size: int = 1


@dataclasses.dataclass
class Data:
    size: int = 1


class Configured(Plugin[Config]):
    info = PluginInfo(name="configured")


async def around(request, call_next):
    return await call_next(request)


def _hook(hook: str, function: Any) -> App:
    return App(plugins=[make_plugin("p", **{hook: function})])


CASES = {
    "config-in-self": (
        lambda: _hook("provide_routes", lambda self, setup: [self.config]),
        "TB306",
        "write setup.config in the hook, instead of self.config",
    ),
    "component-in-hook": (
        lambda: _hook("provide_routes", lambda self, setup: [setup.component("json")]),
        "TB306",
        "call setup.component('json') in a factory or a lifespan",
    ),
    "resource-by-text": (
        lambda: _hook("provide_routes", lambda self, setup: [setup.resource("db")]),
        "TB306",
        "write KEY = ResourceKey('name', type), and pass KEY",
    ),
    "function-for-record": (
        lambda: _hook("provide_middleware", lambda self, setup: [around]),
        "TB308",
        "decorate around with @turnbuckle.middleware",
    ),
    "function-for-lifespan": (
        lambda: _hook("provide_lifespans", lambda self, setup: [around]),
        "TB308",
        "return [Lifespan('around', around)]",
    ),
    "pair-with-instance": (
        lambda: App(plugins=[(Configured, Config())]),
        "TB104",
        "write a pair of the class and a mapping of its settings: (Configured, {...})",
    ),
    "pair-turned": (
        lambda: App(plugins=[({"size": 1}, Configured)]),
        "TB104",
        "write a pair of the class and a mapping of its settings: (Configured, {...})",
    ),
    "dataclass": (
        lambda: App(config=Data),
        "TB210",
        "decorate Data with @attrs.frozen instead of @dataclass",
    ),
    "instance": (
        lambda: App(config=Config()),  # type: ignore[arg-type]
        "TB210",
        "pass a class that is decorated with @attrs.frozen: config=Config",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_mistake_has_a_fix_for_its_case(case: str) -> None:
    make, code, fix = CASES[case]
    assert fix in error_of(make(), code).fix


@pytest.mark.parametrize("value", [Configured, 5])
def test_plugins_that_are_not_named_by_texts_are_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="plugins are named by texts") as caught:
        PluginInfo(name="p", requires=value)
    assert any("fix: " in note for note in caught.value.__notes__)


def test_resource_by_text_shows_the_key() -> None:
    with pytest.raises(TypeError, match="a resource has a ResourceKey, not 'db'") as caught:
        Setup(settings=App().plan.settings).resource("db")  # type: ignore[arg-type]  # the mistake under test
    assert any("KEY = ResourceKey" in note for note in caught.value.__notes__)


def test_missing_module_of_forms_is_in_the_distribution_that_forms_need() -> None:
    # TB113 reports the other distribution with this module, python-multipart.
    _, fix = explain_error(ModuleNotFoundError("No module named 'multipart'", name="multipart"), "")
    assert fix == "install it: pip install multipart"


class _Foldered:
    def __init__(self, first: object = None, /, *folders: object, sorted_by: str = "") -> None:
        """Take folders by position."""


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("folders", "pass the value by position, without folders="),
        ("sorted_bi", "write sorted_by="),
        ("other", "remove other="),
    ],
)
def test_unknown_keyword_of_a_call(name, fix):
    with pytest.raises(TypeError) as caught:
        _Foldered(**{name: 1})
    assert explain_error(caught.value, "") == ("_Foldered takes first, *folders, sorted_by", fix)
