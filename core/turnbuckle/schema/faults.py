"""The faults of a value that does not fit its type, and the errors that carry them.

A fault has a JSON pointer (RFC 6901) and a reason in plain English. It never has the value, which may be a secret.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, final

import attrs

__all__ = [
    "MAX_FAULTS",
    "Fault",
    "FaultList",
    "NotJSON",
    "SchemaError",
    "Unfit",
    "UnsupportedType",
    "kind_of",
    "step_to",
]

MAX_FAULTS: Final = 100
"""The number of faults after which the search for more ends: a long list may have a fault in each item."""

# A longer name is not repeated in a pointer, because the client chose it.
_MAX_NAME: Final = 64


@attrs.frozen
class Fault:
    """One reason why a value does not fit a type.

    Attributes:
        pointer: JSON pointer to the part of the value (RFC 6901); empty for the whole value.
        reason: in plain English, such as ``expected int, got str``.
    """

    pointer: str
    reason: str

    def __str__(self) -> str:
        return f"{self.pointer}: {self.reason}" if self.pointer else self.reason


class SchemaError(ValueError):
    """A value does not fit its type.

    Attributes:
        faults: every reason, in the order of the type's fields, up to ``MAX_FAULTS``.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: Final = tuple(faults)
        super().__init__("; ".join(map(str, self.faults)))

    def __reduce__(self) -> tuple[type[SchemaError], tuple[tuple[Fault, ...]]]:
        return SchemaError, (self.faults,)


class NotJSON(ValueError):
    """Content is not JSON, or is nested too deeply."""


class UnsupportedType(TypeError):
    """A type has no schema; the message names the part of the type and the reason.

    Attributes:
        fix: what to do if a field of it has a mutable default; otherwise empty.
    """

    def __init__(self, reason: str, fix: str = "") -> None:
        super().__init__(reason)
        self.fix: Final = fix


class Unfit(ValueError):
    """A single value does not fit; the place where it was read is added by the caller.

    Attributes:
        reason: in plain English.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason: Final = reason


@final
class FaultList:
    """Collects the faults of one value."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        self.found: Final[list[Fault]] = []

    def add(self, pointer: str, reason: str) -> None:
        """Add a fault.

        Raises:
            SchemaError: there are ``MAX_FAULTS`` faults.
        """
        self.found.append(Fault(pointer, reason))
        if len(self.found) >= MAX_FAULTS:
            raise SchemaError(self.found)

    def raise_if_any(self) -> None:
        """Raise ``SchemaError`` if there are faults."""
        if self.found:
            raise SchemaError(self.found)


def step_to(pointer: str, name: str) -> str:
    """Return the JSON pointer to a member of an object; to the object itself if the name is very long."""
    if len(name) > _MAX_NAME:
        return pointer
    if "~" in name or "/" in name:
        name = name.replace("~", "~0").replace("/", "~1")
    return f"{pointer}/{name}"


# In the words of JSON where Python has another one, because clients read them.
_KINDS: Final = {dict: "object", list: "array", type(None): "null"}


def kind_of(value: object) -> str:
    """Return the name of a value's type, for reasons."""
    kind = type(value)
    return _KINDS.get(kind, kind.__name__)
