"""The settings of the plugin under test, which every suite can use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from turnbuckle.app import App
from turnbuckle.errors import StartupError
from turnbuckle.plan import Plan
from turnbuckle.plugin import Plugin
from turnbuckle.settings import Settings
from turnbuckle.setup import Setup

__all__ = ["ConfiguredSuite"]


class ConfiguredSuite:
    """The base class of all suites.

    Attributes:
        plugin: the class of the plugin that provides the object under test; None if no setting matters.
        config: settings of this plugin, as under ``[plugin.NAME]``; without ``plugin``, an instance of its settings.
    """

    plugin: ClassVar[type[Plugin] | None] = None
    config: ClassVar[object] = {}

    def plugins(self) -> Iterable[object]:
        """Return the plugins that it requires, as ``App(plugins=...)`` takes them; none by default."""
        return ()

    def make_setup(self) -> Setup:
        """Return the setup for factories, with the settings of the plugin."""
        if self.plugin is None:
            return Setup(settings=Settings(), config=None if isinstance(self.config, Mapping) else self.config)
        name = self.plugin.info.name
        plan = self.resolve_plugin(self.plugin())
        return Setup(settings=plan.settings, plugin=name, config=plan.root.configs.get(name))

    def resolve_plugin(self, plugin: Plugin) -> Plan:
        """Return the plan of an app with a plugin and its requirements, with the settings of the suite.

        Raises:
            AssertionError: the app does not start.
        """
        entry = (plugin, self.config) if self.config else plugin
        try:
            return App(plugins=[*self.plugins(), entry]).resolve()
        except StartupError as error:
            problems = "\n".join(str(problem) for problem in error.problems)
            raise AssertionError(f"an app with the plugin does not start:\n{problems}") from error
