"""Set up the loggers of turnbuckle while a server runs, unless the application has set up logging itself.

Records of loggers without any handler, of the application or its libraries, go to the same destination meanwhile.
Python would write them to stderr directly, and a stderr that blocks would block the server.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final, Literal

import attrs

from turnbuckle.errors import TurnbuckleError
from turnbuckle.server.logs.destinations import open_destination
from turnbuckle.server.logs.formats import renderer_for
from turnbuckle.server.logs.queue import LogQueue, QueuedHandler
from turnbuckle.server.logs.records import AccessEntry
from turnbuckle.server.logs.redact import Redactor

__all__ = ["LogSettings", "access_sink", "configured_logging"]

_ROOT: Final = logging.getLogger("turnbuckle")
_ACCESS: Final = logging.getLogger("turnbuckle.access")

# Seconds that queued records may take to be written when a server has stopped.
_CLOSE_SECONDS: Final = 1.0


def _is_queue_size(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    if not 1 <= value <= 1_000_000:
        raise ValueError(f"{attribute.name} must be from 1 to 1000000, not {value!r}")


@attrs.frozen(kw_only=True)
class LogSettings:
    """Which lines are logged, in which format, and where they go.

    Attributes:
        access: log each response and each refused request to the logger "turnbuckle.access".
        queries: log the query of the target and of the Referer field; queries may contain secrets.
        level: of the loggers of turnbuckle; it does not apply to the access log.
        format: "text" for people, "json" for programs: one object on each line.
        destination: "stderr", "stdout", or the path of a file, which is opened again after it was moved away.
        access_destination: destination of the access log; "" for the same destination.
        queue: maximum number of lines that wait while the destination is blocked; lines above it are dropped and
            counted.
    """

    access: bool = False
    queries: bool = True
    level: Literal["debug", "info", "warning", "error", "critical"] = "info"
    format: Literal["text", "json"] = "text"
    destination: str = "stderr"
    access_destination: str = ""
    queue: int = attrs.field(default=10_000, validator=_is_queue_size)


@contextmanager
def configured_logging(settings: LogSettings, *, secrets: Iterable[str] = ()) -> Iterator[None]:
    """Log as the settings say inside a ``with`` block.

    If the application has set up logging itself, its set-up stays in force unless the settings name a format or a
    destination.

    Args:
        settings: how to log.
        secrets: values that are removed from every line.

    Raises:
        TurnbuckleError: a log file cannot be opened.
    """
    before = [(logger, logger.level, logger.propagate) for logger in (_ROOT, _ACCESS)]
    _ROOT.setLevel(settings.level.upper())
    _ACCESS.setLevel(logging.INFO)
    try:
        if _ROOT.hasHandlers() and not _names_destination(settings):
            yield
        else:
            with _handlers(settings, Redactor(secrets)):
                yield
    finally:
        for logger, level, propagate in before:
            logger.setLevel(level)
            logger.propagate = propagate


def access_sink() -> Callable[[AccessEntry], None]:
    """Return the function that takes access log entries: the queue's own if the queue is the only handler.

    That saves a call of ``logging`` for each entry.
    """
    handlers: list[logging.Handler] = []
    logger: logging.Logger | None = _ACCESS
    while logger is not None:
        handlers += logger.handlers
        logger = logger.parent if logger.propagate else None
    if len(handlers) == 1 and not _ACCESS.filters and _ACCESS.isEnabledFor(logging.INFO):
        (handler,) = handlers
        if isinstance(handler, QueuedHandler) and not handler.filters and handler.level <= logging.INFO:
            return handler.queue.put_access
    return _log_access


def _log_access(entry: AccessEntry) -> None:
    _ACCESS.info("%s", entry, extra={"access": entry})


def _names_destination(settings: LogSettings) -> bool:
    chosen = (settings.format, settings.destination, settings.access_destination)
    plain = LogSettings()
    return chosen != (plain.format, plain.destination, plain.access_destination)


@contextmanager
def _handlers(settings: LogSettings, secrets: Redactor) -> Iterator[None]:
    destinations = {_ROOT: settings.destination}
    if settings.access and settings.access_destination not in {"", settings.destination}:
        destinations[_ACCESS] = settings.access_destination
    queues = {logger: _queue(destination_name, settings, secrets) for logger, destination_name in destinations.items()}
    added = {logger: QueuedHandler(queue) for logger, queue in queues.items()}
    last_resort = logging.lastResort
    try:
        for logger, handler in added.items():
            logger.addHandler(handler)
            # An application that sets up the root logger later would otherwise log each record twice.
            logger.propagate = False
        logging.lastResort = added[_ROOT]
        yield
    finally:
        logging.lastResort = last_resort
        for logger, handler in added.items():
            logger.removeHandler(handler)
        for queue in queues.values():
            queue.close(_CLOSE_SECONDS)


def _queue(destination_name: str, settings: LogSettings, secrets: Redactor) -> LogQueue:
    try:
        destination = open_destination(destination_name)
    except OSError as error:
        raise TurnbuckleError(f"cannot log to {destination_name!r}: {error.strerror}") from error
    return LogQueue(destination, renderer_for(settings.format), size=settings.queue, secrets=secrets)
