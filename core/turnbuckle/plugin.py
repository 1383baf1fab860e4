"""The base class of plugins, and the metadata of a plugin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import attrs

from turnbuckle.hookspecs import Hooks

__all__ = ["Plugin", "PluginInfo"]


def _as_tuple(value: Iterable[str]) -> tuple[str, ...]:
    # A single name is an easy slip for a tuple with one name; its letters are never meant.
    return (value,) if isinstance(value, str) else tuple(value)


@attrs.frozen(kw_only=True)
class PluginInfo:
    """The metadata of a plugin.

    Attributes:
        name: unique name, in lower case with underscores; it is the name of the entry point.
        api: the generation of hooks that the plugin was written for.
        config: an attrs class for the settings under ``[plugin.NAME]``, or None if the plugin has no settings.
        requires: names of plugins that must be enabled together with it.
        after: names of plugins that precede it in dependency order if they are enabled.
        conflicts: names of plugins that must not be enabled together with it.
    """

    name: str
    api: int = 1
    config: type | None = None
    requires: tuple[str, ...] = attrs.field(default=(), converter=_as_tuple)
    after: tuple[str, ...] = attrs.field(default=(), converter=_as_tuple)
    conflicts: tuple[str, ...] = attrs.field(default=(), converter=_as_tuple)


class Plugin(Hooks):
    """The base class of all plugins: set ``info`` and override the hooks that the plugin implements.

    ``@hookimpl`` on the methods is allowed but not needed. A plugin is found by its entry point in the group
    ``turnbuckle.plugins``, or passed to ``App(plugins=[...])`` as a class or an instance.

    Attributes:
        info: the metadata of the plugin.
        hookspecs: a class with methods marked with ``@hookspec``: the hooks that this plugin defines for other plugins
            and calls with ``setup.ask("name", ...)``. None if it defines no hooks.
    """

    info: ClassVar[PluginInfo]
    hookspecs: ClassVar[type | None] = None
