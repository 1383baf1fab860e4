"""Read facts about parameters from the source of their functions: names in decorators, and expressions of defaults."""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
from collections.abc import Iterator
from types import CodeType
from typing import Any

from turnbuckle.web.handlers import code_of

__all__ = ["binds_a_name", "is_named_in_wrapper", "words_of"]


def is_named_in_wrapper(handler: object, name: str) -> bool:
    """Return whether a decorator of a handler has a name in its code, and so may pass an argument of this name."""
    function: Any = handler
    while (inner := getattr(function, "__wrapped__", None)) is not None:
        code = code_of(function)
        if code is not None and name in words_of(code):
            return True
        function = inner
    return False


def words_of(code: CodeType) -> Iterator[object]:
    """Yield the names and constants in the code of a function and of the functions in it."""
    yield from (*code.co_names, *code.co_varnames, *code.co_freevars)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from words_of(constant)
        elif isinstance(constant, tuple):
            yield from constant
        else:
            yield constant


def binds_a_name(handler: object, name: str) -> bool:
    """Return whether a default is a variable, as in ``def handler(request, n=n)``, which binds its current value."""
    return isinstance(_default_of(handler, name), ast.Name | ast.Attribute | ast.Subscript)


def _default_of(handler: object, name: str) -> ast.expr | None:
    """Return the expression of a parameter's default in the source, or None if there is no source."""
    function: Any = inspect.unwrap(handler.func if isinstance(handler, functools.partial) else handler)  # type: ignore[arg-type]
    code = code_of(function)
    if code is None:
        return None
    for node in ast.walk(_parsed(code.co_filename)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and _starts_at(node, code):
            arguments = node.args
            positional = [*arguments.posonlyargs, *arguments.args]
            pairs = list(zip(reversed(positional), reversed(arguments.defaults), strict=False))
            pairs += [
                (key, value) for key, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if value
            ]
            found = next((value for key, value in pairs if key.arg == name), None)
            if found is not None:
                return found
    return None


def _starts_at(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, code: CodeType) -> bool:
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    return first == code.co_firstlineno and getattr(node, "name", "<lambda>") == code.co_name


@functools.lru_cache(maxsize=1)
def _parsed(filename: str) -> ast.Module:
    try:
        return ast.parse("".join(linecache.getlines(filename)))
    except (SyntaxError, ValueError):
        return ast.Module([], [])
