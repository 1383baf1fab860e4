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
_PLAIN: Final = {
    "content_type_options": "X-Content-Type-Options",
    "frame_options": "X-Frame-Options",
    "referrer_policy": "Referrer-Policy",
    "opener_policy": "Cross-Origin-Opener-Policy",
    "embedder_policy": "Cross-Origin-Embedder-Policy",
    "resource_policy": "Cross-Origin-Resource-Policy",
}
_POLICIES: Final = {
    "content_security_policy": "Content-Security-Policy",
    "content_security_policy_report_only": "Content-Security-Policy-Report-Only",
}
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
    if usual.is_empty:
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
        return response

    return harden


@final
@attrs.frozen
class _Fields:
    """The fields of responses, as far as they are known at startup.

    Attributes:
        plain: fields for http.
        secure: fields for https.
        policies: names of fields with nonces, each with the texts between them.
    """

    plain: MutableHeaders
    secure: MutableHeaders
    policies: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def of(cls, config: SecurityHeadersConfig, changes: Mapping[str, object], features: Features) -> _Fields:
        """Return the fields for the settings with changes."""

        def value(key: str) -> str:
            return str(changes.get(key, getattr(config, key)))

        endpoints = ", ".join(f'{name}="{url}"' for name, url in config.reporting_endpoints.items())
        plain = {name: value(key) for key, name in (_PLAIN | _POLICIES).items()}
        plain["Permissions-Policy"] = format_features({**config.permissions_policy, **features})
        plain["Reporting-Endpoints"] = endpoints
        policies = {name: plain.pop(name) for name in _POLICIES.values() if NONCE in plain[name]}
        sent = {name: text for name, text in plain.items() if text}
        transport = config.transport_security
        return cls(
            MutableHeaders(sent),
            MutableHeaders({**sent, "Strict-Transport-Security": transport} if transport else sent),
            tuple((name, tuple(policy.split(NONCE))) for name, policy in policies.items()),
        )

    @property
    def has_nonce(self) -> bool:
        """Whether a policy has a nonce."""
        return bool(self.policies)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to add."""
        return not self.policies and not len(self.secure)

    def add_to(self, headers: MutableHeaders, request: Request, nonce: str) -> None:
        """Add the fields that are missing."""
        for name, texts in self.policies:
            if name not in headers:
                headers.add(name, nonce.join(texts))
        headers.add_missing(self.secure if request.scheme == "https" else self.plain)
