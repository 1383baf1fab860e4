"""Describe values that are passed as plugins and are none, and the value to pass instead."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import ModuleType
from typing import Final

import attrs

from turnbuckle.plugin import Plugin, PluginInfo
from turnbuckle.startup.plugins.validate import shown
from turnbuckle.web.annotations import annotated_classes, return_annotation

__all__ = ["describe_value", "plugin_fix"]


def describe_value(value: object) -> str:
    """Return the kind of a value with its name, such as ``module 'guestbook'``."""
    if isinstance(value, ModuleType):
        return f"module {value.__name__!r}"
    if isinstance(value, type):
        return f"class {value.__qualname__!r}"
    if inspect.isroutine(value):
        return f"function {getattr(value, '__qualname__', shown(value))!r}"
    return shown(value)


def plugin_fix(value: object, name: str = "") -> str:
    """Return how to correct a value that is not a plugin.

    Args:
        value: the value.
        name: name of the entry point that leads to the value; "" for a value that was passed in code.
    """
    found = _plugins_in(value)
    if not found:
        return _fix_without_plugin(value)
    choices = [f"{cls.__module__}:{cls.__qualname__}" if name else f"{_prefix(value)}{cls.__name__}" for cls in found]
    if name:
        return f'write {name} = "{choices[0]}" as the entry point, and install the distribution again'
    if isinstance(value, tuple) and len(value) == 2:
        return f"write a pair of the class and a mapping of its settings: ({choices[0]}, {{...}})"
    if isinstance(value, Mapping):
        return f"pass a pair of the class and its settings, such as plugins=[({choices[0]}, {{...}})]"
    return "pass the class: " + " or ".join(choices)


def _prefix(value: object) -> str:
    return value.__name__.rpartition(".")[2] + "." if isinstance(value, ModuleType) else ""


def _plugins_in(value: object) -> list[type[Plugin]]:
    """Return the plugin classes that a value contains or makes."""
    if isinstance(value, ModuleType):
        candidates = list(vars(value).values())
        # Classes that the module only imports are chosen if it defines none.
        candidates.sort(key=lambda candidate: getattr(candidate, "__module__", "") != value.__name__)
    elif isinstance(value, Mapping):
        candidates = [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple | set | frozenset):
        candidates = list(value)
    else:
        return []
    classes = [candidate if isinstance(candidate, type) else type(candidate) for candidate in candidates]
    plugins = [cls for cls in classes if issubclass(cls, Plugin) and cls is not Plugin and not inspect.isabstract(cls)]
    own = [cls for cls in plugins if isinstance(value, ModuleType) and cls.__module__ == value.__name__]
    return list(dict.fromkeys(own or plugins))


def _fix_without_plugin(value: object) -> str:
    if isinstance(value, type):
        if value is Plugin:
            return "pass a class that is derived from it: class Guestbook(Plugin)"
        if value is PluginInfo or (attrs.has(value) and value.__module__.startswith("turnbuckle.")):
            return "pass the class of the plugin, which derives from turnbuckle.Plugin"
        return f"derive it from turnbuckle.Plugin: class {value.__name__}(Plugin)"
    if isinstance(value, PluginInfo):
        return "pass the class that has this info"
    if inspect.isroutine(value):
        return _fix_of_function(value)
    if isinstance(value, ModuleType):
        return "define a class that derives from turnbuckle.Plugin in the module, and pass the class"
    if isinstance(value, Mapping):
        return "pass the settings in a pair with the plugin, such as plugins=[(Guestbook, {...})]"
    if isinstance(value, list | tuple | set | frozenset):
        return "pass each plugin as one item of the list; a pair is a plugin and a mapping of its settings"
    return _FIXES.get(type(value).__name__) or _fix_of_instance(value)


def _fix_of_function(value: object) -> str:
    classes = annotated_classes(return_annotation(value), value)
    name = getattr(value, "__name__", "it")
    if inspect.iscoroutinefunction(value):
        return "pass middleware as App(middleware=[...]); a plugin is a class that derives from turnbuckle.Plugin"
    if any(issubclass(cls, Plugin) for cls in classes):
        return f"call it: pass {name}()"
    return f"pass {name}() if it returns a plugin; otherwise write a class that derives from turnbuckle.Plugin"


def _fix_of_instance(value: object) -> str:
    cls = type(value)
    if cls.__module__ == "builtins":
        return "pass a name, a class derived from turnbuckle.Plugin, or an instance of one; remove other values"
    return f"derive its class from turnbuckle.Plugin: class {cls.__name__}(Plugin)"


_FIXES: Final = {
    "App": "open a scope for its routes with app.scope(...); an app cannot be a plugin of another app",
    "Scope": "open a scope with app.scope(...); its plugins go into app.scope(..., plugins=[...])",
    "Middleware": "pass it as App(middleware=[...])",
    "Lifespan": "pass it to app.lifespan(...)",
    "Route": "add it with app.add_route(...)",
    "ResponseType": "add it with @app.response_type(...)",
    "ErrorHandler": "add it with @app.error_handler(...)",
    "ParserProvider": "pass it as App(parser=...)",
    "RouterProvider": "pass it as App(router=...)",
}
