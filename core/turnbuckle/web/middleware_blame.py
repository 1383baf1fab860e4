"""Find the middleware that returned a value which is no response. Used after the failure only.

A chain is not checked between its middleware, because each check would cost every request a call. The source of each
middleware shows its values: the result of the next handler, a value of a known type, or something unknown. The
value comes from a middleware that can have made it, and not from a middleware that only passes on results.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
import traceback
from collections.abc import Iterator, Sequence
from types import CodeType, CoroutineType
from typing import Final

import attrs

from turnbuckle.web.handlers import code_of
from turnbuckle.web.response.response import Response
from turnbuckle.web.response.value_errors import describe_coroutine

__all__ = [
    "LinkPlace",
    "describe_culprit",
    "describe_returned",
    "note_on_failure",
    "own_nodes",
    "parsed_function",
]

_NEXT_NAMES: Final = frozenset({"handler", "inner", "app", "get_response", "wrapped", "endpoint"})
_WRONG_CALL: Final = re.compile(
    r"(\S+)\(\) (?:missing 1 required positional argument: 'request'|takes \d positional arguments? but \d+ were given)"
)
# The functions that the core compiles as next handlers.
_COMPILED: Final = ("_MiddlewareFactory.", "compile_", "answer_miss.", "guard.")
_TYPES: Final = {ast.Tuple: tuple, ast.List: list, ast.Dict: dict, ast.Set: set, ast.JoinedStr: str, ast.Lambda: object}


@attrs.frozen
class LinkPlace:
    """A middleware of a chain, for messages.

    Attributes:
        name: its name.
        location: ``file:line``, or "".
        function: the function that handles requests.
    """

    name: str
    location: str
    function: object

    def __str__(self) -> str:
        return f"{self.name!r}" + (f" ({self.location})" if self.location else "")


@attrs.frozen
class _Return:
    """A return of a function: its line, 0 for the end of the function, and the type of its value.

    The type is ``object`` if it is unknown, and None for the result of the next handler.
    """

    line: int
    kind: type | None


def describe_culprit(links: Sequence[LinkPlace], app_name: str, value: object) -> str:
    """Return the middleware that returned a value which is no response, as the subject of a sentence.

    If the sources do not show which one it was, all that are possible are named.

    Args:
        links: the middleware of the chain.
        app_name: name of the app.
        value: the returned value.
    """
    if not links:
        return "a handler"
    returns = {link: _returns_of(link.function) for link in links}
    for is_possible in (_makes, _may_make):
        found = [link for link in links if any(is_possible(found, value) for found in returns[link])]
        if len(found) == 1:
            line = next(entry.line for entry in returns[found[0]] if is_possible(entry, value))
            return f"middleware {_at_line(found[0], line)} of app {app_name!r}"
        if found:
            return f"a middleware of app {app_name!r}, one of {', '.join(map(str, found))},"
    if len(links) == 1:
        return f"middleware {links[0]} of app {app_name!r}"
    return f"a middleware of app {app_name!r}, one of {', '.join(map(str, links))},"


def describe_returned(value: object) -> str:
    """Return a value that is no response for a message; a coroutine is closed."""
    if isinstance(value, CoroutineType):
        return f"{describe_coroutine(value)}; 'await' is missing"
    hint = "a 'return' is missing" if value is None else "write Response(...) with it"
    if isinstance(value, type) and issubclass(value, Response):
        hint = f"write {value.__name__}(...)"
    return f"{value!r:.80}, which is not a Response; {hint}"


def note_on_failure(error: Exception, links: Sequence[LinkPlace], app_name: str) -> str:
    """Return the middleware that gave another one a value which is no response, or called it wrongly, or "".

    Args:
        error: the exception of a middleware.
        links: the middleware of the chain.
        app_name: name of the app.
    """
    if isinstance(error, TypeError):
        return _note_on_call(error, links, app_name)
    if not isinstance(error, AttributeError) or not hasattr(Response, error.name or ""):
        return ""
    value: object = error.obj
    failed = _failed_link(error, links)
    code, line = _last_frame(error)
    if isinstance(value, CoroutineType) and failed >= 0 and code is code_of(links[failed].function):
        return f"middleware {_at_line(links[failed], line)} of app {app_name!r} uses {describe_returned(value)}"
    if isinstance(value, Response | type | CoroutineType):
        return ""
    inside = links[failed + 1 :]
    if failed < 0 or not inside:
        return ""
    return f"{describe_culprit(inside, app_name, value)} returned {describe_returned(value)}"


def _note_on_call(error: TypeError, links: Sequence[LinkPlace], app_name: str) -> str:
    """Return the middleware that called the next handler with other arguments than the request, or ""."""
    found = _WRONG_CALL.match(str(error))
    failed = _failed_link(error, links)
    code, line = _last_frame(error)
    if found is None or failed < 0 or code is not code_of(links[failed].function):
        return ""
    inner = links[failed + 1].function if failed + 1 < len(links) else None
    inner_code = code_of(inner)
    own = {inner_code.co_qualname} if inner_code is not None else set()
    if found[1] not in own and not found[1].startswith(_COMPILED):
        return ""
    where = f"middleware {_at_line(links[failed], line)} of app {app_name!r}"
    return f"{where} calls the next handler without the request, or with more; write 'await call_next(request)'"


def _last_frame(error: Exception) -> tuple[CodeType | None, int]:
    frames = [(frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    return frames[-1] if frames else (None, 0)


def _failed_link(error: Exception, links: Sequence[LinkPlace]) -> int:
    """Return the position of the innermost middleware in the traceback of an exception."""
    codes = [code_of(link.function) for link in links]
    positions = [
        codes.index(frame.f_code) for frame, _ in traceback.walk_tb(error.__traceback__) if frame.f_code in codes
    ]
    return max(positions, default=-1)


def _makes(found: _Return, value: object) -> bool:
    return found.kind is not None and found.kind is not object and isinstance(value, found.kind)


def _may_make(found: _Return, value: object) -> bool:
    return found.kind is object


def _at_line(link: LinkPlace, line: int) -> str:
    file = link.location.rpartition(":")[0]
    shown = f"{file}:{line}" if line and file else link.location
    return f"{link.name!r}" + (f" ({shown})" if shown else "")


def _returns_of(function: object) -> list[_Return]:
    node, first = parsed_function(function)
    if node is None:
        return [_Return(0, object)]
    namespace = _namespace_of(function)
    passed = _passed_names(node)
    found = [
        _Return(statement.lineno + first - 1, _kind_of(statement.value, passed, namespace))
        for statement in own_nodes(node)
        if isinstance(statement, ast.Return)
    ]
    return [*found, _Return(0, type(None))] if _may_end(node.body) else found


def parsed_function(function: object) -> tuple[ast.AsyncFunctionDef | ast.FunctionDef | None, int]:
    """Return the syntax tree of a function, method or callable object, or None; and the line of its first line."""
    code = code_of(function)
    if code is None:
        return None, 0
    try:
        lines, first = inspect.getsourcelines(code)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, SyntaxError, TypeError, ValueError):
        return None, 0
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef))
    return next(nodes, None), first


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function, without the nodes of functions and classes in it."""
    for node in ast.iter_child_nodes(function):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield node
            yield from own_nodes(node)


