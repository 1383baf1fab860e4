"""Write down for a process what it is to be, in a variable of its environment."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, MutableMapping
from typing import Final, NoReturn

import attrs

from turnbuckle.server.listen.addresses import BindAddress
from turnbuckle.server.logs.setup import LogSettings
from turnbuckle.server.workers.reloader import Watched
from turnbuckle.server.workers.settings import Workers

__all__ = [
    "SUCCESSOR",
    "SUPERVISOR",
    "WORKER",
    "SuccessorEnvironment",
    "SupervisorConfig",
    "WorkerEnvironment",
    "become_supervisor",
    "is_successor",
    "python_command",
    "read_supervisor_config",
]

# Not one of the variables that begin with TURNBUCKLE_: those are settings.
WORKER: Final = "_TURNBUCKLE_WORKER"
SUPERVISOR: Final = "_TURNBUCKLE_SUPERVISOR"
SUCCESSOR: Final = "_TURNBUCKLE_SUCCESSOR"


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


@attrs.frozen(kw_only=True)
class SupervisorConfig:
    """What a supervisor is told.

    Attributes:
        bind_address: where to listen.
        fd_name: of the sockets that systemd passes, those to listen on.
        ready_file: path of a file that is there as long as connections are accepted.
        workers: how many there are, and when one is replaced.
        log: how to log.
        watched: what to reload on; None to watch nothing.
        successor: what another supervisor hands over; None if there was none before.
    """

    bind_address: BindAddress
    fd_name: str = ""
    ready_file: str = ""
    workers: Workers
    log: LogSettings
    watched: Watched | None = None
    successor: SuccessorEnvironment | None = None


def become_supervisor(config: SupervisorConfig) -> NoReturn:
    """Go on as a supervisor, in a fresh interpreter that is called as this one was; the process stays the same."""
    from cattrs import unstructure

    successor = os.environ.pop(SUCCESSOR, "")
    if successor:
        config = attrs.evolve(config, successor=SuccessorEnvironment.read(successor))
    command = python_command()
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(command[0], command, {**os.environ, SUPERVISOR: json.dumps(unstructure(config))})


def read_supervisor_config(environ: MutableMapping[str, str]) -> SupervisorConfig:
    """Return what this process is told as a supervisor; its child processes will be told nothing."""
    from cattrs import structure

    return structure(json.loads(environ.pop(SUPERVISOR)), SupervisorConfig)


def python_command() -> list[str]:
    """Return what runs this program again, with the same arguments, in an interpreter with the same options."""
    # The current folder must not hide modules of the library from a worker; the application's are found all the same.
    options = ["-P"]
    if sys.flags.optimize:
        options.append("-" + "O" * sys.flags.optimize)
    options += [f"-X{name}" if value is True else f"-X{name}={value}" for name, value in sys._xoptions.items()]
    options += [f"-W{each}" for each in sys.warnoptions]
    return [sys.executable, *options, "-m", "turnbuckle", *sys.argv[1:]]


def is_successor() -> bool:
    """Return whether this process takes over from another supervisor."""
    return SUCCESSOR in os.environ
