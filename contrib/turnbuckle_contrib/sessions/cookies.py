"""The cookie of a session: its name and attributes over https and on http://localhost, and the signed cookie.

Over https, the cookie is ``__Host-session`` (rfc6265bis, section 4.1.3): browsers accept it from this host over https
only, so that no other subdomain and no page without https can set it. Not all browsers store such a cookie on
http://localhost, so there it is a plain ``session``. The name is read under the same rule as it is written: over https,
a cookie ``session`` of another subdomain is ignored.
"""

from __future__ import annotations

import hashlib
import logging
from typing import Final, final

import attrs

from turnbuckle import Request, Response, SetCookie
from turnbuckle_contrib.sessions.config import SessionsConfig
from turnbuckle_contrib.sessions.session import Record, SessionTooLarge

__all__ = ["SessionCookie", "SignedCookie"]

# "testserver" is the host of the test client; it is the name of no site.
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "[::1]", "testserver"})
# A proxy on this machine that does not pass on the host makes requests for localhost, although its clients use https.
_PROXY_FIELDS: Final = ("x-forwarded-for", "x-forwarded-proto", "forwarded", "via")
_MAX_COOKIE: Final = 4096

_log: Final = logging.getLogger("turnbuckle.sessions")


@final
class SessionCookie:
    """Read and write the cookie.

    Args:
        config: the settings of the plugin.
    """

    def __init__(self, config: SessionsConfig) -> None:
        prefix = "__Secure-" if config.domain or config.path != "/" else "__Host-"
        # Browsers refuse SameSite=None without Secure.
        same_site = "Lax" if config.same_site == "None" else config.same_site
        self._plain: Final = SetCookie(
            name=config.cookie, path=config.path, domain=config.domain or None, same_site=same_site
        )
        self._secure: Final = SetCookie(
            name=prefix + config.cookie,
            path=config.path,
            domain=config.domain or None,
            same_site=config.same_site,
            secure=True,
        )
        self._mode: Final = config.secure
        self._bytes: Final = f"{config.cookie}=".encode()
        self._has_warned = False

    def _of(self, request: Request) -> SetCookie:
        if request.scheme == "https" or self._mode == "always":
            return self._secure
        if self._mode == "never" or _is_local(request):
            return self._plain
        return self._secure

    def may_be_in(self, request: Request) -> bool:
        """Return whether a request may have the cookie, without parsing its cookies."""
        ending = self._bytes
        return any(name == b"cookie" and ending in value for name, value in request.head.fields)

    def read(self, request: Request) -> str:
        """Return the value of the cookie; "" if there is none."""
        return request.cookies.get(self._of(request).name, "")

    def write(self, request: Request, response: Response, value: str, max_age: int | None) -> None:
        """Set the cookie in a response.

        Raises:
            SessionTooLarge: browsers would drop the cookie.
        """
        cookie = self._of(request)
        size = len(cookie.name) + 1 + len(value)
        if size > _MAX_COOKIE:
            raise SessionTooLarge(f"the session needs a cookie of {size} bytes, which exceeds {_MAX_COOKIE}")
        if cookie.secure and request.scheme != "https" and not self._has_warned:
            self._has_warned = True
            _log.warning(
                "the session cookie is for https only, but %s was requested over http: browsers drop the cookie."
                " Behind a proxy with https, enable the plugin proxy_headers; otherwise see plugin.sessions.secure",
                request.host,
            )
        response.headers.add("Set-Cookie", attrs.evolve(cookie, value=value, max_age=max_age).serialize())

    def delete(self, request: Request, response: Response) -> None:
        """Delete the cookie in the browser."""
        response.headers.add("Set-Cookie", self._of(request).deleted().serialize())


def _is_local(request: Request) -> bool:
    host = request.host.lower()
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if name not in _LOCAL and not name.endswith(".localhost"):
        return False
    return not any(field in request.headers for field in _PROXY_FIELDS)


class _PlainText:
    """The serializer of itsdangerous for texts: records are texts already."""

    @staticmethod
    def dumps(value: object) -> str:
        """Return the text; itsdangerous tries another value, to see whether this returns text."""
        return str(value)

    @staticmethod
    def loads(value: str | bytes) -> str:
        """Return the text."""
        return value if isinstance(value, str) else value.decode()


@final
class SignedCookie:
    """Sign sessions with itsdangerous: HMAC with SHA-256, over compressed text.

    Args:
        secrets: the first signs, all of them verify.
        name: the name of the cookie; its signature is valid for this name only.
    """

    def __init__(self, secrets: tuple[str, ...], name: str) -> None:
        from itsdangerous import BadData, URLSafeSerializer

        # itsdangerous signs with the last key. The salt keeps values apart that are signed with the same secret.
        self._signer: Final = URLSafeSerializer(
            list(reversed(secrets)),
            salt=f"turnbuckle.sessions.{name}",
            serializer=_PlainText,
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )
        self._failure: Final = BadData

    def decode(self, value: str) -> Record | None:
        """Return the session in a cookie, or None if it is not signed with one of the secrets."""
        try:
            return Record.decode(self._signer.loads(value))
        except (self._failure, ValueError):
            return None

    def encode(self, record: Record) -> str:
        """Return the value of the cookie."""
        return str(self._signer.dumps(record.encode()))
