"""A logger that never raises, so that a faulty logging handler cannot break the server."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Final, final

__all__ = ["SafeLogger"]


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
        with suppress(Exception):
            # Two frames are in this module; the log record names the caller.
            self._logger.log(level, message, *args, exc_info=exc_info, stacklevel=3)
