"""How exceptions become lines and exit statuses."""

import click
import pytest
from click.testing import CliRunner, Result

from turnbuckle.cli.reporting import CommandFailed, one_line, reporting_errors, verbose_option, warn
from turnbuckle.diagnostics import Diagnostic
from turnbuckle.errors import Problem, StartupError, TurnbuckleError

WARNING = Diagnostic(level="warning", code="TB112", text="odd", fix="undo it")
INFO = Diagnostic(level="info", code="TB110", text="by the way")


def end_with(error: BaseException, *args: str) -> Result:
    @click.command
    @verbose_option
    def command() -> None:
        with reporting_errors():
            raise error

    return CliRunner().invoke(command, args)


def problem(code: str) -> Problem:
    return Problem(Diagnostic(level="error", code=code, text="is wrong", fix="undo it"))


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        pytest.param(TurnbuckleError("broken\n  badly"), 3, "error: broken badly\n", id="known"),
        pytest.param(ValueError("broken"), 1, "error: ValueError: broken\n", id="unknown"),
        pytest.param(StartupError([problem("TB101")]), 3, "error: TB101 is wrong\n  fix: undo it\n", id="problem"),
        pytest.param(
            StartupError([problem("TB101"), problem("TB201")]),
            3,
            "error: TB101 is wrong\n  fix: undo it\nerror: TB201 is wrong\n  fix: undo it\n2 problems stop the start\n",
            id="problems",
        ),
        pytest.param(
            StartupError([problem("TB101")], [WARNING]),
            3,
            "warning: TB112 odd\n  fix: undo it\nerror: TB101 is wrong\n  fix: undo it\n",
            id="problem-and-warning",
        ),
        pytest.param(CommandFailed("as it is"), 3, "as it is\n", id="formatted-already"),
        pytest.param(KeyboardInterrupt(), 1, "\nAborted!\n", id="interrupted"),
    ],
)
def test_exception_ends_the_command(error: BaseException, status: int, text: str) -> None:
    result = end_with(error)
    assert (result.exit_code, result.stdout, result.stderr) == (status, "", text)


def test_verbose_prints_the_traceback_first() -> None:
    lines = end_with(ValueError("broken"), "-v").stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "error: ValueError: broken"


def test_warn_keeps_information_back_unless_verbose() -> None:
    @click.command
    @verbose_option
    def command() -> None:
        warn([WARNING, INFO])

    quiet, verbose = CliRunner().invoke(command), CliRunner().invoke(command, "-v")
    assert quiet.stderr == "warning: TB112 odd\n  fix: undo it\n"
    assert verbose.stderr == quiet.stderr + "info: TB110 by the way\n"


def test_warn_works_outside_of_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    warn([INFO])
    assert capsys.readouterr().err == ""


def test_one_line_joins_lines() -> None:
    assert one_line(ValueError(" a\n\tb  c ")) == "a b c"
