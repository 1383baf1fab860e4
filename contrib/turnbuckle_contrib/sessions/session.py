"""The session of one request: its values, read on first use, and the changes made to them.

Values are decoded from JSON on first use, and encoded again when the response leaves the handler. If both texts are
equal, the session is unchanged. So changes within lists and dictionaries are noticed as well, and a session that a
request only reads is not written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias, TypeVar, final

import attrs

from turnbuckle import Flash, Schema, SchemaError, Session, compile_schema

__all__ = ["ENDED", "Loaded", "Record", "SessionTooLarge", "StoredSession", "largest_value"]

T = TypeVar("T")

_FLASHES: Final = "_flashes"
_CSRF: Final = "_csrf"
_SAVED: Final = (
    "the session cannot be changed any more, because the head of the response is made; change it before the handler"
    " returns its stream, before a WebSocket is accepted, or in middleware inside of 'sessions'"
)

_encode: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


@final
class SessionTooLarge(RuntimeError):
    """A session is larger than its cookie or store allows; the client sees 500."""


@attrs.frozen
class Record:
    """A session as it is stored.

    Attributes:
        id: random text that identifies the session.
        created: when it was created or rotated, in whole seconds since the epoch.
        used: when it was last written.
        text: the values as JSON.
    """

    id: str
    created: int
    used: int
    text: str

    def encode(self) -> str:
        """Return the record as text."""
        return f"{self.id} {self.created} {self.used} {self.text}"

    @classmethod
    def decode(cls, text: str) -> Record:
        """Return the record of a text that ``encode`` has made.

        Raises:
            ValueError: the text is another one.
        """
        identifier, created, used, values = text.split(" ", 3)
        return cls(identifier, int(created), int(used), values)


ENDED: Final = Record("", 0, 0, "{}")
"""A session that another request has rotated or ended a moment ago."""

Loaded: TypeAlias = Record | None
"""A stored session, ``ENDED``, or None if the request has none that is valid."""


@attrs.define
class _View:
    """A value that ``load`` has returned, with its JSON as it was then."""

    schema: Schema
    value: object
    text: bytes


@lru_cache(maxsize=256)
def _schema(kind: Any) -> Schema:
    return compile_schema(kind)


def _encoded(schema: Schema, value: object) -> bytes:
    try:
        return schema.encode_json(value)
    except SchemaError as error:
        # It is a mistake of the app, and not of the client.
        raise TypeError(f"a {type(value).__name__} cannot be stored in the session: {error}") from error


@final
class StoredSession(Session):
    """A session whose values are stored as JSON.

    Args:
        load: returns the stored session for the source.
        source: the argument of ``load``.

    Attributes:
        record: the stored session; None if there is none.
        is_rotated: whether it gets a new id.
        is_ended: whether the stored session is to be removed.
        was_ended: whether another request has rotated or ended it, while this request was on the way.
    """

    __slots__ = (
        "_is_saved",
        "_load",
        "_shown",
        "_source",
        "_values",
        "_views",
        "is_ended",
        "is_rotated",
        "record",
        "was_ended",
    )

    def __init__(self, load: Callable[[T], Loaded], source: T) -> None:
        self._load: Final[Callable[[Any], Loaded]] = load
        self._source: Final[Any] = source
        self._values: dict[str, Any] | None = None
        self._is_saved = False

    def __repr__(self) -> str:
        # The values may be secret.
        return "<StoredSession>"

    # -- the values

    def _opened(self) -> dict[str, Any]:
        values = self._values
        if values is None:
            loaded = self._load(self._source)
            self.was_ended = loaded is ENDED
            record = self.record = None if self.was_ended else loaded
            self.is_rotated = self.is_ended = False
            self._shown: Sequence[Flash] | None = None
            self._views: dict[str, _View] = {}
            values = self._values = json.loads(record.text) if record is not None else {}
        return values

    def _changing(self) -> dict[str, Any]:
        if self._is_saved:
            raise RuntimeError(_SAVED)
        return self._opened()

    def __getitem__(self, name: str) -> Any:
        return self._opened()[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if not isinstance(name, str):
            raise TypeError(f"the name of a value in the session is a text, not {name!r:.80}")
        self._changing()[name] = value

    def __delitem__(self, name: str) -> None:
        del self._changing()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._opened())

    def __len__(self) -> int:
        return len(self._opened())

    def __contains__(self, name: object) -> bool:
        return name in self._opened()

    @property
    def is_new(self) -> bool:
        """Whether the request had no valid session."""
        self._opened()
        return self.record is None

    @property
    def record_id(self) -> str:
        """Return the id of the stored session, for hashes of it; "" if there is none. It must not leave the server."""
        self._opened()
        return self.record.id if self.record is not None else ""

    @property
    def is_used(self) -> bool:
        """Whether the session was read or changed in this request."""
        return self._values is not None

    def rotate(self) -> None:
        """Give the session a new id, and remove the secret against CSRF."""
        self._changing().pop(_CSRF, None)
        self.is_rotated = True

    def end(self) -> None:
        """Remove all values; values that are set later belong to a new session."""
        self._changing().clear()
        self._views.clear()
        self._shown = ()
        self.is_ended = True

    # -- values of classes

    def load(self, kind: type[T], name: str = "") -> T:
        """Return the value of a class, or ``kind()``."""
        values, key = self._opened(), name or kind.__name__
        view = self._views.get(key)
        if view is None or not isinstance(view.value, kind):
            schema = _schema(kind)  # type: ignore[arg-type]  # mypy takes the hash of its instances for its own
            try:
                value = schema.from_builtins(values[key]) if key in values else kind()
            except SchemaError:
                # The class has changed since the value was stored.
                value = kind()
            view = self._views[key] = _View(schema, value, _encoded(schema, value))
        return view.value  # type: ignore[return-value]  # an instance, as checked above

    def store(self, value: object, name: str = "") -> None:
        """Set the value of a class."""
        values, key = self._changing(), name or type(value).__name__
        schema = _schema(type(value))  # type: ignore[arg-type]  # as above
        text = _encoded(schema, value)
        values[key] = json.loads(text)
        self._views[key] = _View(schema, value, text)

    # -- messages

    def flash(self, text: str, category: str = "info") -> None:
        """Add a message."""
        values = self._changing()
        values[_FLASHES] = [*values.get(_FLASHES, ()), [category, text]]

    def flashes(self) -> Sequence[Flash]:
        """Return the messages, and remove them from the session."""
        values = self._opened()
        if _FLASHES in values:
            stored = self._changing().pop(_FLASHES)
            self._shown = (*(self._shown or ()), *(Flash(text, category) for category, text in stored))
        return self._shown or ()

    # -- for the middleware

    def finish(self) -> str:
        """Return the values as JSON, and refuse later changes.

        Raises:
            TypeError: a value has no form in JSON.
        """
        values = self._opened()
        for name, view in self._views.items():
            content = _encoded(view.schema, view.value)
            if content != view.text:
                values[name] = json.loads(content)
        self._is_saved = True
        try:
            text = _encode(values)
        except (TypeError, ValueError) as error:
            raise _unfit(values) from error
        if self.record is None or text != self.record.text:
            _check_names(values, "session")
        return text

    def close(self) -> None:
        """Refuse later changes."""
        self._is_saved = True


def largest_value(session: Mapping[str, object]) -> tuple[str, int]:
    """Return the name of the largest value of a session that was saved, and its size as JSON in bytes."""
    sizes = {name: len(_encode(value)) for name, value in session.items()}
    name = max(sizes, key=lambda name: sizes[name])
    return name, sizes[name]


def _unfit(values: Mapping[str, object]) -> TypeError:
    """Return the error for values without a form in JSON; it names the value, and does not show it."""
    for name, value in values.items():
        try:
            _encode(value)
        except (TypeError, ValueError) as error:
            return TypeError(f"session[{name!r}] cannot be stored as JSON: {error}")
    return TypeError("the session cannot be stored as JSON")


def _check_names(value: object, place: str) -> None:
    # JSON would turn the name 1 into "1", so that the next request would not find it.
    if isinstance(value, dict):
        for name, inner in value.items():
            if not isinstance(name, str):
                raise TypeError(f"{place} has the name {name!r:.40}, which is no text: JSON has only texts as names")
            _check_names(inner, f"{place}[{name!r}]")
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            _check_names(inner, f"{place}[{number}]")
