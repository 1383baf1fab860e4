"""Find the user of a request, check passwords, and refuse requests: ``Auth``, a resource of each running app."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final, final

import attrs

from turnbuckle import BadRequest, HTTPError, Request, ResourceKey
from turnbuckle_contrib.auth.passwords import Passwords
from turnbuckle_contrib.auth.records import AuthenticationRequired, LoginRequired, User
from turnbuckle_contrib.auth.redirects import login_url, wants_page
from turnbuckle_contrib.auth.schemes import SESSION_KEY, Scheme
from turnbuckle_contrib.auth.sources import Credentials, UserSource, call_source
from turnbuckle_contrib.auth.throttle import Throttle

__all__ = ["AUTH", "Auth", "current_user", "login", "logout"]

_log: Final = logging.getLogger("turnbuckle.auth")
_CACHED: Final = object()


@final
@attrs.frozen(kw_only=True, eq=False)
class Auth:
    """The authentication of an app.

    Attributes:
        users: the functions that find users.
        schemes: the enabled schemes.
        passwords: hashes and checks passwords in threads.
        throttle: limits failed attempts.
        clock: seconds since the epoch.
        realm: name of the app in challenges.
        login_page: path of the login page; "" for none.
    """

    users: UserSource
    schemes: Sequence[Scheme]
    passwords: Passwords
    throttle: Throttle
    clock: Callable[[], float]
    realm: str
    login_page: str = ""

    async def identify(self, request: Request) -> User | None:
        """Return the user of a request, or None for a request without credentials.

        The user is looked up once for each request.

        Raises:
            AuthenticationRequired: 401: the request has credentials that are wrong.
            BadRequest: 400: it has credentials of several schemes.
            TooManyRequests: 429: too many attempts failed.
        """
        known = request.supplied
        if _CACHED not in known:
            try:
                known[_CACHED] = await self._identify(request)
            except HTTPError as error:
                # An error page that asks for the user must not check the credentials, and count an attempt, again.
                known[_CACHED] = error
        found = known[_CACHED]
        if isinstance(found, HTTPError):
            raise found
        return found if isinstance(found, User) else None

    async def _identify(self, request: Request) -> User | None:
        request.vary = (*request.vary, *(field for scheme in self.schemes for field in scheme.fields))
        present = [scheme for scheme in self.schemes if scheme.has_credentials(request)]
        explicit = [scheme for scheme in present if not scheme.is_ambient]
        if len(explicit) > 1:
            # Which of them counts must not depend on who reads them.
            raise BadRequest("the request has credentials of several schemes", problem={})
        for scheme in explicit or present:
            user = await scheme.authenticate(request, self)
            if user is not None:
                return user
            if not scheme.is_ambient:
                raise self.required(request, "the credentials are not accepted", wrong=scheme)
        if not explicit and "authorization" in request.headers and self._reads_authorization:
            raise self.required(request, "the credentials are not accepted")
        return None

    @property
    def _reads_authorization(self) -> bool:
        return any("Authorization" in scheme.fields for scheme in self.schemes)

    def required(
        self, request: Request, detail: str = "log in first", *, wrong: Scheme | None = None
    ) -> AuthenticationRequired:
        """Return the exception for a request without a user.

        Args:
            request: the request.
            detail: text for the client.
            wrong: the scheme whose credentials are not accepted.
        """
        challenges, is_page, page = self._challenges(request, wrong), wants_page(request), self.login_page
        # A login page that needs a user itself would send browsers in a circle.
        is_circle = request.path == page.partition("?")[0]
        # Without a session, as in a chain for programs, the user would come back from the login page without one.
        can_log_in = not is_circle and getattr(request, "session", None) is not None
        if page and is_page and can_log_in and "authorization" not in request.headers:
            return LoginRequired(detail, challenges=challenges, location=login_url(request, page))
        return AuthenticationRequired(detail, challenges=challenges, is_page=is_page)

    def _challenges(self, request: Request, wrong: Scheme | None) -> tuple[str, ...]:
        has_page = any(scheme.is_ambient for scheme in self.schemes)
        is_script = has_page and "sec-fetch-mode" in request.headers and not wants_page(request)
        # A browser would ask for a name and a password in the middle of a page.
        schemes = [scheme for scheme in self.schemes if not (is_script and scheme.name == "basic")]
        return tuple(dict.fromkeys(scheme.challenge(self.realm, is_wrong=scheme is wrong) for scheme in schemes))

    async def check_password(
        self, request: Request, name: str, password: str, *, may_remember: bool = False
    ) -> User | None:
        """Return the user with a login name and a password; None if one of them is wrong.

        It takes the same time whether the user exists or not. A hash with outdated parameters is replaced.

        Args:
            request: the request.
            name: the login name.
            password: the password.
            may_remember: whether a right password is remembered for a while, for clients that send it in each request.

        Raises:
            TooManyRequests: 429: too many attempts failed, for this account or from this address.
            ServiceUnavailable: 503: too many passwords are being checked.
            LookupError: no enabled plugin provides ``UserSource.get_credentials``.
        """
        if self.users.get_credentials is None:
            error = LookupError("no function finds users by their names")
            error.add_note(
                "fix: write AuthPlugin(users=UserSource(get_credentials=...)), or enable the plugin accounts"
            )
            raise error
        credentials: Credentials | None = await call_source(self.users.get_credentials, request, name)
        stored = credentials.password_hash if credentials is not None else None
        if credentials is not None and may_remember and self.passwords.was_verified(password, stored):
            return credentials.user
        self.throttle.attempt(request, name)
        try:
            verified = await self.passwords.verify(password, stored, remember=may_remember)
        except Exception:
            self.throttle.withdraw(request, name)
            raise
        if credentials is None or not verified.ok:
            _log.info("failed login from %s", request.client[0] if request.client else "a Unix socket")
            return None
        self.throttle.succeeded(request, name)
        return (
            await self._upgraded(request, name, password, credentials) if verified.needs_upgrade else credentials.user
        )

    async def _upgraded(self, request: Request, name: str, password: str, found: Credentials) -> User:
        """Replace the hash of a user's password; return the user again, because the new hash may change the version."""
        if self.users.set_password_hash is None or self.users.get_credentials is None:
            return found.user
        new = await self.passwords.hash(password)
        await call_source(self.users.set_password_hash, request, found.user.id, found.password_hash, new)
        credentials: Credentials | None = await call_source(self.users.get_credentials, request, name)
        return credentials.user if credentials is not None else found.user


