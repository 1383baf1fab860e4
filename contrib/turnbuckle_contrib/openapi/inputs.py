"""Describe the input of an operation: the objects ``parameters`` and ``requestBody``.

A handler's signature is resolved at startup. Suppliers and guards may have parameters that are read from the request as
well, so these are searched too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

import attrs

from turnbuckle import HTTPError, InvalidInput, NotFound, PlannedParameter, PlannedSignature, PlannedSupplier
from turnbuckle_contrib.openapi.paths import PathTemplate
from turnbuckle_contrib.openapi.records import JSONObject
from turnbuckle_contrib.openapi.schemas import Schemas, as_json

__all__ = ["Inputs", "describe_inputs", "suppliers_of"]

_IN_PARAMETERS: Final = ("query", "header", "cookie")
_IN_CONTENT: Final = ("form", "file", "body")
# OpenAPI 3.1.0, section 4.8.12.2.1: parameters with these names are ignored.
_IGNORED_HEADERS: Final = frozenset({"accept", "content-type", "authorization"})
_TEXTS: Final = frozenset({"title", "description", "examples", "deprecated"})
_JSON: Final = "application/json"
_OCTETS: Final = "application/octet-stream"
_TEXT: Final = "text/plain"
_LINES: Final = "application/x-ndjson"
_FILE: Final[JSONObject] = {"type": "string", "format": "binary"}


@attrs.frozen(kw_only=True)
class Inputs:
    """The input of an operation.

    Attributes:
        parameters: Parameter Objects.
        content: the Request Body Object, or None.
        errors: the errors that requests are refused with before the handler is called, with their statuses.
    """

    parameters: Sequence[JSONObject]
    content: JSONObject | None
    errors: Sequence[tuple[int, type[HTTPError]]]


def describe_inputs(
    signature: PlannedSignature, template: PathTemplate, first: PathTemplate, schemas: Schemas
) -> Inputs:
    """Return the input of an operation.

    Args:
        signature: the signature of its handler.
        template: the path of its route.
        first: the same path with the names of parameters that the document uses.
        schemas: where classes are defined.
    """
    given = list(_read_from_request(signature))
    by_path = {parameter.alias or parameter.name: parameter for parameter in given if parameter.source == "path"}
    parameters = [
        _path_parameter(new_name, template.parameters[name], by_path.get(name), schemas)
        for name, new_name in template.renamed(first).items()
    ]
    for parameter in given:
        if parameter.source in _IN_PARAMETERS:
            parameters += _parameters(parameter, schemas)
    in_content = [parameter for parameter in given if parameter.source in _IN_CONTENT]
    return Inputs(
        parameters=_unique(parameters),
        content=_request_body(in_content, schemas) if in_content else None,
        errors=tuple(_errors(template, given)),
    )


def suppliers_of(signature: PlannedSignature) -> Iterator[PlannedSupplier]:
    """Yield the guards of a handler, and the functions that supply its parameters, with their own suppliers."""
    given = (parameter.given for parameter in signature.parameters)
    for supplier in (*signature.guards, *(value for value in given if isinstance(value, PlannedSupplier))):
        yield supplier
        yield from suppliers_of(supplier.signature)


def _errors(template: PathTemplate, parameters: Sequence[PlannedParameter]) -> Iterator[tuple[int, type[HTTPError]]]:
    sources = {parameter.source for parameter in parameters}
    in_path = [parameter for parameter in parameters if parameter.source == "path"]
    if not template.is_total or any(parameter.schema is not None for parameter in in_path):
        yield 404, NotFound
    if sources.intersection((*_IN_PARAMETERS, *_IN_CONTENT)):
        yield 422, InvalidInput
    if sources.intersection(_IN_CONTENT):
        yield from ((status, InvalidInput) for status in (400, 413, 415))


def _read_from_request(signature: PlannedSignature) -> Iterator[PlannedParameter]:
    """Yield the parameters that are read from the request, in the order in which they are read, each once."""
    seen: set[tuple[str, str]] = set()
    signatures = [*(supplier.signature for supplier in suppliers_of(signature)), signature]
    for parameter in (parameter for found in signatures for parameter in found.parameters):
        key = (parameter.source, parameter.alias or parameter.name)
        if parameter.source in ("path", *_IN_PARAMETERS, *_IN_CONTENT) and key not in seen:
            seen.add(key)
            yield parameter


def _path_parameter(
    name: str, converter: JSONObject, parameter: PlannedParameter | None, schemas: Schemas
) -> JSONObject:
    found: JSONObject = {"name": name, "in": "path", "required": True}
    schema = converter
    if parameter is not None:
        found |= _described(parameter)
        if parameter.schema is not None:
            typed = schemas.of(parameter.schema, "in")
            # The converter knows more about a number than its type does, for example that it has no sign.
            schema = {**converter, **typed} if typed.get("type") == converter.get("type") else typed
    return {**found, "schema": schema}


def _parameters(parameter: PlannedParameter, schemas: Schemas) -> Iterator[JSONObject]:
    schema = _schema(parameter, schemas)
    members = schemas.resolved(schema).get("properties") if parameter.source == "query" else None
    if members is not None:
        # The fields of a class are separate parameters of the query.
        required = schemas.resolved(schema).get("required", ())
        for name, member in members.items():
            found = {"name": name, "in": "query"} | ({"required": True} if name in required else {})
            yield {**found, "schema": member}
        return
    name = parameter.alias or parameter.name
    if parameter.source == "header" and name.lower() in _IGNORED_HEADERS:
        return
    found = {"name": name, "in": parameter.source}
    if parameter.is_required:
        found["required"] = True
    yield {**found, **_described(parameter), "schema": schema}


def _described(parameter: PlannedParameter, *, is_schema: bool = False) -> JSONObject:
    """Return the texts about a parameter for a Parameter Object, or for a schema, whose examples are a list."""
    found: JSONObject = {}
    if parameter.description:
        found["description"] = parameter.description
    if parameter.deprecated:
        found["deprecated"] = True
    if examples := _examples(parameter):
        found["examples"] = [example["value"] for example in examples.values()] if is_schema else examples
    return found


def _examples(parameter: PlannedParameter) -> JSONObject:
    examples = {}
    for number, example in enumerate(parameter.examples, 1):
        with suppress(TypeError, ValueError):
            examples[f"example{number}"] = {"value": as_json(example, parameter.schema)}
    return examples


def _schema(parameter: PlannedParameter, schemas: Schemas) -> JSONObject:
    """Return the schema of a parameter with its title and default, which a reference may have beside it."""
    if parameter.source == "file":
        schema = {"type": "array", "items": dict(_FILE)} if parameter.is_list else dict(_FILE)
    else:
        schema = dict(schemas.of(parameter.schema, "in")) if parameter.schema is not None else {"type": "string"}
    if parameter.source != "body":
        schema = _without_null(schema)
    # The object around the schema has these texts.
    schema = {name: value for name, value in schema.items() if name not in _TEXTS}
    if parameter.title:
        schema["title"] = parameter.title
    if not parameter.is_required and parameter.default is not None and parameter.default_factory is None:
        with suppress(TypeError, ValueError):
            schema["default"] = as_json(parameter.default, parameter.schema)
    return schema


def _without_null(schema: JSONObject) -> JSONObject:
    """Return a schema without null, which no text of a query, header, cookie or form can be."""
    if "anyOf" not in schema:
        return schema
    others = [choice for choice in schema["anyOf"] if choice != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**others[0], **rest} if len(others) == 1 else {**rest, "anyOf": others}


def _request_body(parameters: Sequence[PlannedParameter], schemas: Schemas) -> JSONObject:
    body = [parameter for parameter in parameters if parameter.source == "body"]
    if not body:
        return _form(parameters, schemas)
    media_type = body[0].media_type
    media: JSONObject = {"schema": _schema_of_content(body[0], schemas)}
    if examples := _examples(body[0]):
        media["examples"] = examples
    found: JSONObject = {"content": {media_type: media}}
    if body[0].description:
        found["description"] = body[0].description
    # Other content may be empty: no bytes, an empty text, no lines.
    if body[0].is_required and media_type == _JSON:
        found["required"] = True
    return found


def _schema_of_content(parameter: PlannedParameter, schemas: Schemas) -> JSONObject:
    """Return the schema of the whole content; of lines, it is the schema of each line."""
    if parameter.media_type == _OCTETS:
        return dict(_FILE)
    schema = _schema(parameter, schemas)
    if parameter.media_type == _LINES:
        return {"type": "string", "contentMediaType": _LINES, "contentSchema": schema}
    return _without_null(schema) if parameter.media_type == _TEXT else schema


def _form(parameters: Sequence[PlannedParameter], schemas: Schemas) -> JSONObject:
    properties: JSONObject = {}
    required: list[str] = []
    for parameter in parameters:
        schema = _schema(parameter, schemas)
        members = schemas.resolved(schema)
        if parameter.source == "form" and "properties" in members:
            properties |= members["properties"]
            required += members.get("required", ())
            continue
        name = parameter.alias or parameter.name
        properties[name] = {**schema, **_described(parameter, is_schema=True)}
        required += [name] if parameter.is_required else []
    schema = {"type": "object", "properties": properties} | ({"required": required} if required else {})
    has_file = any(parameter.source == "file" for parameter in parameters)
    types = ["multipart/form-data"] if has_file else ["application/x-www-form-urlencoded", "multipart/form-data"]
    found: JSONObject = {"content": {media_type: {"schema": schema} for media_type in types}}
    return {**found, "required": True} if required else found


def _unique(parameters: Sequence[JSONObject]) -> list[JSONObject]:
    by_key = {(parameter["in"], parameter["name"]): parameter for parameter in reversed(parameters)}
    return list(reversed(by_key.values()))
