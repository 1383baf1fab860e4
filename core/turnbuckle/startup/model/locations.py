"""Find the ``file:line`` of values and callers, for messages."""

from __future__ import annotations

import ast
import inspect
import linecache
import os
import re
import sys
from pathlib import Path
from types import CodeType, FrameType
from typing import Final

from turnbuckle.diagnostics import file_location

__all__ = ["caller_location", "is_of_core", "location_of"]

_PACKAGE: Final = str(Path(__file__).resolve().parents[2]) + os.sep


def location_of(value: object) -> str:
    """Return the location of a function, method or class, or of the class of an instance; "" when it is unknown."""
    code = _code_of(value)
    if code is not None:
        return file_location(code.co_filename, code.co_firstlineno)
    return _class_location(value if isinstance(value, type) else type(value))


def _code_of(value: object) -> CodeType | None:
    try:
        function = _unwrapped(value)
        function = getattr(function, "func", function)  # functools.partial
        function = getattr(function, "__func__", function)
        code = getattr(function, "__code__", None)
    except Exception:  # noqa: BLE001  # a foreign __getattr__ may raise anything
        return None
    return code if isinstance(code, CodeType) else None


def _unwrapped(value: object) -> object:
    try:
        return inspect.unwrap(value)  # type: ignore[arg-type]  # any object may have __wrapped__
    except ValueError:  # it wraps itself
        return value


def _class_location(cls: type) -> str:
    module = sys.modules.get(cls.__module__)
    path = getattr(module, "__file__", None)
    if path is None:
        return ""
    # Inherited and copied functions have other names, so they say nothing about this class.
    methods = [code.co_firstlineno for value in vars(cls).values() if (code := _code_of(value)) and _is_of(code, cls)]
    return file_location(path, _line_of_class(path, cls, min(methods, default=None)))


def _line_of_class(path: str, cls: type, method: int | None) -> int | None:
    """Return the line of the ``class`` statement; the line of the first method if there is no statement."""
    # inspect.getsourcelines would parse each file; the text nearly always has one such line.
    source = linecache.getlines(path)
    start = re.compile(rf"\s*class {re.escape(cls.__name__)}\b")
    lines = [number for number, line in enumerate(source, 1) if start.match(line)]
    if len(lines) > 1:
        lines = _statements(source, cls.__qualname__) or lines
    # If a module defines a class twice, the last definition counts, unless a method shows which one it is.
    above = [line for line in lines if method is None or line <= method]
    return above[-1] if above else method


def _statements(source: list[str], qualname: str) -> list[int]:
    try:
        tree = ast.parse("".join(source))
    except SyntaxError:
        return []
    found: list[int] = []

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            inner = prefix
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                name = prefix + child.name
                if isinstance(child, ast.ClassDef) and name == qualname:
                    found.append(child.lineno)
                inner = name + (".<locals>." if not isinstance(child, ast.ClassDef) else ".")
            visit(child, inner)

    visit(tree, "")
    return found


def _is_of(code: CodeType, cls: type) -> bool:
    # Methods that attrs and dataclasses generate have no real file.
    return code.co_qualname.startswith(cls.__qualname__ + ".") and not code.co_filename.startswith("<")


def is_of_core(path: str) -> bool:
    """Return whether a file is in this package; the packages of plugins, such as ``turnbuckle_x``, are others."""
    return path.startswith(_PACKAGE)


def caller_location() -> str:
    """Return the location of the nearest caller outside of this package."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_of_core(frame.f_code.co_filename):
        frame = frame.f_back
    return file_location(frame.f_code.co_filename, frame.f_lineno) if frame is not None else ""
