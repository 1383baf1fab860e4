"""The provider as this app sees it: its description, the exchange of a code, and the check of an ID token."""

from __future__ import annotations

import base64
import hmac
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, final
from urllib.parse import quote_plus, urlencode

import attrs

from turnbuckle import ServiceUnavailable, TurnbuckleError
from turnbuckle_contrib.auth.bearer import InvalidToken, TokenRules, verify_token
from turnbuckle_contrib.auth.fetch import Fetcher, FetchFailed, check_url
from turnbuckle_contrib.auth.keys import RemoteKeys
from turnbuckle_contrib.openid_connect.config import OpenIDConnectConfig

__all__ = ["LoginRefused", "Provider", "ProviderInfo"]

_log: Final = logging.getLogger("turnbuckle.auth")
_WELL_KNOWN: Final = "/.well-known/openid-configuration"
_SECONDS: Final = 3600.0
_RETRY: Final = 5.0


class LoginRefused(TurnbuckleError):
    """A login is not accepted; the text is for the log."""


@attrs.frozen(kw_only=True)
class ProviderInfo:
    """The description of a provider (OpenID Connect Discovery 1.0, section 3)."""

    authorization: str
    token: str
    end_session: str
    takes_basic: bool
    sends_issuer: bool
    keys: RemoteKeys


@final
class Provider:
    """The provider of an app.

    Args:
        config: the settings.
        clock: seconds since the epoch.
        fetcher: fetches documents.
    """

    def __init__(self, config: OpenIDConnectConfig, clock: Callable[[], float], fetcher: Fetcher | None = None) -> None:
        self._config: Final = config
        self._clock: Final = clock
        self._fetcher: Final = fetcher or Fetcher(config.timeout)
        self._info: ProviderInfo | None = None
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")

    async def info(self) -> ProviderInfo:
        """Return the description, which is fetched again after an hour.

        Raises:
            ServiceUnavailable: 503: the provider cannot be reached, or its description is wrong.
        """
        now = self._clock()
        if now - self._fetched_at > _SECONDS and now - self._tried_at > _RETRY:
            self._tried_at = now
            try:
                self._info = await self._discover()
                self._fetched_at = now
            except (FetchFailed, ValueError) as error:
                _log.warning("the OpenID provider is not available: %s", error)
        if self._info is None:
            raise ServiceUnavailable("the login is not available", headers={"Retry-After": "10"}, problem={})
        return self._info

    async def _discover(self) -> ProviderInfo:
        url = self._config.issuer.rstrip("/") + _WELL_KNOWN
        status, document = await self._fetcher.fetch_json(url)
        if status != 200 or not isinstance(document, dict):
            raise ValueError(f"{url} answered {status}, without a description")
        if document.get("issuer") != self._config.issuer:
            # Section 4.3: another issuer would be trusted for the tokens of this one.
            raise ValueError(f"{url} is the description of {document.get('issuer')!r:.200}")
        methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        keys_url = _url(document, "jwks_uri")
        known = self._info.keys if self._info is not None else None
        return ProviderInfo(
            authorization=_url(document, "authorization_endpoint"),
            token=_url(document, "token_endpoint"),
            end_session=_url(document, "end_session_endpoint") if "end_session_endpoint" in document else "",
            takes_basic=isinstance(methods, list) and "client_secret_basic" in methods,
            sends_issuer=document.get("authorization_response_iss_parameter_supported") is True,
            keys=known if known is not None and known.url == keys_url else self._keys(keys_url),
        )

    def _keys(self, url: str) -> RemoteKeys:
        return RemoteKeys(url, self._fetcher, clock=self._clock)

    async def exchange(self, code: str, verifier: str, callback: str) -> str:
        """Return the ID token for a code (OpenID Connect Core 1.0, section 3.1.3).

        Raises:
            LoginRefused: the provider does not accept the code.
            ServiceUnavailable: 503: the provider cannot be reached.
        """
        info, config = await self.info(), self._config
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": callback, "code_verifier": verifier}
        headers = {}
        if config.client_secret and info.takes_basic:
            # RFC 6749, section 2.3.1: both are encoded as in a form first.
            pair = f"{quote_plus(config.client_id)}:{quote_plus(config.client_secret)}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            form["client_id"] = config.client_id
            if config.client_secret:
                form["client_secret"] = config.client_secret
        try:
            status, answer = await self._fetcher.fetch_json(
                info.token, content=urlencode(form).encode(), headers=headers
            )
        except FetchFailed as error:
            _log.warning("the OpenID provider is not available: %s", error)
            raise ServiceUnavailable("the login is not available", headers={"Retry-After": "10"}, problem={}) from error
        token = answer.get("id_token") if status == 200 and isinstance(answer, dict) else None
        if not isinstance(token, str):
            reason = answer.get("error") if isinstance(answer, dict) else ""
            raise LoginRefused(f"the provider answered {status} {reason!r:.100}, without an ID token")
        return token

    async def verify(self, token: str, nonce: str) -> Mapping[str, Any]:
        """Return the claims of an ID token (section 3.1.3.7).

        Raises:
            LoginRefused: the token is not accepted.
            ServiceUnavailable: 503: the keys of the provider are not available.
        """
        info, config = await self.info(), self._config
        rules = TokenRules(
            issuer=config.issuer,
            audiences=(config.client_id,),
            algorithms=config.algorithms,
            leeway=config.leeway,
            types=("jwt",),
        )
        try:
            claims = await verify_token(token, rules, info.keys, self._clock())
        except InvalidToken as error:
            raise LoginRefused(f"the ID token is not accepted: {error}") from error
        found = claims.get("nonce")
        if not isinstance(found, str) or not hmac.compare_digest(found.encode(), nonce.encode()):
            raise LoginRefused("the ID token has another nonce")
        audience, party = claims["aud"], claims.get("azp")
        if party not in (None, config.client_id) or (
            isinstance(audience, list) and len(audience) > 1 and party is None
        ):
            raise LoginRefused("the ID token was issued to another app")
        return claims


def _url(document: Mapping[str, object], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise ValueError(f"the description of the provider has no {name}")
    return check_url(value)
