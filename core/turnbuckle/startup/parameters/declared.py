"""Read the declaration of a parameter: its annotation, its marker and its default."""

from __future__ import annotations

import inspect
import re
from collections import abc
from collections.abc import Callable, Collection, Iterator
from typing import Annotated, Any, Final, TypeVar, get_args, get_origin

import attrs

from turnbuckle.startup.model.diagnostics import HandlerFault
from turnbuckle.web.annotations import evaluate_annotation, return_annotation, show_annotation
from turnbuckle.web.foreign_names import IMPORTED_NAMES
from turnbuckle.web.handlers import describe_handler
from turnbuckle.web.parameters.markers import Marker, is_marker

__all__ = ["DeclaredParameter", "ParameterProblem", "read_parameter", "refuse_type_variable"]

# Markers of other frameworks, as annotations and as defaults.
_FOREIGN: Final = {
    **{name: IMPORTED_NAMES[name] for name in ("Depends", "Security", "Provide", "Inject", "Path")},
    **{name: f"take {name} from turnbuckle" for name in ("Query", "Header", "Cookie", "Body", "Form")},
    "File": "take Upload from turnbuckle",
    "Parameter": "take Query, Header or Cookie from turnbuckle",
}


class ParameterProblem(Exception):
    """A parameter cannot be supplied; ``fault`` describes it."""

    def __init__(self, fault: HandlerFault) -> None:
        super().__init__(fault.text)
        self.fault: Final = fault


@attrs.frozen(kw_only=True)
class DeclaredParameter:
    """A parameter as its function declares it.

    Attributes:
        function: the function.
        parameter: the parameter, as Python describes it.
        annotation: its type, without markers.
        marker: its marker, if any.
        custom: its marker of a plugin, if any.
    """

    function: Callable[..., object]
    parameter: inspect.Parameter
    annotation: object
    marker: Marker | None = None
    custom: object = None

    @property
    def name(self) -> str:
        """Its name."""
        return self.parameter.name

    @property
    def shown(self) -> str:
        """The parameter as it is written."""
        return f"{self.name}: {show_annotation(self.parameter.annotation)}"

    @property
    def has_default(self) -> bool:
        """Whether it has a default."""
        return self.parameter.default is not inspect.Parameter.empty

    def problem(self, code: str, text: str, why: str, fix: str) -> ParameterProblem:
        """Return a problem of this parameter; the subject of the text is the parameter."""
        return ParameterProblem(
            HandlerFault(f"parameter {self.shown!r} of {describe_handler(self.function)} {text}", why, fix, code=code)
        )


def read_parameter(
    function: Callable[..., object], parameter: inspect.Parameter, custom: Collection[type] = ()
) -> DeclaredParameter:
    """Return the declaration of an annotated parameter.

    Args:
        function: the function.
        parameter: the parameter.
        custom: the classes of markers of plugins.

    Raises:
        ParameterProblem: the annotation cannot be evaluated, or its marker is misplaced.
    """
    declared = DeclaredParameter(function=function, parameter=parameter, annotation=parameter.annotation)
    try:
        annotation = evaluate_annotation(parameter.annotation, function)
    except Exception as error:  # noqa: BLE001  # the code of an annotation may raise anything
        raise declared.problem(
            "TB613",
            f"has an annotation that cannot be evaluated: {error}",
            "the type of a parameter decides its supplier, so it must be known at startup",
            "define or import the name in the module itself, not in a function or under 'if TYPE_CHECKING'",
        ) from None
    _refuse_function(declared, annotation)
    _refuse_marker_as_default(declared)
    if is_marker(annotation):
        raise _bare_marker(declared, show_annotation(annotation))
    if get_origin(annotation) is not Annotated:
        _refuse_inner_markers(declared, annotation)
        return attrs.evolve(declared, annotation=annotation)
    base, *metadata = get_args(annotation)
    _refuse_inner_markers(declared, base)
    own = [entry for entry in metadata if is_marker(entry)]
    others = [entry for entry in metadata if type(entry) in custom or entry in custom]
    for entry in metadata:
        _refuse_foreign(declared, entry, custom)
    if len(own) + len(others) > 1:
        raise declared.problem(
            "TB614",
            "has several markers",
            "a marker names the part of the request that the value comes from, and there is one value",
            "leave one of them",
        )
    rest = [entry for entry in metadata if entry not in own and entry not in others]
    return attrs.evolve(
        declared,
        annotation=Annotated[(base, *rest)] if rest else base,
        marker=_instance(own[0]) if own else None,
        custom=_instance(others[0]) if others else None,
    )


