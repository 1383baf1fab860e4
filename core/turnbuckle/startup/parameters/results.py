"""Decide how the value of a handler is encoded: by its declared type, or by the type of each returned value.

A class with fields, and a list or dict of known types, is encoded by the declared type. All other annotations leave the
decision to the response types of the app, and so does a class that has its own response type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Final, Union, get_args, get_origin

from turnbuckle.plan import PlannedResult
from turnbuckle.schema.classes import is_named_tuple, layout_of
from turnbuckle.schema.faults import UnsupportedType
from turnbuckle.schema.hints import is_union
from turnbuckle.schema.schema import Schema, SchemaCompiler
from turnbuckle.startup.model.diagnostics import HandlerFault
from turnbuckle.web.annotations import evaluate_annotation, return_annotation, show_annotation
from turnbuckle.web.handlers import describe_handler, is_async_generator_function
from turnbuckle.web.response.response import Response

__all__ = ["SHARED", "has_classes", "planned_result"]

SHARED: Final = "all requests would share it, and see what another one changed"
# Types whose values have a response that is not JSON.
_OTHERS: Final = (Response, str, bytes, type(None))


_SCHEMAS: Final = SchemaCompiler()


def planned_result(
    handler: Callable[..., object],
    status: int | None,
    own: Sequence[type],
    schemas: SchemaCompiler = _SCHEMAS,
) -> tuple[PlannedResult, HandlerFault | None]:
    """Return the result that a handler declares, and the fault of its declaration, if any.

    Args:
        handler: the handler.
        status: the declared status.
        own: the types with a response type of the app or a plugin, which decides about their values.
        schemas: compiles the schemas of the scope.
    """
    annotation = return_annotation(handler)
    try:
        evaluated = evaluate_annotation(annotation, handler)
    except Exception:  # noqa: BLE001  # the code of an annotation may raise anything
        # Its names may be known to type checkers only. Then the returned value decides.
        return PlannedResult(annotation=annotation, status=status), None
    fault = _status_fault(handler, status, evaluated)
    members = [member for member in _members(evaluated) if not _is_other(member)]
    schema = None
    own_fault = None
    if not is_async_generator_function(handler) and members and all(_is_declared(member, own) for member in members):
        schema, own_fault = _schema_of(handler, members, schemas)
    return PlannedResult(annotation=evaluated, schema=schema, status=status), fault or own_fault


def _members(annotation: object) -> Iterator[Any]:
    if is_union(annotation):
        for member in get_args(annotation):
            yield from _members(member)
    else:
        yield annotation


def _is_other(member: object) -> bool:
    return member is None or (isinstance(member, type) and issubclass(member, _OTHERS))


def _is_declared(member: Any, own: Sequence[type]) -> bool:
    """Return whether an annotation says how its values are encoded."""
    origin = get_origin(member)
    if origin is Annotated:
        return _is_declared(get_args(member)[0], own)
    if origin in {list, dict}:
        arguments = get_args(member)
        is_known = not any(argument is Any or argument is object for argument in arguments)
        return is_known and not any(issubclass(origin, base) for base in own)
    kind = origin if isinstance(origin, type) else member
    if not isinstance(kind, type) or any(issubclass(kind, base) for base in own):
        return False
    return _has_fields(kind)


def _has_fields(kind: type) -> bool:
    # Models of pydantic have "model_fields"; a plugin has their schemas.
    return layout_of(kind) is not None or is_named_tuple(kind) or hasattr(kind, "model_fields")


def has_classes(annotation: object) -> bool:
    """Return whether an annotation has a class with fields, whose values may have more than it declares."""
    kind = get_origin(annotation) or annotation
    if isinstance(kind, type) and _has_fields(kind):
        return True
    return any(has_classes(argument) for argument in get_args(annotation))


def _schema_of(
    handler: object, members: Sequence[Any], schemas: SchemaCompiler
) -> tuple[Schema | None, HandlerFault | None]:
    try:
        return schemas.compile(Union[tuple(members)]), None  # noqa: UP007  # the members are computed
    except UnsupportedType as error:
        return None, _default_fault(handler, error) if error.fix else None


def _default_fault(handler: object, error: UnsupportedType) -> HandlerFault:
    return HandlerFault(
        f"handler {describe_handler(handler)} returns a class that cannot be used: {error}",
        SHARED,
        error.fix,
        code="TB616",
    )


def _status_fault(handler: object, status: int | None, annotation: object) -> HandlerFault | None:
    if status is None:
        return None
    if not isinstance(status, int) or not 200 <= status <= 599:
        return HandlerFault(
            f"handler {describe_handler(handler)} has the status {status!r}",
            "a response has a final status, from 200 to 599",
            "write a status such as status=201",
            code="TB617",
        )
    if status in {204, 205, 304} and annotation not in (None, type(None)) and not isinstance(annotation, type(...)):
        shown = show_annotation(annotation)
        if annotation is not Any and "empty" not in shown and not _may_be_response(annotation):
            return HandlerFault(
                f"handler {describe_handler(handler)} has the status {status}, but is annotated '-> {shown}'",
                f"a response with status {status} has no content (RFC 9110, section 15)",
                "write '-> None', or another status",
                code="TB617",
            )
    return None


def _may_be_response(annotation: object) -> bool:
    return any(isinstance(member, type) and issubclass(member, Response) for member in _members(annotation))
