"""The records of accounts, and the interfaces of their storage and of mail.

An application replaces the storage with a component of the kind ``account_store``, and sends mail with a function from
the hook ``provide_mailers``. Nothing here knows about HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Literal, Protocol, TypeAlias

import attrs

__all__ = ["Account", "AccountStore", "Mail", "Mailer", "Purpose"]

Purpose: TypeAlias = Literal["register", "reset"]
"""What the holder of a mailed token may do: make an account for the address, or set the password of its account."""


@attrs.frozen(kw_only=True)
class Account:
    """A stored account.

    Attributes:
        id: opaque and never used again.
        email: the address, normalized; no two accounts have the same.
        name: the name that pages show.
        password_hash: the hash of the password, with its algorithm and parameters.
        roles: names of roles, for ``requires("admin")``.
        version: is increased by each change of the password; sessions of an older version are logged out.
        created_at: seconds since the epoch.
    """

    id: str
    email: str
    name: str
    password_hash: str = attrs.field(repr=False)
    roles: frozenset[str] = frozenset()
    version: int = 1
    created_at: float = 0.0


class AccountStore(Protocol):
    """The storage of accounts and tokens; several workers may use the same one.

    Addresses are normalized, and passwords and tokens hashed, before they arrive here.
    """

    async def open(self) -> None:
        """Prepare the storage; called when the app starts."""

    async def close(self) -> None:
        """Release everything; called when the app stops."""

    async def get(self, account_id: str) -> Account | None:
        """Return the account with this id, or None."""

    async def find(self, email: str) -> Account | None:
        """Return the account with this address, or None."""

    async def create(self, account: Account) -> bool:
        """Add an account; return False, and change nothing, if its address has one."""

    async def set_password(self, account_id: str, password_hash: str) -> Account | None:
        """Replace the hash, increase the version, and delete the tokens of the address; return the account, or None."""

    async def upgrade_hash(self, account_id: str, old: str, new: str) -> None:
        """Replace the hash of an unchanged password; do nothing if the present hash is not the old one."""

    async def set_roles(self, account_id: str, roles: Collection[str]) -> Account | None:
        """Replace the roles; return the account, or None if it does not exist."""

    async def delete(self, account_id: str) -> bool:
        """Delete an account and the tokens of its address; return whether it existed."""

    async def add_token(self, digest: str, purpose: Purpose, email: str, expires_at: float) -> None:
        """Store the hash of a token, and delete the expired ones."""

    async def find_token(self, digest: str, purpose: Purpose) -> str | None:
        """Return the address of a token that is not expired, or None."""

    async def take_token(self, digest: str, purpose: Purpose) -> str | None:
        """Return the same as ``find_token``, and delete the token: of several calls, one receives the address."""


@attrs.frozen(kw_only=True)
class Mail:
    """A mail in plain text.

    Attributes:
        to: address of the recipient.
        subject: the subject, on one line.
        text: the text, with links that must not be logged.
    """

    to: str
    subject: str
    text: str = attrs.field(repr=False)


Mailer: TypeAlias = Callable[[Mail], object]
"""A function, async or not, that sends a mail. It runs after the response; a plain ``def`` runs in a thread."""
