"""Find the mistakes of a handler that its signature does not show, in its source and in its module.

Each is a warning, because source code can be more than it seems. Nothing is called.
"""

from __future__ import annotations

import ast
import builtins
import functools
import inspect
import linecache
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FunctionType
from typing import Final

from turnbuckle.diagnostics import file_location
from turnbuckle.startup.model.diagnostics import HandlerFault
from turnbuckle.startup.parameters.signatures import PathParameters
from turnbuckle.startup.parameters.sources import words_of
from turnbuckle.startup.resolve.handler_check import has_response, how_to_return, how_to_stream
from turnbuckle.web.annotations import annotated_classes, closure_of, return_annotation, show_annotation
from turnbuckle.web.foreign_names import KEYWORDS, REQUEST_NAMES
from turnbuckle.web.handlers import VARIABLE, Parameters, describe_handler, passes_names_on
from turnbuckle.web.middleware_blame import own_nodes
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.response.returned_tuples import line_for_expression
from turnbuckle.web.response.value_errors import may_return_none

__all__ = ["function_at", "functions_in_closure", "global_of", "is_local", "node_of", "source_faults", "tuple_fix"]

_FUNCTION_NAMES: Final = frozenset(
    {"f", "fn", "func", "function", "handler", "view", "view_func", "wrapped", "method", "coro", "endpoint", "route"}
)
_KINDS: Final[Mapping[type, type]] = {
    ast.Tuple: tuple,
    ast.Set: set,
    ast.SetComp: set,
    ast.GeneratorExp: type(_ for _ in ()),
    ast.Lambda: FunctionType,
    ast.Compare: bool,
}
_MAX_WRAPPERS: Final = 100
# Methods of the request that are attributes in other frameworks, and how they are called.
_METHODS: Final[Mapping[str, str]] = {name: f"(await request.{name}())" for name in ("json", "form", "text", "read")}
_FOREIGN: Final = frozenset({*REQUEST_NAMES, *_METHODS, *KEYWORDS})
_EMPTY: Final = inspect.Parameter.empty


def source_faults(
    handler: object, signatures: Sequence[Parameters], path: PathParameters | None, renderable: Sequence[type]
) -> Iterator[HandlerFault]:
    """Yield the mistakes of a handler that its source shows.

    Args:
        handler: the handler.
        signatures: its parameters, and the parameters of the functions that it wraps.
        path: the parameters of its path; None if they are not known.
        renderable: the types that have a response type.
    """
    if isinstance(handler, functools._lru_cache_wrapper) and inspect.iscoroutinefunction(handler.__wrapped__):
        yield _warning(
            f"handler {describe_handler(handler)} is an 'async def' behind a cache",
            "the cache stores the coroutine, which can be awaited only once",
            "remove the decorator, and store the awaited value in the handler",
        )
    function = handler.__func__ if inspect.ismethod(handler) else handler
    if not isinstance(function, FunctionType):
        return
    yield from _lost_decorators(function)
    yield from _decorator_not_called(function, signatures)
    if path:
        yield from _swallowed_parameters(function, signatures, path)
    yield from _returns(function, renderable)
    yield from _foreign_names(function)


def _warning(text: str, why: str, fix: str, code: str = "TB415") -> HandlerFault:
    return HandlerFault(text, why, fix, code=code, level="warning")


def _lost_decorators(function: FunctionType) -> Iterator[HandlerFault]:
    """Yield a fault if the module has another function by the name of the handler, which wraps the handler."""
    named: object = sys.modules.get(function.__module__)
    for part in function.__qualname__.split("."):
        named = getattr(named, part, None)
    if isinstance(named, FunctionType) and named is not function and function in _wrapped_by(named):
        yield _warning(
            f"handler {describe_handler(function)} is called without the decorators above the route's decorator",
            "a route's decorator adds the function below it; decorators above it change only the name in the module",
            "move the route's decorator, such as @app.get, to the top",
        )


