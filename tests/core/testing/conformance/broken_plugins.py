"""Plugins that are wrong, each in another way; those whose import is wrong are files that tests write."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from turnbuckle import (
    Component,
    Handler,
    Plugin,
    PluginInfo,
    Request,
    Response,
    Route,
    Setup,
    hookimpl,
    middleware as middleware_of,
)

SEEN: list[str] = []


async def _pass(request: Request, call_next: Handler) -> Response:
    return await call_next(request)


@attrs.frozen
class Config:
    """Settings.

    Attributes:
        greeting: the text of the greeting.
    """

    greeting: str = "hello"


class Sound(Plugin):
    """Nothing is wrong with this one."""

    info = PluginInfo(name="sound", config=Config)

    def provide_middleware(self, setup: Setup) -> Iterable:
        return [middleware_of(name="pass")(_pass)]


class HasNoInfo(Plugin):
    """Has no ``info``."""


class ShoutsItsName(Plugin):
    """Has a name that no entry point could have."""

    info = PluginInfo(name="Sound-Plugin")


class IsFromTheFuture(Plugin):
    """Was written for other hooks."""

    info = PluginInfo(name="future", api=99)


class RequiresItself(Plugin):
    """Waits for itself."""

    info = PluginInfo(name="itself", after=("itself",))


class IsUndocumented(Plugin):
    info = PluginInfo(name="undocumented")


IsUndocumented.__doc__ = None


@attrs.define
class LooseConfig:
    """Settings that can be changed."""

    greeting: str = "hello"


class HasLooseConfig(Plugin):
    """Could change its settings."""

    info = PluginInfo(name="loose", config=LooseConfig)


class ReturnsSomethingElse(Plugin):
    """Takes one record for the other."""

    info = PluginInfo(name="else")

    def provide_components(self, setup: Setup) -> Iterable:
        return [Route(path="/", handler=_pass)]


class _LooseComponent(Component):
    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


class ReturnsLooseRecords(Plugin):
    """Returns records that can be changed."""

    info = PluginInfo(name="loose_records")

    def provide_components(self, setup: Setup) -> Iterable:
        return [_LooseComponent("kind", "name", lambda setup: None)]


class AnswersOnce(Plugin):
    """Hands out an iterator that is used up."""

    info = PluginInfo(name="once")

    def __init__(self) -> None:
        self.records = iter([Component("kind", "name", lambda setup: None)])

    def provide_components(self, setup: Setup) -> Iterable:
        return self.records


class ProvidesNothing(Plugin):
    """Misspells its hook."""

    info = PluginInfo(name="nothing")

    def provide_things(self, setup: Setup) -> Iterable:
        return []


class WarnsAtTheStart(Plugin):
    """Asks to be called first, which has no effect."""

    info = PluginInfo(name="warns")

    @hookimpl(tryfirst=True)
    def provide_middleware(self, setup: Setup) -> Iterable:
        return [middleware_of(name="lonely")(_pass)]


class KeepsARegister(Plugin):
    """Notes every app that it is used in, for all to see."""

    info = PluginInfo(name="register")

    def provide_components(self, setup: Setup) -> Iterable:
        SEEN.append(setup.app_name)
        return [Component("kind", "name", lambda setup: None)]


class ServesOnlyTheFirst(Plugin):
    """Provides a middleware to the first app only."""

    info = PluginInfo(name="first")
    used = False

    def provide_components(self, setup: Setup) -> Iterable:
        if ServesOnlyTheFirst.used:
            return []
        ServesOnlyTheFirst.used = True
        return [Component("kind", "name", lambda setup: None)]
