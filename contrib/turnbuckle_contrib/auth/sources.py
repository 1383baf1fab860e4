"""The functions with which an app or plugin finds users: their record, and how several of them are combined."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias, TypeVar

import attrs

from turnbuckle import Request
from turnbuckle_contrib.auth.records import User

__all__ = ["Credentials", "UserSource", "call_source", "merge_sources"]

T = TypeVar("T")


@attrs.frozen
class Credentials:
    """A user with the hash of the password."""

    user: User
    password_hash: str = attrs.field(repr=False)


_Users: TypeAlias = Callable[[Request, str], Awaitable[User | None] | User | None]
_CredentialsOf: TypeAlias = Callable[[Request, str], Awaitable[Credentials | None] | Credentials | None]


@attrs.frozen(kw_only=True)
class UserSource:
    """The functions that find users. Each takes the request and a text; a plain ``def`` must not block the event loop.

    Attributes:
        get_user: returns the user with an id, or None. It is called for each request with a session, so that roles are
            current and a deleted user is logged out. Without it, a session has the roles of the moment of its login.
        get_credentials: returns the user with a login name and the hash of the password, or None.
        set_password_hash: takes a user's id, the old hash and a new one, and replaces the old one, if it is still
            stored; called after a login with a hash of outdated parameters.
        get_api_key_user: returns the user with the hash of an API key (``hash_api_key``), or None.
        login: path of the login page; the setting ``login`` takes precedence.
    """

    get_user: _Users | None = None
    get_credentials: _CredentialsOf | None = None
    set_password_hash: Callable[[Request, str, str, str], Awaitable[object] | object] | None = None
    get_api_key_user: _Users | None = None
    login: str = ""


def merge_sources(login: str, sources: Iterable[UserSource]) -> UserSource:
    """Return one source with the functions of all sources.

    Args:
        login: the path of the login page in the settings, which takes precedence.
        sources: the sources.

    Raises:
        ValueError: two sources have the same function.
    """
    merged: dict[str, object] = {"login": login} if login else {}
    for source in sources:
        for field in attrs.fields(UserSource):
            value = getattr(source, field.name)
            if not value or (field.name == "login" and login):
                continue
            if merged.setdefault(field.name, value) is not value:
                fix = "set plugin.auth.login" if field.name == "login" else "disable one of them"
                raise ValueError(f"two plugins provide users with {field.name}; {fix}")
    return UserSource(**merged)  # type: ignore[arg-type]  # each value has the type of its field


async def call_source(function: Callable[..., Awaitable[T] | T], /, *args: object) -> T:
    """Call a function of a source, which is async or not."""
    result = function(*args)
    return await result if inspect.isawaitable(result) else result
