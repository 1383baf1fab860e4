"""Name what a test can learn from the wire that no response says.

::

    TurnbuckleError
    ├── MalformedResponse     the server sent octets that are not HTTP; also a ValueError
    ├── IncompleteResponse    the server ended the connection before the response was complete; also a ConnectionError
    └── ServerFault           the server's own connection raised where it must not
"""

from __future__ import annotations

from turnbuckle.errors import TurnbuckleError

__all__ = ["IncompleteResponse", "MalformedResponse", "ServerFault"]


class MalformedResponse(TurnbuckleError, ValueError):
    """The server sent octets that RFC 9112 does not allow where they stand."""


class IncompleteResponse(TurnbuckleError, ConnectionError):
    """The connection ended before a response was complete, or before there was any."""


class ServerFault(TurnbuckleError):
    """A callback of the server's connection raised; the cause is what it raised."""
