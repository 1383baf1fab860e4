"""Add the security header fields to every response that does not have them yet.

A policy with the text ``{nonce}`` gets a new nonce for each response (Content Security Policy Level 3, section 7.1);
before the handler runs, it is in ``request.state.csp_nonce``.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final, final

import attrs

from turnbuckle import (
    Diagnostic,
    FixedHeaders,
    Handler,
    Middleware,
    MutableHeaders,
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
_POLICIES: Final = (_VALUES["content_security_policy"], _VALUES["content_security_policy_report_only"])
_NOT_MODIFIED: Final = 304
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
    if not usual.secure.names:
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
            nonce = request.state.csp_nonce = secrets.token_urlsafe(_NONCE_BYTES)
        else:
            nonce = ""
        try:
            response = await next_handler(request)
        except Exception:
            fields_of(request.route).add_to(request.error_headers, request, nonce)
            raise
        route = request.route
        fields = fields_of(route) if route is not None and route.options else usual
        fields.add_to(response.headers, request, nonce)
        if response.status == _NOT_MODIFIED and fields.has_nonce:
            _remove_nonces(response.headers)
        return response

    return harden


def _remove_nonces(headers: MutableHeaders) -> None:
    """Remove policies with a nonce: a cache would replace the policy of the stored page, which has another nonce."""
    for name in _POLICIES:
        if "'nonce-" in headers.get(name, ""):
            headers.discard(name)


@final
@attrs.frozen
class _Fields:
    """The fields of responses.

    Attributes:
        plain: fields for http.
        secure: fields for https.
        has_nonce: whether a policy has a nonce.
    """

    plain: FixedHeaders
    secure: FixedHeaders
    has_nonce: bool

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
        has_nonce = any(NONCE in value for value in plain.values())
        return cls(FixedHeaders(plain, placeholder=NONCE), FixedHeaders(secure, placeholder=NONCE), has_nonce)

    def add_to(self, headers: MutableHeaders, request: Request, nonce: str) -> None:
        """Add the fields that are missing."""
        fields = self.secure if request.scheme == "https" else self.plain
        if self.has_nonce and not nonce:
            # Inner middleware has changed the request, so that another route than the one found before has answered.
            nonce = secrets.token_urlsafe(_NONCE_BYTES)
        headers.add_missing(fields, nonce)