def _wrapped_by(function: FunctionType) -> Iterator[object]:
    current: object = function
    for _ in range(_MAX_WRAPPERS):
        inner = getattr(current, "__wrapped__", None)
        if inner is None and isinstance(current, FunctionType):
            inner = next(iter(functions_in_closure(current).values()), None)
        if inner is None:
            return
        yield inner
        current = inner


def functions_in_closure(function: FunctionType) -> dict[str, FunctionType]:
    """Return the functions in the closure of a function, such as the one that it wraps."""
    return {name: value for name, value in closure_of(function).items() if isinstance(value, FunctionType)}


def _decorator_not_called(function: FunctionType, signatures: Sequence[Parameters]) -> Iterator[HandlerFault]:
    outer, inner, name = function.__qualname__.rpartition(".<locals>.")
    parameters = signatures[0]
    if not inner or len(parameters) != 1 or parameters[0].name not in _FUNCTION_NAMES:
        return
    if inspect.iscoroutinefunction(function):
        return
    decorator = outer.rpartition(".")[2]
    yield _warning(
        f"handler {describe_handler(function)} seems to be a decorator, and not the decorated function",
        f"{decorator} returns its decorator {name}({parameters[0].name}), which receives the request instead",
        f"write @{decorator}() with parentheses",
    )


def _swallowed_parameters(
    function: FunctionType, signatures: Sequence[Parameters], path: PathParameters
) -> Iterator[HandlerFault]:
    """Yield a fault if a wrapper neither takes nor mentions a parameter that the function in it requires."""
    if passes_names_on(signatures[0]):
        return
    taken = {parameter.name for parameter in signatures[0]}
    inner = _inner_function(function)
    if inner is None:
        return
    required = [
        name
        for name, parameter in inspect.signature(inner, follow_wrapped=False).parameters.items()
        if parameter.default is _EMPTY and parameter.kind not in VARIABLE
    ]
    missing = [name for name in required if name in path and name not in taken]
    if not missing or _mentions(function, {*missing, "path_params"}):
        return
    yield _warning(
        f"handler {describe_handler(function)} is called by a decorator ({_location_of_code(function)}) that does not "
        f"pass {missing[0]!r} on",
        f"the function in it requires {missing[0]!r}, which only the decorator receives",
        "let the function in the decorator take (request, **path_params), and pass both on",
    )


def _inner_function(function: FunctionType) -> FunctionType | None:
    wrapped = getattr(function, "__wrapped__", None)
    if isinstance(wrapped, FunctionType):
        return wrapped
    found = list(functions_in_closure(function).values())
    return found[0] if len(found) == 1 else None


def _mentions(function: FunctionType, names: set[str]) -> bool:
    code = function.__code__
    constants = {
        name for constant in code.co_consts for name in (constant if isinstance(constant, tuple) else (constant,))
    }
    return bool(names & {*code.co_names, *code.co_varnames, *(name for name in constants if isinstance(name, str))})


def _location_of_code(function: FunctionType) -> str:
    """Return ``file:line`` of a function itself, and not of the functions that it wraps."""
    return file_location(function.__code__.co_filename, function.__code__.co_firstlineno)


# -- names of other frameworks


def _foreign_names(function: FunctionType) -> Iterator[HandlerFault]:
    """Yield a fault for each name that other frameworks have, and the request or the response does not."""
    if hasattr(function, "__wrapped__") or _FOREIGN.isdisjoint(words_of(function.__code__)):
        # Most handlers: a look at the names of the compiled code is cheaper than a walk through the source.
        return
    node = node_of(function)
    if node is None:
        return
    request = _request_name(node)
    for entry in _unguarded_nodes(node):
        used = _foreign_attribute(entry, request) or _foreign_keyword(entry, node, function)
        if used is not None:
            name, fix = used
            place = file_location(function.__code__.co_filename, getattr(entry, "lineno", node.lineno))
            yield _warning(
                f"handler {describe_handler(function)} ({place}) uses {name}",
                "it is a name of another framework; the request would be answered with 500",
                fix,
                "TB432",
            )


