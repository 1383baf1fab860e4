"""Parse the priority of a response, as a field or a frame carries it.

Sources: RFC 9218, sections 4, 5 and 7.1.
"""

from __future__ import annotations

from typing import Final, final

import attrs

__all__ = ["DEFAULT_PRIORITY", "Priority", "parse_priority"]


@final
@attrs.frozen
class Priority:
    """When a response is sent, relative to the other responses of its connection.

    Attributes:
        urgency: 0 for the most urgent to 7.
        is_incremental: whether parts of the response are useful before the whole; such responses share the connection.
    """

    urgency: int = 3
    is_incremental: bool = False


# A client that sends no priority relies on none: its responses share the connection, so that none waits for a long one.
DEFAULT_PRIORITY: Final = Priority(3, True)

_URGENCIES: Final = {b"u=%d" % urgency: urgency for urgency in range(8)}
_INCREMENTAL: Final = {b"i": True, b"i=?1": True, b"i=?0": False}


def parse_priority(value: bytes) -> Priority:
    """Return the priority in a Priority field or a PRIORITY_UPDATE frame; unknown and malformed members are ignored."""
    urgency, is_incremental = 3, False
    for member in map(bytes.strip, value.split(b",", 16)[:16]):
        urgency = _URGENCIES.get(member, urgency)
        is_incremental = _INCREMENTAL.get(member, is_incremental)
    return Priority(urgency, is_incremental)
