"""What accounts can do, without HTTP: find users, and follow the links of mails.

A mailed token is 256 random bits, and the storage has only its hash. Nothing is read from it, so that it needs no
signature; it works once, for one purpose and one address, and until it expires.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from typing import Final, final

import attrs

from turnbuckle import ResourceKey
from turnbuckle_contrib.accounts.inputs import normalized_email
from turnbuckle_contrib.accounts.records import Account, AccountStore, Purpose
from turnbuckle_contrib.auth import Credentials, User

__all__ = ["ACCOUNTS", "Accounts", "user_of"]

_TOKEN_BYTES: Final = 32
_ID_BYTES: Final = 12
_MAX_TOKEN: Final = 100


@final
@attrs.frozen(kw_only=True)
class Accounts:
    """The accounts of an app: the resource ``ACCOUNTS``.

    Attributes:
        store: the storage.
        token_seconds: how long a mailed token works.
        now: the clock, in seconds since the epoch.
    """

    store: AccountStore
    token_seconds: float = 3600.0
    now: Callable[[], float] = time.time

    async def get_user(self, user_id: str) -> User | None:
        """Return the user with this id, or None; for ``auth``."""
        account = await self.store.get(user_id)
        return user_of(account) if account is not None else None

    async def get_credentials(self, email: str) -> Credentials | None:
        """Return the user with this address, with the hash of the password, or None; for ``auth``.

        The address must be normalized, except for upper and lower case. ``auth`` counts attempts by the given text, and
        an attacker could write one address in many ways, such as with soft hyphens in its domain.
        """
        normalized = normalized_email(email)
        is_exact = normalized is not None and normalized.casefold() == email.casefold()
        account = await self.find(email) if is_exact else None
        return Credentials(user_of(account), account.password_hash) if account is not None else None

    async def find(self, email: str) -> Account | None:
        """Return the account with an address as it was typed, or None."""
        normalized = normalized_email(email)
        return await self.store.find(normalized) if normalized is not None else None

    async def create(self, email: str, name: str, password_hash: str, roles: frozenset[str] = frozenset()) -> Account:
        """Add an account.

        Args:
            email: the address, normalized.
            name: the name.
            password_hash: the hash of the password.
            roles: names of roles.

        Raises:
            ValueError: there is an account with this address.
        """
        account = Account(
            id=secrets.token_urlsafe(_ID_BYTES),
            email=email,
            name=name,
            password_hash=password_hash,
            roles=roles,
            created_at=self.now(),
        )
        if not await self.store.create(account):
            raise ValueError(f"there is an account with the address {email!r}")
        return account

    async def issue_token(self, purpose: Purpose, email: str) -> str:
        """Return a new token for the holder of an address."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        await self.store.add_token(_digest(token), purpose, email, self.now() + self.token_seconds)
        return token

    async def find_token(self, token: str, purpose: Purpose) -> str | None:
        """Return the address that a token was sent to, or None if it does not work or no longer works."""
        return await self.store.find_token(_digest(token), purpose) if len(token) <= _MAX_TOKEN else None

    async def take_token(self, token: str, purpose: Purpose) -> str | None:
        """Return the same as ``find_token``; the token does not work a second time."""
        return await self.store.take_token(_digest(token), purpose) if len(token) <= _MAX_TOKEN else None


ACCOUNTS: Final = ResourceKey("accounts", Accounts)
"""The key of the accounts, for ``request.resource(ACCOUNTS)`` and ``setup.resource(ACCOUNTS)``."""


def user_of(account: Account) -> User:
    """Return the user of an account; its version ends older sessions."""
    claims = {"email": account.email}
    return User(account.id, account.name, roles=account.roles, version=str(account.version), claims=claims)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
