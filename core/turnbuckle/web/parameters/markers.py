"""The markers of parameters: they name the part of a request that a parameter is read from.

``Query[int]`` and ``Annotated[int, Query(alias="p", ge=1)]`` are the two spellings of one thing. At run time,
``Query[int]`` is ``Annotated[int, Query()]``.

Type checkers see ``Query[int]`` as ``int``. For them each marker is an alias of ``Annotated`` with a type variable
(PEP 593). Its default is the marker itself (PEP 696), and its bound is Any, so that the alias can be called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Final,
    Literal,
    NoReturn,
    Self,
    TypeAlias,
    get_args,
    get_origin,
)

import attrs

__all__ = [
    "MARKERS",
    "Body",
    "BodyMarker",
    "Cookie",
    "CookieMarker",
    "Form",
    "FormMarker",
    "Header",
    "HeaderMarker",
    "InputSource",
    "Marker",
    "Query",
    "QueryMarker",
    "Upload",
    "UploadMarker",
    "has_marker",
    "is_marker",
]

InputSource: TypeAlias = Literal["query", "header", "cookie", "form", "body", "file"]
"""The parts of a request that a marker can name."""

Number: TypeAlias = int | float


@attrs.frozen(kw_only=True, repr=False)
class Marker:
    """The options that all markers have.

    Attributes:
        alias: name in the request; the name of the parameter if empty. In the name of a header, underscores of the
            parameter are hyphens.
        ge: least value.
        gt: value that must be exceeded.
        le: greatest value.
        lt: value that must not be reached.
        multiple_of: number that the value must be a multiple of.
        min_length: least number of characters of a text, or of items of a list.
        max_length: greatest number of characters of a text, or of items of a list.
        pattern: regular expression that must be found in a text.
        default_factory: makes the default, for defaults that must not be shared, such as lists.
        title: title, for documentation.
        description: description, for documentation.
        examples: examples of values, for documentation.
        deprecated: whether clients should no longer send it, for documentation.
    """

    source: ClassVar[InputSource]

    alias: str = ""
    ge: Number | None = None
    gt: Number | None = None
    le: Number | None = None
    lt: Number | None = None
    multiple_of: Number | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    default_factory: Callable[[], object] | None = None
    title: str = ""
    description: str = ""
    examples: Sequence[object] = attrs.field(default=(), converter=tuple)
    deprecated: bool = False

    if not TYPE_CHECKING:  # type checkers know the options from the attributes

        def __new__(cls, *values: object, **options: object) -> Self:
            """Refuse options that markers of other frameworks have, with the right spelling."""
            if values:
                _refuse_default(cls.__name__, values[0])
            for name in options:
                if name not in _OPTIONS:
                    _refuse_option(cls.__name__, name)
            return super().__new__(cls)

    def __repr__(self) -> str:
        given = ((field.name, getattr(self, field.name), field.default) for field in attrs.fields(type(self)))
        shown = ", ".join(f"{name}={value!r}" for name, value, default in given if value != default)
        return f"{type(self).__name__}({shown})"

    def __class_getitem__(cls, item: object) -> object:
        """Return the annotation of a parameter of this type with this marker."""
        return Annotated[item, cls()]


_OPTIONS: Final = frozenset(field.name for field in attrs.fields(Marker))

# Options of other frameworks.
_FOREIGN_OPTIONS: Final = {
    "default": "the default stands after '=', behind the annotation",
    "regex": "write pattern=...",
    "gte": "write ge=...",
    "lte": "write le=...",
    "min_items": "write min_length=...",
    "max_items": "write max_length=...",
    "example": "write examples=[...]",
    "validation_alias": "write alias=...",
    "embed": "write a class with this attribute, or dict[str, ...]",
    "media_type": "a codec of a plugin reads other types than JSON",
    "convert_underscores": "write alias=... for another name",
    "include_in_schema": "a route is left out of the API document with in_schema=False",
}


def _refuse_default(marker: str, value: object) -> NoReturn:
    default = "" if value is ... else f" = {value!r}"
    raise TypeError(f"{marker} takes options by name; write the default behind: Annotated[int, {marker}()]{default}")


def _refuse_option(marker: str, name: str) -> NoReturn:
    fix = _FOREIGN_OPTIONS.get(name, f"the options are {', '.join(sorted(_OPTIONS))}")
    raise TypeError(f"{marker} has no option {name!r}: {fix}")


class QueryMarker(Marker):
    """A parameter of the query."""

    source = "query"


class HeaderMarker(Marker):
    """A field of the header section."""

    source = "header"


class CookieMarker(Marker):
    """A cookie."""

    source = "cookie"


class FormMarker(Marker):
    """A field of a form, or a class whose attributes are the fields of a form."""

    source = "form"


class BodyMarker(Marker):
    """The content: as JSON, for ``bytes`` as it was sent, for ``str`` as plain text."""

    source = "body"


class UploadMarker(Marker):
    """An uploaded file of a form."""

    source = "file"


if TYPE_CHECKING:
    # Type checkers know typing_extensions without its installation.
    from typing_extensions import TypeVar

    # An alias of an alias, because pyright does not let ``Annotated[T, ...]`` itself be called.
    _T = TypeVar("_T", bound=Any)
    _Marked: TypeAlias = Annotated[_T, Marker]
    _Query = TypeVar("_Query", bound=Any, default=QueryMarker)
    _Header = TypeVar("_Header", bound=Any, default=HeaderMarker)
    _Cookie = TypeVar("_Cookie", bound=Any, default=CookieMarker)
    _Form = TypeVar("_Form", bound=Any, default=FormMarker)
    _Body = TypeVar("_Body", bound=Any, default=BodyMarker)
    _Upload = TypeVar("_Upload", bound=Any, default=UploadMarker)
    Query: TypeAlias = _Marked[_Query]
    Header: TypeAlias = _Marked[_Header]
    Cookie: TypeAlias = _Marked[_Cookie]
    Form: TypeAlias = _Marked[_Form]
    Body: TypeAlias = _Marked[_Body]
    Upload: TypeAlias = _Marked[_Upload]
else:
    Query, Header, Cookie = QueryMarker, HeaderMarker, CookieMarker
    Form, Body, Upload = FormMarker, BodyMarker, UploadMarker
    for _name in ("Query", "Header", "Cookie", "Form", "Body", "Upload"):
        # Messages show the public name.
        globals()[_name].__name__ = globals()[_name].__qualname__ = _name

MARKERS: Final[tuple[type[Marker], ...]] = (
    QueryMarker,
    HeaderMarker,
    CookieMarker,
    FormMarker,
    BodyMarker,
    UploadMarker,
)
"""All markers."""


def is_marker(entry: object) -> bool:
    """Return whether an object in an annotation is a marker, or the class of one."""
    return isinstance(entry, Marker) or (isinstance(entry, type) and issubclass(entry, Marker))


def has_marker(annotation: object) -> bool:
    """Return whether an annotation has a marker around its type."""
    return get_origin(annotation) is Annotated and any(is_marker(entry) for entry in get_args(annotation)[1:])
