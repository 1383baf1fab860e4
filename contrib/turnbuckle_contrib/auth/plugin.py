"""The plugin: it supplies users to handlers, and answers refused requests."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, cast, final

import attrs

from turnbuckle import (
    Diagnostic,
    ErrorHandler,
    Handler,
    Lifespan,
    Middleware,
    ParameterProvider,
    Plan,
    Plugin,
    PluginInfo,
    Redirect,
    Request,
    Response,
    Setup,
    hookimpl,
    hookspec,
)
from turnbuckle_contrib.auth.api_keys import api_key_command
from turnbuckle_contrib.auth.auth import AUTH, Auth, current_user
from turnbuckle_contrib.auth.config import AuthConfig
from turnbuckle_contrib.auth.configured import check_schemes, configured_schemes
from turnbuckle_contrib.auth.passwords import Passwords, VerifiedPasswords
from turnbuckle_contrib.auth.records import LoginRequired, User
from turnbuckle_contrib.auth.schemes import Scheme
from turnbuckle_contrib.auth.sources import UserSource, merge_sources
from turnbuckle_contrib.auth.throttle import Throttle

if TYPE_CHECKING:
    import click

    from turnbuckle_contrib.openapi.records import SecurityScheme
    from turnbuckle_plugins.jinja_templates import TemplateParts

__all__ = ["AuthHooks", "AuthPlugin"]


def _as_bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"public is True or False, not {value!r:.60}")
    return value


class AuthHooks:
    """The hooks of the plugin, for other plugins. Mark implementations with ``@hookimpl(optionalhook=True)``."""

    @hookspec
    def provide_users(self, setup: Setup) -> Iterable[UserSource]:
        """Return the functions that find users; each function may come from one plugin only."""
        return ()

    @hookspec
    def provide_auth_schemes(self, setup: Setup) -> Iterable[Scheme]:
        """Return further schemes, which are enabled in addition to the schemes in the settings."""
        return ()


@final
class AuthPlugin(Plugin[AuthConfig]):
    """Supply ``User`` and ``User | None`` to handlers.

    Args:
        users: functions that find users, in addition to the functions of other plugins.
        schemes: schemes, in addition to the schemes in the settings.
        clock: seconds since the epoch.
    """

    info = PluginInfo(name="auth", after=["sessions"], route_options={"public": _as_bool})
    hookspecs = AuthHooks

    def __init__(
        self,
        users: UserSource | None = None,
        schemes: Iterable[Scheme] = (),
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._users: Final = users
        self._schemes: Final = tuple(schemes)
        self._clock: Final = clock

    def provide_parameters(self, setup: Setup[AuthConfig]) -> list[ParameterProvider]:
        """Return the suppliers of both types."""
        return [
            ParameterProvider(User | None, _optional_user, description="the user, or None"),
            ParameterProvider(User, _user, description="the user; without one, the answer is 401"),
        ]

    def provide_lifespans(self, setup: Setup[AuthConfig]) -> list[Lifespan]:
        """Return the lifespan that makes the ``Auth`` of the app.

        Raises:
            LookupError: tokens are accepted, and the package ``joserfc`` is not installed.
            ValueError: two plugins provide the same function to find users, or settings of the schemes are missing.
        """
        users = cast("Iterable[UserSource]", setup.ask("provide_users", setup=setup))
        schemes = cast("Iterable[Scheme]", setup.ask("provide_auth_schemes", setup=setup))
        check_schemes(setup.config)
        merged = merge_sources(setup.config.login, [*([self._users] if self._users is not None else []), *users])
        make = _AuthFactory(merged, (*self._schemes, *schemes), self._clock)
        return [Lifespan("auth", make, provides=AUTH)]

    def provide_middleware(self, setup: Setup[AuthConfig]) -> list[Middleware]:
        """Return a middleware that does nothing: its place in the chain shows that it needs sessions.

        Each chain with it needs them if there is no other scheme. Otherwise, ``review_plan`` looks for them in any
        chain: a scope for programs may have a chain without sessions, and use another scheme.
        """
        needs = ("session",) if setup.config.schemes == ("session",) else ()
        factory = _Nothing(uses_sessions="session" in setup.config.schemes)
        return [Middleware("auth", factory, zone="session", after=("sessions",), needs=needs)]

    def review_plan(self, plan: Plan) -> Iterator[Diagnostic]:
        """Report the scheme "session" without sessions."""
        found = [entry for scope in plan.root.walk() for entry in scope.middleware]
        if any("session" in entry.record.provides for entry in found):
            return
        for entry in found:
            factory = entry.record.factory
            if isinstance(factory, _Nothing) and factory.uses_sessions and not entry.record.needs:
                yield Diagnostic(
                    level="error",
                    code="TB412",
                    text="middleware 'auth' needs 'session' outside of it, and nothing provides it",
                    why="'session' is among the schemes of the plugin auth",
                    fix="enable the plugin sessions, or remove 'session' from plugin.auth.schemes",
                    origins=(entry.origin,),
                )

    def provide_error_handlers(self, setup: Setup[AuthConfig]) -> list[ErrorHandler]:
        """Return the handler that sends browsers to the login page."""
        return [ErrorHandler(LoginRequired, _to_login)]

    def provide_commands(self, setup: Setup[AuthConfig]) -> list[click.Command]:
        """Return the command ``api-key``."""
        return [] if setup.scope else [api_key_command()]

    @hookimpl(optionalhook=True)
    def provide_security_schemes(self, plan: Plan) -> list[SecurityScheme]:
        """Return the schemes for the OpenAPI document; each of them is enough."""
        from turnbuckle_contrib.auth.documentation import security_schemes

        return security_schemes(plan)

    @hookimpl(optionalhook=True)
    def provide_templates(self, setup: Setup[AuthConfig]) -> list[TemplateParts]:
        """Return the variable ``current_user`` of templates."""
        from turnbuckle_plugins.jinja_templates import TemplateParts

        return [TemplateParts(context_processors=_template_variables)]


@attrs.frozen
class _AuthFactory:
    """Makes the ``Auth`` of a running app."""

    users: UserSource
    schemes: tuple[Scheme, ...]
    clock: Callable[[], float]

    @asynccontextmanager
    async def __call__(self, setup: Setup[AuthConfig]) -> AsyncIterator[Auth]:
        config = setup.config
        remembered = VerifiedPasswords(config.basic_seconds, self.clock) if config.basic_seconds else None
        passwords = Passwords(
            config.password_hash,
            memory=config.scrypt_memory,
            concurrency=config.password_threads,
            remembered=remembered,
        )
        yield Auth(
            users=self.users,
            schemes=(*configured_schemes(config, self.clock), *self.schemes),
            passwords=passwords,
            throttle=Throttle(config.attempts, config.attempts_seconds, config.attempts_entries, self.clock),
            clock=self.clock,
            realm=config.realm or setup.app_name,
            login_page=self.users.login,
        )
        passwords.close()


@attrs.frozen
class _Nothing:
    """The factory of the middleware, which costs nothing."""

    uses_sessions: bool

    def __call__(self, next_handler: Handler, setup: Setup[AuthConfig]) -> Handler:
        return next_handler


async def _optional_user(request: Request) -> User | None:
    return await request.resource(AUTH).identify(request)


async def _user(request: Request, user: User | None) -> User:
    if user is None:
        raise request.resource(AUTH).required(request)
    return user


async def _template_variables(request: Request) -> dict[str, object]:
    try:
        return {"current_user": await current_user(request)}
    except Exception:
        # An error page is rendered for wrong credentials, and while the store of users fails.
        if request.exception is None:
            raise
        return {"current_user": None}


def _to_login(request: Request, error: LoginRequired) -> Response:
    return Redirect(error.location, 303, {"Cache-Control": "no-store"})
