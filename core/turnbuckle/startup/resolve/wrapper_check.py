"""Find decorators of handlers that call the function in them with arguments that it does not take.

The call is read from the source of the decorator, and bound to the signature of the function. Nothing is called.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Sequence
from types import FunctionType
from typing import Final

import attrs

from turnbuckle.diagnostics import file_location
from turnbuckle.startup.model.diagnostics import HandlerFault
from turnbuckle.startup.parameters.signatures import PathParameters
from turnbuckle.startup.resolve.source_check import function_at, functions_in_closure
from turnbuckle.web.handlers import Parameters, accepted_names, describe_handler, request_parameter
from turnbuckle.web.middleware_blame import own_nodes

__all__ = ["wrapper_faults"]

_POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def wrapper_faults(
    handler: object, signatures: Sequence[Parameters], path: PathParameters | None
) -> Iterator[HandlerFault]:
    """Yield a fault if each call of the handler in its decorator has arguments that the handler does not take.

    Args:
        handler: the handler.
        signatures: its parameters, and the parameters of the functions that it wraps.
        path: the parameters of its path; None if they are not known.
    """
    if path is None or not isinstance(handler, FunctionType) or not handler.__closure__:
        return
    _, for_request = request_parameter(signatures, path, handler)
    if for_request is None or for_request is not signatures[0][0] or for_request.kind not in _POSITIONAL:
        return
    accepted = accepted_names(signatures, for_request)
    received = _Arguments(1, frozenset(path if accepted is None else accepted.intersection(path)))
    wrapper = handler
    while (found := _calls_of_inner(wrapper)) is not None:
        inner, calls = found
        passed = [_passed(call, wrapper, received) for call in calls]
        known = [arguments for arguments in passed if arguments is not None]
        if len(known) != len(calls):
            return
        if all(_is_wrong(inner, arguments) for arguments in known):
            yield _fault(handler, wrapper, inner, calls[0])
            return
        if len(known) != 1:
            return
        wrapper, received = inner, known[0]


@attrs.frozen
class _Arguments:
    """The arguments of a call: the number of those by position, and the names of the others."""

    positional: int = 0
    names: frozenset[str] = frozenset()


def _calls_of_inner(wrapper: FunctionType) -> tuple[FunctionType, list[ast.Call]] | None:
    """Return the only function in the closure of a wrapper, and all calls of it; None if it is used in other ways."""
    functions = functions_in_closure(wrapper)
    node = function_at(wrapper)
    if len(functions) != 1 or node is None:
        return None
    [(name, inner)] = functions.items()
    calls = [entry for entry in own_nodes(node) if isinstance(entry, ast.Call) and _is_name(entry.func, name)]
    return (inner, calls) if calls and _count(node, name) == len(calls) else None


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _count(node: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> int:
    """Return how often the body of a function has a name; decorators of the function do not count."""
    return sum(_is_name(entry, name) for statement in node.body for entry in ast.walk(statement))


def _passed(call: ast.Call, wrapper: FunctionType, received: _Arguments) -> _Arguments | None:
    """Return the arguments of a call in a wrapper, given the arguments of the wrapper; None if they are not certain."""
    node = function_at(wrapper)
    assert node is not None
    parameters = list(inspect.signature(wrapper, follow_wrapped=False).parameters.values())
    positional = [parameter for parameter in parameters if parameter.kind in _POSITIONAL]
    named = {parameter.name for parameter in parameters}
    number = 0
    names: set[str] = set()
    for argument in call.args:
        if not isinstance(argument, ast.Starred):
            number += 1
        elif node.args.vararg is not None and _is_only_passed(argument.value, node.args.vararg.arg, node):
            number += max(0, received.positional - len(positional))
        else:
            return None
    for keyword in call.keywords:
        if keyword.arg is not None:
            names.add(keyword.arg)
        elif node.args.kwarg is not None and _is_only_passed(keyword.value, node.args.kwarg.arg, node):
            names |= received.names - named
        else:
            return None
    return _Arguments(number, frozenset(names))


def _is_only_passed(value: ast.expr, name: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether a value is a parameter that a function passes on, and uses for nothing else."""
    stars = [
        entry
        for entry in own_nodes(node)
        if (isinstance(entry, ast.Starred) or (isinstance(entry, ast.keyword) and entry.arg is None))
        and _is_name(entry.value, name)
    ]
    return _is_name(value, name) and len(stars) == _count(node, name)


def _is_wrong(function: FunctionType, arguments: _Arguments) -> bool:
    """Return whether a call gives a function more arguments than it takes, or one of them twice."""
    signature = inspect.signature(function, follow_wrapped=False)
    try:
        signature.bind_partial(*[None] * arguments.positional, **dict.fromkeys(arguments.names))
    except TypeError:
        return True
    return False


def _fault(handler: FunctionType, wrapper: FunctionType, inner: FunctionType, call: ast.Call) -> HandlerFault:
    place = file_location(wrapper.__code__.co_filename, call.lineno)
    signature = inspect.signature(inner, follow_wrapped=False)
    names = [parameter.name for parameter in signature.parameters.values()]
    fix = ", ".join(["request", *(name for name in names if name != "request")])
    return HandlerFault(
        f"handler {describe_handler(handler)} is called by a decorator with {ast.unparse(call)!r} ({place}), "
        f"but takes ({', '.join(names)})",
        "the call gives an argument more than the function takes, or one of them twice, and fails in each request",
        f"write 'def {inner.__name__}({fix})', or change the call in the decorator",
        level="warning",
    )
