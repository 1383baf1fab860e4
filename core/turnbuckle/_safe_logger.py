"""A logger that never raises, so that a faulty logging handler cannot break the server."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import Final, final

__all__ = ["ON_EXCEPTION", "SafeLogger"]

ON_EXCEPTION: Final[ContextVar[Callable[[BaseException], None]]] = ContextVar("turnbuckle_on_exception")
"""Called with each exception that is logged with its traceback; the test client sets it for each request."""


@final
class SafeLogger:
    """A logger that suppresses the exceptions of logging handlers and filters.

    It has the methods of ``logging.Logger`` that Turnbuckle uses.
    """

    __slots__ = ("_logger",)

    def __init__(self, name: str) -> None:
        self._logger: Final = logging.getLogger(name)

    def debug(self, message: str, *args: object) -> None:
        """Log a detail for debugging."""
        self._log(logging.DEBUG, message, args)

    def info(self, message: str, *args: object) -> None:
        """Log a normal event."""
        self._log(logging.INFO, message, args)

    def warning(self, message: str, *args: object) -> None:
        """Log an event that needs attention."""
        self._log(logging.WARNING, message, args)

    def error(self, message: str, *args: object, exc_info: BaseException | None = None) -> None:
        """Log a failure, with the traceback of ``exc_info`` if it is given."""
        self._log(logging.ERROR, message, args, exc_info)

    def exception(self, message: str, *args: object) -> None:
        """Log a failure, with the traceback of the exception that is being handled."""
        self._log(logging.ERROR, message, args, True)

    def _log(
        self, level: int, message: str, args: tuple[object, ...], exc_info: BaseException | bool | None = None
    ) -> None:
        error = sys.exc_info()[1] if exc_info is True else exc_info
        if isinstance(error, BaseException) and (on_exception := ON_EXCEPTION.get(None)) is not None:
            on_exception(error)
        with suppress(Exception):
            # Two frames are in this module; the log record names the caller.
            self._logger.log(level, message, *args, exc_info=exc_info, stacklevel=3)
