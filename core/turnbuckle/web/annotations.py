"""Read annotations of functions as classes.

Used at startup and for error messages only. An annotation that cannot be evaluated, for example because its name is
imported for type checkers only, stands for any class.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import linecache
import sys
import types
from collections.abc import AsyncIterable, Callable, Iterator
from contextlib import suppress
from importlib.util import resolve_name
from typing import (
    Annotated,
    Any,
    ForwardRef,
    Literal,
    Never,
    NoReturn,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from turnbuckle.schema.hints import is_union

__all__ = [
    "annotated_classes",
    "closure_of",
    "evaluate_annotation",
    "return_annotation",
    "show_annotation",
    "stream_item",
    "streams_text",
]


def annotated_classes(annotation: object, function: object = None) -> tuple[type, ...]:
    """Return the classes that an annotation allows: one for each member of a union.

    Args:
        annotation: an annotation as written; a text is evaluated.
        function: the function that has the annotation.

    Returns:
        The classes. ``object`` stands for an annotation that says nothing about the class, and no class for
        ``NoReturn``.
    """
    return tuple(dict.fromkeys(_classes(_evaluate(annotation, function), function)))


def evaluate_annotation(annotation: object, function: object = None) -> object:
    """Return an annotation whose texts are evaluated, including texts inside it, such as in ``list["Note"]``.

    Raises:
        NameError: a name in it cannot be found.
        Exception: whatever the evaluation of a text raises.
    """
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return annotation
    failure: NameError | None = None
    for namespace in _namespaces(function):
        try:
            return _evaluate_hint(annotation, {**namespace, **closure_of(_plain_function(_unwrap(function)))})
        except NameError as error:
            failure = failure or error
        with suppress(NameError):
            return _evaluate_hint(annotation, _with_names_for_type_checkers(namespace))
    if failure is not None:
        raise failure
    return _evaluate_hint(annotation, {})


def _evaluate_hint(annotation: object, names: dict[str, Any]) -> object:
    holder = types.SimpleNamespace(__annotations__={"it": annotation})
    return get_type_hints(holder, names, names, include_extras=True)["it"]


def closure_of(function: object) -> dict[str, Any]:
    """Return the variables of the functions around a function that it uses, as far as they have a value."""
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None) or ()
    found = {}
    for name, cell in zip(code.co_freevars if code is not None else (), cells, strict=True):
        with suppress(ValueError):  # it is empty
            found[name] = cell.cell_contents
    return found


def return_annotation(function: object) -> object:
    """Return the annotation of a function's return value, as written; ``inspect.Parameter.empty`` if it has none."""
    function = _plain_function(function)
    annotations = getattr(function, "__annotations__", None)
    missing = inspect.Parameter.empty
    return annotations.get("return", missing) if isinstance(annotations, dict) else missing


def stream_item(annotation: object, function: object) -> type | None:
    """Return the class of the items of an async stream, such as int for ``AsyncIterator[int]``, if none can be sent."""
    classes = _item_classes(annotation, function)
    sent = (str, bytes, bytearray, memoryview)
    if not classes or any(kind is object or issubclass(kind, sent) or issubclass(str, kind) for kind in classes):
        return None
    return classes[0]


def streams_text(function: object) -> bool:
    """Return whether the return annotation of a function is an async stream whose items are all text."""
    classes = _item_classes(return_annotation(function), function)
    return bool(classes) and all(issubclass(kind, str) for kind in classes)


def _item_classes(annotation: object, function: object) -> tuple[type, ...]:
    """Return the classes of the items of an async stream; none if the annotation is no stream, or says nothing."""
    annotation = _evaluate(annotation, function)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if not isinstance(origin, type) or not issubclass(origin, AsyncIterable) or not arguments:
        return ()
    return annotated_classes(arguments[0], function)


def show_annotation(annotation: object) -> str:
    """Return an annotation as it is written in code."""
    if isinstance(annotation, str):
        return annotation
    if annotation is None or annotation is type(None):
        return "None"
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return annotation.__qualname__
    if get_origin(annotation) is Annotated:
        base, *metadata = get_args(annotation)
        shown = show_annotation(base)
        marker = type(metadata[0])
        if len(metadata) == 1 and hasattr(marker, "__class_getitem__") and repr(metadata[0]) == f"{marker.__name__}()":
            return f"{marker.__name__}[{shown}]"
        return f"Annotated[{', '.join([shown, *map(repr, metadata)])}]"
    return str(annotation).removeprefix("typing.")


