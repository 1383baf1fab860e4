"""Processes get their roles and settings through their environment."""

import json
import os
import sys
from collections import namedtuple

import attrs
import pytest
from cattrs import unstructure

from turnbuckle.server.listen.addresses import BindAddress
from turnbuckle.server.logs.setup import LogSettings
from turnbuckle.server.workers.process_env import (
    SUPERVISOR,
    SuccessorEnvironment,
    SupervisorConfig,
    WorkerEnvironment,
    python_command,
    read_supervisor_config,
)
from turnbuckle.server.workers.reloader import Watched
from turnbuckle.server.workers.settings import Workers


@pytest.mark.parametrize(
    "environment",
    [
        WorkerEnvironment(channel=3, fds=(4, 5), heartbeat_interval=0.25, counts_requests=True, reports_memory=True),
        SuccessorEnvironment(pipe=3, sets=((4, 5), (6,))),
    ],
)
def test_environment_is_read_as_it_was_written(environment: WorkerEnvironment | SuccessorEnvironment) -> None:
    assert type(environment).from_json(environment.to_json()) == environment


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="plain"),
        pytest.param({"watched": Watched(folders=("/srv",), suffixes=(".py",))}, id="reload"),
        pytest.param({"successor": SuccessorEnvironment(pipe=3, sets=((4,), (5, 6)))}, id="successor"),
        pytest.param({"bind_address": BindAddress(unix="web.sock", unix_mode="660", fds=(3, 4))}, id="unix"),
    ],
)
def test_supervisor_config_is_read_as_it_was_written(more: dict[str, object]) -> None:
    config = SupervisorConfig(
        bind_address=BindAddress(port=0), workers=Workers(count=3), log=LogSettings(level="debug")
    )
    config = attrs.evolve(config, **more)
    environ = {SUPERVISOR: json.dumps(unstructure(config)), "HOME": "/"}
    assert read_supervisor_config(environ) == config
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
