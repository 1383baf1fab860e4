"""Find wrong calls of the next handler in the source of middleware: without the request, or without ``await``.

Such middleware fails in each request that reaches the call. Only calls that are certainly wrong are found.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import TypeAlias

import attrs

from turnbuckle.diagnostics import file_location
from turnbuckle.web.annotations import closure_of
from turnbuckle.web.middleware_blame import own_nodes, parsed_function
from turnbuckle.web.response.response import Response

__all__ = ["fault_of_calls"]

FunctionNode: TypeAlias = ast.AsyncFunctionDef | ast.FunctionDef


@attrs.frozen
class _NextHandler:
    """The names of the next handler in a function.

    Attributes:
        variables: its variables.
        owner: name of the object that has it as an attribute, such as ``self``.
        attributes: its attributes of that object.
        request: name of the request.
    """

    variables: frozenset[str] = frozenset()
    owner: str = ""
    attributes: frozenset[str] = frozenset()
    request: str = "request"

    def is_called(self, node: ast.AST | None) -> bool:
        """Return whether an expression is a call of the next handler."""
        if not isinstance(node, ast.Call):
            return False
        function = node.func
        if isinstance(function, ast.Attribute):
            is_owner = isinstance(function.value, ast.Name) and function.value.id == self.owner
            return is_owner and function.attr in self.attributes
        return isinstance(function, ast.Name) and function.id in self.variables


def fault_of_calls(function: object, next_handler: object, *, takes_next: bool) -> str:
    """Return the fault of the calls of the next handler, or "" if none is known.

    Args:
        function: the function, method or object that handles requests.
        next_handler: the next handler.
        takes_next: whether the function is called with the next handler as its second argument.
    """
    node, first = parsed_function(function)
    if node is None:
        return ""
    names = _names_of(function, node, next_handler, takes_next=takes_next)
    code = getattr(_plain_function(function), "__code__", None)
    if code is None or not (names.variables or names.attributes):
        return ""
    for call, fault in _wrong_calls(node, names):
        place = file_location(code.co_filename, call.lineno + first - 1)
        return f"{fault} ({place}); write 'await {ast.unparse(call.func)}({names.request})'"
    return ""


def _names_of(function: object, node: FunctionNode, next_handler: object, *, takes_next: bool) -> _NextHandler:
    parameters = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    plain = _plain_function(function)
    owner = parameters.pop(0) if parameters and plain is not function else ""
    request = parameters[0] if parameters else "request"
    if takes_next:
        return _NextHandler(frozenset(parameters[1:2]) - _stored(node), request=request)
    variables = frozenset(name for name, value in closure_of(plain).items() if value is next_handler) - _stored(node)
    instance = getattr(function, "__self__", function)
    found = {name for name, value in getattr(instance, "__dict__", {}).items() if value is next_handler}
    return _NextHandler(variables, owner, frozenset(found) if owner else frozenset(), request)


def _plain_function(function: object) -> object:
    """Return the function with the code of a method or of an object that can be called."""
    if isinstance(function, FunctionType):
        return function
    return getattr(function, "__func__", None) or getattr(type(function), "__call__", None)  # noqa: B004


def _stored(node: FunctionNode) -> frozenset[str]:
    return frozenset(
        entry.id for entry in ast.walk(node) if isinstance(entry, ast.Name) and not isinstance(entry.ctx, ast.Load)
    )


def _wrong_calls(node: FunctionNode, names: _NextHandler) -> Iterator[tuple[ast.Call, str]]:
    for entry in own_nodes(node):
        if isinstance(entry, ast.Call) and names.is_called(entry):
            if not entry.args and not entry.keywords:
                yield entry, f"calls {ast.unparse(entry)} without the request"
            elif len(entry.args) > 1 and not any(isinstance(argument, ast.Starred) for argument in entry.args):
                yield entry, f"calls {ast.unparse(entry.func)} with {len(entry.args)} arguments"
    if isinstance(node, ast.AsyncFunctionDef):
        for call in _calls_without_await(node, names.is_called):
            yield call, f"uses {ast.unparse(call)} without 'await'"


def _calls_without_await(node: FunctionNode, is_next: Callable[[ast.AST | None], bool]) -> Iterator[ast.Call]:
    """Yield the calls whose result is returned, or used as a response, although it was not awaited."""
    for entry in own_nodes(node):
        value = entry.value if isinstance(entry, ast.Return | ast.Attribute | ast.Assign) else None
        if not isinstance(value, ast.Call) or not is_next(value):
            continue
        if isinstance(entry, ast.Return) or (isinstance(entry, ast.Attribute) and hasattr(Response, entry.attr)):
            yield value
        elif isinstance(entry, ast.Assign) and len(entry.targets) == 1:
            target = entry.targets[0]
            if isinstance(target, ast.Name) and _is_used_as_response(node, target.id):
                yield value


def _is_used_as_response(node: FunctionNode, name: str) -> bool:
    """Return whether a variable is assigned once, and each use of it needs a response."""
    uses = [entry for entry in ast.walk(node) if isinstance(entry, ast.Name) and entry.id == name]
    loads = [entry for entry in uses if isinstance(entry.ctx, ast.Load)]
    needing = {
        id(entry.value)
        for entry in own_nodes(node)
        if isinstance(entry, ast.Return) or (isinstance(entry, ast.Attribute) and hasattr(Response, entry.attr))
    }
    return bool(loads) and len(uses) == len(loads) + 1 and all(id(load) in needing for load in loads)