def _bare_marker(declared: DeclaredParameter, marker: str) -> ParameterProblem:
    return declared.problem(
        "TB614",
        "has a marker in place of a type",
        "a marker names the part of the request, and a value of it is converted by the type",
        f"write the type in brackets, such as '{declared.name}: {marker}[str]'",
    )


def _instance(entry: Any) -> Any:
    return entry() if isinstance(entry, type) else entry


def _refuse_function(declared: DeclaredParameter, annotation: object) -> None:
    """Refuse a function in the place of the type that it supplies, or in the place of its value."""
    default = declared.parameter.default
    function, noun = (annotation, "annotation") if inspect.isfunction(annotation) else (default, "default")
    if not inspect.isfunction(function) or abc.Callable in {annotation, get_origin(annotation)}:
        return
    returned = return_annotation(function)
    kind = "its type" if returned is inspect.Parameter.empty else show_annotation(returned)
    raise declared.problem(
        "TB614",
        f"has the function {function.__name__} as its {noun}",
        "a parameter is supplied by its type, and the function that supplies the type is under @app.supply",
        f"write @app.supply above {function.__name__}, and '{declared.name}: {kind}' without a default here",
    )


def refuse_type_variable(declared: DeclaredParameter) -> None:
    """Refuse a type variable in the type of a parameter.

    Raises:
        ParameterProblem: there is one.
    """
    annotation = declared.annotation
    variables = getattr(annotation, "__parameters__", ()) if get_origin(annotation) is not None else ()
    variable = annotation if isinstance(annotation, TypeVar) else next(iter(variables), None)
    if variable is not None:
        shown = show_annotation(declared.parameter.annotation)
        raise declared.problem(
            "TB611",
            f"has the type variable {variable.__name__} in its type",
            "values are converted by their types, and a type variable stands for any type",
            f"write a class in its place, as in '{declared.name}: {_without(variable.__name__, shown)}'",
        )


def _without(variable: str, shown: str) -> str:
    return re.sub(rf"~?\b{re.escape(variable)}\b", "Note", shown)


def _refuse_inner_markers(declared: DeclaredParameter, annotation: object) -> None:
    marker = next((entry for entry in _inner_metadata(annotation) if is_marker(entry)), None)
    if marker is not None:
        name = (marker if isinstance(marker, type) else type(marker)).__name__
        raise declared.problem(
            "TB614",
            f"has the marker {name} inside its type",
            "a marker applies to the parameter as a whole",
            f"write it around the whole type, as in {name}[int | None]",
        )


def _inner_metadata(annotation: object) -> Iterator[object]:
    for argument in get_args(annotation):
        if get_origin(argument) is Annotated:
            yield from get_args(argument)[1:]
        yield from _inner_metadata(argument)


def _refuse_marker_as_default(declared: DeclaredParameter) -> None:
    default = declared.parameter.default
    if not declared.has_default:
        return
    if is_marker(default):
        name = (default if isinstance(default, type) else type(default)).__name__
        shown = show_annotation(declared.parameter.annotation)
        raise declared.problem(
            "TB614",
            f"has the marker {name} as its default",
            "a marker belongs to the annotation; a default is a value",
            f"write '{declared.name}: Annotated[{shown}, {name}(...)]', and its default after '='",
        )
    _refuse_foreign(declared, default, ())


def _refuse_foreign(declared: DeclaredParameter, entry: object, custom: Collection[type]) -> None:
    kind = entry if isinstance(entry, type) else type(entry)
    name = kind.__name__
    if kind in custom or issubclass(kind, Marker) or kind.__module__.startswith("pathlib"):
        return
    fix = _FOREIGN.get(name) or _FOREIGN.get(name.capitalize() if name.islower() else name)
    if fix:
        raise declared.problem(
            "TB614",
            f"has the marker {kind.__module__}.{name}, which is unknown here",
            "a marker is one of Turnbuckle's, or one that an enabled plugin provides",
            fix,
        )
