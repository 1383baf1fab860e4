"""The id of the current request, for every line that is logged while the request is served.

The id is a context variable: each request is served in its own task, and tasks started from there inherit the id.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import Final, final

__all__ = ["RequestIdFilter", "current_request_id", "set_request_id"]

_ID: Final[ContextVar[str]] = ContextVar("turnbuckle_request_id", default="")


def current_request_id() -> str:
    """Return the id of the current request, or "" outside of a request and for a request without an id."""
    return _ID.get()


def set_request_id(request_id: str) -> None:
    """Set the id of the current request.

    ``request.id = ...`` calls this function; it does not change ``request.id`` itself.
    """
    _ID.set(request_id)


@final
class RequestIdFilter(logging.Filter):
    """Adds ``request_id`` to each log record, for handlers that an application configures itself.

    After ``handler.addFilter(RequestIdFilter())``, the handler's format may contain ``%(request_id)s``. The value is
    "-" outside of a request and for a request without an id. The filter never drops a record.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Set the attribute, unless the record has it already."""
        if not hasattr(record, "request_id"):
            record.request_id = _ID.get() or "-"
        return True
