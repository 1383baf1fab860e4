"""Validate the fields of records that plugins return.

Python does not check annotations: without this check, a wrong value would fail late, where a name is sorted, a path is
joined or a token is searched.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, Final, is_typeddict

from turnbuckle.diagnostics import Diagnostic, ResourceKey
from turnbuckle.http.grammar import TCHAR
from turnbuckle.records import (
    Component,
    ErrorHandler,
    Lifespan,
    Middleware,
    MiddlewareChain,
    MountProvider,
    ParserProvider,
    ProtocolProvider,
    ResponseType,
    RouterProvider,
)
from turnbuckle.routing.records import Route
from turnbuckle.web.annotations import annotated_classes, return_annotation, show_annotation
from turnbuckle.web.handlers import is_async_function, is_async_generator_function
from turnbuckle.web.media_type import parse_media_type
from turnbuckle.web.middleware_blame import parsed_function
from turnbuckle.web.middleware_check import never_returns, takes_two
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response

__all__ = [
    "fault_in",
    "fault_of_component",
    "fault_of_handler",
    "fault_of_lifespan",
    "fault_of_made",
    "fault_of_render",
    "fault_of_type",
    "second_yield",
    "shown",
]

# token = 1*tchar (RFC 9110, section 5.6.2); an upgrade may have a version, as in "h2c/1" (section 7.8).
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_UPGRADE: Final = re.compile(rf"{_TOKEN.pattern}(?:/{_TOKEN.pattern})?")
# The start of a request line: method, target and version, as far as they are there.
_REQUEST_START: Final = re.compile(TCHAR + rb"*(?: [!-~]*(?: (?P<version>[!-~]*))?)?")
_LEVELS: Final = frozenset({"error", "warning", "hint", "info"})

_TEXTS: Final[Mapping[type, tuple[str, ...]]] = {
    Component: ("kind", "name"),
    Diagnostic: ("code", "text", "why", "fix"),
    Lifespan: ("name",),
    Middleware: ("name",),
    MiddlewareChain: ("name", "description"),
    MountProvider: ("name",),
    ParserProvider: ("name",),
    ProtocolProvider: ("name", "alpn", "upgrade", "version"),
    ResponseType: ("media_type",),
    Route: ("path", "name", "host"),
    RouterProvider: ("name",),
}
# The components of these kinds are called, so they may be classes.
_FUNCTIONS: Final = frozenset({"loop", "shadow_parser"})
_MAY_BE_EMPTY: Final = frozenset({"alpn", "upgrade", "version", "host", "media_type", "why", "fix", "description"})


def fault_in(record: object) -> str:
    """Return the fault of a record, or "" if it has none."""
    kind = type(record)
    for name in _TEXTS.get(kind, ()):
        value = getattr(record, name)
        if not isinstance(value, str):
            return f"its {name} is {shown(value)}, which is no text"
        if not value and name not in _MAY_BE_EMPTY and kind is not Route:
            return f"its {name} is empty"
    check = _CHECKS.get(kind)
    return check(record) if check is not None else ""


def shown(value: object) -> str:
    """Return a value for a message, in one line of at most 80 characters; errors of its ``__repr__`` do no harm."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  # a foreign method
        text = f"<{type(value).__qualname__}>"
    return " ".join(text.split())[:80]


def _component(record: Component) -> str:
    word, colon, media_type = record.kind.partition(":")
    if word not in {"codec", "codecs"}:
        return ""
    kind = shown(record.kind)
    if word != "codec" or not colon or parse_media_type(media_type).essence != media_type:
        return f"its kind {kind} is no codec of a media type; write it like 'codec:application/msgpack'"
    return f"its kind {kind} is JSON, whose codec has the kind 'json'" if parse_media_type(media_type).is_json else ""


def _middleware(record: Middleware) -> str:
    for name in ("before", "after", "provides"):
        if fault := _not_texts(name, getattr(record, name)):
            return fault
    wrong = [need for need in record.needs if not isinstance(need, str | ResourceKey)]
    return f"its needs name {shown(wrong[0])}, which is neither a text nor a ResourceKey" if wrong else ""


def _chain(record: MiddlewareChain) -> str:
    members: tuple[object, ...] = record.members
    for member in members:
        if not isinstance(member, str | Middleware):
            return f"its members have {shown(member)}, which is neither the name of a plugin nor a Middleware"
        if isinstance(member, Middleware) and (fault := fault_in(member)):
            return f"its member {shown(member.name)} is a wrong Middleware: {fault}"
    return ""


