"""Add the security header fields to every response that does not have them yet.

A policy with the text ``{nonce}`` gets a new nonce for each response (Content Security Policy Level 3, section 7.1),
which handlers and templates read from ``request.state.csp_nonce``. It is made when it is read; the policy of a response
that has not read it has no nonce, and so allows no inline script.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final, final

import attrs

from turnbuckle import (
    Diagnostic,
    FileBody,
    FixedHeaders,
    Handler,
    Middleware,
    Plan,
    Plugin,
    PluginInfo,
    Request,
    Response,
    Route,
    Setup,
)
from turnbuckle_contrib.security_headers.config import Changes, Features, SecurityHeadersConfig, as_changes
from turnbuckle_contrib.security_headers.policies import NONCE, format_features

__all__ = ["SecurityHeadersPlugin"]

_NAME: Final = "security_headers"
_VALUES: Final = {
    "content_type_options": "X-Content-Type-Options",
    "frame_options": "X-Frame-Options",
    "referrer_policy": "Referrer-Policy",
    "opener_policy": "Cross-Origin-Opener-Policy",
    "embedder_policy": "Cross-Origin-Embedder-Policy",
    "resource_policy": "Cross-Origin-Resource-Policy",
    "content_security_policy": "Content-Security-Policy",
    "content_security_policy_report_only": "Content-Security-Policy-Report-Only",
}
_NOT_MODIFIED: Final = 304
# A nonce makes browsers ignore the first, and the second trusts nothing without one.
_CHANGED_BY_NONCES: Final = ("'unsafe-inline'", "'strict-dynamic'")
_NONCE_BYTES: Final = 16
_HINT: Final = "TB450"


@final
class SecurityHeadersPlugin(Plugin[SecurityHeadersConfig]):
    """Provide the middleware ``security_headers`` in the security zone."""

    info = PluginInfo(name=_NAME, route_options={_NAME: as_changes})

    def provide_middleware(self, setup: Setup[SecurityHeadersConfig]) -> list[Middleware]:
        """Return the middleware."""
        config = setup.config
        has_nonce = NONCE in config.content_security_policy + config.content_security_policy_report_only
        provides = ["csp_nonce"] if has_nonce else []
        return [Middleware(_NAME, _around, zone="security", before=("cors", "csrf"), provides=provides)]

    def review_plan(self, plan: Plan) -> list[Diagnostic]:
        """Give a hint if the host is to be in the preload lists, but nothing is known to redirect to https."""
        scopes = list(plan.root.walk())
        wants_preload = any(
            isinstance(config, SecurityHeadersConfig) and config.hsts_preload
            for scope in scopes
            for config in scope.configs.values()
        )
        names = {entry.record.name for scope in scopes for entry in scope.middleware}
        if not wants_preload or "https_redirect" in names or any(found.code == _HINT for found in plan.diagnostics):
            return []
        return [
            Diagnostic(
                level="hint",
                code=_HINT,
                text="hsts_preload is set, but the plugin https_redirect is not enabled",
                why="the preload lists accept only hosts that redirect from http to https on the same host",
                fix="enable https_redirect, unless a proxy redirects",
            )
        ]


def _around(next_handler: Handler, setup: Setup[SecurityHeadersConfig]) -> Handler:
    config = setup.config
    usual = _Fields.of(config, {}, {})
    if not usual.with_nonce[True].names:
        return next_handler
    changed: dict[object, _Fields] = {}

    def fields_of(route: Route | None) -> _Fields:
        changes = route.options.get(_NAME) if route is not None else None
        if not isinstance(changes, Changes):
            return usual
        fields = changed.get(changes)
        if fields is None:
            fields = changed[changes] = _Fields.of(config, changes.values, changes.features)
        return fields

    async def harden(request: Request) -> Response:
        if usual.has_nonce or fields_of(request.find_route()).has_nonce:
            request.state.defer("csp_nonce", _make_nonce)
        try:
            response = await next_handler(request)
        except Exception:
            # The page of the error is made later, and may need the nonce.
            request.error_headers.add_missing(*fields_of(request.route).choose(request, is_nonce_needed=True))
            raise
        route = request.route
        fields = fields_of(route) if route is not None and route.options else usual
        body = response.body
        if response.status == _NOT_MODIFIED:
            response.headers.add_missing(fields.of_stored[request.scheme == "https"])
        else:
            # A stream may read the nonce after its head was sent.
            is_stream = type(body) is not bytes and not isinstance(body, FileBody)
            chosen, nonce = fields.choose(request, is_nonce_needed=is_stream)
            if nonce:
                # The handler may return the same response to other requests, which have other nonces.
                response = response.copy()
            response.headers.add_missing(chosen, nonce)
        return response

    return harden


def _make_nonce() -> str:
    return secrets.token_urlsafe(_NONCE_BYTES)


@final
@attrs.frozen
class _Fields:
    """The fields of responses, each twice: for http, and for https.

    Attributes:
        with_nonce: fields in which each response sets its nonce.
        without_nonce: fields for a response that has not used the nonce. Their policies are the same text each time,
            which caches and HTTP/2 store.
        of_stored: fields for a 304. A cache replaces the fields of the stored page by these, so they have no policy
            with a nonce, because the page has another one.
        has_nonce: whether a policy has a nonce.
        may_omit_nonce: whether the policies are as strict without a nonce.
    """

    with_nonce: tuple[FixedHeaders, FixedHeaders]
    without_nonce: tuple[FixedHeaders, FixedHeaders]
    of_stored: tuple[FixedHeaders, FixedHeaders]
    has_nonce: bool
    may_omit_nonce: bool

    @classmethod
    def of(cls, config: SecurityHeadersConfig, changes: Mapping[str, object], features: Features) -> _Fields:
        """Return the fields for the settings with changes."""
        sent = {name: str(changes.get(key, getattr(config, key))) for key, name in _VALUES.items()}
        sent["Permissions-Policy"] = format_features({**config.permissions_policy, **features})
        endpoints = config.reporting_endpoints.items()
        sent["Reporting-Endpoints"] = ", ".join(f'{name}="{url}"' for name, url in endpoints)
        plain = {name: value for name, value in sent.items() if value}
        transport = config.transport_security
        secure = {**plain, "Strict-Transport-Security": transport} if transport else plain
        policies = [value for value in plain.values() if NONCE in value]
        return cls(
            (FixedHeaders(plain, placeholder=NONCE), FixedHeaders(secure, placeholder=NONCE)),
            (_without_nonce(plain), _without_nonce(secure)),
            (_of_stored(plain), _of_stored(secure)),
            bool(policies),
            not any(keyword in policy for policy in policies for keyword in _CHANGED_BY_NONCES),
        )

    def choose(self, request: Request, *, is_nonce_needed: bool) -> tuple[FixedHeaders, str]:
        """Return the fields of a response, and its nonce.

        Args:
            request: the request.
            is_nonce_needed: whether the nonce may be read later.
        """
        is_secure = request.scheme == "https"
        if not self.has_nonce:
            return self.with_nonce[is_secure], ""
        state = request.state
        if "csp_nonce" not in vars(state) and self.may_omit_nonce and not is_nonce_needed:
            return self.without_nonce[is_secure], ""
        # Inner middleware may have changed the request, so that another route than the one found before has answered.
        return self.with_nonce[is_secure], str(state.get("csp_nonce") or _make_nonce())


def _without_nonce(fields: Mapping[str, str]) -> FixedHeaders:
    return FixedHeaders({name: value.replace(f" 'nonce-{NONCE}'", "") for name, value in fields.items()})


def _of_stored(fields: Mapping[str, str]) -> FixedHeaders:
    return FixedHeaders({name: value for name, value in fields.items() if NONCE not in value})
