"""The fields of a message as case-insensitive, multi-valued mappings of ``str`` (RFC 9110, section 5).

``Headers`` is a read-only view of the field lines of a request, which decodes a value when it is accessed.
``MutableHeaders`` contains the fields of a response, and refuses fields that cannot be sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias, final, overload

from turnbuckle.errors import MissingKey
from turnbuckle.http.events import RawFields
from turnbuckle.http.fields import FieldSection
from turnbuckle.web.foreign_names import HEADER_NAMES, add_foreign_names

__all__ = [
    "FixedHeaders",
    "HeaderPairs",
    "Headers",
    "MutableHeaders",
    "check_field_name",
    "check_field_value",
    "check_links",
]

# token = 1*tchar (RFC 9110, section 5.6.2)
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# field-content = field-vchar [ 1*( SP / HTAB / field-vchar ) field-vchar ] (section 5.5); obs-text is the upper half of
# Latin-1.
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

_WORD: Final = re.compile(r"[0-9A-Za-z_-]+")
# Looking a name up takes a quarter of the time of the expression.
_USUAL_NAMES: Final = frozenset(
    {"Cache-Control", "Content-Type", "ETag", "Location", "Server-Timing", "Set-Cookie", "Vary", "X-Request-ID"}
)

# link-value = "<" URI-Reference ">" *( OWS ";" OWS [ link-param ] ) (RFC 8288, section 3)
_LINK: Final = re.compile(r"<[^<>\s]*>[ \t]*(?=[;,]|\Z)")


def check_field_name(name: str) -> str:
    """Return the name if it is a valid field name.

    Raises:
        ValueError: the name is not a token.
        TypeError: the name is not a text.
    """
    try:
        is_token = name in _USUAL_NAMES or _TOKEN.fullmatch(name)
    except TypeError:
        raise TypeError(f"name {name!r} is of type {type(name).__name__}; write a str") from None
    if not is_token:
        raise ValueError(f"field name {name!r} is not a token")
    return name


def check_field_value(name: str, value: str) -> str:
    """Return the value without surrounding whitespace if it is a valid field value.

    Raises:
        ValueError: the value contains a control character, or a character beyond Latin-1.
        TypeError: the value is not a text.
    """
    try:
        is_valid = _VALUE.fullmatch(value)
    except TypeError:
        kind = type(value).__name__
        raise TypeError(f"value {value!r:.80} of field {name!r} is of type {kind}; write a str") from None
    if not is_valid:
        raise ValueError(f"value {value!r} of field {name!r} contains a character that cannot be sent")
    return value.strip(" \t")


def check_links(links: Iterable[str]) -> tuple[str, ...]:
    """Return the values of Link fields if they are valid; a single one may be a text.

    Raises:
        ValueError: a value does not begin with a reference in angle brackets, or cannot be sent.
        TypeError: a value is not a text.
    """
    checked = tuple(check_field_value("Link", link) for link in ((links,) if isinstance(links, str) else links))
    for link in checked:
        if not _LINK.match(link):
            reference = link.partition(";")[0].strip("<> ")
            raise ValueError(f"link {link!r:.80} has no angle brackets; write '<{reference:.80}>; rel=preload'")
    return checked


@final
class Headers:
    """The fields of a request: ``headers["accept"]`` is the first value of a name, ``get_list("accept")`` returns all.

    ``items()`` yields each field line; iteration, ``keys()`` and ``len()`` see each name once, in lower case. Values
    are decoded as Latin-1, which never fails (RFC 9110, section 5.5). A name without a field raises ``MissingKey``, a
    ``KeyError`` that is answered with 400.
    """

    __slots__ = ("raw",)

    def __init__(self, raw: RawFields = ()) -> None:
        self.raw: Final = raw

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise MissingKey("header", name)
        return value

    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: str) -> str: ...
    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the first value of a name, or the default."""
        raw = self.raw
        value = raw.first(_encode_name(name)) if isinstance(raw, FieldSection) else next(self._values(name), None)
        return default if value is None else value.decode("latin-1")

    def get_list(self, name: str) -> list[str]:
        """Return all values of a name in the order received."""
        return [value.decode("latin-1") for value in self._values(name)]

    def _values(self, name: str) -> Iterator[bytes]:
        lower_name = _encode_name(name)
        raw = self.raw
        if isinstance(raw, FieldSection):
            return raw.values(lower_name)
        return (value for field_name, value in raw if field_name == lower_name)

    def items(self) -> Iterator[tuple[str, str]]:
        """Yield name and value of each field line in the order received."""
        for name, value in self.raw:
            yield name.decode("latin-1"), value.decode("latin-1")

    def keys(self) -> Iterator[str]:
        """Yield each name once."""
        return iter(self)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name.decode("latin-1") for name, _ in self.raw))

    def __len__(self) -> int:
        return len({name for name, _ in self.raw})

    def __repr__(self) -> str:
        return f"Headers({list(self.items())!r})"


def _encode_name(name: str) -> bytes:
    # A character beyond Latin-1 becomes "?", which no field name contains, so the name is not found.
    return name.lower().encode("latin-1", "replace")


