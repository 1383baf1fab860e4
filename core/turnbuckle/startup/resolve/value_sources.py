"""Describe how a handler reads a value that is no argument: from the query, the content, a header or a lifespan.

Handlers written for other frameworks have parameters, defaults and markers such as ``Depends(...)`` for these values.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Annotated, Any, Final, get_args, get_origin

from turnbuckle.web.annotations import annotated_classes
from turnbuckle.web.response.response import Response

__all__ = ["how_to_read"]

_FROM_LIFESPAN: Final = "provide it with a lifespan, and read it: {name} = request.resource({key})"
_MARKERS: Final[Mapping[str, str]] = {
    "depends": _FROM_LIFESPAN,
    "security": _FROM_LIFESPAN,
    "inject": _FROM_LIFESPAN,
    "provide": _FROM_LIFESPAN,
    "provider": _FROM_LIFESPAN,
    "dependency": _FROM_LIFESPAN,
    "query": "read it: {name} = request.query_params.get({name!r})",
    "queryparam": "read it: {name} = request.query_params.get({name!r})",
    "header": "read it: {name} = request.headers.get({header!r})",
    "cookie": "read it: {name} = request.cookies.get({name!r})",
    "body": "read it: {name} = await request.json()",
    "form": "read it: {name} = (await request.form()).get({name!r})",
    "file": "read it: {name} = (await request.form()).files.get({name!r})",
    "path": "write '{{{name}}}' in the path",
}
_NUMBERS: Final = (int, float)


def how_to_read(handler: object, parameter: inspect.Parameter, called: str = "") -> str:
    """Return how a handler reads the value of a parameter that it cannot have.

    Args:
        handler: the handler.
        parameter: the parameter.
        called: name of the function whose call is the default, such as ``Depends``.
    """
    name = parameter.name
    for marker in (*_markers_of(parameter), called):
        if text := _MARKERS.get(marker.lower()):
            return text.format(name=name, key=name.upper(), header=name.replace("_", "-"))
    annotation = parameter.annotation
    known = annotated_classes(annotation, handler) if annotation is not parameter.empty else ()
    kind = next((kind for kind in known if kind is not type(None)), object)
    if issubclass(kind, Response):
        return "return a Response instead of taking one"
    if _is_record(kind):
        return f"read the content: {name} = {kind.__name__}(**await request.json())"
    return f"read it from the query: {name} = {_query_reading(parameter, kind)}"


def _markers_of(parameter: inspect.Parameter) -> list[str]:
    markers: list[Any] = [parameter.default] if parameter.default is not parameter.empty else []
    if get_origin(parameter.annotation) is Annotated:
        markers += get_args(parameter.annotation)[1:]
    return [marker.__name__ if isinstance(marker, type) else type(marker).__name__ for marker in markers]


def _is_record(kind: type) -> bool:
    if kind is dict:
        return True
    fields = ("__attrs_attrs__", "__dataclass_fields__", "__struct_fields__", "model_fields")
    return any(hasattr(kind, name) for name in fields)


def _query_reading(parameter: inspect.Parameter, kind: type) -> str:
    name, default = parameter.name, parameter.default
    if issubclass(kind, list | tuple | set):
        return f"request.query_params.get_list({name!r})"
    number = kind if kind in _NUMBERS else type(default) if type(default) in _NUMBERS else None
    if default is parameter.empty:
        text = f"request.query_params[{name!r}]"
    elif default is None or not isinstance(default, str | int | float):
        return f"request.query_params.get({name!r})"
    else:
        text = f"request.query_params.get({name!r}, {str(default)!r})"
    return f"{number.__name__}({text})" if number is not None else text
