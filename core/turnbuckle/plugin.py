"""What a plugin is: a class with a name, that answers hooks."""

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
    """What a plugin says about itself.

    Attributes:
        name: unique, lower case with underscores; the name of its entry point.
        api: the generation of hooks that it was written for.
        config: an attrs class for the settings under ``[plugin.NAME]``, or None if it takes none.
        requires: plugins that must be enabled as well.
        after: plugins that come before it in dependency order when they are enabled.
        conflicts: plugins that must not be enabled beside it.
    """

    name: str
    api: int = 1
    config: type | None = None
    requires: tuple[str, ...] = attrs.field(default=(), converter=_as_tuple)
    after: tuple[str, ...] = attrs.field(default=(), converter=_as_tuple)
    conflicts: tuple[str, ...] = attrs.field(default=(), converter=_as_tuple)


class Plugin(Hooks):
    """The base of every plugin: give it ``info``, override the hooks it has something to say to.

    Overriding is all that it takes; ``@hookimpl`` is welcome on the methods and changes nothing. A plugin is found by
    its entry point in the group ``turnbuckle.plugins``, or given to ``App(plugins=[...])`` as a class or an instance.

    Attributes:
        info: what the plugin says about itself.
        hookspecs: a class whose methods are marked with ``@hookspec``: hooks that this plugin defines for others, which
            it calls with ``setup.ask("name", ...)``. None if it defines none.
    """

    info: ClassVar[PluginInfo]
    hookspecs: ClassVar[type | None] = None
