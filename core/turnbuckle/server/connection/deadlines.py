"""Store the deadlines of one request.

While a request is served, up to four things are due: the response, the end of the response, the next content, and the
reading of sent data by the peer. The connection is due when the first of them is.
"""

from __future__ import annotations

import math
from typing import final

from turnbuckle.server.model.timeouts import Timeouts

__all__ = ["Deadlines"]


@final
class Deadlines:
    """Deadlines in the clock's monotonic seconds; ``math.inf`` for one that does not apply.

    Attributes:
        handler: for the start of the response.
        total: for the end of the response.
        content: for the next content that a handler waits for.
        write: for the peer to read enough of the sent data.
    """

    __slots__ = ("content", "handler", "total", "write")

    def __init__(self) -> None:
        self.handler = self.total = self.content = self.write = math.inf

    def start(self, now: float, timeouts: Timeouts) -> None:
        """Set the deadlines of the handler and of the whole request, which begins ``now``."""
        self.handler = now + (timeouts.handler or math.inf)
        self.total = now + (timeouts.total or math.inf)

    def next(self) -> float:
        """Return the earliest deadline."""
        return min(self.handler, self.total, self.content, self.write)

    def next_of_handler(self) -> float:
        """Return the earlier of the deadlines that apply to the handler even without a peer."""
        return min(self.handler, self.total)
