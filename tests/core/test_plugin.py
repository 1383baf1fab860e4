"""A plugin declares the class of its settings in ``Plugin[...]``, or in its info."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import attrs
import pytest

from tests.core.startup.finding import error_of
from turnbuckle import App, Plugin, PluginInfo, Setup
from turnbuckle.plugin import config_class

T = TypeVar("T")


@attrs.frozen
class Config:
    """Settings."""

    size: int = 3


@attrs.frozen
class Other:
    """Other settings."""


class InBrackets(Plugin[Config]):
    info = PluginInfo(name="it")


class InBoth(Plugin[Config]):
    info = PluginInfo(name="it", config=Config)


class Shared(Plugin[T], Generic[T]):
    info = PluginInfo(name="it")


class OfShared(Shared[Config]):
    pass


class Turned(Plugin[Config], Generic[T]):
    info = PluginInfo(name="it")


class OfTurned(Turned[Other]):
    pass


class InInfo(Plugin):
    info = PluginInfo(name="it", config=Config)


@pytest.mark.parametrize("cls", [InBrackets, InBoth, OfShared, OfTurned, InInfo])
def test_settings_are_an_instance_of_the_declared_class(cls: type[Plugin[Any]]) -> None:
    assert config_class(cls()) is Config
    plan = App(plugins=[(cls, {"size": 4})]).resolve()
    assert plan.root.configs["it"] == Config(size=4)


class Plain(Plugin):
    info = PluginInfo(name="it")


class Unbound(Shared[T]):
    pass


class OfObject(Plugin[object]):
    info = PluginInfo(name="it")


class OfNone(Plugin[None]):
    info = PluginInfo(name="it")


@pytest.mark.parametrize("cls", [Plain, Shared, Unbound, OfObject, OfNone])
def test_plugin_without_a_class_takes_no_settings(cls: type[Plugin[Any]]) -> None:
    assert config_class(cls()) is None
    App(plugins=[cls]).resolve()
    assert error_of(App(plugins=[(cls, {"size": 4})]), "TB209").text == "plugin 'it' takes no settings"


def test_two_classes_are_an_error() -> None:
    class Differs(Plugin[Config]):
        info = PluginInfo(name="it", config=Other)

    found = error_of(App(plugins=[Differs]), "TB111")
    assert found.text.endswith("derives from Plugin[Config], but its info has config=Other")
    assert found.fix == "write config=Config in its info, or leave config out"


def test_class_in_quotes_needs_the_info() -> None:
    class Quoted(Plugin["Config"]):
        info = PluginInfo(name="it")

    class WithInfo(Plugin["Config"]):
        info = PluginInfo(name="it", config=Config)

    assert "in the brackets without quotes" in error_of(App(plugins=[Quoted]), "TB111").fix
    assert App(plugins=[WithInfo]).resolve().root.configs["it"] == Config()


def test_router_factories_have_the_settings_of_their_plugin() -> None:
    from turnbuckle import RouterProvider, TreeRouter

    seen: list[object] = []

    class Routing(Plugin[Config]):
        info = PluginInfo(name="routing")

        def provide_routers(self, setup: Setup[Config]) -> list[RouterProvider]:
            def make(setup: Setup[Config]) -> TreeRouter:
                seen.append((setup.config, setup.plugin))
                return TreeRouter(converters=setup.converters)

            return [RouterProvider("mine", make)]

    App(plugins=[Routing]).compile()
    assert seen == [(Config(), "routing")]
