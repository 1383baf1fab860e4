"""The plugin: it joins the storage, the pages and the mails, and provides the users for ``auth``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final, cast, final

from turnbuckle import Component, Lifespan, Plugin, PluginInfo, Request, Route, Setup, hookimpl, hookspec
from turnbuckle_contrib.accounts.config import AccountsConfig
from turnbuckle_contrib.accounts.records import AccountStore, Mailer
from turnbuckle_contrib.accounts.service import ACCOUNTS, Accounts
from turnbuckle_contrib.accounts.sqlite import SQLiteAccounts
from turnbuckle_contrib.auth import Credentials, Throttle, User, UserSource
from turnbuckle_contrib.health import HealthCheck

if TYPE_CHECKING:
    import click

    from turnbuckle_plugins.jinja_templates import TemplateParts

__all__ = ["AccountsHooks", "AccountsPlugin"]

_STORE: Final = "account_store"
_HOUR: Final = 3600.0
_REMEMBERED: Final = 10_000


class AccountsHooks:
    """The hooks of this plugin, for other plugins. Mark implementations with ``@hookimpl(optionalhook=True)``."""

    @hookspec
    def provide_mailers(self, setup: Setup) -> Iterable[Mailer]:
        """Return the function that sends mails; only one plugin may return one."""
        return ()


@final
class AccountsPlugin(Plugin[AccountsConfig]):
    """Provide accounts with their pages.

    Args:
        mailer: the function that sends mails, async or not; it takes precedence over other plugins.
    """

    info = PluginInfo(name="accounts", requires=("auth", "csrf", "jinja_templates", "sessions"))
    hookspecs = AccountsHooks

    def __init__(self, mailer: Mailer | None = None) -> None:
        self._mailer: Final = mailer

    def provide_routes(self, setup: Setup[AccountsConfig]) -> list[Route]:
        """Return the routes of the pages.

        Raises:
            LookupError: there is no function that sends mails, or links have no origin.
            ValueError: there are several functions, or the plugin is in a scope.
        """
        # Imported here, so that the templates are only imported if they are used.
        from turnbuckle_contrib.accounts.mail import Mails
        from turnbuckle_contrib.accounts.pages import Pages

        config = setup.config
        if setup.is_scoped:
            error = ValueError("accounts belong to the whole app, because its users do")
            error.add_note("fix: enable the plugin for the app, with the setting prefix = '/accounts'")
            raise error
        site = config.site or setup.app_name
        mailer = self._find_mailer(setup)
        mails = Mails(mailer=mailer, site=site, origin=config.origin, lifetime=config.token_seconds)
        throttle = Throttle(config.mails_per_hour, _HOUR, _REMEMBERED, monotonic)
        return Pages(config=config, site=site, mails=mails, throttle=throttle).routes(config.prefix)

    def provide_components(self, setup: Setup[AccountsConfig]) -> list[Component]:
        """Return the storage in SQLite; another one is chosen with the setting ``components.account_store``."""
        return [Component(_STORE, "sqlite", _make_sqlite)]

    def provide_lifespans(self, setup: Setup[AccountsConfig]) -> list[Lifespan]:
        """Return the lifespan that opens the storage."""
        return [Lifespan("accounts", _open, provides=ACCOUNTS)]

    @hookimpl(optionalhook=True)
    def provide_users(self, setup: Setup[AccountsConfig]) -> list[UserSource]:
        """Return the functions that find the users of ``auth``."""
        login = f"{setup.config.prefix}/login"
        return [
            UserSource(
                get_user=_get_user, get_credentials=_get_credentials, set_password_hash=_upgrade_hash, login=login
            )
        ]

    @hookimpl(optionalhook=True)
    def provide_templates(self, setup: Setup[AccountsConfig]) -> list[TemplateParts]:
        """Return the folder of the templates, which an app overrides with files of the same names."""
        from turnbuckle_plugins.jinja_templates import TemplateParts

        return [TemplateParts(folders=Path(__file__).with_name("templates"))]

    @hookimpl(optionalhook=True)
    def provide_health_checks(self, setup: Setup[AccountsConfig]) -> list[HealthCheck]:
        """Return the check that reads from the storage."""
        return [HealthCheck("accounts", _can_read, ACCOUNTS)]

    def provide_commands(self, setup: Setup[AccountsConfig]) -> list[click.Command]:
        """Return the command ``accounts``."""
        from turnbuckle_contrib.accounts.command import make_command

        return [make_command(setup.config)]

    def _find_mailer(self, setup: Setup[AccountsConfig]) -> Mailer:
        from turnbuckle_contrib.accounts.mail import print_mail

        config = setup.config
        mailers = cast("list[Mailer]", list(setup.ask("provide_mailers", setup=setup)))
        if self._mailer is not None:
            mailers = [self._mailer]
        if len(mailers) > 1:
            raise ValueError(f"two plugins send mails: {mailers[0]!r} and {mailers[1]!r}; disable one of them")
        is_printed = setup.debug and not mailers if config.console_mail is None else config.console_mail
        if is_printed:
            return print_mail
        if not mailers:
            error = LookupError("no function sends the mails with links to register and to choose a new password")
            error.add_note(
                "fix: write AccountsPlugin(mailer=send), with 'async def send(mail: Mail)'; "
                "or set plugin.accounts.console_mail = true, to print mails to the log"
            )
            raise error
        if not config.origin and not setup.debug:
            error = LookupError("links in mails need the scheme and the host of the site")
            error.add_note(
                "why: a client chooses the Host of a request, and would lead the reader of a mail to its own"
            )
            error.add_note('fix: set plugin.accounts.origin = "https://example.org"')
            raise error
        return mailers[0]


def _make_sqlite(setup: Setup[AccountsConfig]) -> AccountStore:
    return SQLiteAccounts(setup.config.database)


@asynccontextmanager
async def _open(setup: Setup[AccountsConfig]) -> AsyncIterator[Accounts]:
    store = cast("AccountStore", setup.component(_STORE))
    await store.open()
    try:
        yield Accounts(store=store, token_seconds=setup.config.token_seconds)
    finally:
        await store.close()


async def _can_read(accounts: Accounts) -> None:
    await accounts.store.get("")


async def _get_user(request: Request, user_id: str) -> User | None:
    return await request.resource(ACCOUNTS).get_user(user_id)


async def _get_credentials(request: Request, name: str) -> Credentials | None:
    return await request.resource(ACCOUNTS).get_credentials(name)


async def _upgrade_hash(request: Request, user_id: str, old: str, new: str) -> None:
    await request.resource(ACCOUNTS).store.upgrade_hash(user_id, old, new)
