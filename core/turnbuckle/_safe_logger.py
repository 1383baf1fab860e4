"""Log without ever failing: what a server does after it has logged must not depend on who listens."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Final, final

__all__ = ["SafeLogger"]


@final
class SafeLogger:
    """The logger of a name, without what handlers and filters of the application's own raise.

    Its methods are those of ``logging.Logger``, with what of them is needed.
    """

    __slots__ = ("_logger",)

    def __init__(self, name: str) -> None:
        self._logger: Final = logging.getLogger(name)

    def debug(self, message: str, *args: object) -> None:
        """Log for those who look for a mistake."""
        self._log(logging.DEBUG, message, args)

    def info(self, message: str, *args: object) -> None:
        """Log what is as it should be."""
        self._log(logging.INFO, message, args)

    def warning(self, message: str, *args: object) -> None:
        """Log what somebody should look at."""
        self._log(logging.WARNING, message, args)

    def error(self, message: str, *args: object, exc_info: BaseException | None = None) -> None:
        """Log what failed, with the traceback of an exception."""
        self._log(logging.ERROR, message, args, exc_info)

    def exception(self, message: str, *args: object) -> None:
        """Log what failed, with the traceback of the exception that is being dealt with."""
        self._log(logging.ERROR, message, args, True)

    def _log(
        self, level: int, message: str, args: tuple[object, ...], exc_info: BaseException | bool | None = None
    ) -> None:
        with suppress(Exception):
            # Two frames are ours: a record names whoever has called.
            self._logger.log(level, message, *args, exc_info=exc_info, stacklevel=3)
