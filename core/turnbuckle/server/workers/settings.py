"""Say how many workers serve, and when one of them is replaced."""

from __future__ import annotations

import math
import os
from typing import Final, Literal, TypeVar

import attrs

__all__ = ["Workers"]

_Number = TypeVar("_Number", int, float)
_MOST: Final = 1024


def _not_negative(instance: object, attribute: attrs.Attribute[_Number], value: _Number) -> None:
    if isinstance(value, bool) or not 0 <= value < math.inf:
        raise ValueError(f"{attribute.name} must be a number of at least 0, not {value!r}")


def _count(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    if not 0 <= value <= _MOST:
        raise ValueError(f"{attribute.name} must be from 0 to {_MOST}, not {value!r}")


def _share(instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{attribute.name} must be from 0 to 1, not {value!r}")


@attrs.frozen(kw_only=True)
class Workers:
    """How many processes serve, and when one of them is replaced. Seconds; 0 turns a limit off.

    Attributes:
        count: processes that serve; 1 for this one alone, without a supervisor unless a limit of its use is set; 0
            for one for each processor.
        sockets: "shared": all accept from one socket. "per_worker": each from its own (SO_REUSEPORT), among which the
            kernel spreads connections evenly; those of a worker that crashed wait for its successor.
        startup: for a worker to begin to serve; beyond it it is killed.
        heartbeat: without a sign of life from the event loop of a worker; beyond it it is killed and replaced.
        max_requests: requests after which a worker is replaced.
        max_age: after which a worker is replaced.
        max_memory: octets of resident memory beyond which a worker is replaced.
        jitter: share of these three by which they differ from worker to worker, so that not all are due at once.
        backoff: pause before a worker that crashed is replaced; twice as long each time.
        longest_backoff: the longest of these pauses.
        healthy: of serving after which a crash counts as the first one.
    """

    count: int = attrs.field(default=1, validator=_count)
    sockets: Literal["shared", "per_worker"] = "shared"
    startup: float = attrs.field(default=60.0, validator=_not_negative)
    heartbeat: float = attrs.field(default=30.0, validator=_not_negative)
    max_requests: int = attrs.field(default=0, validator=_not_negative)
    max_age: float = attrs.field(default=0.0, validator=_not_negative)
    max_memory: int = attrs.field(default=0, validator=_not_negative)
    jitter: float = attrs.field(default=0.1, validator=_share)
    backoff: float = attrs.field(default=0.5, validator=_not_negative)
    longest_backoff: float = attrs.field(default=30.0, validator=_not_negative)
    healthy: float = attrs.field(default=60.0, validator=_not_negative)

    @property
    def processes(self) -> int:
        """How many serve, counted out."""
        return self.count or _processors()

    @property
    def are_supervised(self) -> bool:
        """Whether somebody has to look after them: there are several, or one that is to be replaced at times."""
        return self.processes > 1 or bool(self.max_requests or self.max_age or self.max_memory)


def _processors() -> int:
    # Those that this process may run on, where the system tells: a container may have fewer than the machine.
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
