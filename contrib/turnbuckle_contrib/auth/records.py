"""The records of the plugin: users, and the exceptions for refused requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, final

import attrs

from turnbuckle import Forbidden, Unauthorized

__all__ = ["AuthenticationRequired", "Claims", "LoginRequired", "MissingRole", "User"]


@final
class Claims(Mapping[str, object]):
    """What a scheme knows about a user, such as the claims of a token; read-only, and not printed.

    It has no schema on purpose: without a supplier, a parameter ``user: User`` stops the start, and is never read from
    the content of a request.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, object] | None = None) -> None:
        self._values: Final = dict(values or {})

    def __getitem__(self, name: str) -> object:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        # The values may be personal data, or secrets.
        return f"Claims({', '.join(self._values)})"


def _as_claims(value: Mapping[str, object]) -> Claims:
    return value if isinstance(value, Claims) else Claims(value)


def _as_roles(value: Iterable[str]) -> frozenset[str]:
    # The letters of a single role are never meant.
    return frozenset({value} if isinstance(value, str) else value)


def _is_id(instance: object, attribute: attrs.Attribute[str], value: object) -> None:
    if not isinstance(value, str) or not value:
        raise ValueError(f"the id of a user is a text, and not empty, not {value!r:.60}; write str(id) for a number")


@attrs.frozen
class User:
    """An authenticated user.

    Attributes:
        id: identifies the user; it never changes.
        name: for people.
        roles: names of roles, and scopes of tokens; ``requires("admin")`` looks for them.
        scheme: how the user was authenticated: "session", "basic", "bearer", "api_key" or the name of another scheme.
        version: a text that changes when the user's sessions must end, for example when the password has changed;
            ``password_version()`` makes one of a password's hash.
        claims: what the scheme knows about the user, such as the claims of a token.
    """

    id: str = attrs.field(validator=_is_id)
    name: str = ""
    roles: frozenset[str] = attrs.field(default=frozenset(), converter=_as_roles, kw_only=True)
    scheme: str = attrs.field(default="", kw_only=True)
    version: str = attrs.field(default="", kw_only=True, repr=False)
    claims: Claims = attrs.field(factory=Claims, converter=_as_claims, kw_only=True, eq=False)


class AuthenticationRequired(Unauthorized):
    """401: the request needs a user and has none, or its credentials are wrong.

    Args:
        detail: text for the client.
        challenges: the challenges of all enabled schemes (RFC 9110, section 11.6.1).
        is_page: whether a browser loads a page: then the default answer is text instead of Problem Details.
    """

    def __init__(self, detail: str = "", *, challenges: tuple[str, ...] = (), is_page: bool = False) -> None:
        super().__init__(detail, headers=_fields(challenges), problem=None if is_page else {})
        self.challenges: Final = challenges


class LoginRequired(AuthenticationRequired):
    """A page needs a user: the plugin redirects the browser to the login page.

    Attributes:
        location: the address of the login page, with ``next``.
    """

    def __init__(self, detail: str = "", *, challenges: tuple[str, ...] = (), location: str) -> None:
        super().__init__(detail, challenges=challenges, is_page=True)
        self.location: Final = location


class MissingRole(Forbidden):
    """403: the user lacks a role.

    Attributes:
        roles: the roles that are required.
    """

    def __init__(self, roles: tuple[str, ...], *, challenges: tuple[str, ...] = (), is_page: bool = False) -> None:
        super().__init__("the user may not do this", headers=_fields(challenges), problem=None if is_page else {})
        self.roles: Final = roles


def _fields(challenges: tuple[str, ...]) -> dict[str, str]:
    fields = {"Cache-Control": "no-store"}
    return {**fields, "WWW-Authenticate": ", ".join(challenges)} if challenges else fields
