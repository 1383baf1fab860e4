"""Turn the values passed as ``App(parser=...)`` and ``router=...`` into providers.

Objects with ``parse_into(request, buffer)`` or ``get_handler(path)`` need an adapter. Adapters are plugins; an adapter
is imported only when it is needed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final, cast

import attrs

from turnbuckle.diagnostics import Origin, Sourced
from turnbuckle.plugin import Plugin
from turnbuckle.records import ParserProvider, RouterProvider
from turnbuckle.runtime.shared_router import SharedRouter
from turnbuckle.setup import Setup
from turnbuckle.startup.model.diagnostics import Diagnostics
from turnbuckle.startup.model.locations import location_of
from turnbuckle.startup.model.plugin_records import PluginRequest

__all__ = ["AdaptedPart", "adapt_parser", "adapt_router"]

_ADAPTERS: Final[Mapping[str, tuple[str, str]]] = {
    "parse_into": ("turnbuckle_plugins.parse_into", "ParseIntoPlugin"),
    "get_handler": ("turnbuckle_plugins.get_handler", "GetHandlerPlugin"),
}


@attrs.frozen(kw_only=True)
class AdaptedPart:
    """The meaning of a passed value; at most one attribute is set.

    Attributes:
        name: the name of a provider.
        provider: a provider.
        adapter: a request for a plugin that provides the part.
    """

    name: str = ""
    provider: Sourced[Any] | None = None
    adapter: PluginRequest | None = None


@attrs.frozen
class _SharedRouterFactory:
    """Returns a shared router, ready for the routes of one more resolution."""

    router: SharedRouter

    def __call__(self, setup: Setup) -> SharedRouter:
        return self.router.begin()


@attrs.frozen
class _CalledWithNothing:
    """Calls a class or function that takes no argument where one is given."""

    function: Callable[..., object]

    def __call__(self, given: object) -> object:
        return self.function()


def adapt_parser(passed: Sourced[object] | None, diagnostics: Diagnostics) -> AdaptedPart:
    """Return the meaning of ``App(parser=...)``; a value that is no parser is reported and ignored."""
    if passed is None:
        return AdaptedPart()
    value, origin = passed.record, passed.origin
    if isinstance(value, str):
        return AdaptedPart(name=value)
    if isinstance(value, ParserProvider):
        return AdaptedPart(provider=Sourced(value, origin))
    if hasattr(value, "parse_into"):
        return _adapted("parse_into", "parser", passed, diagnostics)
    if callable(value):
        factory = cast("Callable[..., Any]", _called_with_one(value))
        return AdaptedPart(provider=Sourced(ParserProvider(_name_of(value), factory), _at(origin, value)))
    why = "each connection needs its own parser, so a parser is given as a class or factory"
    fix = "pass the class, or a function that takes Limits and returns a parser"
    if hasattr(value, "next_event"):
        fix = f"pass the class {type(value).__name__}, not an instance"
    return _unfit("parser", value, origin, (why, fix), diagnostics)


def adapt_router(passed: Sourced[object] | None, diagnostics: Diagnostics) -> AdaptedPart:
    """Return the meaning of ``router=...`` of an app or a scope; a value that is no router is reported and ignored."""
    if passed is None:
        return AdaptedPart()
    value, origin = passed.record, passed.origin
    if isinstance(value, str):
        return AdaptedPart(name=value)
    if isinstance(value, RouterProvider):
        return AdaptedPart(provider=Sourced(value, origin))
    if hasattr(value, "get_handler"):
        return _adapted("get_handler", "router", passed, diagnostics)
    if isinstance(value, SharedRouter):
        return AdaptedPart(provider=Sourced(RouterProvider(value.name, _SharedRouterFactory(value)), origin))
    if callable(value):
        factory = cast("Callable[..., Any]", _called_with_one(value))
        return AdaptedPart(provider=Sourced(RouterProvider(_name_of(value), factory), _at(origin, value)))
    why = "a router has add, freeze and match, or get_handler"
    return _unfit("router", value, origin, (why, "pass a router, a class or a factory"), diagnostics)


def _adapted(adapter: str, slot: str, passed: Sourced[object], diagnostics: Diagnostics) -> AdaptedPart:
    module, name = _ADAPTERS[adapter]
    try:
        plugin: Callable[[object], Plugin] = getattr(import_module(module), name)
        adapter_plugin = plugin(passed.record)
    except Exception as error:  # noqa: BLE001  # a foreign object is wrapped here
        why = f"the adapter {module} failed: {type(error).__name__}: {error}"
        return _unfit(slot, passed.record, passed.origin, (why, "correct the passed object"), diagnostics)
    return AdaptedPart(adapter=PluginRequest(ref=adapter_plugin, origin=passed.origin, builtin=True))


def _unfit(
    slot: str, value: object, origin: Origin, why_and_fix: tuple[str, str], diagnostics: Diagnostics
) -> AdaptedPart:
    why, fix = why_and_fix
    diagnostics.add("TB403", f"{value!r:.80} cannot be the {slot}", origin, why=why, fix=fix)
    return AdaptedPart()


def _called_with_one(value: Callable[..., object]) -> Callable[..., object]:
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return value
    takes_one = any(
        parameter.kind not in {parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD} and not _is_optional(parameter)
        for parameter in parameters
    )
    return value if takes_one else _CalledWithNothing(value)


def _is_optional(parameter: inspect.Parameter) -> bool:
    # An optional parameter of another name does not expect the limits or the setup.
    return parameter.default is not parameter.empty and parameter.name not in {"limits", "setup"}


def _name_of(value: object) -> str:
    named = value if hasattr(value, "__name__") else type(value)
    return str(getattr(named, "__name__", "passed"))


def _at(origin: Origin, value: object) -> Origin:
    return attrs.evolve(origin, location=location_of(value) or origin.location)
