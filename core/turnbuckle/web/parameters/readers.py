"""Read parameters from the head of a request: path, query, header section and cookies.

A reader is a function that takes the request and returns the value of one parameter. It raises ``InvalidInput`` if the
value does not fit. Reading changes nothing, so a reader may be called again to collect all faults.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import attrs

from turnbuckle.errors import InputFault, InputPart, InvalidInput, NotFound
from turnbuckle.schema.faults import SchemaError
from turnbuckle.schema.schema import Schema
from turnbuckle.web.multidict import MultiMapping
from turnbuckle.web.request.request import Request

__all__ = [
    "Input",
    "InputReader",
    "class_reader",
    "cookie_reader",
    "header_reader",
    "invalid_input",
    "missing_input",
    "path_reader",
    "query_reader",
    "texts_reader",
]

InputReader: TypeAlias = Callable[[Request], object]
"""Returns the value of a parameter; raises ``InvalidInput``."""

_MISSING = "missing"


@attrs.frozen(kw_only=True)
class Input:
    """A parameter that is read from the request.

    Attributes:
        name: its name in the request.
        schema: converts it.
        default: makes its default; None if it is required.
    """

    name: str
    schema: Schema
    default: Callable[[], object] | None = None


def missing_input(part: InputPart, name: str) -> InvalidInput:
    """Return the error for a required parameter that is not in the request."""
    return InvalidInput([InputFault(part=part, name=name, reason=_MISSING)])


def invalid_input(part: InputPart, name: str, error: SchemaError) -> InvalidInput:
    """Return the error for a value that does not fit its schema."""
    faults = [InputFault(part=part, name=name, pointer=fault.pointer, reason=fault.reason) for fault in error.faults]
    return InvalidInput(faults)


def path_reader(name: str, schema: Schema | None, *, is_text: bool = True) -> InputReader:
    """Return the reader of a parameter of the path.

    Args:
        name: name of the parameter.
        schema: converts it again, after the converter of the path; None for the value of the converter.
        is_text: whether the value of the converter is a text.
    """
    if schema is None:
        return lambda request: request.path_params[name]
    convert: Callable[[str], object] = schema.from_text if is_text else schema.from_builtins

    def read(request: Request) -> object:
        value = request.path_params[name]
        try:
            return convert(value)  # type: ignore[arg-type]  # the converter decides the type
        except SchemaError as error:
            # Another value is the path of no resource, as for a converter.
            raise NotFound from error

    return read


def query_reader(given: Input, *, may_be_path: bool = False) -> InputReader:
    """Return the reader of a parameter of the query.

    Args:
        given: the parameter.
        may_be_path: whether the router may find a parameter of this name in the path, which then takes precedence.
    """
    if not (given.schema.is_scalar or given.schema.is_list_of_scalars):
        return class_reader("query", given, lambda request: request.query_params)
    name = given.name
    read = _query_text_reader(given) if given.schema.is_scalar else _query_texts_reader(given)
    if not may_be_path:
        return read
    if given.schema.is_scalar:
        return _path_or_query_reader(name, given.schema, read)
    return lambda request: request.path_params[name] if name in request.path_params else read(request)


def _path_or_query_reader(name: str, schema: Schema, read_query: InputReader) -> InputReader:
    read_path = path_reader(name, schema)

    def read(request: Request) -> object:
        value = request.path_params.get(name)
        if value is None:
            return read_query(request)
        # A converter has made any other value.
        return read_path(request) if isinstance(value, str) else value

    return read


def _query_texts_reader(given: Input) -> InputReader:
    name = given.name
    return texts_reader("query", given, lambda request: request.query_params.get_list(name))


def _query_text_reader(given: Input) -> InputReader:
    """Return the reader of one value of the query: ``texts_reader`` without its further calls."""
    name, default, from_text = given.name, given.default, given.schema.from_text

    def read(request: Request) -> object:
        texts = request.query_params.get_list(name)
        if texts:
            try:
                return from_text(texts[-1])
            except SchemaError as error:
                raise invalid_input("query", name, error) from None
        if default is None:
            raise missing_input("query", name)
        return default()

    return read


def header_reader(given: Input) -> InputReader:
    """Return the reader of a header field."""
    name = given.name.lower()
    # Of repeated lines the first one is read, as by ``request.headers``: middleware that checks a field and a handler
    # that uses it must see the same value.
    is_list = given.schema.is_list_of_scalars
    return texts_reader("header", given, lambda request: request.headers.get_list(name)[: None if is_list else 1])


def cookie_reader(given: Input) -> InputReader:
    """Return the reader of a cookie."""

    def texts(request: Request) -> Sequence[str]:
        text = request.cookies.get(given.name)
        return () if text is None else (text,)

    return texts_reader("cookie", given, texts)


def texts_reader(part: InputPart, given: Input, texts_of: Callable[[Request], Sequence[str]]) -> InputReader:
    """Return the reader of a list of texts, or of the last of them."""
    name, default = given.name, given.default
    from_texts, from_text = given.schema.from_texts, given.schema.from_text
    is_list = given.schema.is_list_of_scalars

    def read(request: Request) -> object:
        texts = texts_of(request)
        if not texts:
            if default is None:
                raise missing_input(part, name)
            return default()
        try:
            return from_texts(texts) if is_list else from_text(texts[-1])
        except SchemaError as error:
            raise invalid_input(part, name, error) from None

    return read


def class_reader(part: InputPart, given: Input, fields_of: Callable[[Request], MultiMapping[str]]) -> InputReader:
    """Return the reader of a class whose attributes are the parameters of the query, or the fields of a form."""
    from_fields = given.schema.from_fields

    def read(request: Request) -> object:
        fields = fields_of(request)
        try:
            return from_fields({name: fields.get_list(name) for name in fields})
        except SchemaError as error:
            raise _fields_error(part, error) from None

    return read


def _fields_error(part: InputPart, error: SchemaError) -> InvalidInput:
    """Return the error for fields that do not fit a class; the first step of each pointer is the name of a field."""
    faults = []
    for fault in error.faults:
        name, slash, rest = fault.pointer.removeprefix("/").partition("/")
        faults.append(InputFault(part=part, name=name, pointer=slash + rest, reason=fault.reason))
    return InvalidInput(faults)
