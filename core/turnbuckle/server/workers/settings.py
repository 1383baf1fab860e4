"""Settings of workers: how many serve, and when a worker is replaced."""

from __future__ import annotations

import math
import os
from typing import Final, Literal, TypeVar

import attrs

__all__ = ["Workers"]

_Number = TypeVar("_Number", int, float)
_MAX_PROCESSES: Final = 1024


def _check_not_negative(instance: object, attribute: attrs.Attribute[_Number], value: _Number) -> None:
    if isinstance(value, bool) or not 0 <= value < math.inf:
        raise ValueError(f"{attribute.name} must be a number of at least 0, not {value!r}")


def _check_count(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    if not 0 <= value <= _MAX_PROCESSES:
        raise ValueError(f"{attribute.name} must be from 0 to {_MAX_PROCESSES}, not {value!r}")


def _check_share(instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{attribute.name} must be from 0 to 1, not {value!r}")


@attrs.frozen(kw_only=True)
class Workers:
    """The number of processes that serve, and when one of them is replaced. Times are in seconds; 0 turns a limit off.

    Attributes:
        count: processes that serve; 0 for one process per processor. With 1, there is no supervisor unless a limit of
            use is set.
        sockets: "shared": all workers accept from one socket. "per_worker": each worker has its own socket
            (SO_REUSEPORT), and the kernel spreads connections evenly; connections to the socket of a crashed worker
            wait for its successor.
        startup: time within which a worker must begin to serve; a slower worker is killed.
        heartbeat: time without a sign of life from a worker's event loop after which it is killed and replaced.
        max_requests: requests after which a worker is replaced.
        max_age: time after which a worker is replaced.
        max_memory: bytes of resident memory above which a worker is replaced.
        jitter: share by which these three limits differ between workers, so that not all are replaced at once.
        backoff: pause before a crashed worker is replaced; it doubles with each crash.
        longest_backoff: the longest of these pauses.
        healthy: time of serving after which the next crash counts as the first one.
    """

    count: int = attrs.field(default=1, validator=_check_count)
    sockets: Literal["shared", "per_worker"] = "shared"
    startup: float = attrs.field(default=60.0, validator=_check_not_negative)
    heartbeat: float = attrs.field(default=30.0, validator=_check_not_negative)
    max_requests: int = attrs.field(default=0, validator=_check_not_negative)
    max_age: float = attrs.field(default=0.0, validator=_check_not_negative)
    max_memory: int = attrs.field(default=0, validator=_check_not_negative)
    jitter: float = attrs.field(default=0.1, validator=_check_share)
    backoff: float = attrs.field(default=0.5, validator=_check_not_negative)
    longest_backoff: float = attrs.field(default=30.0, validator=_check_not_negative)
    healthy: float = attrs.field(default=60.0, validator=_check_not_negative)

    @property
    def processes(self) -> int:
        """The number of processes that serve, with 0 resolved."""
        return self.count or _processors()

    @property
    def are_supervised(self) -> bool:
        """Whether a supervisor is needed: for several processes, or for one with a limit of use."""
        return self.processes > 1 or bool(self.max_requests or self.max_age or self.max_memory)


def _processors() -> int:
    # The processors that this process may use, where the system reports them: a container may have fewer than the
    # machine.
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
