"""Write the patterns of routes as path templates of OpenAPI, and their converters as JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

import attrs

from turnbuckle import CONVERTERS, Converter, Pattern, Segment, parse_pattern
from turnbuckle_contrib.openapi.records import JSONObject

__all__ = ["PathTemplate", "path_template"]

# pchar without "%" (RFC 3986, section 3.3).
_SAFE: Final = "-._~!$&'()*+,;=:@"
_SCHEMAS: Final[Mapping[str, JSONObject]] = {
    "str": {"type": "string", "minLength": 1},
    "int": {"type": "integer", "minimum": 0},
    "float": {"type": "number", "minimum": 0},
    "uuid": {"type": "string", "format": "uuid"},
    "date": {"type": "string", "format": "date"},
    "path": {"type": "string"},
}


@attrs.frozen
class PathTemplate:
    """A path template.

    Attributes:
        text: the template, such as ``/notes/{id}``.
        parameters: the JSON Schema of each parameter by its name, from left to right.
        key: the template without the names of its parameters; two templates with one key are the same path.
        is_total: whether every text is a value of its parameters, so that no request for it is answered with 404.
    """

    text: str
    parameters: Mapping[str, JSONObject]
    key: str
    is_total: bool

    def renamed(self, first: PathTemplate) -> Mapping[str, str]:
        """Return the names in the template ``first`` for the names here; both have the same key."""
        return dict(zip(self.parameters, first.parameters, strict=True))


def path_template(path: str, converters: Mapping[str, object]) -> PathTemplate:
    """Return the template of a route's path.

    Raises:
        RouteError: the path has the syntax of another router.
    """
    pattern: Pattern = parse_pattern(path, converters)  # type: ignore[arg-type]  # the converters of the plan
    parameters = {parameter.name: _schema(parameter.kind, parameter.converter) for parameter in pattern.parameters}
    return PathTemplate(
        text="".join("/" + _text(segment, named=True) for segment in pattern.segments),
        parameters=parameters,
        key="".join("/" + _text(segment, named=False) for segment in pattern.segments),
        is_total=all(parameter.kind in ("str", "path") for parameter in pattern.parameters),
    )


def _text(segment: Segment, *, named: bool) -> str:
    names = [parameter.name if named else "" for parameter in segment.parameters]
    parts = [quote(segment.literals[0], safe=_SAFE)]
    for name, literal in zip(names, segment.literals[1:], strict=True):
        parts += [f"{{{name}}}", quote(literal, safe=_SAFE)]
    return "".join(parts)


def _schema(kind: str, converter: Converter) -> JSONObject:
    """Return the JSON Schema of a converter; a converter of the app has the pattern of its expression."""
    if kind in _SCHEMAS and CONVERTERS[kind] is converter:
        return dict(_SCHEMAS[kind])
    return {"type": "string", "pattern": f"^(?:{converter.regex})$"}
