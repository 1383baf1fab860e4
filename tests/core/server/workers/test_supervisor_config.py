"""What a process needs to be a supervisor."""

import json
import os
import sys
from collections import namedtuple

import attrs
import pytest
from cattrs import unstructure

from turnbuckle.server.listen.listeners import BindAddress
from turnbuckle.server.logs.settings import LogSettings
from turnbuckle.server.workers.process_env import SUPERVISOR, SuccessorEnvironment
from turnbuckle.server.workers.reloader import Watched
from turnbuckle.server.workers.settings import Workers
from turnbuckle.server.workers.supervisor_config import Charge, python_command, take_charge


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="plain"),
        pytest.param({"watched": Watched(folders=("/srv",), suffixes=(".py",))}, id="reload"),
        pytest.param({"heir": SuccessorEnvironment(pipe=3, sets=((4,), (5, 6)))}, id="heir"),
        pytest.param({"endpoint": BindAddress(unix="web.sock", unix_mode="660", fds=(3, 4))}, id="unix"),
    ],
)
def test_charge_is_taken_as_it_was_given(more) -> None:
    charge = Charge(endpoint=BindAddress(port=0), workers=Workers(count=3), log=LogSettings(level="debug"))
    charge = attrs.evolve(charge, **more)
    environ = {SUPERVISOR: json.dumps(unstructure(charge)), "HOME": "/"}
    assert take_charge(environ) == charge
    assert environ == {"HOME": "/"}


def test_command_has_the_arguments_and_the_options_of_this_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["turnbuckle", "serve", "main:app", "--workers", "4"])
    monkeypatch.setattr(sys, "flags", namedtuple("Flags", "optimize")(2))
    monkeypatch.setattr(sys, "_xoptions", {"dev": True, "utf8": "0"})
    monkeypatch.setattr(sys, "warnoptions", ["error::ResourceWarning"])
    options = ["-P", "-OO", "-Xdev", "-Xutf8=0", "-Werror::ResourceWarning"]
    assert python_command() == [
        sys.executable,
        *options,
        *("-m", "turnbuckle", "serve", "main:app", "--workers", "4"),
    ]
    assert os.path.isabs(sys.executable)
