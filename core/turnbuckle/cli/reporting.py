"""Say on stderr what went wrong, in one clear line; the traceback is for those who ask with ``-v``."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, Final, TypeVar

import click

from turnbuckle.diagnostics import Diagnostic
from turnbuckle.errors import StartupError, TurnbuckleError

__all__ = ["CommandFailed", "ServingFailed", "one_line", "reporting_errors", "verbose_option", "warn"]

CommandT = TypeVar("CommandT", bound=Callable[..., object])

_VERBOSE: Final = "turnbuckle.verbose"


class CommandFailed(click.ClickException):
    """Nothing was served: what to print, with exit status 3; its cause is printed with ``-v``."""

    exit_code = 3

    def __init__(self, message: str) -> None:
        super().__init__(message)
        # The context is gone by the time the exception is shown.
        self._is_verbose: Final = is_verbose()

    @property
    def text(self) -> str:
        """What is printed: the traceback of the cause if wanted, and the message last, where the eye falls."""
        if not self._is_verbose or self.__cause__ is None:
            return self.message
        return "".join(traceback.format_exception(self.__cause__)) + self.message

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it."""
        click.echo(self.text, err=True)


class ServingFailed(CommandFailed):
    """What was running has failed: exit status 1."""

    exit_code = 1


def is_verbose() -> bool:
    """Return whether ``-v`` was given."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(_VERBOSE))


def verbose_option(command: CommandT) -> CommandT:
    """Add ``-v``, which counts wherever it stands: before the name of the command or after it."""
    return click.option(
        "-v", "--verbose", is_flag=True, expose_value=False, callback=_note_verbose, help="Show tracebacks."
    )(command)


def _note_verbose(context: click.Context, option: click.Parameter, value: bool) -> None:
    if value:
        context.meta[_VERBOSE] = True


@contextmanager
def reporting_errors() -> Iterator[None]:
    """Turn exceptions into the end of the command.

    Raises:
        CommandFailed: what is known to stop a start.
        ServingFailed: all else.
    """
    try:
        yield
    except StartupError as error:
        raise CommandFailed(_listed(error)) from error
    except TurnbuckleError as error:
        raise CommandFailed(f"error: {one_line(error)}") from error
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except Exception as error:
        raise ServingFailed(f"error: {type(error).__name__}: {one_line(error)}") from error


def warn(diagnostics: Sequence[Diagnostic]) -> None:
    """Print the warnings among findings; with ``-v`` all of them."""
    for each in diagnostics:
        if each.level != "info" or is_verbose():
            click.echo(f"{each.level}: {each}", err=True)


def one_line(error: BaseException) -> str:
    """Return the message of an exception on one line."""
    return " ".join(str(error).split())


def _listed(error: StartupError) -> str:
    # Warnings come first: the end is where the eye falls.
    lines = [f"warning: {each}" for each in error.warnings]
    lines += [f"error: {problem}" for problem in error.problems]
    if len(error.problems) > 1:
        lines.append(error.message)
    return "\n".join(lines)
