"""What a plugin is: a class with a name, that answers hooks."""

from __future__ import annotations

from typing import ClassVar

from turnbuckle.hookspecs import Hooks
from turnbuckle.markers import hookimpl, hookspec
from turnbuckle.records import PluginInfo

__all__ = ["Plugin", "hookimpl", "hookspec"]


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
