"""Find the templates that the source of handlers names with a literal.

They are named in ``Template("page.html", ...)``, and in ``templates.render_text("mail.txt", ...)`` if ``templates`` is
a parameter with the annotation ``Templates``, or the resource ``TEMPLATES``. The functions of the same module that a
handler mentions are read as well. Nothing is called, and modules that do not import these names are not parsed.
"""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
from collections.abc import Iterable, Iterator, Mapping, Set
from types import FunctionType, MethodType, ModuleType
from typing import Final, TypeAlias, final

import attrs

from turnbuckle_plugins.jinja_templates.loader import short_path
from turnbuckle_plugins.jinja_templates.rendering import TEMPLATES, Templates
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
        if not any(_is_of_templates(value) for value in function.__globals__.values()):
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
    names = function.__globals__
    holders = {*_parameters(node, names), *_resources(node, names)}
    for call in ast.walk(node):
        if not isinstance(call, ast.Call) or not call.args:
            continue
        name = _text(call.args[0])
        if name and (_value_of(call.func, names) is Template or _is_rendering(call.func, holders)):
            yield SourceName(name, _block_of(call), f"{short_path(function.__code__.co_filename)}:{call.lineno}")


def _parameters(node: _Function, names: Mapping[str, object]) -> Iterator[str]:
    """Yield the parameters that are annotated with ``Templates``."""
    for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
        if argument.annotation is not None and _value_of(argument.annotation, names) is Templates:
            yield argument.arg


def _resources(node: _Function, names: Mapping[str, object]) -> Iterator[str]:
    """Yield the variables to which ``request.resource(TEMPLATES)`` is assigned."""
    for entry in ast.walk(node):
        match entry:
            case ast.Assign(targets=targets, value=ast.Call(args=[key, *_])) if _value_of(key, names) is TEMPLATES:
                yield from (target.id for target in targets if isinstance(target, ast.Name))


def _is_rendering(function: ast.expr, holders: Set[str]) -> bool:
    if not isinstance(function, ast.Attribute) or function.attr not in {"render_text", "render_text_sync"}:
        return False
    return isinstance(function.value, ast.Name) and function.value.id in holders


def _is_of_templates(value: object) -> bool:
    # By identity, because a foreign value may do anything when it is compared.
    is_own = value is Template or value is Templates or value is TEMPLATES
    return is_own or (isinstance(value, ModuleType) and vars(value).get("Template") is Template)


def _value_of(node: ast.expr, names: Mapping[str, object]) -> object:
    """Return the value of ``name`` or ``module.name``, or None."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        # Only of modules: an attribute of another object may be a property, which would run code.
        module = names.get(node.value.id)
        return vars(module).get(node.attr) if isinstance(module, ModuleType) else None
    return None


def _block_of(call: ast.Call) -> str:
    return next((_text(keyword.value) for keyword in call.keywords if keyword.arg == "block"), "")


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
