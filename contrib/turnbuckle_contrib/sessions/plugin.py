"""The plugin: its middleware sets ``request.session``, and saves the session once the handler has made the response."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

from turnbuckle import (
    Component,
    Diagnostic,
    Flash,
    Handler,
    Lifespan,
    Middleware,
    ParameterProvider,
    Plan,
    Plugin,
    PluginInfo,
    Request,
    ResourceKey,
    Session,
    Setup,
    hookimpl,
)
from turnbuckle_contrib.secret_keys import secrets_of
from turnbuckle_contrib.sessions.backends import CookieSessions, StoreSessions
from turnbuckle_contrib.sessions.config import SessionsConfig
from turnbuckle_contrib.stores import (
    Store,
    is_store_chosen,
    review_workers,
    store_components,
    store_finder,
    store_lifespan,
    unshared,
)

if TYPE_CHECKING:
    from turnbuckle_contrib.health import HealthCheck
    from turnbuckle_plugins.jinja_templates import TemplateParts

__all__ = ["SESSION_STORE", "SessionsPlugin"]

_Factory: TypeAlias = Callable[[Handler, Setup[Any]], Handler]
_FindStore: TypeAlias = Callable[[Setup[Any]], Callable[[], Store]]

_KIND: Final = "session_store"
SESSION_STORE: Final[ResourceKey[Store]] = ResourceKey(_KIND, Store)  # type: ignore[type-abstract]  # nothing makes one
"""The key of the store, for ``request.resource(SESSION_STORE)``; there is none if sessions are in the cookie."""


@final
class SessionsPlugin(Plugin[SessionsConfig]):
    """Provide the middleware ``sessions`` in the session zone, and parameters of the type ``Session``.

    Args:
        clock: returns seconds since the epoch.
    """

    info = PluginInfo(name="sessions")

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock: Final = clock

    def provide_middleware(self, setup: Setup[SessionsConfig]) -> list[Middleware]:
        """Return the middleware."""
        if _is_in_store(setup):
            around: _Factory = partial(_around_store, store_finder(setup, SESSION_STORE), self._clock)
        else:
            keys = secrets_of(setup, setup.config.secrets)
            around = CookieSessions(setup.config, keys, self._clock).around
        return [Middleware("sessions", around, zone="session", provides=("session",))]

    def provide_parameters(self, setup: Setup[SessionsConfig]) -> list[ParameterProvider]:
        """Supply ``session: Session``."""
        return [ParameterProvider(Session, _session_of, description="the session of the client")]

    def provide_components(self, setup: Setup[SessionsConfig]) -> list[Component]:
        """Return the store that the settings choose."""
        return store_components(setup, _KIND, self._clock) if _is_in_store(setup) else []

    def provide_lifespans(self, setup: Setup[SessionsConfig]) -> list[Lifespan]:
        """Return the lifespan that opens the store."""
        return [store_lifespan(setup, SESSION_STORE, self._clock)] if _is_in_store(setup) else []

    def review_plan(self, plan: Plan) -> list[Diagnostic]:
        """Warn of several workers that do not understand each other's sessions."""
        config = plan.root.configs.get("sessions")
        if isinstance(config, SessionsConfig) and not config.secrets and _KIND not in plan.components:
            return unshared(plan, "sessions", "sessions", "each has its own random secret", "secrets")
        return review_workers(plan, "sessions", _KIND, "sessions")

    @hookimpl(optionalhook=True)
    def provide_health_checks(self, setup: Setup[SessionsConfig]) -> list[HealthCheck]:
        """Return the check of the store."""
        from turnbuckle_contrib.health import HealthCheck

        return [HealthCheck("sessions", _check, SESSION_STORE)] if _is_in_store(setup) else []

    @hookimpl(optionalhook=True)
    def provide_templates(self, setup: Setup[SessionsConfig]) -> list[TemplateParts]:
        """Add ``flashes()`` to all templates."""
        from turnbuckle_plugins.jinja_templates import TemplateParts, current_request

        def flashes() -> Sequence[Flash]:
            # An error page may be rendered outside of the middleware.
            session: Session | None = getattr(current_request("flashes()"), "session", None)
            return session.flashes() if session is not None else ()

        return [TemplateParts(globals={"flashes": flashes})]


def _around_store(
    find_store: _FindStore, clock: Callable[[], float], next_handler: Handler, setup: Setup[Any]
) -> Handler:
    return StoreSessions(setup.config, find_store(setup), clock).around(next_handler, setup)


def _is_in_store(setup: Setup[SessionsConfig]) -> bool:
    return is_store_chosen(setup, _KIND, without="cookie")


async def _check(store: Store) -> None:
    await store.check()


def _session_of(request: Request) -> Session:
    return request.session
