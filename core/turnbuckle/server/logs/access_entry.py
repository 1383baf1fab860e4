"""Hold what is known of one response, or of one refusal, for its line in the access log."""

from __future__ import annotations

from typing import Literal, TypeAlias, final

import attrs

from turnbuckle.server.logs.escapes import field, quoted

__all__ = ["AccessEntry", "Outcome"]

Outcome: TypeAlias = Literal["complete", "refused", "broken", "disconnected"]
"""How a response ended: all of it was written; the connection itself answered with an error; it was cut off by the
server; the peer left before its end.
"""


@final
@attrs.define(eq=False, kw_only=True)
class AccessEntry:
    """One line of the access log; as a string, the line itself, escaped.

    Attributes:
        client: address and port, ``"unix"``, or whatever stands for the client.
        method: as received; "" if no request was understood, as for all that follow.
        target: as received, without its query if queries are not logged.
        version: ``"HTTP/1.1"`` or ``"HTTP/1.0"``.
        status: that was sent; 0 if none was.
        octets: of content that were sent.
        seconds: from the end of the head to the end of the response.
        request_id: "" if the request has none.
        outcome: see ``Outcome``.
        reason: why a request was refused; "" if that is not known.
        host: of the Host field.
        referer: without its query if queries are not logged.
        user_agent: of the User-Agent field.
        route: pattern of the route that was found; "" for none.
        time: seconds since the epoch, at the end.
    """

    client: str
    method: str = ""
    target: str = ""
    version: str = ""
    status: int
    octets: int
    seconds: float | None = None
    request_id: str = ""
    outcome: Outcome
    reason: str = ""
    host: str = ""
    referer: str = ""
    user_agent: str = ""
    route: str = ""
    time: float

    def __str__(self) -> str:
        line = quoted(f"{self.method} {self.target} {self.version}" if self.method else "")
        took = "-" if self.seconds is None else f"{self.seconds * 1000:.1f}ms"
        start = f"{field(self.client)} {line} {self.status or '-'} {self.octets} {took} {field(self.request_id)}"
        return f"{start} {self.outcome} {quoted(self.reason)}" if self.reason else f"{start} {self.outcome}"