def _passed_names(function: ast.AsyncFunctionDef | ast.FunctionDef) -> frozenset[str]:
    """Return the variables that always have the result of the next handler."""
    passed: set[str] = set()
    other: set[str] = set()
    for node in own_nodes(function):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {target.id for target in targets if isinstance(target, ast.Name)}
            (passed if node.value is not None and _is_next(node.value) else other).update(names)
    return frozenset(passed - other)


def _is_next(value: ast.expr) -> bool:
    if not isinstance(value, ast.Await) or not isinstance(value.value, ast.Call):
        return False
    called = value.value.func
    name = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
    return "next" in name or name.lstrip("_") in _NEXT_NAMES


def _kind_of(value: ast.expr | None, passed: frozenset[str], namespace: dict[str, object]) -> type | None:
    if value is None:
        return type(None)
    if _is_next(value) or (isinstance(value, ast.Name) and value.id in passed):
        return None
    if isinstance(value, ast.Constant):
        return type(value.value)
    if isinstance(value, ast.Call):
        if _is_next(ast.Await(value)):
            return CoroutineType
        if isinstance(value.func, ast.Name):
            called = namespace.get(value.func.id)
            return called if isinstance(called, type) else object
    if isinstance(value, ast.Name) and isinstance(namespace.get(value.id), type):
        return type
    return _TYPES.get(type(value), object)


def _may_end(body: Sequence[ast.stmt]) -> bool:
    """Return whether a block of statements may be left at its end."""
    last = body[-1]
    if isinstance(last, ast.Return | ast.Raise):
        return False
    if isinstance(last, ast.If):
        return not last.orelse or _may_end(last.body) or _may_end(last.orelse)
    if isinstance(last, ast.With | ast.AsyncWith):
        return _may_end(last.body)
    if isinstance(last, ast.Try):
        if last.finalbody and not _may_end(last.finalbody):
            return False
        return _may_end(last.orelse or last.body) or any(_may_end(handler.body) for handler in last.handlers)
    if isinstance(last, ast.Match):
        return True
    if isinstance(last, ast.While):
        return not (isinstance(last.test, ast.Constant) and last.test.value)
    return True


def _namespace_of(function: object) -> dict[str, object]:
    call = function if hasattr(function, "__globals__") else getattr(type(function), "__call__", None)  # noqa: B004
    return getattr(getattr(call, "__func__", call), "__globals__", {})
