"""Replace the method of a POST request, for HTML forms, which can only send GET and POST.

Off unless it is enabled. Only POST is replaced, and only by the methods of the settings, which are never safe ones: a
check of unsafe methods further outside, such as the one of ``csrf``, holds for both. A form field is only used after
``csrf`` has checked the request, because any page can send a form; it cannot send the header field without permission.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable
from typing import Final, final

import attrs

from turnbuckle import Handler, Middleware, MutableHeaders, Plugin, PluginInfo, Request, Response, Setup
from turnbuckle_contrib.form_fields import FormField, is_form_field

__all__ = ["MethodOverrideConfig", "MethodOverridePlugin"]

_METHOD: Final = re.compile(r"[A-Z]+")
_NEVER: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "CONNECT", "POST", "QUERY"})
_FORM: Final = "application/x-www-form-urlencoded"


def _are_methods(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    for method in value:
        if not _METHOD.fullmatch(method):
            raise ValueError(f"a method consists of capital letters, unlike {method!r}")
        if method in _NEVER:
            raise ValueError(f"a POST must not become {method}, because safe methods are not checked")


def _is_form_field_or_empty(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value:
        is_form_field(instance, attribute, value)


def _is_field_name_or_empty(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value:
        MutableHeaders({value: ""})


@attrs.frozen(kw_only=True)
class MethodOverrideConfig:
    """Settings of the plugin.

    Attributes:
        methods: the methods that a POST may become.
        field: name of the form field with the method; "" for none. It needs the plugin ``csrf``.
        header: name of the header field with the method; "" for none.
        form_size: bytes of a URL-encoded form in which the field is searched; larger forms remain POST.
    """

    methods: tuple[str, ...] = attrs.field(default=("PUT", "PATCH", "DELETE"), converter=tuple, validator=_are_methods)
    field: str = attrs.field(default="_method", validator=_is_form_field_or_empty)
    header: str = attrs.field(default="X-HTTP-Method-Override", validator=_is_field_name_or_empty)
    form_size: int = attrs.field(default=1024 * 1024, validator=attrs.validators.ge(1))


@final
class MethodOverridePlugin(Plugin[MethodOverrideConfig]):
    """Provide the middleware ``method_override`` in the security zone, inside of ``csrf``."""

    info = PluginInfo(name="method_override")

    def provide_middleware(self, setup: Setup[MethodOverrideConfig]) -> list[Middleware]:
        """Return the middleware."""
        has_field = bool(setup.config.field)
        needs = ("csrf",) if has_field else ()
        return [
            Middleware("method_override", _around, zone="security", after=("csrf",), needs=needs, reads_body=has_field)
        ]


def _around(next_handler: Handler, setup: Setup[MethodOverrideConfig]) -> Handler:
    config = setup.config
    allowed = frozenset(config.methods)
    field = FormField(config.field or "_method", config.form_size)

    async def read_form(request: Request) -> Response:
        return await next_handler(replace(request, (await field.read(request)).upper()))

    def replace(request: Request, method: str) -> Request:
        if method in allowed:
            request.head = attrs.evolve(request.head, method=method.encode("ascii"))
        return request

    def may_have_field(request: Request) -> bool:
        # Middleware of another route may have left out csrf.
        is_checked = "csrf" in request.state
        length = request.content_length
        return is_checked and request.content_type == _FORM and (length is None or length <= config.form_size)

    def override(request: Request) -> Awaitable[Response]:
        if request.method != "POST":
            return next_handler(request)
        method = request.headers.get(config.header) if config.header else None
        if method is not None:
            return next_handler(replace(request, method.upper()))
        if config.field and may_have_field(request):
            return read_form(request)
        return next_handler(request)

    return override
