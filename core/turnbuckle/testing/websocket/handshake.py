"""The opening handshake of the test client: the request, and the checks of the response (RFC 6455, section 4.1)."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Sequence
from typing import Final, final

import attrs

from turnbuckle.errors import TurnbuckleError
from turnbuckle.testing.client.response import BaseResponse, ClientResponse
from turnbuckle.testing.client.response_reader import MalformedResponse
from turnbuckle.testing.websocket.messages import Deflate

__all__ = ["HandshakeOffer", "WebSocketRefused"]

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# The offer of browsers.
_OFFER: Final = "permessage-deflate; client_max_window_bits"


@final
class WebSocketRefused(TurnbuckleError):
    """The server answered the request for a WebSocket with an ordinary response.

    Attributes:
        response: the response.
    """

    def __init__(self, response: ClientResponse) -> None:
        super().__init__(f"the WebSocket was refused with status {response.status}: {response.content[:200]!r}")
        self.response: Final = response


@attrs.frozen(kw_only=True)
class HandshakeOffer:
    """The offer of a client, and the checks of the answer to it.

    Attributes:
        subprotocols: the offered subprotocols, in the order of preference.
        origin: the ``Origin`` field, as a browser sends it; None for none.
        is_compressed: whether permessage-deflate is offered.
        key: the value of ``Sec-WebSocket-Key``.
    """

    subprotocols: Sequence[str] = ()
    origin: str | None = None
    is_compressed: bool = False
    key: str = attrs.field(factory=lambda: base64.b64encode(secrets.token_bytes(16)).decode("ascii"))

    def fields(self) -> list[tuple[str, str]]:
        """Return the fields of the request."""
        fields = [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", self.key),
        ]
        if self.origin is not None:
            fields.append(("Origin", self.origin))
        if self.subprotocols:
            fields.append(("Sec-WebSocket-Protocol", ", ".join(self.subprotocols)))
        if self.is_compressed:
            fields.append(("Sec-WebSocket-Extensions", _OFFER))
        return fields

    def check(self, response: BaseResponse) -> Deflate | None:
        """Check the response that accepts; return the compression, if it was negotiated.

        Raises:
            MalformedResponse: a client must fail the connection because of this response.
        """
        headers = response.headers
        _require(headers.get("upgrade", "").lower() == "websocket", "Upgrade", response)
        options = [option.strip().lower() for option in headers.get("connection", "").split(",")]
        _require("upgrade" in options, "Connection", response)
        digest = hashlib.sha1(self.key.encode("ascii") + _GUID).digest()
        expected = base64.b64encode(digest).decode("ascii")
        _require(headers.get_list("sec-websocket-accept") == [expected], "Sec-WebSocket-Accept", response)
        chosen = headers.get_list("sec-websocket-protocol")
        _require(
            not chosen or (len(chosen) == 1 and chosen[0] in self.subprotocols), "Sec-WebSocket-Protocol", response
        )
        return self._deflate(response)

    def _deflate(self, response: BaseResponse) -> Deflate | None:
        extensions = ",".join(response.headers.get_list("sec-websocket-extensions"))
        if not extensions:
            return None
        name, *parameters = (part.strip() for part in extensions.split(";"))
        is_offered = self.is_compressed and name == "permessage-deflate" and "," not in extensions
        _require(is_offered, "Sec-WebSocket-Extensions", response)
        return Deflate(parameters)


def _require(is_right: bool, name: str, response: BaseResponse) -> None:
    if not is_right:
        values = response.headers.get_list(name)
        raise MalformedResponse(f"response 101 has {name} {values!r}, so a client must fail the WebSocket")
