"""Write down for a process what it is to be, in a variable of its environment."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

import attrs

__all__ = ["HEIR", "SUPERVISOR", "WORKER", "SuccessorEnvironment", "WorkerEnvironment"]

# Not one of the variables that begin with TURNBUCKLE_: those are settings.
WORKER: Final = "_TURNBUCKLE_WORKER"
SUPERVISOR: Final = "_TURNBUCKLE_SUPERVISOR"
HEIR: Final = "_TURNBUCKLE_HEIR"


def _as_numbers(value: Iterable[int]) -> tuple[int, ...]:
    return tuple(value)


def _as_sets(value: Iterable[Iterable[int]]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(each) for each in value)


@attrs.frozen(kw_only=True)
class WorkerEnvironment:
    """What a supervisor gives a worker.

    Attributes:
        channel: descriptor of its end of the channel.
        fds: the sockets to listen on.
        beat: seconds between two signs of life.
        counts_requests: whether it is to tell how many requests it was sent.
        tells_memory: whether it is to tell how much memory it has.
    """

    channel: int
    fds: tuple[int, ...] = attrs.field(converter=_as_numbers)
    beat: float = 1.0
    counts_requests: bool = False
    tells_memory: bool = False

    @classmethod
    def read(cls, text: str) -> WorkerEnvironment:
        """Return what a variable holds."""
        return cls(**json.loads(text))

    def written(self) -> str:
        """Return the value of the variable."""
        return json.dumps(attrs.asdict(self))


@attrs.frozen(kw_only=True)
class SuccessorEnvironment:
    """What a supervisor gives the one that takes over.

    Attributes:
        pipe: where to say that it is ready.
        sets: descriptors of the sockets, by worker.
    """

    pipe: int
    sets: tuple[tuple[int, ...], ...] = attrs.field(converter=_as_sets)

    @classmethod
    def read(cls, text: str) -> SuccessorEnvironment:
        """Return what a variable holds."""
        return cls(**json.loads(text))

    def written(self) -> str:
        """Return the value of the variable."""
        return json.dumps(attrs.asdict(self))
