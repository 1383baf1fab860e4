"""The words between loading and collecting: a plugin as it was asked for, and as it was loaded."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from turnbuckle.diagnostics import Origin
from turnbuckle.plugin import Plugin, PluginInfo
from turnbuckle.setup import Setup

__all__ = ["LoadedPlugin", "PluginRequest"]


@attrs.frozen(kw_only=True)
class PluginRequest:
    """A plugin that somebody asked for.

    Attributes:
        ref: its name, class, or an instance.
        origin: who asked for it.
        config: settings given in code along with it.
        builtin: whether it is a part of the core.
        injected: the slot that it was made for, when it adapts a value passed to the app; else "".
    """

    ref: object
    origin: Origin
    config: Mapping[str, object] = attrs.field(factory=dict)
    builtin: bool = False
    injected: str = ""


@attrs.define(kw_only=True)
class LoadedPlugin:
    """A plugin that takes part, in one scope.

    Attributes:
        plugin: the instance.
        info: what it says about itself.
        origin: where it comes from.
        config: settings given in code along with it.
        builtin: whether it is a part of the core.
        injected: the slot that it was made for, when it adapts a value passed to the app; else "".
        requested_by: who enabled it.
        setup: what its hooks are given; set once it is configured.
        hooks: names of the hooks that it answers; set once it is asked.
        seconds: what it cost so far.
    """

    plugin: Plugin
    info: PluginInfo
    origin: Origin
    config: Mapping[str, object] = attrs.field(factory=dict)
    builtin: bool = False
    injected: str = ""
    requested_by: Origin | None = None
    setup: Setup | None = None
    hooks: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """Return its name."""
        return self.info.name
