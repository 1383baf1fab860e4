"""Set up the loggers of turnbuckle for as long as a server runs, unless the application has done so itself.

Loggers without any handler, of the application and of what it uses, go the same way meanwhile: Python would write them
to stderr at once, and a stderr that blocks would block the server.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final, Literal

import attrs

from turnbuckle.errors import TurnbuckleError
from turnbuckle.server.logs.destinations import open_destination
from turnbuckle.server.logs.formats import renderer
from turnbuckle.server.logs.queue import LogQueue, QueuedHandler
from turnbuckle.server.logs.records import AccessEntry
from turnbuckle.server.logs.redact import Redactor

__all__ = ["LogSettings", "access_sink", "configured_logging"]

_ROOT: Final = logging.getLogger("turnbuckle")
_ACCESS: Final = logging.getLogger("turnbuckle.access")

# Seconds that what waits has to be written when a server has stopped.
_LAST_WORDS: Final = 1.0


def _is_queue_size(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    if not 1 <= value <= 1_000_000:
        raise ValueError(f"{attribute.name} must be from 1 to 1000000, not {value!r}")


@attrs.frozen(kw_only=True)
class LogSettings:
    """What is logged, how a line looks, and where it goes.

    Attributes:
        access: log each response, and each refusal, to the logger "turnbuckle.access".
        queries: log the query of a target, and of the page that a request comes from; queries may hold secrets.
        level: of the loggers of turnbuckle; it does not concern the access log.
        format: "text" for people, "json" for programs: one object a line.
        destination: "stderr", "stdout", or the path of a file, which is opened again when it was moved away.
        access_destination: the same for the access log; "" for the same place as the rest.
        queue: lines that wait while the destination takes none; beyond it they are dropped, and counted.
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
    """Log as the settings say, for the length of a ``with`` block.

    An application that has set up logging itself keeps that, unless the settings name a format or a destination.

    Args:
        settings: how to log.
        secrets: what is kept out of every line.

    Raises:
        TurnbuckleError: a file cannot be opened.
    """
    before = [(logger, logger.level, logger.propagate) for logger in (_ROOT, _ACCESS)]
    _ROOT.setLevel(settings.level.upper())
    _ACCESS.setLevel(logging.INFO)
    try:
        if _ROOT.hasHandlers() and not _is_asked_for(settings):
            yield
        else:
            with _handlers(settings, Redactor(secrets)):
                yield
    finally:
        for logger, level, propagate in before:
            logger.setLevel(level)
            logger.propagate = propagate


def access_sink() -> Callable[[AccessEntry], None]:
    """Return what takes lines of the access log: the queue itself if nobody else listens, which spares ``logging``."""
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


def _is_asked_for(settings: LogSettings) -> bool:
    asked = (settings.format, settings.destination, settings.access_destination)
    plain = LogSettings()
    return asked != (plain.format, plain.destination, plain.access_destination)


@contextmanager
def _handlers(settings: LogSettings, secrets: Redactor) -> Iterator[None]:
    places = {_ROOT: settings.destination}
    if settings.access and settings.access_destination not in {"", settings.destination}:
        places[_ACCESS] = settings.access_destination
    queues = {logger: _queue(place, settings, secrets) for logger, place in places.items()}
    added = {logger: QueuedHandler(queue) for logger, queue in queues.items()}
    last_resort = logging.lastResort
    try:
        for logger, handler in added.items():
            logger.addHandler(handler)
            # An application that sets up the root logger later would show each record twice.
            logger.propagate = False
        logging.lastResort = added[_ROOT]
        yield
    finally:
        logging.lastResort = last_resort
        for logger, handler in added.items():
            logger.removeHandler(handler)
        for queue in queues.values():
            queue.close(_LAST_WORDS)


def _queue(place: str, settings: LogSettings, secrets: Redactor) -> LogQueue:
    try:
        destination = open_destination(place)
    except OSError as error:
        raise TurnbuckleError(f"cannot log to {place!r}: {error.strerror}") from error
    return LogQueue(destination, renderer(settings.format), size=settings.queue, secrets=secrets)