def _unguarded_nodes(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """Yield the nodes of a function, except inside ``try``, which may expect the failure."""
    guarded = {id(entry) for block in own_nodes(node) if isinstance(block, ast.Try) for entry in ast.walk(block)}
    return (entry for entry in own_nodes(node) if id(entry) not in guarded)


def _request_name(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    """Return the name of the parameter that is certainly the request, or None."""
    arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    name = next((argument.arg for argument in arguments if _is_request(argument)), None)
    is_bound_again = any(
        isinstance(entry, ast.Name) and entry.id == name and not isinstance(entry.ctx, ast.Load)
        for entry in ast.walk(node)
    )
    return None if is_bound_again else name


def _is_request(argument: ast.arg) -> bool:
    if argument.annotation is None:
        return argument.arg == "request"
    return ast.unparse(argument.annotation).strip("'\"").rpartition(".")[2] == "Request"


def _foreign_attribute(entry: ast.AST, request: str | None) -> tuple[str, str] | None:
    """Return an attribute that the request does not have, and the fix."""
    name = _attribute_of(entry, request)
    if name is not None and name in REQUEST_NAMES and not hasattr(Request, name):
        return f"request.{name}, which does not exist here", _advice(REQUEST_NAMES[name])
    if isinstance(entry, ast.Subscript) or (isinstance(entry, ast.Attribute) and not entry.attr.startswith("__")):
        method = _attribute_of(entry.value, request)
        if method is not None and method in _METHODS:
            return f"{ast.unparse(entry)[:60]}, but request.{method} is a method here", f"write {_METHODS[method]}"
    return None


def _advice(hint: str) -> str:
    """Return a hint as it is if it is a sentence, and after "write" if it is an expression."""
    try:
        ast.parse(hint, mode="eval")
    except SyntaxError:
        return hint
    return f"write {hint}"


def _attribute_of(entry: ast.AST, request: str | None) -> str | None:
    if not isinstance(entry, ast.Attribute) or not isinstance(entry.ctx, ast.Load):
        return None
    return entry.attr if isinstance(entry.value, ast.Name) and entry.value.id == request else None


def _foreign_keyword(
    entry: ast.AST, node: ast.FunctionDef | ast.AsyncFunctionDef, function: FunctionType
) -> tuple[str, str] | None:
    """Return a keyword that a response of the core does not take, and the fix."""
    if not isinstance(entry, ast.Call) or not isinstance(entry.func, ast.Name) or is_local(entry.func.id, node):
        return None
    called = global_of(entry.func.id, function)
    if not isinstance(called, type) or not issubclass(called, Response) or called.__module__ != Response.__module__:
        return None
    accepted = inspect.signature(called).parameters
    for keyword in entry.keywords:
        if keyword.arg is not None and keyword.arg in KEYWORDS and keyword.arg not in accepted:
            name, _, note = KEYWORDS[keyword.arg].partition(", ")
            here = f"{name}, {note}," if note else f"{name}=..."
            name = f"{called.__name__}(..., {keyword.arg}=...), which has no such keyword here"
            return name, f"write {here} instead of {keyword.arg}=..."
    return None


# -- returned values


def _returns(function: FunctionType, renderable: Sequence[type]) -> Iterator[HandlerFault]:
    """Yield a fault if no return of a function, or no yield, has a value that can become a response."""
    if hasattr(function, "__wrapped__"):
        return
    node = node_of(function)
    if node is None:
        return
    is_stream = inspect.isasyncgenfunction(function)
    wanted: type[ast.AST] = ast.Yield if is_stream else ast.Return
    found = [entry for entry in own_nodes(node) if isinstance(entry, ast.Return | ast.Yield) and type(entry) is wanted]
    if not is_stream and (fault := _never_returns(node, function, found)):
        yield fault
    if not is_stream and (fault := _returned_tuple(function, found, renderable)):
        yield fault
        return
    if not found or (not is_stream and _may_end(node)):
        return
    kinds = [_kind_of(entry.value, node, function) for entry in found]
    accepted: Callable[[type], bool] = (
        (lambda kind: issubclass(kind, str | bytes | bytearray | memoryview))
        if is_stream
        else (lambda kind: has_response(kind, renderable))
    )
    if any(kind is None or accepted(kind) for kind in kinds):
        return
    kind = kinds[0]
    assert kind is not None
    value = ast.unparse(found[0].value)[:60] if found[0].value is not None else ""
    place = file_location(function.__code__.co_filename, found[0].lineno)
    verb = "yields" if is_stream else "returns"
    fix = how_to_stream(kind) if is_stream else _how_to_return(kind, value)
    yield _warning(
        f"handler {describe_handler(function)} {verb} {value!r} ({place}), which cannot be sent",
        f"its type is {kind.__name__}, for which there is no response",
        fix,
        "TB429",
    )


def _returned_tuple(
    function: FunctionType, found: Sequence[ast.Return | ast.Yield], renderable: Sequence[type]
) -> HandlerFault | None:
    """Return the fault of a function with a tuple behind a ``return``, or None."""
    classes = annotated_classes(return_annotation(function), function)
    if has_response(tuple, renderable) or any(issubclass(kind, tuple) for kind in classes):
        return None
    for entry in found:
        if isinstance(entry.value, ast.Tuple):
            place = file_location(function.__code__.co_filename, entry.lineno)
            return _warning(
                f"handler {describe_handler(function)} returns {ast.unparse(entry.value)[:60]!r} ({place}), "
                "which cannot be sent",
                "its type is tuple, for which there is no response",
                line_for_expression(entry.value) or how_to_return(tuple),
                "TB429",
            )
    return None


def tuple_fix(handler: object) -> str:
    """Return the line to write instead of the first tuple that a handler returns; "" if its source does not show it."""
    function = handler.__func__ if inspect.ismethod(handler) else handler
    node = node_of(function) if isinstance(function, FunctionType) else None
    for entry in own_nodes(node) if node is not None else ():
        if isinstance(entry, ast.Return) and isinstance(entry.value, ast.Tuple):
            return line_for_expression(entry.value)
    return ""


def _never_returns(
    node: ast.FunctionDef | ast.AsyncFunctionDef, function: FunctionType, found: Sequence[ast.AST]
) -> HandlerFault | None:
    """Return the fault of a function that always returns None although its annotation excludes it, or None."""
    if may_return_none(function) or any(isinstance(entry, ast.Return) and entry.value is not None for entry in found):
        return None
    ends_otherwise = (ast.Raise, ast.Yield, ast.YieldFrom, ast.While)
    if any(isinstance(entry, ends_otherwise) for entry in own_nodes(node)) or _is_stub(node):
        return None
    return _warning(
        f"handler {describe_handler(function)} is annotated '-> {show_annotation(return_annotation(function))}', "
        "but never returns a value",
        "the result is None, which is an error behind this annotation",
        "add the missing 'return', or write '-> None' for the answer 204",
        "TB429",
    )


def _is_stub(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether a function consists of a docstring or '...' only, as in examples."""
    return all(isinstance(entry, ast.Expr) and isinstance(entry.value, ast.Constant) for entry in node.body)


def _how_to_return(kind: type, value: str) -> str:
    if kind is type:
        return f"return an instance: {value}(...)"
    if kind is FunctionType:
        return f"call it: {value}(...)"
    if kind.__name__ == "coroutine":
        return f"write 'await {value}'"
    if kind.__name__ == "generator":
        return "write Stream(...) with it, or list(...)"
    return how_to_return(kind)


@functools.lru_cache(maxsize=256)
def _functions_of(filename: str) -> Mapping[int, ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return the functions of a file by the line of their first decorator, or else of their ``def``."""
    try:
        tree = ast.parse("".join(linecache.getlines(filename)))
    except (SyntaxError, ValueError):
        return {}
    return {
        min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]): node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def node_of(function: FunctionType) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """Return the syntax tree of a function, or None if its source is not known."""
    node = function_at(function)
    return node if node is not None and node.name == function.__name__ else None


def function_at(function: FunctionType) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """Return the syntax tree of a function that may have the name of the function that it wraps, or None."""
    node = _functions_of(function.__code__.co_filename).get(function.__code__.co_firstlineno)
    return node if node is not None and node.name == function.__code__.co_name else None


def _may_end(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    # Only the plain case is certain: the last statement returns.
    return not isinstance(node.body[-1], ast.Return | ast.Raise)


def _kind_of(
    value: ast.expr | None, node: ast.FunctionDef | ast.AsyncFunctionDef, function: FunctionType
) -> type | None:
    """Return the type of an expression, or None if it is not certain."""
    if isinstance(value, ast.Constant):
        return type(value.value)
    if isinstance(value, ast.Dict | ast.DictComp):
        return dict
    if isinstance(value, ast.List | ast.ListComp):
        return list
    if isinstance(value, ast.Name):
        return _kind_of_name(value.id, node, function)
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and not is_local(value.func.id, node):
        return _kind_of_call(global_of(value.func.id, function), node)
    return _KINDS.get(type(value)) if value is not None else type(None)


def _kind_of_call(called: object, node: ast.AST) -> type | None:
    if isinstance(called, type):
        # A class may make instances of another class.
        is_plain = type(called) is type and "__new__" not in vars(called)
        is_builtin = called.__module__ == "builtins" and called is not type
        return called if is_plain or is_builtin or issubclass(called, tuple) else None
    is_async = inspect.iscoroutinefunction(called) and not hasattr(called, "__wrapped__")
    return _Coroutine if is_async and isinstance(node, ast.AsyncFunctionDef) else None


class _Coroutine:
    """Stands for the coroutine that a call returns."""


_Coroutine.__name__ = "coroutine"


def _kind_of_name(name: str, node: ast.FunctionDef | ast.AsyncFunctionDef, function: FunctionType) -> type | None:
    for entry in node.body:
        if isinstance(entry, ast.FunctionDef | ast.AsyncFunctionDef) and entry.name == name:
            return FunctionType if not entry.decorator_list else None
    if is_local(name, node):
        return None
    value = global_of(name, function)
    if isinstance(value, type):
        return type
    return FunctionType if isinstance(value, FunctionType) else None


def is_local(name: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether a name is, or may be, a local variable of a function."""
    return name in _local_names(node)


# A function has many names, which are looked up one after the other.
@functools.lru_cache(maxsize=4)
def _local_names(node: ast.FunctionDef | ast.AsyncFunctionDef) -> frozenset[str]:
    arguments = node.args
    names = {argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    names |= {argument.arg for argument in (arguments.vararg, arguments.kwarg) if argument is not None}
    for entry in ast.walk(node):
        if isinstance(entry, ast.Name) and isinstance(entry.ctx, ast.Store):
            names.add(entry.id)
        elif isinstance(entry, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and entry is not node:
            names.add(entry.name)
        elif isinstance(entry, ast.alias):
            names.add((entry.asname or entry.name).partition(".")[0])
        elif isinstance(entry, ast.ExceptHandler) and entry.name:
            names.add(entry.name)
    return frozenset(names | _free_names(node))


def _free_names(node: ast.AST) -> set[str]:
    return {name for entry in ast.walk(node) if isinstance(entry, ast.Global | ast.Nonlocal) for name in entry.names}


def global_of(name: str, function: FunctionType) -> object:
    """Return the global or built-in value of a name in a function, or None."""
    if name in function.__code__.co_freevars:
        return None
    return function.__globals__.get(name, getattr(builtins, name, None))
