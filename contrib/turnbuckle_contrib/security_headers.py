"""Add the security header fields to every response that does not have them yet.

The defaults break no ordinary page. Fields that need a decision, such as a content security policy and strict transport
security, are off until the settings give their values. A policy with the text ``{nonce}`` gets a new nonce for each
response (Content Security Policy Level 3, section 7.1); before the handler runs, it is in ``request.state.csp_nonce``.
"""

from __future__ import annotations

import secrets
from typing import Final, final

import attrs

from turnbuckle import Handler, Middleware, MutableHeaders, Plugin, PluginInfo, Request, Response, Setup

__all__ = ["SecurityHeadersConfig", "SecurityHeadersPlugin"]

_FIELDS: Final = {
    "content_type_options": "X-Content-Type-Options",
    "frame_options": "X-Frame-Options",
    "referrer_policy": "Referrer-Policy",
    "opener_policy": "Cross-Origin-Opener-Policy",
    "content_security_policy": "Content-Security-Policy",
    "permissions_policy": "Permissions-Policy",
}
_TRANSPORT: Final = "Strict-Transport-Security"
_POLICY: Final = "Content-Security-Policy"
_NONCE: Final = "{nonce}"
_NONCE_BYTES: Final = 16


def _may_be_sent(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    MutableHeaders({"X": value})


def _field(default: str = "") -> str:
    field: str = attrs.field(default=default, validator=_may_be_sent)
    return field


@attrs.frozen(kw_only=True)
class SecurityHeadersConfig:
    """Settings of the plugin: the value of each field; "" omits the field.

    Attributes:
        content_type_options: value of ``X-Content-Type-Options``.
        frame_options: value of ``X-Frame-Options``; which sites may show the page in a frame.
        referrer_policy: value of ``Referrer-Policy``.
        opener_policy: value of ``Cross-Origin-Opener-Policy``.
        content_security_policy: value of ``Content-Security-Policy``; ``{nonce}`` in it is replaced by a random text
            for each response, as in ``script-src 'nonce-{nonce}'``.
        permissions_policy: value of ``Permissions-Policy``.
        strict_transport_security: value of ``Strict-Transport-Security``, sent over https only (RFC 6797, section
            7.2).
    """

    content_type_options: str = _field("nosniff")
    frame_options: str = _field("SAMEORIGIN")
    referrer_policy: str = _field("strict-origin-when-cross-origin")
    opener_policy: str = _field("same-origin")
    content_security_policy: str = _field()
    permissions_policy: str = _field()
    strict_transport_security: str = _field()


@final
class SecurityHeadersPlugin(Plugin[SecurityHeadersConfig]):
    """Provide the middleware ``security_headers`` in the security zone."""

    info = PluginInfo(name="security_headers")

    def provide_middleware(self, setup: Setup[SecurityHeadersConfig]) -> list[Middleware]:
        """Return the middleware."""
        provides = ["csp_nonce"] if _NONCE in setup.config.content_security_policy else []
        return [Middleware("security_headers", _around, zone="security", before=("cors", "csrf"), provides=provides)]


def _around(next_handler: Handler, setup: Setup[SecurityHeadersConfig]) -> Handler:
    config = setup.config
    given = [(name, str(getattr(config, key))) for key, name in _FIELDS.items()]
    plain = [(name, value) for name, value in given if value]
    transport = config.strict_transport_security
    secure = [*plain, (_TRANSPORT, transport)] if transport else plain
    if not secure:
        return next_handler
    policy = config.content_security_policy
    if _NONCE in policy:
        return _with_nonce(next_handler, policy, plain, secure)

    async def harden(request: Request) -> Response:
        response = await next_handler(request)
        headers = response.headers
        for name, value in secure if request.scheme == "https" else plain:
            headers.setdefault(name, value)
        return response

    return harden


def _with_nonce(
    next_handler: Handler, policy: str, plain: list[tuple[str, str]], secure: list[tuple[str, str]]
) -> Handler:
    async def harden(request: Request) -> Response:
        nonce = request.state.csp_nonce = secrets.token_urlsafe(_NONCE_BYTES)
        response = await next_handler(request)
        headers = response.headers
        headers.setdefault(_POLICY, policy.replace(_NONCE, nonce))
        for name, value in secure if request.scheme == "https" else plain:
            headers.setdefault(name, value)
        return response

    return harden