def _route(record: Route) -> str:
    handler: object = record.handler
    if inspect.iscoroutine(handler):
        # It is never awaited, so that Python would warn about it.
        handler.close()
        return "its handler was called instead of passed: write it without parentheses"
    return _not_texts("methods", record.methods)


def _protocol(record: ProtocolProvider) -> str:
    preface: object = record.preface
    if not isinstance(preface, bytes):
        return f"its preface is {shown(preface)}, which is not bytes"
    if not record.alpn and not record.upgrade and not preface:
        return "it has neither alpn nor upgrade nor preface, so no client could ever use it"
    if record.upgrade and (record.alpn or preface):
        other = "alpn" if record.alpn else "preface"
        return f"it has both {other} and upgrade, which need different factories: write two providers"
    if record.upgrade and not _UPGRADE.fullmatch(record.upgrade):
        return f"its upgrade is {shown(record.upgrade)}, which is no token"
    if record.alpn.lower() in {"http/1.1", "http/1.0"}:
        return f"its alpn is {shown(record.alpn)}, which the server itself speaks"
    if preface and _may_begin_http(preface):
        return f"its preface {shown(preface)} may begin a request of HTTP/1.1, which the server itself speaks"
    return ""


def _may_begin_http(preface: bytes) -> bool:
    """Return whether a request of HTTP/1.1 may begin with these bytes."""
    line, end, _ = preface.partition(b"\r\n")
    found = _REQUEST_START.fullmatch(line)
    if found is None:
        return False
    version: bytes = found["version"] or b""
    return version.startswith(b"HTTP/1.") or (not end and b"HTTP/1.".startswith(version)) or not line


def fault_of_handler(record: ErrorHandler) -> str:
    """Return the fault of the function of an error handler, or "" if it has none."""
    handler: object = record.handler
    if not callable(handler):
        return f"{shown(handler)} cannot be called"
    if isinstance(handler, type):
        return f"its handler is the class {handler.__name__}; pass a function"
    if inspect.isgeneratorfunction(handler):
        return "its handler is a plain 'def' that yields"
    if not takes_two(handler):
        return "its handler must take the request and the exception"
    if fault := _fault_of_order(handler):
        return fault
    if _returns_nothing(handler):
        return "its handler never returns a response; a 'return' is missing, or 'return Response(status=204)'"
    return ""


def _returns_nothing(handler: Callable[..., object]) -> bool:
    # An annotation '-> None' says that the answer 204 is meant.
    is_stream = is_async_generator_function(handler)
    return not is_stream and return_annotation(handler) is inspect.Parameter.empty and never_returns(handler)


def _fault_of_order(handler: Callable[..., object]) -> str:
    parameters = [*inspect.signature(handler).parameters.values()][:2]
    if len(parameters) == 2 and parameters[1].name in {"request", "req"}:
        return f"its handler takes ({parameters[0].name}, {parameters[1].name}), but must take the request first"
    for parameter, wanted in zip(parameters, (Request, Exception), strict=False):
        if parameter.annotation is parameter.empty or parameter.kind is parameter.VAR_POSITIONAL:
            continue
        classes = annotated_classes(parameter.annotation, handler)
        if not any(issubclass(kind, wanted) or issubclass(wanted, kind) for kind in classes):
            shown_as = f"{parameter.name}: {show_annotation(parameter.annotation)}"
            return f"its handler takes '{shown_as}', but must take the request and then the exception"
    return ""


def fault_of_type(kind: object) -> str:
    """Return why values cannot be recognized by a type, or "" if they can."""
    if not isinstance(kind, type):
        return f"{shown(kind)} is not a class" + ("; write type(None)" if kind is None else "")
    if getattr(kind, "_is_protocol", False):
        return f"{kind.__name__} is a protocol, which has no instances; write a class or an abstract base class"
    if kind is Any or is_typeddict(kind):
        return f"{kind.__name__} has no instances; write a class such as dict"
    try:
        issubclass(int, kind)
    except Exception as error:  # noqa: BLE001  # a foreign class may raise anything
        return f"no class can be compared with it: {error}"
    return ""


def fault_of_render(record: ResponseType) -> str:
    """Return the fault of the function of a response type, or "" if it has none."""
    render: object = record.render
    if not callable(render):
        return f"{shown(render)} cannot be called"
    if is_async_function(render):
        if not _takes(render, 2):
            return "its render is async, so it must take exactly the value and the request"
    elif not _takes(render, 1):
        return "its render must take exactly the value"
    annotation = return_annotation(render)
    classes = annotated_classes(annotation, render) if annotation is not inspect.Parameter.empty else ()
    wrong = [cls for cls in classes if cls is not object and not issubclass(cls, Response)]
    if wrong:
        return f"its render returns {show_annotation(annotation)} by its annotation, which is no Response"
    return ""


