"""The errors of a peer that the engine finds: of a connection, and of one stream.

Sources: RFC 9113, section 5.4.
"""

from __future__ import annotations

from typing import Final, final

from turnbuckle_plugins.http2.engine.frames import ErrorCode

__all__ = ["ConnectionFault", "StreamFault"]


@final
class ConnectionFault(Exception):
    """The peer broke the rules of the connection: GOAWAY ends it (section 5.4.1).

    Attributes:
        code: the code of the GOAWAY frame.
        reason: the reason, for the log and the GOAWAY frame.
    """

    def __init__(self, code: ErrorCode, reason: str) -> None:
        super().__init__(reason)
        self.code: Final = code
        self.reason: Final = reason


@final
class StreamFault(Exception):
    """The peer broke the rules of one stream: RST_STREAM ends it, and the connection goes on (section 5.4.2).

    Attributes:
        code: the code of the RST_STREAM frame.
        reason: the reason, for the log.
    """

    def __init__(self, code: ErrorCode, reason: str) -> None:
        super().__init__(reason)
        self.code: Final = code
        self.reason: Final = reason
