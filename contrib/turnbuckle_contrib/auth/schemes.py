"""The schemes that authenticate a request: the interface, the session, and names with passwords (RFC 7617)."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, Protocol, final

import attrs

from turnbuckle import BadRequest, Forbidden, Request, is_same_origin
from turnbuckle_contrib.auth.records import User
from turnbuckle_contrib.auth.sources import UserSource, call_source

__all__ = ["Authenticator", "BasicScheme", "Scheme", "SessionScheme", "quoted", "read_authorization"]

SESSION_KEY: Final = "_user"
# RFC 9110, section 11.6.2: auth-scheme, and token68 or parameters.
_AUTHORIZATION: Final = re.compile(r"([!#-'*+.^`|~\w-]+)(?: +(.*))?", re.ASCII)
_MAX_AUTHORIZATION: Final = 8192
# RFC 9110, section 9.2.1.
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


class Authenticator(Protocol):
    """The parts of ``Auth`` that schemes use."""

    @property
    def users(self) -> UserSource:
        """Return the functions that find users."""

    @property
    def clock(self) -> Callable[[], float]:
        """Return the clock, in seconds since the epoch."""

    async def check_password(
        self, request: Request, name: str, password: str, *, may_remember: bool = False
    ) -> User | None:
        """Return the user with a login name and a password; None if one of them is wrong."""


class Scheme(Protocol):
    """A way to authenticate requests."""

    @property
    def name(self) -> str:
        """Return the name, which is the ``User.scheme`` of its users."""

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the names of the request fields that it reads."""

    @property
    def is_ambient(self) -> bool:
        """Return whether browsers send the credentials on their own, as cookies are; explicit ones take precedence."""

    def challenge(self, realm: str, *, is_wrong: bool = False) -> str:
        """Return the challenge of a refused request (RFC 9110, section 11.6.1).

        Args:
            realm: name of the protected area.
            is_wrong: whether the request has credentials of this scheme, which are not accepted.
        """

    def has_credentials(self, request: Request) -> bool:
        """Return whether a request has credentials of this scheme."""

    async def authenticate(self, request: Request, auth: Authenticator) -> User | None:
        """Return the user of the credentials; None if they are wrong."""


def quoted(text: str) -> str:
    """Return a text as a quoted-string (RFC 9110, section 5.6.4)."""
    escaped = _CONTROL.sub("", text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped.encode("ascii", "replace").decode()}"'


def read_authorization(request: Request) -> tuple[str, str]:
    """Return the scheme of the Authorization field in lower case, and the credentials; two empty texts for none.

    Raises:
        BadRequest: there are several fields, or the field is malformed or too long.
    """
    values = request.headers.get_list("authorization")
    if not values:
        return "", ""
    if len(values) > 1:
        # Two programs that each read another one would see two users.
        raise BadRequest("the request has several Authorization fields", problem={})
    found = _AUTHORIZATION.fullmatch(values[0]) if len(values[0]) <= _MAX_AUTHORIZATION else None
    if found is None:
        raise BadRequest("the Authorization field is malformed or too long", problem={})
    return found[1].lower(), found[2] or ""


@final
class SessionScheme:
    """The user of the session, after ``login()``."""

    name: Final = "session"
    fields: Final = ("Cookie",)
    is_ambient: Final = True

    def challenge(self, realm: str, *, is_wrong: bool = False) -> str:
        """Return a challenge for clients that are no browsers; no scheme for cookies is registered."""
        return f"Cookie realm={quoted(realm)}"

    def has_credentials(self, request: Request) -> bool:
        """Return whether someone has logged in."""
        # A refusal of outer middleware has no session.
        session = getattr(request, "session", None)
        return session is not None and SESSION_KEY in session

    async def authenticate(self, request: Request, auth: Authenticator) -> User | None:
        """Return the user who logged in, unless the user is gone or has another version since."""
        entry = request.session[SESSION_KEY]
        found = await self._find(request, entry, auth) if isinstance(entry, Mapping) else None
        if found is None:
            # A session that is saved already ends with the next request.
            with suppress(RuntimeError):
                request.session.end()
        return found

    async def _find(self, request: Request, entry: Mapping[str, object], auth: Authenticator) -> User | None:
        user_id, version = str(entry.get("id", "")), str(entry.get("version", ""))
        claims = {"auth_time": entry.get("at")}
        if auth.users.get_user is None:
            roles = entry.get("roles")
            if not isinstance(roles, list):
                # The login was at an ``auth`` that looks users up, in another scope: only it knows whether they remain.
                return None
            names = frozenset(map(str, roles))
            name = str(entry.get("name", ""))
            return User(user_id, name, roles=names, version=version, scheme=self.name, claims=claims)
        user = await call_source(auth.users.get_user, request, user_id)
        if user is None or not hmac.compare_digest(user.version.encode(), version.encode()):
            return None
        return attrs.evolve(user, scheme=self.name, claims={**user.claims, **claims})


@final
class BasicScheme:
    """Name and password in each request (RFC 7617), in UTF-8."""

    name: Final = "basic"
    fields: Final = ("Authorization",)
    # A browser that was asked once sends them to the whole site from then on.
    is_ambient: Final = False

    def challenge(self, realm: str, *, is_wrong: bool = False) -> str:
        """Return the challenge (section 2.1)."""
        return f'Basic realm={quoted(realm)}, charset="UTF-8"'

    def has_credentials(self, request: Request) -> bool:
        """Return whether the request has such credentials."""
        return read_authorization(request)[0] == "basic"

    async def authenticate(self, request: Request, auth: Authenticator) -> User | None:
        """Return the user whose name and password the request has.

        Raises:
            Forbidden: 403: a page of another site has caused a request that changes something.
        """
        if request.method not in _SAFE and _is_from_another_site(request):
            # A browser adds the password that it remembers, as it adds cookies; a chain for programs has no ``csrf``.
            raise Forbidden("pages of other sites may not use the password that the browser remembers", problem={})
        found = _name_and_password(read_authorization(request)[1])
        user = await auth.check_password(request, *found, may_remember=True) if found is not None else None
        return attrs.evolve(user, scheme=self.name) if user is not None else None


def _is_from_another_site(request: Request) -> bool:
    headers = request.headers
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site not in {"same-origin", "none"}
    return origin is not None and not is_same_origin(origin, request)


def _name_and_password(credentials: str) -> tuple[str, str] | None:
    try:
        text = base64.b64decode(credentials.encode("ascii"), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeError):
        return None
    # RFC 7617, section 2: the name has no colon, and neither part has control characters.
    name, colon, password = text.partition(":")
    return (name, password) if colon and not _CONTROL.search(text) else None
