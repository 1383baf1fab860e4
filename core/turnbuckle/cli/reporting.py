"""Report errors on stderr in one line; ``-v`` adds the traceback."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any, Final, TypeVar

import click

from turnbuckle.diagnostics import Diagnostic
from turnbuckle.errors import StartupError, TurnbuckleError

__all__ = ["CommandFailed", "ServingFailed", "echo_error", "one_line", "reporting_errors", "verbose_option", "warn"]

CommandT = TypeVar("CommandT", bound=Callable[..., object])

_VERBOSE: Final = "turnbuckle.verbose"


class CommandFailed(click.ClickException):
    """An error before anything was served: exit status 3; ``-v`` prints its cause."""

    exit_code = 3

    def __init__(self, message: str) -> None:
        super().__init__(message)
        # When the exception is shown, the context no longer exists.
        self._is_verbose: Final = is_verbose()

    @property
    def text(self) -> str:
        """The printed text: the traceback of the cause with ``-v``, and the message at the end."""
        if not self._is_verbose or self.__cause__ is None:
            return self.message
        return "".join(traceback.format_exception(self.__cause__)) + self.message

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the error."""
        echo_error(self.text)


class ServingFailed(CommandFailed):
    """An error while something ran: exit status 1."""

    exit_code = 1


def is_verbose() -> bool:
    """Return whether ``-v`` was given."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(_VERBOSE))


def verbose_option(command: CommandT) -> CommandT:
    """Add ``-v``, which may stand before or after the name of the command."""
    return click.option(
        "-v", "--verbose", is_flag=True, expose_value=False, callback=_note_verbose, help="Show tracebacks."
    )(command)


def _note_verbose(context: click.Context, option: click.Parameter, value: bool) -> None:
    if value:
        context.meta[_VERBOSE] = True


@contextmanager
def reporting_errors() -> Iterator[None]:
    """Report exceptions of the block, and end the command.

    Raises:
        CommandFailed: for known errors that prevent a start.
        ServingFailed: for all other exceptions.
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
    """Print the warnings among diagnostics; with ``-v`` all diagnostics."""
    for diagnostic in diagnostics:
        if diagnostic.level != "info" or is_verbose():
            echo_error(f"{diagnostic.level}: {diagnostic}")


def echo_error(text: str) -> None:
    """Print a text on stderr. If stderr is full or its reader is gone, the text is lost: the command goes on."""
    with suppress(OSError):
        click.echo(text, err=True)


def one_line(error: BaseException) -> str:
    """Return the message of an exception as one line."""
    return " ".join(str(error).split())


def _listed(error: StartupError) -> str:
    # Warnings are first, because readers look at the end.
    lines = [f"warning: {warning}" for warning in error.warnings]
    lines += [f"error: {problem}" for problem in error.problems]
    if len(error.problems) > 1:
        lines.append(error.message)
    return "\n".join(lines)
