"""Mappings in which a name may have several values, and the urlencoded text that such a mapping is read from.

Read-only, in the order received. ``parse_urlencoded`` reads queries and simple forms (WHATWG URL, section 5.1). It is
pure and linear, and refuses a text with more fields than the limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, Final, Generic, TypeVar, final, overload
from urllib.parse import unquote_to_bytes, urlencode

from turnbuckle.errors import BadRequest, MissingKey
from turnbuckle.web.foreign_names import MULTIDICT_NAMES, add_foreign_names

__all__ = ["MAX_FIELDS", "MultiMapping", "QueryParams", "parse_urlencoded"]

MAX_FIELDS: Final = 1000
"""The maximum number of query parameters, cookies or form fields of one request."""

V = TypeVar("V")
D = TypeVar("D")


class MultiMapping(Generic[V]):
    """Names with one or more values each: ``m["name"]`` is the first value, ``m.get_list("name")`` returns all.

    ``items()`` returns every pair; iteration, ``keys()`` and ``len()`` see each name once. A name without a value
    raises ``MissingKey``, a ``KeyError`` that is answered with 400.
    """

    __slots__ = ("_by_name", "_pairs")

    kind: ClassVar[str] = "name"

    def __init__(self, pairs: Iterable[tuple[str, V]] = ()) -> None:
        self._pairs: Final = tuple(pairs)
        self._by_name: Final[dict[str, list[V]]] = {}
        for name, value in self._pairs:
            self._by_name.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> V:
        try:
            return self._by_name[name][0]
        except KeyError:
            raise MissingKey(self.kind, name) from None

    @overload
    def get(self, name: str) -> V | None: ...
    @overload
    def get(self, name: str, default: D) -> V | D: ...
    def get(self, name: str, default: D | None = None) -> V | D | None:
        """Return the first value of a name, or the default."""
        values = self._by_name.get(name)
        return values[0] if values else default

    def get_list(self, name: str) -> list[V]:
        """Return all values of a name in the order received."""
        return list(self._by_name.get(name, ()))

    def items(self) -> tuple[tuple[str, V], ...]:
        """Return every name and value in the order received."""
        return self._pairs

    def keys(self) -> Iterator[str]:
        """Yield each name once."""
        return iter(self._by_name)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MultiMapping):
            return NotImplemented
        return self._pairs == other._pairs

    def __hash__(self) -> int:
        return hash(self._pairs)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self._pairs)!r})"


add_foreign_names(MultiMapping, MULTIDICT_NAMES)


@final
class QueryParams(MultiMapping[str]):
    """The parameters of a query: ``params["q"]`` is the first value, ``params.get_list("q")`` returns all."""

    __slots__ = ()

    kind = "query parameter"

    def __str__(self) -> str:
        return urlencode(self._pairs)


def parse_urlencoded(text: str, *, limit: int = MAX_FIELDS, charset: str = "utf-8") -> list[tuple[str, str]]:
    """Return the fields of ``application/x-www-form-urlencoded`` text in order.

    Bytes that are not valid in the charset become replacement characters.

    Raises:
        BadRequest: there are more fields than the limit.
    """
    # The fields are counted before anything is decoded, so refusing a text costs only one scan.
    count = text.count("&") + 1
    if count > limit:
        raise BadRequest(f"{count} fields exceed {limit}")
    pairs = []
    for field in text.split("&"):
        if field:
            name, _, value = field.partition("=")
            pairs.append((_decode(name, charset), _decode(value, charset)))
    return pairs


def _decode(text: str, charset: str) -> str:
    if "+" in text:
        text = text.replace("+", " ")
    if "%" not in text and text.isascii():
        return text
    return unquote_to_bytes(text.encode("latin-1", "replace")).decode(charset, "replace")
