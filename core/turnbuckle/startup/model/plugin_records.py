"""The records between the settings and the hooks: plugins that are requested, and plugins that are loaded."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from turnbuckle.diagnostics import Origin
from turnbuckle.plugin import Plugin, PluginInfo
from turnbuckle.setup import Setup

__all__ = ["LoadedPlugin", "PluginRequest", "PluginRequests"]


@attrs.frozen(kw_only=True)
class PluginRequest:
    """A request to enable one plugin.

    Attributes:
        ref: the name or the class of the plugin, or an instance.
        origin: where it is requested.
        config: the settings given in code along with it.
        builtin: whether it is a part of the core, or adapts a value that was passed to the app.
        by_chain: whether only a chosen middleware chain requests it; its middleware then runs only in such chains.
    """

    ref: object
    origin: Origin
    config: Mapping[str, object] = attrs.field(factory=dict)
    builtin: bool = False
    by_chain: bool = False


@attrs.frozen
class PluginRequests:
    """The plugins that settings, environment and command line name.

    Attributes:
        enabled: the requests to enable plugins.
        disabled: names of plugins that stay disabled even if they are requested, with the origin of that.
        optional: names of plugins whose failure is a warning.
    """

    enabled: tuple[PluginRequest, ...]
    disabled: Mapping[str, Origin]
    optional: frozenset[str]


@attrs.frozen(kw_only=True)
class LoadedPlugin:
    """A plugin that takes part in one scope; each stage of startup returns it with more of its attributes set.

    Attributes:
        plugin: the instance.
        info: its name, and its relations to other plugins.
        origin: where it comes from.
        config: the settings given in code along with it.
        builtin: whether it is a part of the core, or adapts a value that was passed to the app.
        requested_by: where it is requested.
        by_chain: whether only a chosen middleware chain requests it.
        setup: the argument of its hooks; None before the plugin is configured.
        hooks: names of the hooks that it implements; empty before its hooks are registered.
        seconds: the time that its import and its hooks have taken so far.
    """

    plugin: Plugin
    info: PluginInfo
    origin: Origin
    config: Mapping[str, object] = attrs.field(factory=dict)
    builtin: bool = False
    requested_by: Origin | None = None
    by_chain: bool = False
    setup: Setup | None = None
    hooks: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """Return the name of the plugin."""
        return self.info.name
