"""What the fleet decides: one record for each thing that a supervisor can do."""

from __future__ import annotations

import attrs

__all__ = ["Abort", "Action", "Finished", "Kill", "Log", "Ready", "Reloaded", "Start", "Stop"]


@attrs.frozen
class Start:
    """Start a worker.

    Attributes:
        number: of the worker; no other gets the same.
        slot: its place, whose socket it has where each has its own.
    """

    number: int
    slot: int


@attrs.frozen
class Stop:
    """Let a worker finish its requests and end."""

    number: int


@attrs.frozen
class Abort:
    """Let a worker end without waiting for its requests."""

    number: int


@attrs.frozen
class Kill:
    """End a worker, whatever it does."""

    number: int


@attrs.frozen
class Log:
    """Log a line.

    Attributes:
        level: as ``logging`` counts.
        text: the line.
    """

    level: int
    text: str


@attrs.frozen
class Ready:
    """All workers serve for the first time."""


@attrs.frozen
class Reloaded:
    """Reloading is over.

    Attributes:
        text: what has come of it.
    """

    text: str


@attrs.frozen
class Finished:
    """No worker is left, and none will be.

    Attributes:
        reason: why the start failed; "" if it did not.
        status: the exit status to end with.
    """

    reason: str = ""
    status: int = 0


Action = Start | Stop | Abort | Kill | Log | Ready | Reloaded | Finished