@final
class MutableHeaders:
    """The fields of a response. Names keep their case, and are compared without regard to case.

    Every method that adds a field raises ``ValueError`` with the name if the field cannot be sent (RFC 9110, section
    5.5).
    """

    __slots__ = ("_pairs",)

    def __init__(self, headers: HeaderPairs = ()) -> None:
        if type(headers) is MutableHeaders:
            # Its fields were checked when they were added.
            self._pairs: list[tuple[str, str]] = headers._pairs.copy()
            return
        self._pairs = []
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        for pair in pairs:
            try:
                name, value = pair
            except (TypeError, ValueError):
                message = f"headers are a mapping, or pairs of name and value, and not {headers!r:.80}"
                raise TypeError(message) from None
            self.add(name, value)

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: str) -> str: ...
    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the first value of a name, or the default."""
        values = self.get_list(name)
        return values[0] if values else default

    def get_list(self, name: str) -> list[str]:
        """Return all values of a name in the order in which they are sent."""
        lower_name = name.lower()
        return [value for field_name, value in self._pairs if field_name.lower() == lower_name]

    def __setitem__(self, name: str, value: str) -> None:
        self.set(name, value)

    def set(self, name: str, value: str) -> None:
        """Set the only value of a name; previous values are removed."""
        pair = (check_field_name(name), check_field_value(name, value))
        if self._pairs and name in self:
            self.discard(name)
        self._pairs.append(pair)

    def add(self, name: str, value: str) -> None:
        """Add a value and keep the previous values of the name.

        Raises:
            ValueError: the field cannot be sent, or is a second Content-Type.
        """
        pair = (check_field_name(name), check_field_value(name, value))
        if name.lower() == "content-type" and name in self:
            raise ValueError(f"a response has one Content-Type: either {self[name]!r} or {value!r}")
        self._pairs.append(pair)

    def setdefault(self, name: str, value: str) -> str:
        """Set the value of a name if it has none, and return its first value."""
        if name not in self:
            self.add(name, value)
        return self[name]

    def add_vary(self, name: str) -> None:
        """Add the name of a request field to Vary, unless Vary covers it already (RFC 9110, section 12.5.5)."""
        values = self.get_list("vary")
        if not values:
            self.add("Vary", name)
            return
        present = ", ".join(values)
        members = {member.strip().lower() for member in present.split(",")}
        if "*" not in members and name.lower() not in members:
            self.set("Vary", f"{present}, {name}" if present else name)

    def add_missing(self, headers: FixedHeaders, text: str = "") -> None:
        """Add the fields whose names have no value here.

        Args:
            headers: the fields.
            text: letters, digits, "-" and "_" for the placeholder of the fields.

        Raises:
            ValueError: ``text`` has other characters.
        """
        added = headers.filled(text)
        pairs = self._pairs
        if pairs:
            present = {name.lower() for name, _ in pairs}
            if not present.isdisjoint(headers.names):
                added = [pair for pair in added if pair[0].lower() not in present]
        self._pairs = pairs + added

    def discard(self, name: str) -> None:
        """Remove all values of a name. The name may have none."""
        lower_name = name.lower()
        self._pairs = [pair for pair in self._pairs if pair[0].lower() != lower_name]

    def delete(self, name: str) -> None:
        """Remove all values of a name.

        Raises:
            KeyError: the name has no value.
        """
        if name not in self:
            raise KeyError(name)
        self.discard(name)

    def __delitem__(self, name: str) -> None:
        self.delete(name)

    def items(self) -> list[tuple[str, str]]:
        """Return all names and values in the order in which they are sent."""
        return list(self._pairs)

    def keys(self) -> Iterator[str]:
        """Yield each name once."""
        return iter(self)

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        lower_name = name.lower()
        for field_name, _ in self._pairs:  # noqa: SIM110  # a generator takes three times as long
            if lower_name == field_name.lower():
                return True
        return False

    def __iter__(self) -> Iterator[str]:
        first_spelling: dict[str, str] = {}
        for name, _ in self._pairs:
            first_spelling.setdefault(name.lower(), name)
        return iter(first_spelling.values())

    def __len__(self) -> int:
        return len({name.lower() for name, _ in self._pairs})

    def __repr__(self) -> str:
        return f"MutableHeaders({self._pairs!r})"


@final
class FixedHeaders:
    """Fields that are checked once, and added to many responses by ``MutableHeaders.add_missing``.

    Args:
        headers: names and values, as a mapping or as pairs.
        placeholder: a text in values that is replaced in each response; "" for none.

    Attributes:
        names: the names in lower case.

    Raises:
        ValueError: a field cannot be sent.
    """

    __slots__ = ("_filled", "_pairs", "names")

    def __init__(self, headers: HeaderPairs = (), *, placeholder: str = "") -> None:
        pairs = MutableHeaders(headers).items()
        to_fill = [(name, value) for name, value in pairs if placeholder and placeholder in value]
        self._pairs: Final = [pair for pair in pairs if pair not in to_fill]
        self._filled: Final = [(name, value.split(placeholder)) for name, value in to_fill]
        self.names: Final = frozenset(name.lower() for name, _ in pairs)

    def filled(self, text: str) -> list[tuple[str, str]]:
        """Return all names and values, with a text for the placeholder.

        Raises:
            ValueError: the text has other characters than letters, digits, "-" and "_".
        """
        if not self._filled:
            return self._pairs
        if not _WORD.fullmatch(text):
            raise ValueError(f"{text!r:.80} has other characters than letters, digits, '-' and '_'")
        return self._pairs + [(name, text.join(parts)) for name, parts in self._filled]


add_foreign_names(Headers, HEADER_NAMES)
add_foreign_names(MutableHeaders, HEADER_NAMES)


HeaderPairs: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]] | MutableHeaders
"""The types that are accepted as headers: a mapping, pairs of name and value, or the headers of another response."""
