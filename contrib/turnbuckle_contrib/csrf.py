"""Refuse requests that change something and were sent by a page of another site: cross-site request forgery.

A browser sends the cookies of a site with requests that other sites cause. It also says which page caused them, in
fields that no page can forge. They are read in this order, for all methods except the safe ones:

1. ``Sec-Fetch-Site`` (Fetch Metadata) must be ``same-origin`` or ``none``. All browsers since 2023 send it over https,
   and to localhost.
2. Otherwise, ``Origin`` (Fetch, section 3.2) must be the origin of the request. All browsers since 2020 send it.
3. Otherwise, a request with cookies needs a token, in a field of the form or in a header field. It is compared with a
   cookie that other sites can neither read nor set. A request without cookies acts for no user.

In the first two cases, the origins in ``trusted_origins`` pass as well. The handshake of a WebSocket is a GET, so it
passes here; the plugin ``websocket`` compares its ``Origin``.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, final

import attrs

from turnbuckle import (
    Forbidden,
    Handler,
    Middleware,
    MutableHeaders,
    Plugin,
    PluginInfo,
    Request,
    Response,
    SetCookie,
    Setup,
    hookimpl,
    is_same_origin,
)
from turnbuckle_contrib.form_fields import FormField, is_form_field
from turnbuckle_contrib.origins import check_origin, compile_origins

if TYPE_CHECKING:
    from turnbuckle_plugins.jinja_templates import TemplateParts

__all__ = ["CSRFConfig", "CSRFPlugin", "csrf_field", "csrf_token"]

# Their handlers must change nothing (RFC 9110, section 9.2.1).
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_OWN_SITE: Final = frozenset({"same-origin", "none"})
_FOREIGN: Final = "a page of another site may not send this request"
_SECRET_BYTES: Final = 32
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{86}")
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{43}")


def _are_origins(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    for origin in value:
        check_origin(origin)


def _is_field_name(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    MutableHeaders({value: ""})


@attrs.frozen(kw_only=True)
class CSRFConfig:
    """Settings of the plugin.

    Attributes:
        trusted_origins: other origins whose pages may send requests, such as "https://accounts.example.com" or
            "https://*.example.com".
        field: name of the form field with the token.
        header: name of the header field with the token.
        cookie: name of the cookie that the token is compared with; it has the prefix ``__Host-`` over https.
        form_size: bytes of a form in which the token is searched; beyond it 413.
    """

    trusted_origins: tuple[str, ...] = attrs.field(default=(), converter=tuple, validator=_are_origins)
    field: str = attrs.field(default="csrf_token", validator=is_form_field)
    header: str = attrs.field(default="X-CSRF-Token", validator=_is_field_name)
    cookie: str = attrs.field(default="csrf", validator=is_form_field)
    form_size: int = attrs.field(default=1024 * 1024, validator=attrs.validators.ge(1))


@final
class CSRFPlugin(Plugin[CSRFConfig]):
    """Provide the middleware ``csrf`` in the security zone, and ``csrf_field`` and ``csrf_token`` to templates."""

    info = PluginInfo(name="csrf")

    def provide_middleware(self, setup: Setup[CSRFConfig]) -> list[Middleware]:
        """Return the middleware."""
        return [Middleware("csrf", _around, zone="security", provides=("csrf",))]

    @hookimpl(optionalhook=True)
    def provide_templates(self, setup: Setup[CSRFConfig]) -> list[TemplateParts]:
        """Return the functions for templates."""
        from markupsafe import Markup

        from turnbuckle_plugins.jinja_templates import TemplateParts, current_request

        def field() -> Markup:
            # The text consists of a checked name and a token.
            return Markup(csrf_field(current_request("csrf_field()")))

        return [
            TemplateParts(
                globals={"csrf_field": field, "csrf_token": lambda: csrf_token(current_request("csrf_token()"))}
            )
        ]


def csrf_token(request: Request) -> str:
    """Return a token for the forms of the page that answers this request, or for its scripts; "" without the plugin.

    The response gets the cookie that belongs to the token, so a stream calls this before it begins. The token is
    another text each time, so that the length of a compressed response does not reveal it.
    """
    tokens = request.state.get("csrf")
    return tokens.issue(request) if isinstance(tokens, _Tokens) else ""


def csrf_field(request: Request) -> str:
    """Return the hidden form field with a token, as HTML; "" without the plugin."""
    tokens = request.state.get("csrf")
    if not isinstance(tokens, _Tokens):
        return ""
    return f'<input type="hidden" name="{tokens.config.field}" value="{tokens.issue(request)}">'


def _around(next_handler: Handler, setup: Setup[CSRFConfig]) -> Handler:
    tokens = _Tokens(setup.config)
    is_own = _compile_origin_check(setup.config)

    async def with_cookie(request: Request) -> Response:
        try:
            response = await next_handler(request)
        except Exception:
            tokens.leave(request)
            raise
        secret = request.state.get("csrf_secret")
        return response if secret is None else tokens.with_cookie(request, response, str(secret))

    async def with_token(request: Request) -> Response:
        try:
            await tokens.check(request)
        except Exception:
            tokens.leave(request)
            raise
        return await with_cookie(request)

    def check(request: Request) -> Awaitable[Response]:
        request.state.csrf = tokens
        try:
            passes = request.method in _SAFE or is_own(request)
        except Forbidden:
            tokens.leave(request)
            raise
        return with_cookie(request) if passes else with_token(request)

    return check


def _compile_origin_check(config: CSRFConfig) -> Callable[[Request], bool]:
    """Return a function that compares the origin of a request.

    It returns True for a page that may send the request, returns False if the request does not say where it comes
    from, and raises ``Forbidden`` for a foreign page.
    """
    is_trusted = compile_origins(config.trusted_origins)

    def is_own(request: Request) -> bool:
        headers = request.headers
        sites, origins = headers.get_list("sec-fetch-site"), headers.get_list("origin")
        if not sites and not origins:
            return "cookie" not in headers
        if len(sites) > 1 or len(origins) > 1:
            raise Forbidden("this request says twice which page it comes from")
        if origins and is_trusted(origins[0]):
            return True
        if sites:
            if sites[0] not in _OWN_SITE:
                raise Forbidden(f"{_FOREIGN}: Sec-Fetch-Site is {sites[0]!r:.40}")
        elif not is_same_origin(origins[0].lower(), request):
            own = f"{request.scheme}://{request.host}"
            raise Forbidden(f"{_FOREIGN}: Origin is {origins[0]!r:.100}, not {own}")
        return True

    return is_own


@final
@attrs.frozen(eq=False)
class _Tokens:
    """Issues and checks the tokens of an app.

    A token consists of random bytes and of the secret in the cookie, which was combined with them by exclusive or.
    """

    config: CSRFConfig
    _field: FormField = attrs.field(init=False)

    @_field.default
    def _make_field(self) -> FormField:
        return FormField(self.config.field, self.config.form_size)

    def issue(self, request: Request) -> str:
        """Return a new token, and remember the secret if the request has none."""
        state = request.state
        secret = str(state.get("csrf_secret", "")) or self._received_secret(request)
        if not secret:
            secret = state.csrf_secret = secrets.token_urlsafe(_SECRET_BYTES)
            if "csrf_is_left" in state:
                self.leave(request)
        if "Cookie" not in request.vary:
            request.vary = (*request.vary, "Cookie")
        mask = secrets.token_bytes(_SECRET_BYTES)
        return _encode(mask + _combine(mask, _decode(secret)))

    async def check(self, request: Request) -> None:
        """Check the token of a request that has no field with its origin.

        Raises:
            Forbidden: there is no token, or it does not belong to the cookie.
            ContentTooLarge: the form is larger than the setting.
        """
        token = request.headers.get(self.config.header) or await self._field.read(request)
        if not token:
            raise Forbidden(
                f"this request needs the field Origin, or a token in the form field {self.config.field} or the header "
                f"field {self.config.header}"
            )
        secret = self._received_secret(request)
        if not (secret and _TOKEN.fullmatch(token)):
            raise Forbidden("the token of the form is not valid; load the page again")
        content = _decode(token)
        mask, combined = content[:_SECRET_BYTES], content[_SECRET_BYTES:]
        if not hmac.compare_digest(_combine(mask, combined), _decode(secret)):
            raise Forbidden("the token of the form is not valid; load the page again")

    def with_cookie(self, request: Request, response: Response, secret: str) -> Response:
        """Return a copy of a response that sets the cookie which new tokens are compared with.

        The handler may return the same response to other clients, which must not get the cookie.
        """
        response = response.copy()
        response.headers.add("Set-Cookie", self._set_cookie(request, secret))
        given = response.headers.get("Cache-Control")
        if given is not None and not {"no-store", "private"} & {part.strip().lower() for part in given.split(",")}:
            # A shared cache that stores this response would give the secret to others (RFC 9111, section 7.3).
            response.headers.set("Cache-Control", "private, no-cache")
        return response

    def leave(self, request: Request) -> None:
        """Set the cookie in the page of an exception that leaves the middleware; the page may contain a form."""
        request.state.csrf_is_left = True
        secret = request.state.get("csrf_secret")
        if secret is not None:
            request.error_headers.add("Set-Cookie", self._set_cookie(request, str(secret)))

    def _set_cookie(self, request: Request, secret: str) -> str:
        is_secure = request.scheme == "https"
        return SetCookie(name=self._cookie(request), value=secret, secure=is_secure, same_site="Lax").serialize()

    def _cookie(self, request: Request) -> str:
        # Browsers accept this prefix only from the host itself, so that no neighbouring host can choose the secret.
        return f"__Host-{self.config.cookie}" if request.scheme == "https" else self.config.cookie

    def _received_secret(self, request: Request) -> str:
        secret = request.cookies.get(self._cookie(request), "")
        return secret if _SECRET.fullmatch(secret) else ""


def _combine(one: bytes, other: bytes) -> bytes:
    return bytes(first ^ second for first, second in zip(one, other, strict=True))


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode("ascii").rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
