"""The actions that the fleet decides on: one record for each thing that a supervisor can do."""

from __future__ import annotations

import attrs

__all__ = ["Abort", "Action", "Exit", "Kill", "Log", "Ready", "Reloaded", "Start", "Stop"]


@attrs.frozen
class Start:
    """Start a worker.

    Attributes:
        number: of the worker; no other worker gets the same.
        slot: number of its slot, which has its own socket where sockets are not shared.
    """

    number: int
    slot: int


@attrs.frozen
class Stop:
    """Stop a worker once it has finished its requests."""

    number: int


@attrs.frozen
class Abort:
    """Stop a worker without waiting for its requests."""

    number: int


@attrs.frozen
class Kill:
    """Kill the process of a worker."""

    number: int


@attrs.frozen
class Log:
    """Log a line.

    Attributes:
        level: a level of ``logging``.
        text: the line.
    """

    level: int
    text: str


@attrs.frozen
class Ready:
    """Report that all workers serve, for the first time."""


@attrs.frozen
class Reloaded:
    """Report the end of a reload.

    Attributes:
        text: how it ended.
    """

    text: str


@attrs.frozen
class Exit:
    """End the supervisor: no worker is left, and none will be started.

    Attributes:
        reason: why the start failed; "" if it did not fail.
        status: the exit status of the supervisor.
    """

    reason: str = ""
    status: int = 0


Action = Start | Stop | Abort | Kill | Log | Ready | Reloaded | Exit
