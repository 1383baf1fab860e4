"""API keys: random texts in a field of the request, of which only hashes are stored.

A key has 256 random bits, so that one SHA-256 is enough for its hash: unlike a password, it cannot be guessed.
``turnbuckle api-key NAME`` prints a new key and the lines for the settings.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, final

import attrs

from turnbuckle import BadRequest, MutableHeaders, Request, SettingRefused
from turnbuckle_contrib.auth.records import User
from turnbuckle_contrib.auth.schemes import Authenticator, quoted
from turnbuckle_contrib.auth.sources import call_source

if TYPE_CHECKING:
    import click

__all__ = ["APIKey", "APIKeyScheme", "api_key_command", "hash_api_key", "new_api_key"]

_PREFIX: Final = "key_"
_KEY: Final = re.compile(r"[!-~]{20,200}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")


def new_api_key() -> str:
    """Return a new key; store only its hash."""
    return _PREFIX + secrets.token_urlsafe(32)


def hash_api_key(key: str) -> str:
    """Return the hash of a key, which is stored in its place: SHA-256 in hexadecimal."""
    return hashlib.sha256(key.encode()).hexdigest()


def _is_hash(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if not _HASH.fullmatch(value):
        raise SettingRefused("the hash of an API key has 64 hexadecimal digits; 'turnbuckle api-key NAME' makes one")


@attrs.frozen(kw_only=True)
class APIKey:
    """A key in the settings.

    Attributes:
        hash: hash of the key; ``hash_api_key``.
        roles: roles of its user.
    """

    hash: str = attrs.field(validator=_is_hash, repr=False)
    roles: tuple[str, ...] = attrs.field(default=(), converter=tuple)


@final
class APIKeyScheme:
    """Keys in a field of the request.

    Args:
        header: name of the field.
        keys: the keys of the settings, by the names of their users.
    """

    name: Final = "api_key"
    is_ambient: Final = False

    def __init__(self, header: str = "X-API-Key", keys: Mapping[str, APIKey] | None = None) -> None:
        MutableHeaders({header: ""})
        self.header: Final = header
        self.fields: Final = (header,)
        self._users: Final = [
            (key.hash, User(f"api_key:{name}", name, roles=frozenset(key.roles), scheme=self.name))
            for name, key in (keys or {}).items()
        ]

    def challenge(self, realm: str, *, is_wrong: bool = False) -> str:
        """Return a challenge; no scheme for keys is registered."""
        return f"ApiKey realm={quoted(realm)}, header={quoted(self.header)}"

    def has_credentials(self, request: Request) -> bool:
        """Return whether the request has a key."""
        return self.header in request.headers

    async def authenticate(self, request: Request, auth: Authenticator) -> User | None:
        """Return the user of the key.

        Raises:
            BadRequest: 400: there are several keys.
        """
        values = request.headers.get_list(self.header)
        if len(values) != 1:
            raise BadRequest("the request has several API keys", problem={})
        if not _KEY.fullmatch(values[0]):
            return None
        digest = hash_api_key(values[0])
        # All are compared, so that the time does not depend on the place of the key.
        found = [user for stored, user in self._users if hmac.compare_digest(stored, digest)]
        if found:
            return found[0]
        if auth.users.get_api_key_user is None:
            return None
        user = await call_source(auth.users.get_api_key_user, request, digest)
        return attrs.evolve(user, scheme=self.name) if user is not None else None


def api_key_command() -> click.Command:
    """Return the command ``turnbuckle api-key NAME``."""
    # Only the command line needs click.
    import click

    @click.command("api-key")
    @click.argument("name")
    def api_key(name: str) -> None:
        """Make an API key for NAME, and print it with the lines for the settings."""
        key = new_api_key()
        click.echo(f"key, shown only now: {key}")
        click.echo(f'settings:\n[plugin.auth.api_keys."{name}"]\nhash = "{hash_api_key(key)}"\nroles = []')

    return api_key
