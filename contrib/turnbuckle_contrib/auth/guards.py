"""Guards that require a user, roles or a recent login: ``guards=[requires("admin")]`` of an app, scope or route.

A route with ``options={"public": True}`` is exempt, such as the login page of an app with ``guards=[requires()]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, final

from turnbuckle import Request
from turnbuckle_contrib.auth.auth import AUTH
from turnbuckle_contrib.auth.records import MissingRole, User
from turnbuckle_contrib.auth.redirects import wants_page
from turnbuckle_contrib.auth.schemes import quoted

__all__ = ["Requires", "requires"]

_SCOPE: Final = re.compile(r"[!#-\[\]-~]+")


@final
class Requires:
    """A guard; ``requires`` makes it."""

    def __init__(self, roles: tuple[str, ...], any_of: tuple[str, ...], fresh: float | None) -> None:
        self.roles: Final = roles
        self.any_of: Final = any_of
        self.fresh: Final = fresh

    def __repr__(self) -> str:
        return f"requires({', '.join(map(repr, self.roles))})"

    def _challenges(self, request: Request, user: User) -> tuple[str, ...]:
        if user.scheme != "bearer":
            return ()
        # RFC 6750, section 3.1; a scope has no quotes, backslashes and blanks (section 3).
        scopes = [role for role in self.roles or self.any_of if _SCOPE.fullmatch(role)]
        realm = quoted(request.resource(AUTH).realm)
        return (f'Bearer realm={realm}, error="insufficient_scope", scope="{" ".join(scopes)}"',)

    async def __call__(self, request: Request, user: User | None) -> None:
        """Refuse a request: 401 without a user, or with a login that is too old; 403 without the roles."""
        route = request.route
        if route is not None and route.options.get("public"):
            return
        if user is None:
            raise request.resource(AUTH).required(request)
        missing = [role for role in self.roles if role not in user.roles]
        if missing or (self.any_of and user.roles.isdisjoint(self.any_of)):
            raise MissingRole(
                self.roles or self.any_of, challenges=self._challenges(request, user), is_page=wants_page(request)
            )
        if self.fresh is not None:
            auth = request.resource(AUTH)
            at = user.claims.get("auth_time")
            if not isinstance(at, int | float) or auth.clock() - at > self.fresh:
                raise auth.required(request, "log in again for this")


def requires(*roles: str, any_of: Iterable[str] = (), fresh: float | None = None) -> Requires:
    """Return a guard that refuses requests: 401 without a user, 403 for a user without the roles.

    Args:
        *roles: roles of which the user must have all; none for any user.
        any_of: roles of which the user must have at least one.
        fresh: seconds since the login; a request after an earlier login is answered with 401, so that a browser is
            sent to the login page.
    """
    names = (any_of,) if isinstance(any_of, str) else tuple(any_of)
    for role in (*roles, *names):
        if not isinstance(role, str):
            raise TypeError(f"requires() takes the names of roles, not {role!r:.60}; write guards=[requires()]")
    return Requires(roles, names, fresh)
