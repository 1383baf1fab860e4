"""The records that every layer uses: the origin of a record, a diagnostic, and the key of a resource.

This module is the lowest layer: it contains only data and short texts about it, and imports nothing from Turnbuckle.
"""

from __future__ import annotations

import os
from typing import Generic, Literal, TypeAlias, TypeVar

import attrs

__all__ = ["Diagnostic", "Level", "Origin", "RejectedCandidate", "ResourceKey", "Sourced", "file_location", "not_a_key"]

T_co = TypeVar("T_co", covariant=True)
RecordT_co = TypeVar("RecordT_co", covariant=True)

Level: TypeAlias = Literal["error", "warning", "hint", "info"]


def file_location(path: str, line: int | None) -> str:
    """Return ``path:line``, the path relative to the current folder where that is shorter."""
    # Path.cwd() costs five times as much, for each route.
    shown = path.removeprefix(os.getcwd() + os.sep)
    return f"{shown}:{line}" if line else shown


@attrs.frozen(kw_only=True)
class Origin:
    """The source of a record.

    Attributes:
        plugin: name of the plugin, or ``"app"`` for a declaration of the application itself.
        location: ``file:line`` of the code, or "" when unknown.
        hook: name of the hook that returned the record, or "" if it was passed as a value.
        distribution: name and version of the distribution, as ``"name 1.2"``, or "".
        scope: prefix of the scope that the record belongs to; "" for the whole app.
    """

    plugin: str
    location: str = ""
    hook: str = ""
    distribution: str = ""
    scope: str = ""

    def __str__(self) -> str:
        parts = [f"plugin {self.plugin!r}" if self.plugin != "app" else "the app"]
        if self.distribution:
            parts.append(f"({self.distribution})")
        if self.hook:
            parts.append(f"in {self.hook}")
        if self.location:
            parts.append(f"at {self.location}")
        return " ".join(parts)


@attrs.frozen(kw_only=True)
class Diagnostic:
    """One error, warning or remark on the composition of an app.

    Attributes:
        level: ``"error"`` prevents the start, ``"warning"`` is shown and counted, ``"hint"`` is only shown,
            ``"info"`` is shown on request.
        code: ``TB`` and three digits; each code has a page in the documentation.
        text: the problem, in one sentence without a full stop.
        why: the rule that is violated.
        fix: a way to solve the problem.
        origins: the origins of the records concerned, the offending one first.
    """

    level: Level
    code: str
    text: str
    why: str = ""
    fix: str = ""
    origins: tuple[Origin, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.code} {self.text}"]
        # Two origins may have the same location, for example a line of a list that contains a name twice.
        lines += dict.fromkeys(f"  {origin}" for origin in self.origins)
        if self.why:
            lines.append(f"  why: {self.why}")
        if self.fix:
            lines.append(f"  fix: {self.fix}")
        return "\n".join(lines)


@attrs.frozen
class ResourceKey(Generic[T_co]):
    """The typed key of a resource: ``DATABASE: Final = ResourceKey("database", Store)``.

    Attributes:
        name: name for messages; keys with the same name and type are equal.
        type: the class of the resource.
    """

    name: str
    type: type[T_co] = attrs.field(validator=attrs.validators.instance_of(type))

    def __str__(self) -> str:
        return f"resource {self.name!r}"


def not_a_key(value: object) -> TypeError:
    """Return the exception for a value in the place of the key of a resource."""
    error = TypeError(f"a resource has a ResourceKey, not {value!r:.60}")
    error.add_note("why: the key has the type of the resource, and the lifespan that provides it has the same key")
    error.add_note("fix: write KEY = ResourceKey('name', type), and pass KEY")
    return error


@attrs.frozen
class RejectedCandidate:
    """A candidate that was not chosen.

    Attributes:
        name: its name.
        origin: where it comes from.
    """

    name: str
    origin: Origin


@attrs.frozen
class Sourced(Generic[RecordT_co]):
    """A record, or a value that becomes one, with its origin.

    Attributes:
        record: the record.
        origin: where it comes from.
        rejected: the candidates that it was preferred to, where only one can take effect.
    """

    record: RecordT_co
    origin: Origin
    rejected: tuple[RejectedCandidate, ...] = attrs.field(default=(), kw_only=True, eq=False)
