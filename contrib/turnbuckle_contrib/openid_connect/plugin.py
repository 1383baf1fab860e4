"""The plugin: the routes of the login, and the provider of the running app."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, final

import attrs

from turnbuckle import (
    Diagnostic,
    Lifespan,
    Origin,
    Plan,
    Plugin,
    PluginInfo,
    Request,
    ResourceKey,
    Response,
    Route,
    RouteDocs,
    Setup,
    hookimpl,
)
from turnbuckle_contrib.auth import AUTH, UserSource
from turnbuckle_contrib.openid_connect.config import OpenIDConnectConfig
from turnbuckle_contrib.openid_connect.login import Handlers, UserOfClaims
from turnbuckle_contrib.openid_connect.provider import Provider

__all__ = ["OpenIDConnectPlugin"]

_PROVIDER: Final = ResourceKey("openid_provider", Provider)
_NO_DOCS: Final = RouteDocs(in_schema=False)


@final
class OpenIDConnectPlugin(Plugin[OpenIDConnectConfig]):
    """Log users in with an OpenID provider.

    Args:
        user: makes the user of this app from the claims of an ID token, async or not; None refuses the login. By
            default, the id is ``issuer|sub``, and the roles follow from the setting ``roles``.
        clock: seconds since the epoch.
    """

    info = PluginInfo(name="openid_connect", requires=("auth", "sessions"))

    def __init__(self, user: UserOfClaims | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self._user: Final = user
        self._clock: Final = clock

    def provide_routes(self, setup: Setup[OpenIDConnectConfig]) -> list[Route]:
        """Return the routes of login, callback and logout.

        Raises:
            LookupError: the package ``joserfc`` is not installed.
            ValueError: the plugin is in a scope, or settings are missing.
        """
        config = setup.config
        _check(setup)
        handlers = Handlers(config, _provider_of, self._clock, self._user)
        return [
            _route(config.login, handlers.begin, "openid_login"),
            _route(config.callback, handlers.finish, "openid_callback"),
            _route(config.logout, handlers.end, "openid_logout", method="POST"),
        ]

    def provide_lifespans(self, setup: Setup[OpenIDConnectConfig]) -> list[Lifespan]:
        """Return the lifespan that makes the provider."""
        return [Lifespan("openid_connect", _Lifespan(self._user, self._clock), provides=_PROVIDER, needs=(AUTH,))]

    def review_plan(self, plan: Plan) -> list[Diagnostic]:
        """Report a cookie of the session that browsers would not send to the callback."""
        if getattr(plan.root.configs.get("sessions"), "same_site", "Lax") != "Strict":
            return []
        return [
            Diagnostic(
                level="error",
                code="TB454",
                text="the cookie of the session is not sent when the OpenID provider sends the browser back",
                why="plugin.sessions.same_site is 'Strict', and the callback is a request that another site has caused",
                fix="set plugin.sessions.same_site to 'Lax'",
                origins=(Origin(plugin="openid_connect"),),
            )
        ]

    @hookimpl(optionalhook=True)
    def provide_users(self, setup: Setup[OpenIDConnectConfig]) -> list[UserSource]:
        """Return the path of the login."""
        return [UserSource(login=setup.config.login)]


@attrs.frozen
class _Lifespan:
    """Makes the provider of a running app."""

    user: UserOfClaims | None
    clock: Callable[[], float]

    @asynccontextmanager
    async def __call__(self, setup: Setup[OpenIDConnectConfig]) -> AsyncIterator[Provider]:
        if self.user is None and setup.resource(AUTH).users.get_user is not None:
            error = LookupError("users come from UserSource.get_user, which does not know the users of the provider")
            error.add_note("why: each request looks up the user of its session by the id")
            error.add_note("fix: write OpenIDConnectPlugin(user=function), which returns a user of this app")
            raise error
        yield Provider(setup.config, self.clock)


def _route(path: str, handler: Callable[[Request], Awaitable[Response]], name: str, method: str = "GET") -> Route:
    # Without the option, guards of the whole app would refuse the way to the login.
    return Route(path=path, handler=handler, methods={method}, name=name, options={"public": True}, docs=_NO_DOCS)


def _provider_of(request: Request) -> Provider:
    return request.resource(_PROVIDER)


def _check(setup: Setup[OpenIDConnectConfig]) -> None:
    if setup.scope:
        raise ValueError("openid_connect is for the whole app: its paths are registered with the provider")
    for name in ("issuer", "client_id"):
        if not getattr(setup.config, name):
            error = ValueError(f"plugin.openid_connect.{name} is missing")
            error.add_note(f"fix: set plugin.openid_connect.{name} as the provider shows it")
            raise error
    try:
        import joserfc  # noqa: F401
    except ImportError as missing:
        absent = LookupError("openid_connect needs the package joserfc, which is not installed")
        absent.add_note("fix: pip install 'turnbuckle[jwt]'")
        raise absent from missing