def _classes(annotation: object, function: object) -> Iterator[type]:
    origin = get_origin(annotation)
    if is_union(annotation):
        for member in get_args(annotation):
            yield from _classes(_evaluate(member, function), function)
    elif origin is Annotated:
        yield from _classes(_evaluate(get_args(annotation)[0], function), function)
    elif origin is Literal:
        yield from map(type, get_args(annotation))
    elif hasattr(annotation, "__supertype__"):  # a NewType
        yield from _classes(annotation.__supertype__, function)
    elif hasattr(annotation, "__value__"):  # a type alias
        yield from _classes(annotation.__value__, function)
    elif annotation in (Never, NoReturn):
        return
    elif annotation is None:
        yield type(None)
    elif isinstance(origin, type):
        yield _class_of(origin)
    else:
        yield _class_of(annotation)


def _class_of(annotation: object) -> type:
    if is_typeddict(annotation):
        return dict
    # Any class may fulfil a protocol.
    if annotation is Any or not isinstance(annotation, type) or getattr(annotation, "_is_protocol", False):
        return object
    return annotation


def _evaluate(annotation: object, function: object) -> object:
    """Return an annotation whose outermost text is evaluated; Any if that fails.

    ``evaluate_annotation`` evaluates every text, and takes twice the time.
    """
    if isinstance(annotation, ForwardRef):
        annotation = annotation.__forward_arg__
    if not isinstance(annotation, str):
        return annotation
    for namespace in _namespaces(function):
        try:
            return eval(annotation, namespace)  # the text is the program's own
        except NameError:
            with suppress(Exception):
                return eval(annotation, _with_names_for_type_checkers(namespace))
        except Exception:  # noqa: BLE001  # the code of an annotation may raise anything
            continue
    return Any


def _with_names_for_type_checkers(namespace: dict[str, Any]) -> dict[str, Any]:
    """Return a namespace with the names that its module imports under ``if TYPE_CHECKING``.

    Only modules that are imported already, and modules of the standard library, are searched.
    """
    found = dict(namespace)
    for node in _imports_for_type_checkers(str(namespace.get("__file__", ""))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.setdefault(alias.asname or alias.name.partition(".")[0], _module(alias.name))
            continue
        name = "." * node.level + (node.module or "")
        module = _module(resolve_name(name, namespace.get("__package__")) if node.level else name)
        for alias in node.names:
            if hasattr(module, alias.name):
                found.setdefault(alias.asname or alias.name, getattr(module, alias.name))
    return found


def _module(name: str) -> object:
    if name.partition(".")[0] in sys.stdlib_module_names:
        return importlib.import_module(name)
    return sys.modules.get(name)


@functools.lru_cache(maxsize=64)
def _imports_for_type_checkers(file: str) -> tuple[ast.Import | ast.ImportFrom, ...]:
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return ()
    blocks = [
        node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
    ]
    return tuple(
        entry for block in blocks for entry in ast.walk(block) if isinstance(entry, ast.Import | ast.ImportFrom)
    )


def _namespaces(function: object) -> Iterator[dict[str, Any]]:
    # functools.wraps copies annotations, so their names may be names of the module of the wrapped function.
    inner: object = function
    for candidate in (_unwrap(inner), function):
        namespace = getattr(_plain_function(candidate), "__globals__", None)
        if isinstance(namespace, dict):
            yield namespace


def _unwrap(function: object) -> object:
    try:
        return inspect.unwrap(_plain_function(function))  # type: ignore[arg-type]  # it may be any object
    except ValueError:  # it wraps itself
        return function


def _plain_function(function: object) -> Callable[..., object] | object:
    """Return the function behind a bound method, a partial or an object with ``__call__``."""
    while isinstance(function, functools.partial):
        function = function.func
    if not isinstance(function, type) and not hasattr(function, "__code__"):
        function = getattr(type(function), "__call__", function)  # noqa: B004  # its code is needed
    return getattr(function, "__func__", function)