def fault_of_lifespan(factory: object) -> str:
    """Return the reason why a factory cannot make an async context manager from a setup, or "" if there is none."""
    if isinstance(factory, AbstractAsyncContextManager | AbstractContextManager) and not isinstance(factory, type):
        # A context manager made by contextlib can be called, but only to decorate a function.
        made = getattr(getattr(factory, "func", None), "__name__", type(factory).__qualname__)
        return f"its factory was called instead of passed: write {made} without parentheses"
    if inspect.iscoroutine(factory) or inspect.isasyncgen(factory) or inspect.isgenerator(factory):
        name = factory.__name__
        if inspect.iscoroutine(factory):
            factory.close()  # it is never awaited, so that Python would warn about it
        return f"its factory was called instead of passed: write {name} without parentheses"
    if not callable(factory):
        return f"{shown(factory)} cannot be called"
    function = inspect.unwrap(factory)
    if inspect.isasyncgenfunction(factory):
        return "an 'async def' that yields is no context manager yet"
    if inspect.iscoroutinefunction(function):
        return "an 'async def' that does not yield is no context manager"
    if inspect.isgeneratorfunction(function):
        return "a 'def' that yields makes no async context manager"
    return "" if _takes(factory, 1) else "it does not take the setup as its one argument"


def second_yield(factory: object) -> int:
    """Return the line of a second 'yield' that a lifespan certainly reaches, or 0 if there is none."""
    given: Any = getattr(factory, "function", factory)
    function = inspect.unwrap(given)
    if not inspect.isasyncgenfunction(function):
        return 0
    node, first = parsed_function(function)
    lines = [entry.lineno for statement in (node.body if node is not None else ()) for entry in _certain(statement)]
    return lines[1] + first - 1 if len(lines) > 1 else 0


def _certain(statement: ast.stmt) -> Iterator[ast.Yield]:
    """Yield the 'yield' expressions that a statement evaluates once, unless it raises."""
    if isinstance(statement, ast.Expr | ast.Assign) and isinstance(statement.value, ast.Yield):
        yield statement.value
    blocks: list[ast.stmt] = []
    if isinstance(statement, ast.With | ast.AsyncWith):
        blocks = statement.body
    elif isinstance(statement, ast.Try):
        blocks = [*statement.body, *statement.orelse, *statement.finalbody]
    for inner in blocks:
        yield from _certain(inner)


def fault_of_component(factory: object) -> str:
    """Return the reason why a factory cannot make a component from a setup, or "" if there is none."""
    if not callable(factory):
        return f"its factory is {shown(factory)}, which cannot be called: pass a function that returns it"
    if inspect.iscoroutinefunction(factory) or inspect.isasyncgenfunction(factory):
        return "its factory is async, but components are made before there is an event loop"
    return "" if _takes(factory, 1) else "its factory does not take the setup as its one argument"


def fault_of_made(kind: str, made: object) -> str:
    """Return the reason why the result of a component's factory cannot be a component, or ""."""
    if made is None:
        return "its factory returned None: a 'return' is missing"
    if isinstance(made, type) and kind not in _FUNCTIONS:
        return f"its factory returned the class {made.__qualname__}: return an instance, such as {made.__qualname__}()"
    if inspect.iscoroutine(made):
        made.close()
        return "its factory returned a coroutine: write the factory as a plain 'def'"
    return ""


def _diagnostic(record: Diagnostic) -> str:
    return (
        "" if record.level in _LEVELS else f"its level is {shown(record.level)}, not one of error, warning, hint, info"
    )


def _not_texts(name: str, values: Iterable[object]) -> str:
    wrong = [value for value in values if not isinstance(value, str)]
    return f"its {name} name {shown(wrong[0])}, which is no text" if wrong else ""


def _takes(function: Callable[..., object], count: int) -> bool:
    try:
        inspect.signature(function).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:
        # Some functions written in C have no signature.
        return True
    return True


_CHECKS: Final[Mapping[type, Callable[[Any], str]]] = {
    Component: _component,
    Diagnostic: _diagnostic,
    Middleware: _middleware,
    MiddlewareChain: _chain,
    ProtocolProvider: _protocol,
    Route: _route,
}
