"""Find the mistakes of a handler that would fail, or be ignored in silence, in each of its requests.

The checks compare the signature of a handler with the parameters of its path, and its annotations with the values that
it receives and returns. Nothing is called.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import AsyncIterable, Awaitable, Sequence
from types import AsyncGeneratorType, FunctionType, GeneratorType, MethodType
from typing import Final

from turnbuckle.startup.model.diagnostics import HandlerFault
from turnbuckle.startup.plugins.validate import shown
from turnbuckle.web.annotations import annotated_classes, return_annotation, show_annotation, stream_item
from turnbuckle.web.handlers import Parameters, describe_handler, is_async_generator_function
from turnbuckle.web.response.response import Response
from turnbuckle.web.streams.server_sent_events import ServerSentEvent

__all__ = ["has_response", "how_to_return", "how_to_stream", "kind_fault", "return_fault", "unbound_fault"]

_PIECES: Final = (bytes, str)
_CLASS_VERBS: Final = ("get", "post", "put", "patch", "delete", "handle", "dispatch")


def kind_fault(handler: object, renderable: Sequence[type]) -> HandlerFault | None:
    """Return why an object cannot be a handler, whatever its path is; None if it can.

    Args:
        handler: the object.
        renderable: the types that have a response type.
    """
    if isinstance(handler, type):
        return _class_fault(handler)
    if inspect.iscoroutine(handler):
        # Python warns about coroutines that are never awaited.
        handler.close()
        return _not_callable("a coroutine", "pass the function itself, without parentheses")
    if isinstance(handler, classmethod | property):
        kind = type(handler).__name__
        return _not_callable(f"a {kind}", "add the route below the class, with the method of the class or an instance")
    if not callable(handler):
        return _not_callable(shown(handler), "pass the function itself")
    call = getattr(handler, "__call__", None)  # noqa: B004  # the question is whether __call__ is a generator
    is_generator = inspect.isgeneratorfunction(handler) or inspect.isgeneratorfunction(call)
    if is_generator and not has_response(GeneratorType, renderable):
        return HandlerFault(
            f"handler {describe_handler(handler)} is a plain 'def' that yields",
            "it returns a generator, which has no response type",
            "write 'async def' to stream the yielded pieces, or return Stream(...) with the generator",
            code="TB429",
        )
    return None


def unbound_fault(handler: object, signatures: Sequence[Parameters]) -> HandlerFault | None:
    """Return the fault of a function of a class that is not bound to an instance; None for any other handler."""
    function = handler.func if isinstance(handler, functools.partial) else handler
    if isinstance(function, MethodType):
        return _without_self(handler, function)
    if not isinstance(function, FunctionType):
        return None
    owner, _, name = function.__qualname__.rpartition(".")
    names = [parameters[0].name for parameters in signatures if parameters]
    bound = len(handler.args) if isinstance(handler, functools.partial) else 0
    if bound or not {"self", "cls"} & set(names) or not owner or owner.endswith("<locals>"):
        return None
    cls = owner.rpartition(".")[2]
    if isinstance(_class_attribute(function), staticmethod):
        return HandlerFault(
            f"handler {describe_handler(handler)} is a @staticmethod that takes {names[0]!r}",
            f"nothing is bound to a static method, so {names[0]!r} would be the request",
            f"remove @staticmethod, and pass the method of an instance, or remove {names[0]!r}",
        )
    return HandlerFault(
        f"handler {describe_handler(handler)} is a function of a class, and 'self' is not bound",
        "the class has no instance whose method could be called",
        f"pass the method of an instance: {cls}().{name}, or self.{name} in the class's own __init__",
    )


def _without_self(handler: object, method: MethodType) -> HandlerFault | None:
    """Return the fault of a bound method whose first parameter is meant for the request; None for any other."""
    code = getattr(method.__func__, "__code__", None)
    if code is None or code.co_argcount == 0 or code.co_varnames[0] not in {"request", "req"}:
        return None
    name, first = code.co_name, code.co_varnames[0]
    return HandlerFault(
        f"handler {describe_handler(handler)} is a method whose first parameter is {first!r}",
        f"the first parameter of a method receives its object, so {first!r} would be no request",
        f"write 'def {name}(self, {first})', or decorate the method with @staticmethod",
    )


def _class_attribute(function: FunctionType) -> object:
    """Return the attribute of a class of a module that a function is; None if it is not found."""
    cls, _, name = function.__qualname__.rpartition(".")
    value: object = sys.modules.get(function.__module__)
    for part in cls.split("."):
        value = getattr(value, part, None)
    return inspect.getattr_static(value, name, None)


def return_fault(handler: object, renderable: Sequence[type]) -> HandlerFault | None:
    """Return the fault of a handler whose annotation allows only values that have no response; None for any other.

    Args:
        handler: the handler.
        renderable: the types that have a response type.
    """
    annotation = return_annotation(handler)
    if fault := _stream_fault(handler, annotation):
        return fault
    if annotation is inspect.Parameter.empty or annotation is None or annotation in renderable:
        return None
    if wrong := stream_item(annotation, handler):
        return HandlerFault(
            f"handler {describe_handler(handler)} is annotated '-> {show_annotation(annotation)}', "
            "whose items cannot be sent",
            "a stream consists of str or bytes",
            how_to_stream(wrong),
            code="TB429",
        )
    all_classes = annotated_classes(annotation, handler)
    # None has a response.
    wrong_classes = [
        kind for kind in all_classes if kind is not type(None) and not _may_have_response(kind, renderable)
    ]
    if not wrong_classes:
        return None
    is_only = len(all_classes) == 1
    what = "which has no response type" if is_only else f"and {wrong_classes[0].__name__} has no response type"
    return HandlerFault(
        f"handler {describe_handler(handler)} is annotated '-> {show_annotation(annotation)}', {what}",
        "a value is turned into a response by its type; a type without an entry is an error in each request",
        how_to_return(wrong_classes[0]),
        code="TB429",
    )


def _stream_fault(handler: object, annotation: object) -> HandlerFault | None:
    """Return the fault of an async generator that is annotated as neither a stream nor its pieces, or None."""
    if annotation is inspect.Parameter.empty or not is_async_generator_function(handler):
        return None
    classes = annotated_classes(annotation, handler)
    if not classes or any(_is_subclass(AsyncGeneratorType, kind) or issubclass(kind, _PIECES) for kind in classes):
        return None
    return HandlerFault(
        f"handler {describe_handler(handler)} is annotated '-> {show_annotation(annotation)}', "
        "but yields, so that it streams pieces of bytes or str",
        "an 'async def' that yields returns an async iterator",
        "yield str or bytes, such as json.dumps(value), under '-> AsyncIterator[str]'; or return one value",
        code="TB429",
    )


def how_to_stream(kind: type) -> str:
    """Return how a handler streams items of a type that cannot be sent."""
    if issubclass(kind, ServerSentEvent):
        return "yield the events in another 'async def', such as events(), and return SSE(events())"
    return (
        "yield str or bytes, such as json.dumps(value); "
        "or yield the items in another 'async def', such as items(), and return NDJSON(items())"
    )


def how_to_return(kind: type) -> str:
    """Return how a handler returns a value of a type that has no response type."""
    if issubclass(kind, tuple):
        return "return Response(body, status=..., headers={...}), or JSON(value, status=...)"
    if issubclass(kind, BaseException):
        return f"raise it: 'raise {kind.__name__}(...)'"
    if issubclass(kind, int | float | complex):
        return "return str(value), or JSON(value)"
    if issubclass(kind, set | frozenset):
        return "return a list"
    if hasattr(kind, "__pydantic_validator__"):
        return 'enable the plugin: App(plugins=["pydantic_models"])'
    return f"return a value of another type, such as dict, or add @app.response_type({kind.__name__})"


def _may_have_response(kind: type, renderable: Sequence[type]) -> bool:
    if kind is object or has_response(kind, renderable):
        return True
    # A plain function may return what an async function returns.
    if issubclass(kind, Awaitable | AsyncIterable):
        return True
    # A value of the type may be of a subclass that has a response type, such as a list for Sequence.
    return any(_is_subclass(known, kind) for known in renderable)


def has_response(kind: type, renderable: Sequence[type]) -> bool:
    """Return whether values of a type have a response."""
    return issubclass(kind, Response) or any(_is_subclass(kind, known) for known in renderable)


def _is_subclass(kind: type, base: type) -> bool:
    try:
        return issubclass(kind, base)
    except TypeError:  # a base that cannot be asked
        return False


def _class_fault(cls: type) -> HandlerFault:
    name = cls.__name__
    methods = [verb for verb in _CLASS_VERBS if inspect.isfunction(getattr(cls, verb, None))]
    if inspect.isfunction(getattr(cls, "__call__", None)):  # noqa: B004  # the question is whether it is defined
        fix = f"pass an instance: {name}()"
    elif methods:
        fix = f"pass the method of an instance: {name}().{methods[0]}"
    else:
        fix = f"pass a function, or an instance of a class with 'async def __call__(self, request)', such as {name}()"
    return HandlerFault(
        f"handler {describe_handler(cls)} is a class",
        "each request would make an instance, which is no response",
        fix,
    )


def _not_callable(what: str, fix: str) -> HandlerFault:
    return HandlerFault(f"its handler is {what}, which cannot be called", "a handler is a function", fix)
