"""The handlers: to the provider, back from it, and logout (authorization code with PKCE, RFC 6749 and 7636).

Each login has a random state, nonce and code verifier in the session of the browser, for ten minutes and one use. So
a browser cannot be made to end a login that it has not begun, and a code is worthless without the session.
"""

from __future__ import annotations

import base64
import hashlib
import inspect
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias, final
from urllib.parse import urlencode

import attrs

from turnbuckle import HTTPError, Redirect, Request, Response, Text
from turnbuckle_contrib.auth import User, login, logout, safe_next
from turnbuckle_contrib.auth.bearer import roles_of
from turnbuckle_contrib.auth.redirects import wants_page
from turnbuckle_contrib.openid_connect.config import OpenIDConnectConfig
from turnbuckle_contrib.openid_connect.provider import LoginRefused, Provider, ProviderInfo
from turnbuckle_contrib.problem_response import problem_response

__all__ = ["Handlers", "UserOfClaims"]

UserOfClaims: TypeAlias = Callable[[Request, Mapping[str, Any]], Awaitable[User | None] | User | None]
"""Returns the user of this app for the claims of an ID token; None refuses the login."""

_log: Final = logging.getLogger("turnbuckle.auth")
_KEY: Final = "_openid"
_SECONDS: Final = 600
# Together they fit into the cookie of a session.
_MAX_PENDING: Final = 3
_MAX_NEXT: Final = 500
_MAX_PARAMETER: Final = 4096


@final
@attrs.frozen(eq=False)
class Handlers:
    """The handlers of the routes, with the provider of the running app.

    Attributes:
        config: the settings.
        provider: returns the provider for a request.
        clock: seconds since the epoch.
        user: makes the user from the claims; None for a user with the id ``issuer|sub``.
    """

    config: OpenIDConnectConfig
    provider: Callable[[Request], Provider]
    clock: Callable[[], float]
    user: UserOfClaims | None

    async def begin(self, request: Request) -> Response:
        """Send the browser to the provider."""
        if request.headers.get("sec-fetch-mode", "navigate") != "navigate":
            # An image on another page could otherwise push out the login that the user has begun.
            return _refusal(request, 403, "the login is a page")
        info = await self.provider(request).info()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        wanted = request.query_params.get("next")
        target = safe_next(request, wanted if len(wanted or "") <= _MAX_NEXT else None, self.config.after_login)
        entry = {"nonce": nonce, "verifier": verifier, "next": target, "at": int(self.clock())}
        kept = list(self._pending(request).items())[-(_MAX_PENDING - 1) :]
        request.session[_KEY] = dict([*kept, (state, entry)])
        return _redirect(_with_query(info.authorization, self._parameters(request, state, nonce, verifier)))

    def _parameters(self, request: Request, state: str, nonce: str, verifier: str) -> dict[str, str]:
        # RFC 7636, section 4.2.
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        return {
            "response_type": "code",
            "client_id": self.config.client_id,
            "redirect_uri": self._callback(request),
            "scope": " ".join(self.config.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }

    def _callback(self, request: Request) -> str:
        origin = self.config.origin or f"{request.scheme}://{request.host}"
        return origin + request.with_prefix(self.config.callback)

    def _pending(self, request: Request) -> dict[str, Any]:
        """Return the logins that have begun, by their state, without those that took too long."""
        pending = request.session.get(_KEY)
        now = self.clock()
        entries = pending.items() if isinstance(pending, dict) else ()
        return {state: entry for state, entry in entries if 0 <= now - entry["at"] <= _SECONDS}

    async def finish(self, request: Request) -> Response:
        """Check the answer of the provider, and log the user in.

        Raises:
            Forbidden: 403: the login is refused.
        """
        try:
            return await self._finish(request)
        except LoginRefused as error:
            _log.warning("a login by OpenID Connect is refused: %s", error)
            return _refusal(request, 403, "the login was refused")

    async def _finish(self, request: Request) -> Response:
        provider = self.provider(request)
        state = _parameter(request, "state")
        pending = self._pending(request)
        entry = pending.pop(state, None)
        if entry is None:
            return _refusal(request, 400, "the login took too long, or was begun elsewhere; try again")
        # A state is used once, whatever the outcome is.
        request.session[_KEY] = pending
        self._check_issuer(request, await provider.info())
        if error := _parameter(request, "error"):
            raise LoginRefused(f"the provider answered {error!r:.100}")
        token = await provider.exchange(_parameter(request, "code"), entry["verifier"], self._callback(request))
        user = await self._user(request, await provider.verify(token, entry["nonce"]))
        del request.session[_KEY]
        login(request, user)
        return _redirect(entry["next"])

    def _check_issuer(self, request: Request, info: ProviderInfo) -> None:
        # RFC 9207: an answer of another provider must not be taken for one of this provider.
        issuer = _parameter(request, "iss")
        if issuer != self.config.issuer and (issuer or info.sends_issuer):
            raise LoginRefused(f"the answer is from the issuer {issuer!r:.100}")

    async def _user(self, request: Request, claims: Mapping[str, Any]) -> User:
        if self.user is None:
            found = {self.config.roles.get(role) for role in roles_of(claims, self.config.role_claims)}
            name = claims.get("name") or claims.get("preferred_username") or claims.get("email") or ""
            # The issuer in the id: the subject of one issuer may be the id of a user of another one.
            return User(
                f"{self.config.issuer}|{claims['sub']}",
                name if isinstance(name, str) else "",
                roles=frozenset(role for role in found if role),
                claims=claims,
            )
        made = self.user(request, claims)
        user = await made if inspect.isawaitable(made) else made
        if user is None:
            raise LoginRefused("the app has no user for the claims")
        return user

    async def end(self, request: Request) -> Response:
        """Log the user out, here and, if it supports that, at the provider (RP-Initiated Logout 1.0)."""
        logout(request)
        target = request.with_prefix(self.config.after_logout)
        try:
            info = await self.provider(request).info()
        except HTTPError:
            return _redirect(target)
        if not info.end_session:
            return _redirect(target)
        origin = self.config.origin or f"{request.scheme}://{request.host}"
        query = {"client_id": self.config.client_id, "post_logout_redirect_uri": origin + target}
        return _redirect(_with_query(info.end_session, query))


def _parameter(request: Request, name: str) -> str:
    """Return a parameter of the query, or "".

    Raises:
        LoginRefused: it is repeated, or too long.
    """
    values = request.query_params.get_list(name)
    if len(values) > 1 or any(len(value) > _MAX_PARAMETER for value in values):
        raise LoginRefused(f"the parameter {name} is repeated or too long")
    return values[0] if values else ""


def _with_query(url: str, query: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def _redirect(location: str) -> Response:
    return Redirect(location, 303, {"Cache-Control": "no-store"})


def _refusal(request: Request, status: int, detail: str) -> Response:
    if wants_page(request):
        return Text(detail, status, {"Cache-Control": "no-store"})
    return problem_response(status, detail)
