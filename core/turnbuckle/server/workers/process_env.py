"""Pass a process its role and its settings through a variable of its environment.

A supervisor starts in a fresh interpreter, in the same process: the application was imported only to find its problems
and settings, and its memory, threads and open files must not stay in a supervisor.
"""

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

# Names that begin with TURNBUCKLE_ are settings.
WORKER: Final = "_TURNBUCKLE_WORKER"
SUPERVISOR: Final = "_TURNBUCKLE_SUPERVISOR"
SUCCESSOR: Final = "_TURNBUCKLE_SUCCESSOR"


def _as_numbers(value: Iterable[int]) -> tuple[int, ...]:
    return tuple(value)


def _as_sets(value: Iterable[Iterable[int]]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(numbers) for numbers in value)


@attrs.frozen(kw_only=True)
class WorkerEnvironment:
    """The settings of one worker.

    Attributes:
        channel: descriptor of its end of the channel.
        fds: descriptors of the sockets to listen on.
        heartbeat_interval: seconds between two signs of life.
        counts_requests: whether it reports the number of its requests.
        reports_memory: whether it reports its resident memory.
    """

    channel: int
    fds: tuple[int, ...] = attrs.field(converter=_as_numbers)
    heartbeat_interval: float = 1.0
    counts_requests: bool = False
    reports_memory: bool = False

    @classmethod
    def from_json(cls, text: str) -> WorkerEnvironment:
        """Return the settings that a variable contains."""
        return cls(**json.loads(text))

    def to_json(self) -> str:
        """Return the value of the variable."""
        return json.dumps(attrs.asdict(self))


@attrs.frozen(kw_only=True)
class SuccessorEnvironment:
    """The resources that a supervisor passes to its successor.

    Attributes:
        pipe: descriptor of the pipe on which the successor reports that it is ready.
        sets: descriptors of the sockets, one set for each worker.
        files: the Unix sockets whose files the supervisor made: descriptor, and device and inode of the file.
    """

    pipe: int
    sets: tuple[tuple[int, ...], ...] = attrs.field(converter=_as_sets)
    files: tuple[tuple[int, ...], ...] = attrs.field(default=(), converter=_as_sets)

    @classmethod
    def from_json(cls, text: str) -> SuccessorEnvironment:
        """Return the resources that a variable contains."""
        return cls(**json.loads(text))

    def to_json(self) -> str:
        """Return the value of the variable."""
        return json.dumps(attrs.asdict(self))


@attrs.frozen(kw_only=True)
class SupervisorConfig:
    """The settings of a supervisor.

    Attributes:
        bind_address: where to listen.
        fd_name: listen only on the sockets with this name that systemd passes; "" for all of them.
        ready_file: path of a file that exists while connections are accepted.
        workers: number of workers, and when a worker is replaced.
        log: how to log.
        watched: the files that cause a reload when they change; None for none.
        successor: the resources of the supervisor that this one succeeds; None if there is none.
    """

    bind_address: BindAddress
    fd_name: str = ""
    ready_file: str = ""
    workers: Workers
    log: LogSettings
    watched: Watched | None = None
    successor: SuccessorEnvironment | None = None


def become_supervisor(config: SupervisorConfig) -> NoReturn:
    """Replace this program by a supervisor: a fresh interpreter with the same arguments, in the same process."""
    from cattrs import unstructure

    successor = os.environ.pop(SUCCESSOR, "")
    if successor:
        config = attrs.evolve(config, successor=SuccessorEnvironment.from_json(successor))
    command = python_command()
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(command[0], command, {**os.environ, SUPERVISOR: json.dumps(unstructure(config))})


def read_supervisor_config(environ: MutableMapping[str, str]) -> SupervisorConfig:
    """Return the settings of this supervisor; the variable is removed, so that child processes do not get it."""
    from cattrs import structure

    return structure(json.loads(environ.pop(SUPERVISOR)), SupervisorConfig)


def python_command() -> list[str]:
    """Return the command that runs this program again, with the same arguments and options of the interpreter."""
    # Modules in the current folder must not shadow installed modules. The application's modules are found without
    # it.
    options = ["-P"]
    if sys.flags.optimize:
        options.append("-" + "O" * sys.flags.optimize)
    options += [f"-X{name}" if value is True else f"-X{name}={value}" for name, value in sys._xoptions.items()]
    options += [f"-W{option}" for option in sys.warnoptions]
    return [sys.executable, *options, "-m", "turnbuckle", *sys.argv[1:]]


def is_successor() -> bool:
    """Return whether this process takes over from another supervisor."""
    return SUCCESSOR in os.environ
