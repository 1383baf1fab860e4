"""Take the parsers and routers that are passed to an app by value, whatever shape they have.

Objects written for ``parse_into(request, buffer)`` or ``get_handler(path)`` need an adapter. Adapters are plugins; the
one that is needed is imported by name, then, and no sooner.
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
from turnbuckle.startup.model.locations import place_of
from turnbuckle.startup.model.plugin_records import PluginRequest

__all__ = ["AdaptedPart", "adapt_parser", "adapt_router"]

_ADAPTERS: Final[Mapping[str, tuple[str, str]]] = {
    "parse_into": ("turnbuckle_plugins.parse_into", "ParseIntoPlugin"),
    "get_handler": ("turnbuckle_plugins.get_handler", "GetHandlerPlugin"),
}


@attrs.frozen(kw_only=True)
class AdaptedPart:
    """What became of a value: a name to look for, a provider, or an adapter that has to be asked for one."""

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


def adapt_parser(written: Sourced[object] | None, diagnostics: Diagnostics) -> AdaptedPart:
    """Return what an app's ``parser=`` means; a mistake is noted and means nothing."""
    if written is None:
        return AdaptedPart()
    value, origin = written.record, written.origin
    if isinstance(value, str):
        return AdaptedPart(name=value)
    if isinstance(value, ParserProvider):
        return AdaptedPart(provider=Sourced(value, origin))
    if hasattr(value, "parse_into"):
        return _adapted("parse_into", "parser", written, diagnostics)
    if callable(value):
        factory = cast("Callable[..., Any]", _called_with_one(value))
        return AdaptedPart(provider=Sourced(ParserProvider(_name_of(value), factory), _at(origin, value)))
    why = "a connection needs a parser of its own, so a parser is given as a class or factory"
    fix = "pass the class, or a function that takes Limits and returns a parser"
    if hasattr(value, "next_event"):
        fix = f"pass the class {type(value).__name__}, not an instance"
    return _unfit("parser", value, origin, (why, fix), diagnostics)


def adapt_router(written: Sourced[object] | None, diagnostics: Diagnostics) -> AdaptedPart:
    """Return what the ``router=`` of an app or a scope means; a mistake is noted and means nothing."""
    if written is None:
        return AdaptedPart()
    value, origin = written.record, written.origin
    if isinstance(value, str):
        return AdaptedPart(name=value)
    if isinstance(value, RouterProvider):
        return AdaptedPart(provider=Sourced(value, origin))
    if hasattr(value, "get_handler"):
        return _adapted("get_handler", "router", written, diagnostics)
    if isinstance(value, SharedRouter):
        return AdaptedPart(provider=Sourced(RouterProvider(value.name, _SharedRouterFactory(value)), origin))
    if callable(value):
        factory = cast("Callable[..., Any]", _called_with_one(value))
        return AdaptedPart(provider=Sourced(RouterProvider(_name_of(value), factory), _at(origin, value)))
    why = "a router has add, freeze and match, or get_handler"
    return _unfit("router", value, origin, (why, "pass a router, a class or a factory"), diagnostics)


def _adapted(adapter: str, slot: str, written: Sourced[object], diagnostics: Diagnostics) -> AdaptedPart:
    module, name = _ADAPTERS[adapter]
    try:
        plugin: Callable[[object], Plugin] = getattr(import_module(module), name)
        wanted = plugin(written.record)
    except Exception as error:  # noqa: BLE001  # a foreign object is wrapped here
        why = f"the adapter {module} failed: {type(error).__name__}: {error}"
        return _unfit(slot, written.record, written.origin, (why, "correct what is passed"), diagnostics)
    return AdaptedPart(adapter=PluginRequest(ref=wanted, origin=written.origin, builtin=True))


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
        each.kind not in {each.KEYWORD_ONLY, each.VAR_KEYWORD} and not _is_optional(each) for each in parameters
    )
    return value if takes_one else _CalledWithNothing(value)


def _is_optional(parameter: inspect.Parameter) -> bool:
    # What is not asked for is not pressed upon a class that was written for something else.
    return parameter.default is not parameter.empty and parameter.name not in {"limits", "setup"}


def _name_of(value: object) -> str:
    named = value if hasattr(value, "__name__") else type(value)
    return str(getattr(named, "__name__", "passed"))


def _at(origin: Origin, value: object) -> Origin:
    return attrs.evolve(origin, location=place_of(value) or origin.location)
