"""Name and describe operations: from their route, their handler and its docstring."""

from __future__ import annotations

import functools
import inspect
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from turnbuckle import Route

__all__ = ["description_of", "operation_ids", "summary_of"]

_NO_WORD: Final = re.compile(r"\W+")
# The sections of Google's style, which describe the code and not the operation.
_SECTION: Final = re.compile(r"^(?:Args|Arguments|Parameters|Returns|Yields|Raises):\s*$", re.MULTILINE)


def summary_of(route: Route) -> str:
    """Return one line about an operation: from the route, or its docstring, or the name of its handler."""
    if route.docs.summary:
        return route.docs.summary
    line = _docstring(route.handler).partition("\n\n")[0]
    if line:
        return " ".join(line.split()).removesuffix(".")
    return _name_of(route.handler).replace("_", " ").strip().capitalize()


def description_of(route: Route) -> str:
    """Return the text about an operation: from the route, or the rest of its docstring."""
    return route.docs.description or _docstring(route.handler).partition("\n\n")[2].strip()


def operation_ids(operations: Sequence[tuple[Route, str, str]]) -> list[str]:
    """Return a unique name for each operation: its ``operation_id``, or the name of the route or handler.

    Operations that share a name get their method, and if necessary their path, as a suffix. An operation keeps its name
    if routes with other names are added.

    Args:
        operations: route, method and path of each operation.
    """
    given = {route.docs.operation_id for route, _, _ in operations if route.docs.operation_id}
    names = [route.docs.operation_id or _word(route.name or _name_of(route.handler)) for route, _, _ in operations]
    for part in (lambda method, path: method.lower(), lambda method, path: _word(path)):
        counts = Counter(names)
        names = [
            f"{name}_{part(method, path)}".rstrip("_") if counts[name] > 1 and name not in given else name
            for name, (_, method, path) in zip(names, operations, strict=True)
        ]
    return _numbered(names)


def _word(text: str) -> str:
    return _NO_WORD.sub("_", text).strip("_") or "root"


def _numbered(names: Sequence[str]) -> list[str]:
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return unique


def _docstring(handler: object) -> str:
    function = _function_of(handler)
    text = inspect.cleandoc(getattr(function, "__doc__", None) or "")
    section = _SECTION.search(text)
    return (text[: section.start()] if section else text).strip()


def _name_of(handler: object) -> str:
    return str(getattr(_function_of(handler), "__name__", type(handler).__name__))


def _function_of(handler: object) -> object:
    """Return the function of a handler; an object with ``__call__`` stands for itself, so that its class names it."""
    while isinstance(handler, functools.partial):
        handler = handler.func
    return handler
