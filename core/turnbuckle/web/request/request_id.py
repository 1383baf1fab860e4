"""Remember what the request that is being served is called, for every line that is logged meanwhile.

The name is a context variable: each request is served in a task of its own, and what that task starts inherits it.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import Final, final

__all__ = ["RequestIdFilter", "current_request_id", "set_request_id"]

_ID: Final[ContextVar[str]] = ContextVar("turnbuckle_request_id", default="")


def current_request_id() -> str:
    """Return the id of the request that is being served here; "" outside of one, or if it has none."""
    return _ID.get()


def set_request_id(request_id: str) -> None:
    """Give the request that is being served here an id."""
    _ID.set(request_id)


@final
class RequestIdFilter(logging.Filter):
    """Gives each record ``request_id``, for handlers that an application sets up itself; it keeps every record.

    ``handler.addFilter(RequestIdFilter())`` lets ``%(request_id)s`` stand in the handler's format; it is "-" outside
    of a request, or if that has no id.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Set the attribute, unless the record has it already."""
        if not hasattr(record, "request_id"):
            record.request_id = _ID.get() or "-"
        return True