AUTH: Final = ResourceKey("auth", Auth)
"""The key of ``Auth``, for ``request.resource(AUTH)``; handlers take it as a parameter ``auth: Auth`` as well."""


def login(request: Request, user: User) -> None:
    """Log a user in: the session gets a new id and the user, for the following requests.

    Data of the session that an anonymous visitor or the same user left stays; data of another user is removed.

    Raises:
        ResourceUnavailable: the plugin ``auth`` is not enabled.
    """
    auth = request.resource(AUTH)
    session = request.session
    before = session.get(SESSION_KEY)
    if before is not None and before.get("id") != user.id:
        session.clear()
    # A new id, so that whoever knew the old one does not become the user (session fixation).
    session.rotate()
    entry: dict[str, object] = {"id": user.id, "version": user.version, "at": int(auth.clock())}
    if auth.users.get_user is None:
        entry |= {"name": user.name, "roles": sorted(user.roles)}
    session[SESSION_KEY] = entry
    request.supplied[_CACHED] = attrs.evolve(user, scheme="session")


def logout(request: Request) -> None:
    """End the session, with all of its data."""
    request.session.end()
    request.supplied[_CACHED] = None


async def current_user(request: Request) -> User | None:
    """Return the user of a request, or None; for middleware and other code without a parameter ``user``."""
    return await request.resource(AUTH).identify(request)
