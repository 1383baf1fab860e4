"""Hand a process what it needs to be a supervisor: it begins anew, without the application that its settings came from.

The application was imported to learn of its problems and its settings. Its memory, its threads and its open files are
no business of a supervisor; a fresh interpreter in the same process has none of them.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import MutableMapping
from functools import partial
from typing import Final, NoReturn

import attrs

from turnbuckle.server.listen.listeners import BindAddress, Listener
from turnbuckle.server.listen.socket_activation import take_passed_sockets
from turnbuckle.server.logs.settings import LogSettings
from turnbuckle.server.logs.setup import logging_as
from turnbuckle.server.run.readiness import Readiness
from turnbuckle.server.run.sd_notify import Notifier
from turnbuckle.server.workers.actions import Drained
from turnbuckle.server.workers.hot_restart import herald
from turnbuckle.server.workers.process_env import HEIR, SUPERVISOR, SuccessorEnvironment
from turnbuckle.server.workers.reloader import Watched, watching
from turnbuckle.server.workers.settings import Workers
from turnbuckle.server.workers.sockets import deal, open_sets
from turnbuckle.server.workers.supervisor import Supervisor, SupervisorParts

__all__ = ["Charge", "become_supervisor", "is_heir", "python_command", "supervise", "take_charge"]

# Seconds that the requests of an old worker have while somebody waits for what the new code does.
_IMPATIENCE: Final = 2.0


@attrs.frozen(kw_only=True)
class Charge:
    """What a supervisor is told.

    Attributes:
        endpoint: where to listen.
        fd_name: of the sockets that systemd passes, those to listen on.
        ready_file: path of a file that is there as long as connections are accepted.
        workers: how many there are, and when one is replaced.
        log: how to log.
        watched: what to reload on; None to watch nothing.
        heir: what another supervisor hands over; None if there was none before.
    """

    endpoint: BindAddress
    fd_name: str = ""
    ready_file: str = ""
    workers: Workers
    log: LogSettings
    watched: Watched | None = None
    heir: SuccessorEnvironment | None = None


def become_supervisor(charge: Charge) -> NoReturn:
    """Go on as a supervisor, in a fresh interpreter that is called as this one was; the process stays the same."""
    from cattrs import unstructure

    heir = os.environ.pop(HEIR, "")
    if heir:
        charge = attrs.evolve(charge, heir=SuccessorEnvironment.read(heir))
    command = python_command()
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(command[0], command, {**os.environ, SUPERVISOR: json.dumps(unstructure(charge))})


def take_charge(environ: MutableMapping[str, str]) -> Charge:
    """Return what this process is told as a supervisor; its child processes will be told nothing."""
    from cattrs import structure

    return structure(json.loads(environ.pop(SUPERVISOR)), Charge)


def supervise(charge: Charge) -> Drained:
    """Serve with workers until told to stop, and return how that ended.

    Raises:
        ListenError: a socket cannot be listened on.
        TurnbuckleError: the ready file cannot be written.
    """
    with logging_as(charge.log):
        supervisor = Supervisor(_parts(charge))
        with watching(charge.watched, supervisor.request_reload):
            return supervisor.run()


def python_command() -> list[str]:
    """Return what runs this program again, with the same arguments, in an interpreter with the same options."""
    # The current folder must not hide modules of the library from a worker; the application's are found all the same.
    options = ["-P"]
    if sys.flags.optimize:
        options.append("-" + "O" * sys.flags.optimize)
    options += [f"-X{name}" if value is True else f"-X{name}={value}" for name, value in sys._xoptions.items()]
    options += [f"-W{each}" for each in sys.warnoptions]
    return [sys.executable, *options, "-m", "turnbuckle", *sys.argv[1:]]


def is_heir() -> bool:
    """Return whether this process takes over from another supervisor."""
    return HEIR in os.environ


def _parts(charge: Charge) -> SupervisorParts:
    readiness = Readiness(charge.ready_file, Notifier.take_from(os.environ))
    return SupervisorParts(
        command=python_command(),
        policy=charge.workers,
        listeners=_listeners(charge),
        readiness=readiness,
        cut_after=_IMPATIENCE if charge.watched is not None else 0.0,
        heralds=() if charge.heir is None else (partial(herald, charge.heir.pipe),),
    )


def _listeners(charge: Charge) -> list[tuple[Listener, ...]]:
    sets = _sets(charge)
    if not charge.endpoint.is_secured:
        return sets
    return [tuple(_secured(listener) for listener in each) for each in sets]


def _sets(charge: Charge) -> list[tuple[Listener, ...]]:
    if charge.heir is not None:
        return deal(charge.heir.sets, charge.workers.processes)
    fds = charge.endpoint.fds or take_passed_sockets(os.environ, charge.fd_name)
    return open_sets(attrs.evolve(charge.endpoint, fds=fds), charge.workers)


def _secured(listener: Listener) -> Listener:
    return attrs.evolve(listener, address=attrs.evolve(listener.address, is_secured=True))
