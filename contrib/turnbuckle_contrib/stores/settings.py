"""The settings that choose a store, its component, and the lifespan that opens it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import attrs

from turnbuckle import Component, Diagnostic, Lifespan, Plan, ResourceKey, Setup
from turnbuckle_contrib.service_urls import is_redis_url, require_redis
from turnbuckle_contrib.stores.memory import MemoryStore
from turnbuckle_contrib.stores.store import Store, StoreUnavailable

__all__ = [
    "StoreSettings",
    "is_store_chosen",
    "review_workers",
    "store_components",
    "store_finder",
    "store_lifespan",
    "unshared",
]

_OWN: Final = ("memory", "sqlite", "redis")
_CLEANING_SECONDS: Final = 60.0

_log: Final = logging.getLogger("turnbuckle.stores")


@attrs.frozen(kw_only=True)
class StoreSettings:
    """Settings of a plugin with a store.

    Attributes:
        store: ``"memory"``, ``"sqlite"``, ``"redis"``, or the name of a component that another plugin provides.
        file: the file of ``"sqlite"``.
        url: URL of ``"redis"``, such as "redis://127.0.0.1:6379/0", with the scheme redis, rediss or unix.
        prefix: prefix of all keys in Redis.
        timeout: seconds that Redis may take for an answer.
        max_memory: maximum size of all entries of ``"memory"``, in bytes; the entry that was not used for the longest
            time makes room.
    """

    store: str = "memory"
    file: str = "store.sqlite3"
    url: str = attrs.field(default="", validator=is_redis_url, repr=False, metadata={"secret": True})
    prefix: str = "turnbuckle:"
    timeout: float = attrs.field(default=5.0, validator=attrs.validators.gt(0))
    max_memory: int = attrs.field(default=64 * 1024 * 1024, validator=attrs.validators.ge(1024))


def is_store_chosen(setup: Setup[Any], kind: str, without: str = "") -> bool:
    """Return whether the settings choose a component of a kind.

    Args:
        setup: the setup of the plugin; its settings are ``StoreSettings``.
        kind: the kind of the component.
        without: the value of the setting ``store`` that stands for no component.
    """
    return setup.config.store != without or kind in setup.settings.components


def store_components(setup: Setup[Any], kind: str, clock: Callable[[], float] = time.time) -> list[Component]:
    """Return the component for the setting ``store``; none if it names the component of another plugin.

    Components belong to the whole app. A plugin that is enabled in a scope has its own store, which its lifespan makes.

    Raises:
        LookupError: the store needs a package that is not installed, or a setting.
    """
    requested = setup.settings.components.get(kind, "")
    names = _OWN if requested else (setup.config.store,)
    if "redis" in {setup.config.store, requested}:
        _require_url(setup)
    if setup.is_scoped:
        return []
    return [Component(kind, name, partial(_made, name, clock)) for name in names if name in _OWN]


def _made(name: str, clock: Callable[[], float], setup: Setup[Any]) -> Store:
    settings: StoreSettings = setup.config
    if name == "memory":
        return MemoryStore(settings.max_memory, clock)
    if name == "sqlite":
        from turnbuckle_contrib.stores.sqlite import SQLiteStore

        return SQLiteStore(settings.file, clock)
    from turnbuckle_contrib.stores.redis import RedisStore

    return RedisStore(settings.url, prefix=settings.prefix, timeout=settings.timeout)


def _is_own(setup: Setup[Any]) -> bool:
    return setup.is_scoped and setup.config.store in _OWN


def store_finder(setup: Setup[Any], key: ResourceKey[Store]) -> Callable[[Setup[Any]], Callable[[], Store]]:
    """Return a function for the factory of a middleware.

    It takes the setup of the factory, and returns a function that returns the store while requests are served. It
    raises ``LookupError`` if no plugin provides the component of the kind ``key.name``, and ``TypeError`` if that is no
    store.

    Args:
        setup: the setup of the hook that provides the middleware.
        key: the key of the store.
    """
    if _is_own(setup):
        return lambda setup: partial(setup.resource, key)
    return lambda setup: partial(_same, _component(setup, key.name))


def _same(store: Store) -> Store:
    return store


def _component(setup: Setup[Any], kind: str) -> Store:
    store = setup.component(kind)
    if not isinstance(store, Store):
        raise TypeError(f"the component of kind {kind!r} has not all methods of turnbuckle_contrib.stores.Store")
    return store


def store_lifespan(setup: Setup[Any], key: ResourceKey[Store], clock: Callable[[], float] = time.time) -> Lifespan:
    """Return the lifespan that opens the component of the kind ``key.name``, and removes its expired values."""
    is_own = _is_own(setup)

    @asynccontextmanager
    async def opened(setup: Setup[Any]) -> AsyncIterator[Store]:
        store = _made(setup.config.store, clock, setup) if is_own else _component(setup, key.name)
        await store.start()
        setup.background(partial(_clean, store), name=f"{key.name}: remove expired values")
        try:
            yield store
        finally:
            await store.close()

    return Lifespan(key.name, opened, provides=key)


def review_workers(plan: Plan, plugin: str, kind: str, text: str) -> list[Diagnostic]:
    """Return a warning if several workers have different stores, because the store is in memory.

    Args:
        plan: the plan.
        plugin: name of the plugin.
        kind: the kind of its store.
        text: the values that the workers do not share, such as ``"sessions"``.
    """
    choice = plan.components.get(kind)
    if choice is None or choice.name != "memory" or choice.origin.plugin != plugin:
        return []
    return unshared(plan, plugin, text, f'plugin.{plugin}.store is "memory"', "sqlite or redis")


def unshared(plan: Plan, plugin: str, text: str, reason: str, other: str) -> list[Diagnostic]:
    """Return a warning that several workers do not share values; nothing if there is one worker."""
    count = plan.settings.workers.processes
    if count == 1:
        return []
    return [
        Diagnostic(
            level="warning",
            code="TB452",
            text=f"{count} workers do not share {text}: {reason}",
            why="each request goes to any of the workers",
            fix=f"set plugin.{plugin}.{'secrets' if other == 'secrets' else f'store to {other}'}, or use one worker",
        )
    ]


async def _clean(store: Store) -> None:
    while True:
        await asyncio.sleep(_CLEANING_SECONDS)
        try:
            await store.remove_expired()
        except StoreUnavailable as error:
            _log.warning("expired values cannot be removed: %s", error)


def _require_url(setup: Setup[Any]) -> None:
    require_redis(setup, 'store is "redis"')
    if not setup.config.url:
        error = LookupError(f'plugin.{setup.plugin}.store is "redis", but plugin.{setup.plugin}.url is not set')
        error.add_note(f"fix: set plugin.{setup.plugin}.url, such as redis://127.0.0.1:6379/0")
        raise error
