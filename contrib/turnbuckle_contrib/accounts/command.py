"""The command ``turnbuckle accounts``: add the first administrator, and change roles, from the machine of the app."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from turnbuckle_contrib.accounts.config import AccountsConfig
from turnbuckle_contrib.accounts.inputs import normalized_email, normalized_name, password_fault
from turnbuckle_contrib.accounts.service import Accounts
from turnbuckle_contrib.accounts.sqlite import SQLiteAccounts
from turnbuckle_contrib.auth import hash_password

__all__ = ["make_command"]

T = TypeVar("T")


def make_command(config: AccountsConfig) -> click.Command:
    """Return the command for the accounts in the SQLite file of the settings."""

    @click.group()
    def accounts() -> None:
        """Add accounts, and change their roles."""

    @accounts.command()
    @click.argument("email")
    @click.option("--name", default="", help="Name of the user; by default, the address up to the @.")
    @click.option("--role", "roles", multiple=True, help="A role; may be repeated.")
    @click.password_option(help="By default, it is asked for.")
    def add(email: str, name: str, roles: tuple[str, ...], password: str) -> None:
        """Add the account of an address."""
        normalized = normalized_email(email)
        known_name = normalized_name(name or email.partition("@")[0])
        if normalized is None or known_name is None:
            raise click.ClickException(f"{email!r} is no e-mail address, or the name is too long")
        if fault := password_fault(password, min_length=config.min_length, words=(normalized, known_name)):
            raise click.ClickException(fault)
        hashed = hash_password(password)
        _run(config, lambda found: found.create(normalized, known_name, hashed, frozenset(roles)))
        click.echo(f"added {normalized}")

    @accounts.command()
    @click.argument("email")
    @click.argument("names", nargs=-1)
    def roles(email: str, names: tuple[str, ...]) -> None:
        """Replace the roles of an account; without names, it has none."""

        async def change(found: Accounts) -> None:
            account = await found.find(email)
            if account is None:
                raise ValueError(f"there is no account with the address {email!r}")
            await found.store.set_roles(account.id, names)

        _run(config, change)
        click.echo(f"{email}: {', '.join(names) or 'no roles'}")

    return accounts


def _run(config: AccountsConfig, function: Callable[[Accounts], Awaitable[T]]) -> T:
    async def run() -> T:
        store = SQLiteAccounts(config.database)
        await store.open()
        try:
            return await function(Accounts(store=store, token_seconds=config.token_seconds))
        finally:
            await store.close()

    try:
        return asyncio.run(run())
    except ValueError as error:
        raise click.ClickException(str(error)) from None
