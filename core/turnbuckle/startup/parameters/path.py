"""Compare the parameters of a path with the annotations of the parameters that receive them.

The converter in the path makes the value. If it leaves a text, the annotation of the handler may convert it further,
such as to an Enum; a constraint in the annotation is checked in any case.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Final, Literal, get_origin

from turnbuckle.plan import PlannedParameter
from turnbuckle.routing.converters import Converter
from turnbuckle.schema.faults import UnsupportedType
from turnbuckle.schema.schema import Schema, SchemaCompiler
from turnbuckle.startup.model.diagnostics import HandlerFault
from turnbuckle.startup.parameters.declared import DeclaredParameter, ParameterProblem, read_parameter
from turnbuckle.web.annotations import annotated_classes, show_annotation
from turnbuckle.web.handlers import describe_handler

__all__ = ["path_parameter"]

_EMPTY: Final = inspect.Parameter.empty
# The converter whose values have a class.
_CONVERTERS: Final = {"int": "int", "float": "float", "UUID": "uuid", "date": "date", "str": "str"}


def path_parameter(
    function: Callable[..., object], parameter: inspect.Parameter, converter: Converter | None, schemas: SchemaCompiler
) -> PlannedParameter:
    """Return a parameter that the path supplies.

    Args:
        function: the function.
        parameter: its parameter.
        converter: the converter in the path; None if it is not known.
        schemas: compiles the schemas of the scope.

    Raises:
        ParameterProblem: the annotation does not fit the converter.
    """
    name = parameter.name
    value = value_class(converter)
    schema, annotation = None, parameter.annotation
    if annotation is not _EMPTY and annotation is not value:
        declared = _declared(function, parameter)
        annotation = _EMPTY if declared is None else declared.annotation
        if declared is not None:
            _refuse_marker(declared)
            schema = _schema_of(declared, value, schemas)
    return PlannedParameter(
        name=name,
        source="path",
        alias=name,
        annotation=value if annotation is _EMPTY else annotation,
        schema=schema,
        is_text=value is None or value is str,
        is_keyword=parameter.kind is parameter.KEYWORD_ONLY,
        supplier=f"path parameter {name!r}",
    )


def _declared(function: Callable[..., object], parameter: inspect.Parameter) -> DeclaredParameter | None:
    """Return the declaration of a parameter, or None if its annotation cannot be evaluated."""
    try:
        return read_parameter(function, parameter)
    except ParameterProblem as problem:
        if problem.fault.code != "TB613":
            raise
        # The value does not depend on the annotation, which may be for type checkers only.
        return None


def _refuse_marker(declared: DeclaredParameter) -> None:
    if declared.marker is not None:
        name = type(declared.marker).__name__
        raise declared.problem(
            "TB614",
            f"has the marker {name}, but is a parameter of the path",
            "the path has a parameter of this name, which takes precedence",
            f"remove the marker, or rename the parameter and write {name}(alias={declared.name!r})",
        )


def _schema_of(declared: DeclaredParameter, value: type | None, schemas: SchemaCompiler) -> Schema | None:
    """Return the schema that converts or checks the value of the converter, or None if it needs neither."""
    annotation = declared.annotation
    classes = annotated_classes(annotation, declared.function)
    fits = value is None or any(_fits(value, kind) for kind in classes)
    if fits and get_origin(annotation) not in {Annotated, Literal}:
        return None
    if not fits and value is not str:
        raise _misfit(declared, classes, value or str)
    try:
        schema = schemas.compile(annotation)
    except UnsupportedType:
        schema = None
    if schema is not None and schema.is_scalar:
        return schema
    if fits:
        return None
    raise _misfit(declared, classes, value or str)


def _misfit(declared: DeclaredParameter, classes: tuple[type, ...], value: type) -> ParameterProblem:
    name, shown = declared.name, show_annotation(declared.parameter.annotation)
    expected = next((kind for kind in classes if kind is not type(None)), object)
    return ParameterProblem(
        HandlerFault(
            f"handler {describe_handler(declared.function)} takes '{name}: {shown}', "
            f"but its value is of type {value.__name__}",
            "the converter of a path parameter decides the type of its value; without one it is a str",
            _misfit_fix(name, expected, value),
        )
    )


def _misfit_fix(name: str, expected: type, value: type) -> str:
    converter = _CONVERTERS.get(expected.__name__)
    if converter == "str":
        return f"write '{name}: {value.__name__}' in the handler, or '{{{name}}}' in the path"
    if converter is not None:
        return f"write '{{{name}:{converter}}}' in the path"
    made = f"{expected.__name__}({name})"
    return f"write '{name}: {value.__name__}' and make {made} in the handler, or add a converter: App(converters=...)"


def value_class(converter: Converter | None) -> type | None:
    """Return the class of the values of a converter, or None if it is not known."""
    if converter is None:
        return None
    convert: object = converter.convert
    if isinstance(convert, type):
        return convert
    annotation = getattr(convert, "__annotations__", {}).get("return", _EMPTY)
    owner = getattr(convert, "__self__", None)
    if isinstance(owner, type) and getattr(convert, "__name__", "") == "fromisoformat":
        return owner
    classes = annotated_classes(annotation, convert) if annotation is not _EMPTY else ()
    return classes[0] if len(classes) == 1 and classes[0] is not object else None


def _fits(value: type, kind: type) -> bool:
    # An int is accepted where a float is expected (PEP 484).
    if kind in {float, complex} and value is int:
        return True
    try:
        return issubclass(value, kind)
    except TypeError:
        return True
