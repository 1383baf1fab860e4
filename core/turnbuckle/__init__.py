"""An HTTP server and web framework in one, in which every part is supplied by a plugin and resolved at startup.

All that is public is here, in ``turnbuckle.records``, ``turnbuckle.errors``, ``turnbuckle.hookspecs`` and
``turnbuckle.testing``. Names are imported when first used, so that ``import turnbuckle`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from turnbuckle.app import App, Scope
    from turnbuckle.errors import (
        AppFrozen,
        BackgroundTaskError,
        BadRequest,
        Conflict,
        ConnectionLost,
        ContentTooLarge,
        Forbidden,
        Gone,
        HTTPError,
        InternalServerError,
        LifespanError,
        ListenError,
        MethodNotAllowed,
        NotFound,
        Problem,
        ProtocolError,
        ResourceUnavailable,
        RouteConflict,
        RouteError,
        ServiceUnavailable,
        StartupError,
        TLSError,
        TooManyRequests,
        TurnbuckleError,
        Unauthorized,
        UnprocessableContent,
        UnsupportedMediaType,
    )
    from turnbuckle.http.events import (
        NEED_DATA,
        Data,
        EndOfMessage,
        Event,
        NeedData,
        Parser,
        ParserFactory,
        RawFields,
        RequestHead,
    )
    from turnbuckle.http.limits import Limits
    from turnbuckle.http.parser import H1Parser, H1ParserFactory
    from turnbuckle.plan import Plan
    from turnbuckle.plugin import Plugin, hookimpl, hookspec
    from turnbuckle.records import (
        Component,
        Diagnostic,
        ErrorHandler,
        Handler,
        Lifespan,
        Match,
        Middleware,
        Origin,
        ParserProvider,
        PluginInfo,
        ProtocolProvider,
        ResourceKey,
        ResponseType,
        Route,
        Router,
        RouterProvider,
    )
    from turnbuckle.routing.converters import CONVERTERS, Converter
    from turnbuckle.routing.escapes import decode_path
    from turnbuckle.routing.languages.overlap import Shadow, hidden_routes
    from turnbuckle.routing.methods import allowed_methods, check_methods
    from turnbuckle.routing.patterns import Pattern, parse_pattern
    from turnbuckle.routing.segments import Segment
    from turnbuckle.routing.slashes import SlashRedirect
    from turnbuckle.routing.tree import TreeRouter
    from turnbuckle.routing.urls import build_path
    from turnbuckle.server.listen.proxy_protocol import ProxySettings
    from turnbuckle.server.model.application import Application
    from turnbuckle.server.model.timeouts import Timeouts
    from turnbuckle.server.run.server import HTTPServer
    from turnbuckle.server.tls.context import TLS
    from turnbuckle.settings import Settings
    from turnbuckle.setup import Setup
    from turnbuckle.startup.model.sources import Sources
    from turnbuckle.web.content.formdata import FormData
    from turnbuckle.web.content.json_codec import STANDARD_JSON, JSONCodec
    from turnbuckle.web.headers import Headers, MutableHeaders
    from turnbuckle.web.middleware import middleware
    from turnbuckle.web.peer import Peer
    from turnbuckle.web.request.request import Request
    from turnbuckle.web.request.request_id import RequestIdFilter, current_request_id
    from turnbuckle.web.response.response import HTML, JSON, File, Redirect, Response, Stream, Text
    from turnbuckle.web.response.upgrade import SwitchProtocols
    from turnbuckle.web.tls import ClientCertificate, TLSInfo
    from turnbuckle.web.trusted_addresses import TrustedAddresses

_ERRORS: Final = (
    "AppFrozen BackgroundTaskError BadRequest Conflict ConnectionLost ContentTooLarge Forbidden Gone HTTPError"
    " InternalServerError LifespanError ListenError MethodNotAllowed NotFound Problem ProtocolError"
    " ResourceUnavailable RouteConflict RouteError ServiceUnavailable StartupError TLSError TooManyRequests"
    " TurnbuckleError Unauthorized UnprocessableContent UnsupportedMediaType"
)
_RECORDS: Final = (
    "Component Diagnostic ErrorHandler Handler Lifespan Match Middleware Origin ParserProvider PluginInfo"
    " ProtocolProvider ResourceKey ResponseType Route Router RouterProvider"
)
_EVENTS: Final = "NEED_DATA Data EndOfMessage Event NeedData Parser ParserFactory RawFields RequestHead"
_MODULES: Final = {
    "app": "App Scope",
    "errors": _ERRORS,
    "http.events": _EVENTS,
    "http.limits": "Limits",
    "http.parser": "H1Parser H1ParserFactory",
    "plugin": "Plugin hookimpl hookspec",
    "records": _RECORDS,
    "routing.converters": "CONVERTERS Converter",
    "routing.escapes": "decode_path",
    "routing.methods": "allowed_methods check_methods",
    "routing.languages.overlap": "Shadow hidden_routes",
    "routing.patterns": "Pattern parse_pattern",
    "routing.segments": "Segment",
    "routing.tree": "TreeRouter",
    "routing.urls": "build_path",
    "server.model.timeouts": "Timeouts",
    "server.tls.context": "TLS",
    "plan": "Plan",
    "settings": "Settings",
    "setup": "Setup",
    "startup.model.sources": "Sources",
    "routing.slashes": "SlashRedirect",
    "server.model.application": "Application",
    "server.listen.proxy_protocol": "ProxySettings",
    "server.run.server": "HTTPServer",
    "web.content.formdata": "FormData",
    "web.response.upgrade": "SwitchProtocols",
    "web.headers": "Headers MutableHeaders",
    "web.content.json_codec": "STANDARD_JSON JSONCodec",
    "web.middleware": "middleware",
    "web.request.request_id": "RequestIdFilter current_request_id",
    "web.request.request": "Request",
    "web.peer": "Peer",
    "web.trusted_addresses": "TrustedAddresses",
    "web.tls": "ClientCertificate TLSInfo",
    "web.response.response": "HTML JSON File Redirect Response Stream Text",
}
_HOMES: Final = {name: module for module, names in _MODULES.items() for name in names.split()}

__version__: Final = "0.1.0"
__all__ = [
    "CONVERTERS",
    "HTML",
    "JSON",
    "NEED_DATA",
    "STANDARD_JSON",
    "TLS",
    "App",
    "AppFrozen",
    "Application",
    "BackgroundTaskError",
    "BadRequest",
    "ClientCertificate",
    "Component",
    "Conflict",
    "ConnectionLost",
    "ContentTooLarge",
    "Converter",
    "Data",
    "Diagnostic",
    "EndOfMessage",
    "ErrorHandler",
    "Event",
    "File",
    "Forbidden",
    "FormData",
    "Gone",
    "H1Parser",
    "H1ParserFactory",
    "HTTPError",
    "HTTPServer",
    "Handler",
    "Headers",
    "InternalServerError",
    "JSONCodec",
    "Lifespan",
    "LifespanError",
    "Limits",
    "ListenError",
    "Match",
    "MethodNotAllowed",
    "Middleware",
    "MutableHeaders",
    "NeedData",
    "NotFound",
    "Origin",
    "Parser",
    "ParserFactory",
    "ParserProvider",
    "Pattern",
    "Peer",
    "Plan",
    "Plugin",
    "PluginInfo",
    "Problem",
    "ProtocolError",
    "ProtocolProvider",
    "ProxySettings",
    "RawFields",
    "Redirect",
    "Request",
    "RequestHead",
    "RequestIdFilter",
    "ResourceKey",
    "ResourceUnavailable",
    "Response",
    "ResponseType",
    "Route",
    "RouteConflict",
    "RouteError",
    "Router",
    "RouterProvider",
    "Scope",
    "Segment",
    "ServiceUnavailable",
    "Settings",
    "Setup",
    "Shadow",
    "SlashRedirect",
    "Sources",
    "StartupError",
    "Stream",
    "SwitchProtocols",
    "TLSError",
    "TLSInfo",
    "Text",
    "Timeouts",
    "TooManyRequests",
    "TreeRouter",
    "TrustedAddresses",
    "TurnbuckleError",
    "Unauthorized",
    "UnprocessableContent",
    "UnsupportedMediaType",
    "__version__",
    "allowed_methods",
    "build_path",
    "check_methods",
    "current_request_id",
    "decode_path",
    "hidden_routes",
    "hookimpl",
    "hookspec",
    "middleware",
    "parse_pattern",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value


def __dir__() -> list[str]:
    return sorted(globals().keys() | _HOMES.keys())
