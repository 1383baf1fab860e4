"""Check the arguments of decorators and of ``App`` when they are passed, and describe the right spelling."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from turnbuckle.startup.model.diagnostics import nearest
from turnbuckle.web.foreign_names import APP_NAMES, foreign_name_message

__all__ = [
    "ROUTE_OPTIONS",
    "SCOPE_OPTIONS",
    "SOCKET_HINTS",
    "check_class",
    "check_options",
    "check_path",
    "foreign_attribute_error",
]

_DOCS: Final = ("summary", "description", "tags", "deprecated", "in_schema", "operation_id", "errors", "responses")
SCOPE_DOCS: Final = ("tags", "deprecated", "in_schema", "errors")
SCOPE_OPTIONS: Final = (
    "prefix",
    "host",
    "plugins",
    "middleware",
    "router",
    "limits",
    "timeouts",
    "guards",
    "options",
    "chain",
    "without",
    *SCOPE_DOCS,
)
ROUTE_OPTIONS: Final = (
    "status",
    "name",
    "host",
    "streams_response",
    "streams_body",
    "limits",
    "timeouts",
    "guards",
    "options",
    "chain",
    "without",
    *_DOCS,
)

_APP_SETTINGS: Final = "App(settings={'server': {'host': ..., 'port': ...}}), or 'turnbuckle serve --host --port'"
_OPENAPI: Final = "App(plugins=[('openapi', {{{!r}: ...}})])"
_FOREIGN_OPTIONS: Final[Mapping[str, str]] = {
    "status_code": "status=... names the status of the response",
    "response_model": "the return annotation of the handler declares the response, as in '-> Note'",
    "response_class": "return HTML(...), JSON(...) or another Response",
    "include_in_schema": "in_schema=False",
    "title": "the first argument of App is its name",
    "version": _OPENAPI.format("version"),
    "docs_url": _OPENAPI.format("docs"),
    "openapi_url": _OPENAPI.format("path"),
    "dependencies": "guards=[function, ...]",
    "middlewares": "middleware=[...]",
    "methods": "@app.route(path, methods=[...])",
    "method": "@app.route(path, methods=[...])",
    "endpoint": "name=... names a route",
    "view_func": "pass the handler as the second argument of app.add_route",
    "defaults": "functools.partial(handler, ...) binds values",
    "strict_slashes": "the setting routing.trailing_slash",
    "redirect_slashes": "the setting routing.trailing_slash",
    "subdomain": "host='{name}.example.com'",
    "url_prefix": "app.scope(prefix)",
    "root_path": "the plugin proxy_headers takes the prefix from the proxy",
    "on_startup": "lifespan=...",
    "on_shutdown": "lifespan=...",
    "routes": "app.add_route(path, handler)",
    "exception_handlers": "@app.error_handler(Exception)",
    "static_folder": "app.install('static', at='/static', settings={'folders': ...})",
    "port": _APP_SETTINGS,
    "host": _APP_SETTINGS,
    "bind": _APP_SETTINGS,
    "workers": "App(settings={'workers': {'count': ...}}), or 'turnbuckle serve --workers'",
    "reload": "'turnbuckle serve --reload'",
    "limits": "App(settings={'limits': {'content': ...}})",
    "timeouts": "App(settings={'timeouts': {'handler': ...}})",
    "log_level": "App(settings={'log': {'level': ...}})",
    "ssl_certfile": "'turnbuckle serve --tls-cert --tls-key', or the section [tls] of the settings",
    "ssl_context": "'turnbuckle serve --tls-cert --tls-key', or the section [tls] of the settings",
}

_STATUS_OF_SOCKETS: Final = "an accepted WebSocket has the status 101; return a Response to refuse it with another"
_METHODS_OF_SOCKETS: Final = "a WebSocket has no methods; @app.route(path, methods=[...]) is for requests of the path"
_MESSAGES: Final = "messages have no declared type; await socket.send_json(value) sends a value as JSON"
SOCKET_HINTS: Final[Mapping[str, str]] = {
    **_FOREIGN_OPTIONS,
    "status": _STATUS_OF_SOCKETS,
    "status_code": _STATUS_OF_SOCKETS,
    "methods": _METHODS_OF_SOCKETS,
    "method": _METHODS_OF_SOCKETS,
    "response_model": _MESSAGES,
    "response_class": _MESSAGES,
    "include_in_schema": "the schema has no WebSockets",
    "limits": "App(plugins=[('websocket', {'max_message': ...})])",
    "timeouts": "App(plugins=[('websocket', {'idle': ..., 'close_timeout': ...})])",
}
"""What a route for WebSockets has instead of the options of other frameworks, and of other routes."""


def check_options(
    call: str, options: Iterable[str], known: Iterable[str], hints: Mapping[str, str] = _FOREIGN_OPTIONS
) -> None:
    """Refuse options that a call does not have.

    Args:
        call: the call as it is written, such as ``@app.get``.
        options: the names that were passed.
        known: the names of its options.
        hints: the right spellings, by the names of options that the call does not have.

    Raises:
        TypeError: there is another option; the message has the right spelling.
    """
    names = sorted(known)
    for option in options:
        if option in names:
            continue
        near = option if option in hints else nearest(option, {*names, *hints})
        if option in ROUTE_OPTIONS and option not in hints:
            # It is the right spelling for another call.
            near = ""
        if near in names:
            suggestion = f"did you mean {near!r}?"
        elif near:
            suggestion = f"instead: {hints[near]}"
        else:
            suggestion = "its options are " + ", ".join(names)
        raise TypeError(f"{call} has no option {option!r}; {suggestion}")


def check_path(call: str, path: object, noun: str = "route") -> None:
    """Refuse a path that is no text, such as the function of a decorator without parentheses.

    Raises:
        TypeError: it is no text.
    """
    if isinstance(path, str):
        return
    if callable(path) and noun == "route":
        name = getattr(path, "__name__", type(path).__name__)
        raise TypeError(f"write {call}('/path') above {name!r}; without a path, the decorator adds no route")
    if isinstance(path, list | tuple | set):
        raise TypeError(f"a {noun} has one path, and not {path!r:.80}; add a {noun} for each path")
    raise TypeError(f"the path of a {noun} is a text such as '/items', and not {path!r:.80}")


def check_class(call: str, value: object, example: str) -> None:
    """Refuse the function of a decorator without parentheses.

    Raises:
        TypeError: the value is a function.
    """
    if callable(value) and not isinstance(value, type) and hasattr(value, "__code__"):
        name = getattr(value, "__name__", "the function")
        raise TypeError(f"write {call}({example}) above {name!r}; without it, the decorator adds nothing")


def foreign_attribute_error(thing: object, name: str) -> AttributeError:
    """Return the error for an attribute that an app or scope does not have."""
    hint = APP_NAMES.get(name)
    cls: Callable[..., object] = type(thing)
    message = f"{cls.__name__!r} object has no attribute {name!r}"
    if hint is not None:
        message = foreign_name_message(type(thing), name, hint)
    return AttributeError(message, name=name, obj=thing)
