"""Bearer tokens (RFC 6750) that are JSON Web Tokens (RFC 7519), checked as RFC 8725 recommends.

The algorithms are pinned, and each has its own type of key: "none" is never accepted, and a public key is never used as
the secret of an HMAC. Issuer, audience, expiry and subject are required. A header names at most the id of a key; keys
and URLs in it are ignored.
"""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, final

import attrs

from turnbuckle import BadRequest, Request
from turnbuckle_contrib.auth.keys import ALGORITHMS, KeySource, select_key
from turnbuckle_contrib.auth.records import User
from turnbuckle_contrib.auth.schemes import Authenticator, quoted, read_authorization

__all__ = ["BearerScheme", "InvalidToken", "TokenRules", "verify_token"]

_log: Final = logging.getLogger("turnbuckle.auth")

# RFC 6750, section 2.1: b64token; RFC 7515, section 3.1: three parts in base64url.
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,5460}\.[A-Za-z0-9_-]{1,8192}\.[A-Za-z0-9_-]{1,1400}")
_MAX_HEADER: Final = 4096
_MAX_KID: Final = 256


class InvalidToken(Exception):
    """A token is not accepted; the text is for the log."""


@attrs.frozen(kw_only=True)
class TokenRules:
    """The rules that a token must follow.

    Attributes:
        issuer: value of ``iss``.
        audiences: values of ``aud``; a token needs one of them.
        algorithms: the accepted algorithms of signatures.
        leeway: seconds by which clocks may differ.
        types: accepted values of ``typ`` in the header, in lower case without ``application/``; a token may have none.
    """

    issuer: str
    audiences: Collection[str]
    algorithms: Collection[str]
    leeway: float = 30.0
    types: Collection[str] = ("jwt", "at+jwt")


async def verify_token(token: str, rules: TokenRules, keys: KeySource, now: float) -> dict[str, Any]:
    """Return the claims of a token.

    Args:
        token: the token.
        rules: the rules that it must follow.
        keys: the keys of the issuer.
        now: seconds since the epoch.

    Raises:
        InvalidToken: the token is not accepted.
        ServiceUnavailable: 503: the keys are not available.
    """
    if not _TOKEN.fullmatch(token):
        raise InvalidToken("the token is malformed or too long")
    header = _read_header(token.partition(".")[0])
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in rules.algorithms or algorithm not in ALGORITHMS:
        raise InvalidToken("the algorithm is not accepted")
    if "crit" in header or "b64" in header:
        # RFC 7515, section 4.1.11: extensions that are not understood must not be ignored.
        raise InvalidToken("the header has critical extensions")
    kind = header.get("typ", "jwt")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in rules.types:
        raise InvalidToken("the type is not accepted")
    if kid is not None and not (isinstance(kid, str) and len(kid) <= _MAX_KID):
        raise InvalidToken("the key id is malformed")
    key = select_key(await keys.keys(kid), algorithm, kid)
    if key is None:
        raise InvalidToken("no key fits the token")
    return _verify(token, key, algorithm, rules, now)


def _read_header(text: str) -> Mapping[str, object]:
    try:
        header = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError):
        raise InvalidToken("the header is no JSON") from None
    if not isinstance(header, dict):
        raise InvalidToken("the header is no object")
    return header


def _verify(token: str, key: Any, algorithm: str, rules: TokenRules, now: float) -> dict[str, Any]:
    from joserfc import jws
    from joserfc.errors import JoseError
    from joserfc.jwt import JWTClaimsRegistry

    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    registry.max_header_length = _MAX_HEADER
    # The registry would warn of EdDSA, the older name of Ed25519 (RFC 9864), with each token.
    registry.get_alg = {algorithm: registry.algorithms[algorithm]}.__getitem__  # type: ignore[method-assign, assignment]
    try:
        content = jws.deserialize_compact(token, key, registry=registry).payload or b""
        claims = json.loads(content)
        if not isinstance(claims, dict):
            raise InvalidToken("the claims are no object")
        claim_rules = JWTClaimsRegistry(
            now=int(now),
            leeway=int(rules.leeway),
            iss={"essential": True, "value": rules.issuer},
            aud={"essential": True, "values": list(rules.audiences)},
            exp={"essential": True},
            sub={"essential": True},
        )
        claim_rules.validate(claims)
    except JoseError as error:
        raise InvalidToken(str(error)) from error
    except (ValueError, RecursionError) as error:
        raise InvalidToken(f"the token cannot be read: {type(error).__name__}") from error
    return claims


@final
class BearerScheme:
    """Tokens in the field Authorization.

    Args:
        rules: the rules that tokens must follow.
        keys: the keys of the issuer.
        role_claims: claims with roles: lists of texts, or one text with blanks between them; a dot leads into an
            object, as in ``realm_access.roles``.
        user: makes the user from the claims; None for a token without a user. By default the id is ``sub``.
    """

    name: Final = "bearer"
    fields: Final = ("Authorization",)
    is_ambient: Final = False

    def __init__(
        self,
        rules: TokenRules,
        keys: KeySource,
        role_claims: Collection[str] = ("scope", "roles"),
        user: Callable[[Mapping[str, Any]], User | None] | None = None,
    ) -> None:
        self._rules: Final = rules
        self._keys: Final = keys
        self._user: Final = user or (lambda claims: user_of_claims(claims, role_claims))

    def challenge(self, realm: str, *, is_wrong: bool = False) -> str:
        """Return the challenge (RFC 6750, section 3)."""
        reason = ', error="invalid_token"' if is_wrong else ""
        return f"Bearer realm={quoted(realm)}{reason}"

    def has_credentials(self, request: Request) -> bool:
        """Return whether the request has a token."""
        return read_authorization(request)[0] == "bearer"

    async def authenticate(self, request: Request, auth: Authenticator) -> User | None:
        """Return the user of the token."""
        token = read_authorization(request)[1]
        if not token or " " in token:
            # RFC 6750, section 3.1: invalid_request.
            raise BadRequest("the Authorization field has no token", problem={})
        try:
            claims = await verify_token(token, self._rules, self._keys, auth.clock())
        except InvalidToken as error:
            _log.info("a token is not accepted: %s", error)
            return None
        user = self._user(claims)
        return attrs.evolve(user, scheme=self.name) if user is not None else None


def user_of_claims(claims: Mapping[str, Any], role_claims: Collection[str]) -> User | None:
    """Return the user that claims describe; None without an id."""
    name = claims.get("name") or claims.get("preferred_username") or ""
    user_id = claims.get("sub")
    if not isinstance(user_id, str) or not user_id:
        return None
    return User(user_id, name if isinstance(name, str) else "", roles=roles_of(claims, role_claims), claims=claims)


def roles_of(claims: Mapping[str, Any], role_claims: Collection[str]) -> frozenset[str]:
    """Return the roles in some claims."""
    roles: set[str] = set()
    for path in role_claims:
        value: object = claims.get(path)
        if value is None and "." in path:
            value = claims
            for name in path.split("."):
                value = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(value, str):
            roles.update(value.split())
        elif isinstance(value, list):
            roles.update(role for role in value if isinstance(role, str))
    return frozenset(roles)
