"""Write the ``turnbuckle`` loggers to stderr, one line a record, unless the application has set up logging itself."""

from __future__ import annotations

import logging
import re
from types import TracebackType
from typing import Final, TypeAlias

__all__ = ["LineFormatter", "configure_logging"]

ExceptionInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

_FORMAT: Final = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"

# C0, DEL, C1, and what Unicode counts as the end of a line.
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class LineFormatter(logging.Formatter):
    """Text with one line for each message: what a client sends can neither forge a record nor move a terminal's cursor.

    A traceback follows on lines of its own, each of them indented: the message of an exception may quote what a client
    sent, too.
    """

    def __init__(self) -> None:
        super().__init__(_FORMAT)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the name that logging calls
        """Return the line of a record, with control characters escaped."""
        return _CONTROL.sub(_escaped, super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record."""
        # Another formatter may have left its own text of the traceback, and logging would take that.
        record.exc_text = None
        return super().format(record)

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802  # the name that logging calls
        """Return a traceback, indented, with control characters escaped."""
        return "\n".join("  " + _CONTROL.sub(_escaped, line) for line in super().formatException(ei).split("\n"))


def configure_logging(level: str = "info") -> None:
    """Set the level of the ``turnbuckle`` loggers, and give them a way to stderr if they have none yet.

    Args:
        level: ``"critical"``, ``"error"``, ``"warning"``, ``"info"`` or ``"debug"``.
    """
    logger = logging.getLogger("turnbuckle")
    logger.setLevel(level.upper())
    if logger.hasHandlers():
        return
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter())
    logger.addHandler(handler)
    # An application that sets up the root logger later would show each record twice.
    logger.propagate = False


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
