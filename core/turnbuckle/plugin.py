"""The base class of plugins, and the metadata of a plugin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, TypeVar, get_args, get_origin

import attrs

from turnbuckle.hookspecs import ConfigT, Hooks

__all__ = ["Plugin", "PluginInfo"]


def _as_tuple(value: Iterable[str]) -> tuple[str, ...]:
    # A single name is an easy slip for a tuple with one name; its letters are never meant.
    if isinstance(value, type) or not isinstance(value, Iterable):
        error = TypeError(f"plugins are named by texts, not {value!r:.60}")
        error.add_note("why: plugins refer to each other by name, so that no plugin has to import another")
        error.add_note('fix: write names of plugins, such as requires=["sessions"]')
        raise error
    return (value,) if isinstance(value, str) else tuple(value)


def _as_options(value: Mapping[str, Callable[[Any], object]]) -> Mapping[str, Callable[[Any], object]]:
    if not isinstance(value, Mapping):
        raise TypeError(f"route_options are functions by the names of options, not {value!r:.60}")
    for name, convert in value.items():
        if not isinstance(name, str) or not callable(convert):
            raise TypeError(f"option {name!r:.40} of routes has {convert!r:.60}; write a function that takes its value")
    return dict(value)


@attrs.frozen(kw_only=True)
class PluginInfo:
    """The metadata of a plugin.

    Attributes:
        name: unique name, in lower case with underscores; it is the name of the entry point.
        api: the generation of hooks that the plugin was written for.
        config: an attrs class for the settings under ``[plugin.NAME]``; None for the class in ``Plugin[...]``, or for
            no settings.
        requires: names of plugins that must be enabled together with it.
        after: names of plugins that precede it in dependency order if they are enabled.
        conflicts: names of plugins that must not be enabled together with it.
        route_options: the options of routes that the plugin reads, by name: each with the function that takes a value
            as it is written in ``@app.get(..., options={...})``, and returns it as ``Route.options`` has it. The
            function raises ``TypeError`` or ``ValueError`` for a wrong value.
    """

    name: str
    api: int = 1
    config: type | None = None
    requires: tuple[str, ...] = attrs.field(default=(), converter=_as_tuple)
    after: tuple[str, ...] = attrs.field(default=(), converter=_as_tuple)
    conflicts: tuple[str, ...] = attrs.field(default=(), converter=_as_tuple)
    route_options: Mapping[str, Callable[[Any], object]] = attrs.field(factory=dict, converter=_as_options)


class Plugin(Hooks[ConfigT]):
    """The base class of all plugins: set ``info`` and override the hooks that the plugin implements.

    ``@hookimpl`` on the methods is allowed but not needed. A plugin is found by its entry point in the group
    ``turnbuckle.plugins``, or passed to ``App(plugins=[...])`` as a class or an instance.

    ``class Uploads(Plugin[UploadsConfig])`` has settings of the class ``UploadsConfig``, and its info need not repeat
    the class: ``setup.config`` in its hooks is an instance, for type checkers as well. Without settings, derive it
    from plain ``Plugin``.

    Attributes:
        info: the metadata of the plugin.
        hookspecs: a class with methods marked with ``@hookspec``: the hooks that this plugin defines for other plugins
            and calls with ``setup.ask("name", ...)``. None if it defines no hooks.
    """

    info: ClassVar[PluginInfo]
    hookspecs: ClassVar[type | None] = None


def config_class(plugin: Plugin[Any]) -> type | None:
    """Return the class of a plugin's settings, from its info or from ``Plugin[...]``; None if it has none."""
    declared = config_in_bases(type(plugin))
    return plugin.info.config or (declared if isinstance(declared, type) else None)


def config_in_bases(cls: type) -> object:
    """Return the argument of ``Plugin[...]`` among the bases of a class, as written; None if there is none."""
    found = _argument(cls, {})
    return None if found in (object, Any, None, type(None)) or isinstance(found, TypeVar) else found


def _argument(cls: type, known: Mapping[object, object]) -> object:
    for base in vars(cls).get("__orig_bases__", cls.__bases__):
        origin = get_origin(base) or base
        if not isinstance(origin, type) or not issubclass(origin, Plugin):
            continue
        arguments = [known.get(argument, argument) for argument in get_args(base)]
        if origin is Plugin:
            return arguments[0] if arguments else None
        found = _argument(origin, dict(zip(getattr(origin, "__parameters__", ()), arguments, strict=False)))
        if found is not None:
            return found
    return None
