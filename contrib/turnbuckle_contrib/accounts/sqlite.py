"""Store accounts in one SQLite file: the default storage.

SQLite serializes changes by all workers, so an address is never registered twice and a token never used twice. The file
may be the database of the app: the tables have separate names, and a separate count of migrations.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection
from typing import Final, final

import attrs

from turnbuckle_contrib.accounts.records import Account, Purpose
from turnbuckle_contrib.sqlite import Database, Queries

__all__ = ["SQLiteAccounts"]

_MIGRATIONS: Final = (
    """
    CREATE TABLE accounts (
        id TEXT PRIMARY KEY,
        email TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        password_hash TEXT NOT NULL,
        roles TEXT NOT NULL,
        version INTEGER NOT NULL,
        created_at REAL NOT NULL
    ) STRICT;
    CREATE TABLE account_tokens (
        digest TEXT PRIMARY KEY,
        purpose TEXT NOT NULL,
        email TEXT NOT NULL,
        expires_at REAL NOT NULL
    ) STRICT;
    CREATE INDEX account_tokens_by_email ON account_tokens (email);
    """,
)


@final
@attrs.define(eq=False)
class SQLiteAccounts:
    """The accounts in the file at ``path``; implements ``AccountStore``.

    Attributes:
        path: path of the file, which is created if it is missing; ``":memory:"`` is lost when the app stops.
        now: the clock, in seconds since the epoch.
    """

    path: str
    now: Callable[[], float] = time.time
    _opened: Database | None = attrs.field(default=None, init=False, repr=False)

    async def open(self) -> None:
        """Open the file and create missing tables."""
        database = Database(self.path)
        try:
            await database.open()
            await database.migrate(_MIGRATIONS, "accounts")
        except BaseException:
            database.close()
            raise
        self._opened = database

    async def close(self) -> None:
        """Close the file."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    async def get(self, account_id: str) -> Account | None:
        """Return the account with this id, or None."""
        return await _account(self._database, "SELECT * FROM accounts WHERE id = ?", account_id)

    async def find(self, email: str) -> Account | None:
        """Return the account with this address, or None."""
        return await _account(self._database, "SELECT * FROM accounts WHERE email = ?", email)

    async def create(self, account: Account) -> bool:
        """Add an account; return False, and change nothing, if its address has one."""
        row = {**attrs.asdict(account), "roles": _joined(account.roles)}
        added = await self._database.execute(
            "INSERT INTO accounts (id, email, name, password_hash, roles, version, created_at)"
            " VALUES (:id, :email, :name, :password_hash, :roles, :version, :created_at)"
            " ON CONFLICT (email) DO NOTHING",
            row,
        )
        return added == 1

    async def set_password(self, account_id: str, password_hash: str) -> Account | None:
        """Replace the hash, increase the version, and delete the tokens of the address; return the account, or None."""
        changed = "UPDATE accounts SET password_hash = ?, version = version + 1 WHERE id = ? RETURNING *"
        async with self._database.transaction() as transaction:
            account = await _account(transaction, changed, password_hash, account_id)
            if account is not None:
                await transaction.execute("DELETE FROM account_tokens WHERE email = ?", account.email)
        return account

    async def upgrade_hash(self, account_id: str, old: str, new: str) -> None:
        """Replace the hash of an unchanged password; do nothing if the present hash is not the old one."""
        changed = "UPDATE accounts SET password_hash = ? WHERE id = ? AND password_hash = ?"
        await self._database.execute(changed, new, account_id, old)

    async def set_roles(self, account_id: str, roles: Collection[str]) -> Account | None:
        """Replace the roles; return the account, or None if it does not exist."""
        changed = "UPDATE accounts SET roles = ? WHERE id = ? RETURNING *"
        return await _account(self._database, changed, _joined(roles), account_id)

    async def delete(self, account_id: str) -> bool:
        """Delete an account and the tokens of its address; return whether it existed."""
        async with self._database.transaction() as transaction:
            account = await _account(transaction, "DELETE FROM accounts WHERE id = ? RETURNING *", account_id)
            if account is not None:
                await transaction.execute("DELETE FROM account_tokens WHERE email = ?", account.email)
        return account is not None

    async def add_token(self, digest: str, purpose: Purpose, email: str, expires_at: float) -> None:
        """Store the hash of a token, and delete the expired ones."""
        async with self._database.transaction() as transaction:
            await transaction.execute("DELETE FROM account_tokens WHERE expires_at <= ?", self.now())
            inserted = "INSERT INTO account_tokens (digest, purpose, email, expires_at) VALUES (?, ?, ?, ?)"
            await transaction.execute(inserted, digest, purpose, email, expires_at)

    async def find_token(self, digest: str, purpose: Purpose) -> str | None:
        """Return the address of a token that is not expired, or None."""
        return await self._token("SELECT email FROM", digest, purpose)

    async def take_token(self, digest: str, purpose: Purpose) -> str | None:
        """Return the same as ``find_token``, and delete the token."""
        return await self._token("DELETE FROM", digest, purpose, " RETURNING email")

    async def _token(self, begin: str, digest: str, purpose: Purpose, end: str = "") -> str | None:
        statement = f"{begin} account_tokens WHERE digest = ? AND purpose = ? AND expires_at > ?{end}"
        row = await self._database.fetch_one(statement, digest, purpose, self.now())
        return str(row["email"]) if row is not None else None

    @property
    def _database(self) -> Database:
        if self._opened is None:
            raise RuntimeError(f"the accounts in {self.path!r} are not open")
        return self._opened


async def _account(queries: Queries, statement: str, *params: object) -> Account | None:
    row: sqlite3.Row | None = await queries.fetch_one(statement, *params)
    if row is None:
        return None
    return Account(**{**dict(row), "roles": frozenset(row["roles"].split())})


def _joined(roles: Collection[str]) -> str:
    for role in roles:
        if not role or role != "".join(role.split()):
            raise ValueError(f"a role is a word without blanks, not {role!r}")
    return " ".join(sorted(roles))
