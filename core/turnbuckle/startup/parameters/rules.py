"""Find the supplier of one parameter, by rules that are tried in order; docs/learn/parameters.md lists them.

The first rule that applies decides. If none does, the parameter is a problem: no rule guesses.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Annotated, Any, Final, TypeAlias, get_args, get_origin

import attrs

from turnbuckle.diagnostics import Sourced
from turnbuckle.plan import ParameterSource, PlannedParameter, PlannedSupplier
from turnbuckle.records import MarkedParameter, ParameterProvider
from turnbuckle.schema.faults import SchemaError, UnsupportedType
from turnbuckle.schema.hints import is_union
from turnbuckle.schema.schema import Schema, SchemaCompiler
from turnbuckle.startup.parameters.declared import DeclaredParameter, ParameterProblem, refuse_type_variable
from turnbuckle.startup.parameters.results import SHARED
from turnbuckle.startup.parameters.suppliers import Suppliers, form_of
from turnbuckle.web.annotations import annotated_classes, show_annotation
from turnbuckle.web.content.codecs import JSON_TYPE
from turnbuckle.web.content.uploads import UploadedFile
from turnbuckle.web.parameters.markers import Marker
from turnbuckle.web.parameters.text_content import BYTES_TYPE, LINES_TYPE, TEXT_TYPE
from turnbuckle.web.request.request import Request
from turnbuckle.web.request.session import Session
from turnbuckle.web.response.response import Response
from turnbuckle.web.websocket.socket import WebSocket

__all__ = ["SupplierOf", "supply_parameter"]

SupplierOf: TypeAlias = Callable[[Callable[..., object], Sourced[ParameterProvider], object], PlannedSupplier]
"""``supplier_of(function, provider, key)`` returns the supplier for a function, with its own parameters resolved."""

_CONTENT_WHY: Final = "a class without a marker is the content of the request, a scalar is a parameter of the query"
_CONSTRAINTS: Final = ("ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length", "pattern")
_NOUNS: Final[Mapping[str, str]] = {
    "query": "query parameter",
    "header": "header",
    "cookie": "cookie",
    "form": "form field",
    "file": "uploaded file",
    "body": "content",
}
_UPLOADS: Final = (UploadedFile, list[UploadedFile])
# Fixes for types without a schema, by words of the reason.
_SCHEMA_FIXES: Final[Mapping[str, str]] = {
    "pydantic_models": 'enable the plugin: App(plugins=["pydantic_models"])',
    "not a global name": "define or import it in that module, not in a function or under 'if TYPE_CHECKING'",
}
_MUTABLE: Final = (list, dict, set, bytearray)


_SCHEMAS: Final = SchemaCompiler()


def supply_parameter(
    declared: DeclaredParameter, suppliers: Suppliers, supplier_of: SupplierOf, schemas: SchemaCompiler = _SCHEMAS
) -> PlannedParameter:
    """Return a parameter with its supplier.

    Args:
        declared: the parameter.
        suppliers: the suppliers in the scope of its function.
        supplier_of: resolves the function of a provider.
        schemas: compiles the schemas of the scope.

    Raises:
        ParameterProblem: nothing supplies it, or its declaration contradicts itself.
    """
    refuse_type_variable(declared)
    _refuse_mutable_default(declared)
    if declared.marker is not None:
        if declared.marker.source == "body" and _item_of_lines(declared.annotation) is not None:
            return _lines(declared, declared.marker, suppliers, schemas)
        return _marked(declared, declared.marker, schemas)
    if declared.custom is not None:
        return _custom(declared, suppliers, supplier_of)
    if declared.annotation is Request:
        return _planned(declared, "request", supplier="the request")
    if declared.annotation is WebSocket:
        return _planned(declared, "websocket", supplier="the WebSocket")
    provider = suppliers.of_type(declared.annotation)
    if provider is not None and provider.record.value is not None:
        supplier = supplier_of(provider.record.value, provider, provider.record.type)
        return _planned(
            declared,
            "supply" if provider.origin.plugin == "app" else "provider",
            supplier=supplier.name,
            origin=provider.origin,
            given=supplier,
        )
    if keys := suppliers.resources_of(declared.annotation):
        if len(keys) > 1:
            raise _several_resources(declared, [str(key) for key, _ in keys])
        [(key, origin)] = keys
        return _planned(declared, "resource", supplier=str(key), origin=origin, given=key)
    return _read_from_request(declared, suppliers, schemas)


def _planned(declared: DeclaredParameter, source: ParameterSource, **more: Any) -> PlannedParameter:
    parameter = declared.parameter
    return PlannedParameter(
        name=declared.name,
        source=source,
        annotation=declared.annotation,
        is_required=not declared.has_default,
        default=parameter.default if declared.has_default else None,
        is_keyword=parameter.kind is parameter.KEYWORD_ONLY,
        **more,
    )


def _read_from_request(declared: DeclaredParameter, suppliers: Suppliers, schemas: SchemaCompiler) -> PlannedParameter:
    if _is_upload(declared.annotation):
        return _upload(declared, Marker())
    if declared.annotation is Any or declared.annotation is object:
        raise _unsupplied(declared, suppliers, "it may be anything")
    if _item_of_lines(declared.annotation) is not None:
        return _lines(declared, Marker(), suppliers, schemas)
    try:
        schema = schemas.compile(declared.annotation)
    except UnsupportedType as error:
        if error.fix:
            raise _mutable_field(declared, error) from None
        raise _unsupplied(declared, suppliers, str(error)) from None
    source: ParameterSource = "query" if schema.is_scalar or schema.is_list_of_scalars else "body"
    return _with_schema(declared, source, Marker(), schema)


# -- markers


def _marked(declared: DeclaredParameter, marker: Marker, schemas: SchemaCompiler) -> PlannedParameter:
    source = marker.source
    if source == "file" or (source == "form" and _is_upload(declared.annotation)):
        return _upload(declared, marker)
    try:
        schema = schemas.compile(declared.annotation, _constraints(marker))
    except (UnsupportedType, TypeError) as error:
        if isinstance(error, UnsupportedType) and error.fix:
            raise _mutable_field(declared, error) from None
        raise declared.problem(
            "TB614",
            f"cannot be read from the {_NOUNS[source]}: {error}",
            "a value is converted by its type and the constraints of its marker",
            "write a type that has a schema, and constraints that its values can have",
        ) from None
    is_text = schema.is_scalar or (schema.is_list_of_scalars and source != "cookie")
    if source in {"header", "cookie"} and not is_text:
        raise declared.problem(
            "TB614",
            f"cannot be read from a {_NOUNS[source]}",
            f"a {_NOUNS[source]} is a text" + (", or a list of texts" if source == "header" else ""),
            "write a type such as str, int or an Enum, or read the content with Body[...]",
        )
    if source in {"query", "form"} and not is_text and not schema.is_flat:
        raise declared.problem(
            "TB614",
            f"cannot be read from the {_NOUNS[source]}",
            f"a {_NOUNS[source]} is a text; a class is read from several of them if each of its fields is one",
            "write a class whose fields are scalars or lists of scalars, or read the content with Body[...]",
        )
    return _with_schema(declared, source, marker, schema)


def _constraints(marker: Marker) -> tuple[SimpleNamespace, ...]:
    """Return the options of a marker that are set, as an object with these attributes."""
    fields = (field.name for field in attrs.fields(type(marker)) if field.name not in {"alias", "default_factory"})
    given = {name: value for name in fields if (value := getattr(marker, name)) not in (None, "", (), False)}
    return (SimpleNamespace(**given),) if given else ()


def _shown_constraints(marker: Marker) -> str:
    """Return the constraints of a marker as they are written in it, such as ``", ge=1"``."""
    values = ((name, getattr(marker, name)) for name in _CONSTRAINTS)
    return "".join(f", {name}={value!r:.40}" for name, value in values if value not in (None, ""))


def _with_schema(
    declared: DeclaredParameter, source: ParameterSource, marker: Marker, schema: Schema
) -> PlannedParameter:
    _refuse_unfitting_default(declared, schema)
    media_type = _media_type_of(declared, marker) if source == "body" else ""
    noun = _NOUNS[source] if media_type in {"", JSON_TYPE} else f"{_NOUNS[source]} ({media_type})"
    alias = marker.alias or (declared.name.replace("_", "-") if source == "header" else declared.name)
    planned = _planned(
        declared,
        source,
        alias="" if source == "body" else alias,
        schema=schema,
        is_marked=declared.marker is not None,
        media_type=media_type,
        supplier=(noun if source == "body" else f"{noun} {alias!r}") + _shown_constraints(marker),
        **_metadata(marker),
    )
    if marker.default_factory is not None:
        if declared.has_default:
            raise declared.problem(
                "TB616",
                f"has a default_factory and the default {declared.parameter.default!r:.40}",
                "a parameter has one default",
                "remove the default, or the default_factory",
            )
        return attrs.evolve(planned, is_required=False, default_factory=marker.default_factory)
    return planned


def _media_type_of(declared: DeclaredParameter, marker: Marker) -> str:
    """Return the media type of the content that a parameter is read from, by its type without ``| None``."""
    kind, is_annotated = _without_none(declared.annotation), False
    if get_origin(kind) is Annotated:
        kind, is_annotated = get_args(kind)[0], True
    if kind is bytes and (is_annotated or _shown_constraints(marker)):
        raise declared.problem(
            "TB614",
            "has a constraint for bytes",
            "the bytes of the content are not looked at; a limit refuses them while they arrive",
            'write the limit in the route, as in @app.post(path, limits={"content": 2**20})',
        )
    return BYTES_TYPE if kind is bytes else TEXT_TYPE if kind is str else JSON_TYPE


def _without_none(annotation: object) -> Any:
    """Return the other member of a union with None; any other annotation itself."""
    if is_union(annotation):
        members = [member for member in get_args(annotation) if member is not type(None)]
        return members[0] if len(members) == 1 else annotation
    return annotation


def _item_of_lines(annotation: object) -> object:
    """Return the type of the items of an async iterator, which are lines of the content; None for other types."""
    is_lines = get_origin(annotation) in {AsyncIterator, AsyncIterable}
    return get_args(annotation)[0] if is_lines else None


def _lines(
    declared: DeclaredParameter, marker: Marker, suppliers: Suppliers, schemas: SchemaCompiler
) -> PlannedParameter:
    item = _item_of_lines(declared.annotation)
    if _shown_constraints(marker) or marker.default_factory is not None or declared.has_default:
        raise declared.problem(
            "TB614",
            "has a default or a constraint for lines of JSON",
            "content without lines is an iterator without items, and each line is checked by the type of the items",
            f"write '{declared.name}: AsyncIterator[{show_annotation(item)}]' without them",
        )
    if inspect.isfunction(declared.function) and form_of(declared.function) in {"plain", "context"}:
        raise declared.problem(
            "TB614",
            "is an async iterator in a plain 'def'",
            "a plain 'def' cannot iterate over it",
            "write 'async def', or 'for item in request.sync.ndjson()'",
        )
    try:
        schema = schemas.compile(item)
    except UnsupportedType as error:
        raise _unsupplied(declared, suppliers, str(error)) from None
    return _planned(
        declared,
        "body",
        schema=schema,
        is_marked=declared.marker is not None,
        media_type=LINES_TYPE,
        supplier=f"{_NOUNS['body']} ({LINES_TYPE})",
        **_metadata(marker),
    )


def _metadata(marker: Marker) -> dict[str, Any]:
    return {
        "title": marker.title,
        "description": marker.description,
        "examples": tuple(marker.examples),
        "deprecated": marker.deprecated,
    }


def _upload(declared: DeclaredParameter, marker: Marker) -> PlannedParameter:
    kind = _upload_type(declared.annotation)
    if kind is None:
        raise declared.problem(
            "TB614",
            "cannot be an uploaded file",
            "uploads are instances of UploadedFile",
            "write Upload[UploadedFile] or Upload[list[UploadedFile]], or Form[...] for a field that is no file",
        )
    alias = marker.alias or declared.name
    planned = _planned(
        declared,
        "file",
        alias=alias,
        supplier=f"uploaded file {alias!r}",
        is_list=kind is not UploadedFile,
        **_metadata(marker),
    )
    if marker.default_factory is not None:
        return attrs.evolve(planned, is_required=False, default_factory=marker.default_factory)
    allows_none = type(None) in get_args(declared.annotation)
    return attrs.evolve(planned, is_required=False) if allows_none and planned.is_required else planned


def _is_upload(annotation: object) -> bool:
    return _upload_type(annotation) is not None


def _upload_type(annotation: object) -> object:
    """Return the class of an upload, or its list, without ``| None``; None for another type."""
    annotation = _without_none(annotation)
    return annotation if annotation in _UPLOADS else None


def _custom(declared: DeclaredParameter, suppliers: Suppliers, supplier_of: SupplierOf) -> PlannedParameter:
    provider = suppliers.of_marker(declared.custom)
    assert provider is not None
    assert provider.record.factory is not None
    marked = MarkedParameter(
        name=declared.name,
        annotation=declared.annotation,
        marker=declared.custom,
        is_required=not declared.has_default,
        default=declared.parameter.default if declared.has_default else None,
    )
    try:
        function = provider.record.factory(marked)
    except Exception as error:  # a plugin may raise anything
        raise declared.problem(
            "TB614",
            f"is refused by plugin {provider.origin.plugin!r}: {error}",
            "the plugin of the marker decides about the parameters that have it",
            "follow the message of the plugin",
        ) from error
    supplier = supplier_of(function, provider, (type(declared.custom), declared.function, declared.name))
    return _planned(declared, "provider", supplier=supplier.name, origin=provider.origin, given=supplier)


# -- problems


def _refuse_mutable_default(declared: DeclaredParameter) -> None:
    default = declared.parameter.default
    if isinstance(default, _MUTABLE):
        kind = type(default).__name__
        marker = _with_factory(declared.marker, kind)
        raise declared.problem(
            "TB616",
            f"has a mutable default, {default!r:.40}",
            SHARED,
            f"write Annotated[{show_annotation(declared.annotation)}, {marker}] "
            "without a default, before the parameters that have one or after '*'",
        )


def _with_factory(marker: Marker | None, kind: str) -> str:
    """Return a marker as it is written, with its options and a factory of its default."""
    if marker is None:
        return f"Query(default_factory={kind})"
    shown = repr(attrs.evolve(marker, default_factory=None)).removesuffix(")")
    return f"{shown}{'' if shown.endswith('(') else ', '}default_factory={kind})"


def _mutable_field(declared: DeclaredParameter, error: UnsupportedType) -> ParameterProblem:
    return declared.problem("TB616", f"has a type that cannot be used: {error}", SHARED, error.fix)


def _refuse_unfitting_default(declared: DeclaredParameter, schema: Schema) -> None:
    default = declared.parameter.default
    # None is a common default of parameters of any type, and () one of lists.
    if not declared.has_default or default is None or default == ():
        return
    try:
        schema.to_builtins(default)
    except SchemaError as error:
        raise declared.problem(
            "TB616",
            f"has the default {default!r:.40}, which does not fit its type: {error}",
            "a handler relies on the type of a parameter",
            "write a default of this type, or a type that allows it",
        ) from None


def _several_resources(declared: DeclaredParameter, keys: Sequence[str]) -> ParameterProblem:
    return declared.problem(
        "TB611",
        f"is supplied by several resources: {', '.join(keys)}",
        "a parameter receives the resource of its type if there is exactly one",
        "read one of them with request.resource(KEY), or give each resource its own type",
    )


def _unsupplied(declared: DeclaredParameter, suppliers: Suppliers, reason: str) -> ParameterProblem:
    shown = show_annotation(declared.annotation)
    classes = annotated_classes(declared.annotation, declared.function)
    kind = next((kind for kind in classes if kind is not type(None)), object)
    if kind is object:
        fix = f"write its type, such as '{declared.name}: dict[str, int]', or Body[Any] for any JSON"
    elif issubclass(kind, Response):
        fix = "return a Response instead of taking one"
    elif issubclass(kind, Session):
        fix = 'enable the plugin: App(plugins=["sessions"])'
    elif kind.__name__.endswith("Request"):
        fix = f"write '{declared.name}: Request' with 'from turnbuckle import Request', instead of {_qualified(kind)}"
    elif known := next((fix for words, fix in _SCHEMA_FIXES.items() if words in reason), ""):
        fix = known
    elif related := suppliers.related(kind):
        fix = f"write '{declared.name}: {related}', which is supplied, or annotate its supplier '-> {shown}'"
    elif near := suppliers.similar(kind.__name__):
        fix = f"did you mean {near}? Or supply it: @app.supply above a function that is annotated '-> {shown}'"
    else:
        fix = (
            f"supply it with @app.supply above a function that is annotated '-> {shown}', with a lifespan that "
            f"provides a resource of this type, or enable a plugin that supplies it"
        )
    return declared.problem(
        "TB611", f"has a type that nothing supplies: {reason}", f"{_CONTENT_WHY}; other types need a supplier", fix
    )


def _qualified(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
