"""Accounts for people: register, log in and out, change a password, and choose a new one by mail.

``App(plugins=["sessions", "csrf", "auth", "jinja_templates", AccountsPlugin(mailer=send)])`` serves the pages below
``/accounts``, and provides the users for ``auth``. The pages work for browsers without scripts and for JSON clients; an
app replaces any of their templates. Accounts are in a SQLite file, unless a component ``account_store`` is chosen.
"""

from __future__ import annotations

from turnbuckle_contrib.accounts.config import AccountsConfig
from turnbuckle_contrib.accounts.plugin import AccountsHooks, AccountsPlugin
from turnbuckle_contrib.accounts.records import Account, AccountStore, Mail, Mailer, Purpose
from turnbuckle_contrib.accounts.service import ACCOUNTS, Accounts, user_of
from turnbuckle_contrib.accounts.sqlite import SQLiteAccounts

__all__ = [
    "ACCOUNTS",
    "Account",
    "AccountStore",
    "Accounts",
    "AccountsConfig",
    "AccountsHooks",
    "AccountsPlugin",
    "Mail",
    "Mailer",
    "Purpose",
    "SQLiteAccounts",
    "user_of",
]
