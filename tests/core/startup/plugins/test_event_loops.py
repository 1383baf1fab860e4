"""An event loop that is started before the server has one is a warning with its place, wherever it is started."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

import turnbuckle
from tests.core.startup.finding import make_plugin, warning_of
from turnbuckle import App, Component, Diagnostic, Handler, Middleware, Setup
from turnbuckle.startup.plugins.event_loops import noting_event_loops


async def _connect() -> str:
    return "connection"


def _run() -> None:
    asyncio.run(_connect())


def _until_complete() -> None:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(_connect())
    loop.close()


def _runner() -> None:
    with asyncio.Runner() as runner:
        runner.run(_connect())


STARTS = {"asyncio.run": _run, "asyncio.new_event_loop": _until_complete, "asyncio.Runner": _runner}


@pytest.mark.parametrize("called", STARTS)
def test_loop_in_a_hook_is_a_warning(called: str) -> None:
    def hook(self: object, setup: Setup) -> list[object]:
        STARTS[called]()
        return []

    found = warning_of(App(plugins=[make_plugin("p", provide_routes=hook)]), "TB312")
    if called != "asyncio.Runner":
        assert found.text.startswith(f"{called}() is called in hook 'provide_routes' of plugin 'p'")
    assert found.origins[0].plugin == "p"
    assert "test_event_loops.py:" in found.origins[0].location
    assert "lifespan" in found.fix


def _of_plugin(**members: object) -> App:
    return App(plugins=[make_plugin("p", **members)])


def _in_constructor() -> App:
    return _of_plugin(__init__=lambda self: _run())


def _in_middleware() -> App:
    def factory(next_handler: Handler, setup: Setup) -> Handler:
        _run()
        return next_handler

    return App(middleware=[Middleware("m", factory)])


def _in_component() -> App:
    record = Component("store", "mine", lambda setup: [_run()])  # type: ignore[func-returns-value]
    return _of_plugin(provide_components=lambda self, setup: [record])


@pytest.mark.parametrize("make", [_in_constructor, _in_middleware, _in_component])
def test_loop_in_other_code_is_a_warning(make: Callable[[], App]) -> None:
    app = make()
    app.compile()
    (found,) = app.plan.diagnostics
    assert found.code == "TB312"
    assert found.text.startswith("asyncio.run() is called while the app is imported or composed")
    assert "test_event_loops.py:" in found.origins[0].location


@pytest.mark.parametrize(
    "call",
    ["asyncio.run(connect())", "asyncio.new_event_loop().run_until_complete(connect())", "asyncio.get_event_loop()"],
)
def test_loop_at_import_is_a_warning(call: str, tmp_path: Path) -> None:
    source = f"""
        import asyncio
        from turnbuckle import App

        async def connect():
            return 1

        connection = {call}
        app = App()
    """
    (tmp_path / "main.py").write_text(textwrap.dedent(source).lstrip())
    command = [sys.executable, "-W", "ignore", "-m", "turnbuckle", "check", "main"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 warning" in result.stdout, result.stderr
    assert f"warning: TB312 {call.partition('(')[0]}() is called" in result.stderr
    assert "the app at main.py:7" in result.stderr


def test_code_without_a_loop_is_no_warning() -> None:
    def hook(self: object, setup: Setup) -> list[object]:
        asyncio.Lock(), asyncio.Queue[int](), asyncio.Event()
        return []

    assert App(plugins=[make_plugin("p", provide_routes=hook)]).plan.diagnostics == ()


async def test_running_loop_is_no_warning() -> None:
    def hook(self: object, setup: Setup) -> list[object]:
        asyncio.get_event_loop()
        return []

    assert App(plugins=[make_plugin("p", provide_routes=hook)]).plan.diagnostics == ()


def test_policy_is_restored() -> None:
    policy = asyncio.get_event_loop_policy()
    before = dict(vars(policy))
    found: list[Diagnostic] = []
    with noting_event_loops(found), noting_event_loops(found):
        pass
    assert vars(policy) == before
    _run()
    assert found == []


def test_plugin_installed_beside_the_core_is_reported() -> None:
    # In site-packages, this folder is beside the folder of the core, and its name begins with the core's.
    file = Path(turnbuckle.__file__).parent.with_name("turnbuckle_rates") / "__init__.py"
    found: list[Diagnostic] = []
    with noting_event_loops(found):
        exec(compile("import asyncio\nasyncio.new_event_loop().close()", file, "exec"), {})
    assert [warning.code for warning in found] == ["TB312"]
