"""The records that every layer names: where something was written, what is wrong with it, and the key of a resource.

Pure data at the ground of the package: nothing of Turnbuckle is imported here.
"""

from __future__ import annotations

from typing import Generic, Literal, TypeAlias, TypeVar

import attrs

__all__ = ["Diagnostic", "Level", "Origin", "RejectedCandidate", "ResourceKey", "Sourced"]

T_co = TypeVar("T_co", covariant=True)
RecordT_co = TypeVar("RecordT_co", covariant=True)

Level: TypeAlias = Literal["error", "warning", "info"]


@attrs.frozen(kw_only=True)
class Origin:
    """Where a record came from.

    Attributes:
        plugin: name of the plugin, or ``"app"`` for what the application wrote down itself.
        location: ``file:line`` of the code that is responsible, or "" when unknown.
        hook: name of the hook that returned it, or "" when it was passed by value.
        distribution: name and version of the distribution, as ``"name 1.2"``, or "".
        scope: prefix of the scope it belongs to, "" for the whole app.
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
    """One finding about how an app is put together.

    Attributes:
        level: ``"error"`` stops the start, ``"warning"`` is shown, ``"info"`` is shown on request.
        code: ``TB`` and three digits; each has a page in the documentation.
        text: what is wrong, in one sentence without a full stop.
        why: the rule behind it.
        fix: what to do about it.
        origins: the places concerned, the offender first.
    """

    level: Level
    code: str
    text: str
    why: str = ""
    fix: str = ""
    origins: tuple[Origin, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.code} {self.text}"]
        # Two of them may be the same place: a line of a list that names something twice, for one.
        lines += dict.fromkeys(f"  {origin}" for origin in self.origins)
        if self.why:
            lines.append(f"  why: {self.why}")
        if self.fix:
            lines.append(f"  fix: {self.fix}")
        return "\n".join(lines)


@attrs.frozen
class ResourceKey(Generic[T_co]):
    """What a resource is asked for by: ``DATABASE: Final = ResourceKey("database", Store)``.

    Attributes:
        name: for messages; keys of one name and type are the same key.
        type: what the resource is an instance of.
    """

    name: str
    type: type[T_co] = attrs.field(validator=attrs.validators.instance_of(type))

    def __str__(self) -> str:
        return f"resource {self.name!r}"


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
