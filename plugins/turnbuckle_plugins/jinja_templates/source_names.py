"""Find the templates that the source of handlers names: ``Template("page.html", ...)`` with a literal name.

The functions of the same module that a handler mentions are read as well. Nothing is called, and modules that do not
import ``Template`` are not parsed.
"""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType, MethodType
from typing import Final, TypeAlias, final

import attrs

from turnbuckle_plugins.jinja_templates.loader import short_path
from turnbuckle_plugins.jinja_templates.template import Template

__all__ = ["SourceName", "names_in_source"]

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@attrs.frozen
class SourceName:
    """A template that the source of the app names.

    Attributes:
        name: name of the template.
        block: name of the block; "" for the whole template.
        location: ``file:line``.
    """

    name: str
    block: str
    location: str


def names_in_source(handlers: Iterable[object]) -> Iterator[SourceName]:
    """Yield the templates that some handlers name, and the functions in their modules that they mention."""
    yield from dict.fromkeys(_Reader().read(handlers))


@final
class _Reader:
    """Reads functions, each of them once, and parses each file once."""

    def __init__(self) -> None:
        self._files: Final[dict[str, Mapping[int, list[_Function]]]] = {}

    def read(self, handlers: Iterable[object]) -> Iterator[SourceName]:
        """Yield the templates that some handlers and their helpers name."""
        pending = [function for handler in handlers if (function := _function_of(handler)) is not None]
        seen = set(pending)
        for function in pending:
            for node in self._nodes_of(function):
                yield from _names_in(node, function)
                # The list grows while it is read.
                helpers = [helper for helper in _mentioned(node, function) if helper not in seen]
                seen.update(helpers)
                pending += helpers

    def _nodes_of(self, function: FunctionType) -> list[_Function]:
        path = function.__code__.co_filename
        if not any(_is_template_or_its_module(value) for value in function.__globals__.values()):
            return []
        if path not in self._files:
            self._files[path] = _functions_in(path)
        return self._files[path].get(function.__code__.co_firstlineno, [])


def _function_of(handler: object) -> FunctionType | None:
    while isinstance(handler, functools.partial):
        handler = handler.func
    if not isinstance(handler, FunctionType | MethodType):
        handler = getattr(type(handler), "__call__", None)  # noqa: B004  # its source is read
    handler = getattr(handler, "__func__", handler)
    handler = inspect.unwrap(handler) if callable(handler) else handler
    return handler if isinstance(handler, FunctionType) else None


def _functions_in(path: str) -> Mapping[int, list[_Function]]:
    """Return the functions of a file by the line of their first decorator, or else of their ``def``."""
    try:
        tree = ast.parse("".join(linecache.getlines(path)))
    except (SyntaxError, ValueError):
        return {}
    found: dict[int, list[_Function]] = {}
    for node in ast.walk(tree):
        if isinstance(node, _Function):
            decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
            line = min([node.lineno, *(decorator.lineno for decorator in decorators)])
            found.setdefault(line, []).append(node)
    return found


def _mentioned(node: _Function, function: FunctionType) -> Iterator[FunctionType]:
    for inner in ast.walk(node):
        named = function.__globals__.get(inner.id) if isinstance(inner, ast.Name) else None
        helper = _function_of(named) if isinstance(named, FunctionType) else None
        if helper is not None and helper.__code__.co_filename == function.__code__.co_filename:
            yield helper


def _names_in(node: _Function, function: FunctionType) -> Iterator[SourceName]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and call.args and _is_template(call.func, function.__globals__):
            name, block = _text(call.args[0]), _block_of(call)
            if name:
                yield SourceName(name, block, f"{short_path(function.__code__.co_filename)}:{call.lineno}")


def _is_template_or_its_module(value: object) -> bool:
    return value is Template or getattr(value, "Template", None) is Template


def _is_template(function: ast.expr, names: Mapping[str, object]) -> bool:
    if isinstance(function, ast.Name):
        return names.get(function.id) is Template
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return getattr(names.get(function.value.id), function.attr, None) is Template
    return False


def _block_of(call: ast.Call) -> str:
    return next((_text(keyword.value) for keyword in call.keywords if keyword.arg == "block"), "")


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
