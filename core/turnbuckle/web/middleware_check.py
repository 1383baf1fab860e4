"""Find the mistakes of middleware that would fail in each request.

The checks read signatures, annotations and bytecode; nothing is called.
"""

from __future__ import annotations

import dis
import inspect
from types import CodeType, FunctionType
from typing import Final

from turnbuckle.web.annotations import annotated_classes, return_annotation, show_annotation
from turnbuckle.web.handlers import code_of, is_async_function, is_async_generator_function
from turnbuckle.web.middleware_calls import fault_of_calls
from turnbuckle.web.response.response import Response

__all__ = ["fault_of_factory", "fault_of_function", "fault_of_link", "never_returns", "takes_two"]

_NEXT_NAMES: Final = frozenset({"call_next", "next", "next_handler", "next_", "get_response"})
_REQUEST_NAMES: Final = frozenset({"request", "req"})


def fault_of_factory(factory: object) -> str:
    """Return the fault of a factory before it is called, or "" if none is known."""
    names = _parameter_names(factory)
    if inspect.iscoroutinefunction(factory):
        return "is an 'async def'; decorate a function that takes (request, call_next) with @turnbuckle.middleware"
    if len(names) == 2 and (names[0] in _REQUEST_NAMES or names[1] == "call_next"):
        wanted = "write 'async def' and decorate it with @turnbuckle.middleware"
        return f"takes ({', '.join(names)}), but a factory takes (next_handler, setup); {wanted}"
    return ""


def fault_of_link(factory: object, handler: object, next_handler: object) -> str:
    """Return the fault of a handler that a factory has made, or "" if none is known.

    Args:
        factory: the factory; a middleware function is its attribute ``function``.
        handler: the handler for requests.
        next_handler: the handler that it calls.
    """
    function = getattr(factory, "function", None)
    if function is not None:
        return _fault_of_return(function, "it") or fault_of_calls(function, next_handler, takes_next=True)
    if isinstance(handler, type):
        return f"returned the class {handler.__name__}; return an instance or a function"
    if inspect.isgeneratorfunction(handler) or inspect.isasyncgenfunction(handler):
        return "returned a function that yields; write 'return' in it"
    try:
        inspect.signature(handler).bind(None)  # type: ignore[arg-type]  # it is callable
    except TypeError:
        names = ", ".join(_parameter_names(handler))
        hint = "; only functions under @turnbuckle.middleware take (request, call_next)" if "," in names else ""
        return f"returned a function that takes ({names}), but its handler takes (request){hint}"
    except ValueError:
        return ""
    return _fault_of_return(handler, "its handler") or fault_of_calls(handler, next_handler, takes_next=False)


def fault_of_function(function: object) -> str:
    """Return the fault of a function that is used as ``async def m(request, call_next)``, or "" if none is known."""
    if isinstance(function, type):
        return "is a class; pass an instance with 'async def __call__(self, request, call_next)'"
    names = _parameter_names(function)
    if len(names) == 2 and (names[1] == "setup" or (names[0] in _NEXT_NAMES and names[1] not in _REQUEST_NAMES)):
        return f"takes ({', '.join(names)}), as a factory does; write Middleware('name', factory) with a plain 'def'"
    if is_async_generator_function(function):
        return "is not an async function, because it yields; write 'return' instead"
    if not is_async_function(function):
        return "is not an async function; write 'async def'"
    if not takes_two(function):
        shown = ", ".join(_parameter_names(function))
        return f"takes ({shown}), but must take (request, call_next){_missing_self(function)}"
    if names[0] in _NEXT_NAMES:
        return f"takes ({', '.join(names)}), but must take (request, call_next) in this order"
    return ""


def takes_two(function: object) -> bool:
    """Return whether a function can be called with two arguments, and with values for its annotated parameters."""
    try:
        signature = inspect.signature(function)  # type: ignore[arg-type]  # it is callable
    except TypeError:
        return False
    except ValueError:
        # Some functions written in C have no signature.
        return True
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    further = [parameter for parameter in signature.parameters.values() if parameter.kind not in variable][2:]
    named = [parameter for parameter in further if parameter.annotation is not parameter.empty]
    try:
        signature.bind(None, None, **{parameter.name: None for parameter in named})
    except TypeError:
        return False
    return True


def _missing_self(function: object) -> str:
    code = code_of(function)
    first = code.co_varnames[:1] if code is not None and inspect.ismethod(function) else ()
    return "; write 'self' as the first parameter of the method" if set(first) & _REQUEST_NAMES else ""


def _fault_of_return(function: object, subject: str) -> str:
    annotation = return_annotation(function)
    classes = annotated_classes(annotation, function) if annotation is not inspect.Parameter.empty else ()
    if is_async_function(function):
        if classes and not any(issubclass(kind, Response) or kind is object for kind in classes):
            return f"is annotated '-> {show_annotation(annotation)}', but must return a Response"
        if never_returns(function):
            return "never returns a response; a 'return' is missing, as in 'return await call_next(request)'"
        return ""
    is_response = bool(classes) and all(issubclass(kind, Response) for kind in classes)
    if isinstance(function, FunctionType) and (is_response or _only_makes_responses(function)):
        return f"has a handler that is a plain 'def'; {subject} must be an 'async def'"
    return ""


def _only_makes_responses(function: FunctionType) -> bool:
    """Return whether a plain function calls nothing but classes of responses, so that it returns no awaitable."""
    code = function.__code__
    known = [function.__globals__[name] for name in code.co_names if name in function.__globals__]
    makes = [value for value in known if isinstance(value, type) and issubclass(value, Response)]
    others = [value for value in known if callable(value) and value not in makes]
    return bool(makes) and not others and not code.co_freevars


def never_returns(function: object) -> bool:
    """Return whether each return statement of a function has no value, or None."""
    code = code_of(function)
    return code is not None and _returned(code) == {True}


def _returned(code: CodeType) -> set[bool]:
    """Return for each return statement of a function whether it returns None, or has no value."""
    found: set[bool] = set()
    before: dis.Instruction | None = None
    for instruction in dis.get_instructions(code):
        if instruction.opname == "RETURN_CONST":
            found.add(instruction.argval is None)
        elif instruction.opname == "RETURN_VALUE":
            is_none = before is not None and before.opname.startswith("LOAD_CO") and before.argval is None
            found.add(is_none and not instruction.is_jump_target)
        before = instruction
    return found


def _parameter_names(function: object) -> list[str]:
    try:
        parameters = inspect.signature(function).parameters.values()  # type: ignore[arg-type]  # it is callable
    except (TypeError, ValueError):
        return []
    return [parameter.name for parameter in parameters]
