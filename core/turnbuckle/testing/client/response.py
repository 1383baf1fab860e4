"""What a test sees of a response: ``ClientResponse`` whole, ``StreamedResponse`` piece by piece.

Nothing here waits for anything but the pieces of a stream.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from email.message import Message
from typing import Final, final

import attrs

from turnbuckle.testing.client.response_reader import ResponseHead
from turnbuckle.web.headers import Headers

__all__ = ["BaseResponse", "ClientResponse", "StreamedResponse"]


@attrs.frozen(kw_only=True)
class BaseResponse:
    """What the head of a response says.

    Attributes:
        status: the status code.
        reason_phrase: the text after it.
        headers: the fields: ``headers["name"]`` is the first value, ``headers.get_list("name")`` are all.
        http_version: ``"1.1"``.
        interim: the interim responses that came before, in order.
        method: of the request.
        url: of the request; "" for one that was sent raw.
    """

    status: int
    reason_phrase: str
    headers: Headers
    http_version: str = "1.1"
    interim: tuple[BaseResponse, ...] = ()
    method: str = "GET"
    url: str = ""

    @classmethod
    def from_head(
        cls, head: ResponseHead, *, interim: tuple[BaseResponse, ...] = (), method: str = "GET", url: str = ""
    ) -> BaseResponse:
        """Return the facts in a head."""
        return cls(
            status=head.status,
            reason_phrase=head.reason_phrase,
            headers=Headers(head.fields),
            interim=interim,
            method=method,
            url=url,
        )

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that this response sets, by name, without their attributes."""
        pairs = (line.partition(";")[0].partition("=") for line in self.headers.get_list("set-cookie"))
        return {name.strip(): value.strip() for name, _, value in pairs}

    @property
    def charset(self) -> str:
        """The charset of the Content-Type; utf-8 where it says none."""
        message = Message()
        message["Content-Type"] = self.headers.get("content-type", "")
        return message.get_content_charset("utf-8")


@attrs.frozen(kw_only=True)
class ClientResponse(BaseResponse):
    """A response, complete.

    Attributes:
        content: the octets of the content, with any transfer coding removed.
        trailers: the trailer fields.
        history: the responses that redirected here, in order.
    """

    content: bytes = b""
    trailers: Headers = attrs.field(factory=Headers)
    history: tuple[ClientResponse, ...] = ()

    @property
    def text(self) -> str:
        """The content, decoded with the charset of its Content-Type.

        Raises:
            UnicodeDecodeError: it is not in that charset.
        """
        return self.content.decode(self.charset)

    def json(self) -> object:
        """Return the content, read as JSON.

        Raises:
            ValueError: it is not JSON.
        """
        value: object = json.loads(self.content)
        return value


@final
class StreamedResponse:
    """A response whose content comes as it is asked for.

    As long as nobody asks, the server's writes wait: this is how a test sees back-pressure.

    Attributes:
        head: what the head says; its parts are attributes here, too.
        trailers: the trailer fields, once the content has ended.
    """

    def __init__(self, head: BaseResponse, pieces: Callable[[StreamedResponse], AsyncIterator[bytes]]) -> None:
        self.head: Final = head
        self.status: Final = head.status
        self.headers: Final = head.headers
        self.reason_phrase: Final = head.reason_phrase
        self.http_version: Final = head.http_version
        self.interim: Final = head.interim
        self.trailers: Headers = Headers()
        self._pieces: Final = pieces
        self._taken: Final = bytearray()

    @property
    def content(self) -> bytes:
        """What was streamed so far."""
        return bytes(self._taken)

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that this response sets, by name."""
        return self.head.cookies

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield the content as it arrives, in pieces that are never empty.

        Raises:
            IncompleteResponse: the server ended the connection before the content was complete.
            MalformedResponse: the framing of the content is broken.
        """
        async for piece in self._pieces(self):
            self._taken.extend(piece)
            yield piece

    async def read(self) -> bytes:
        """Stream the rest, and return the whole content."""
        async for _ in self.stream():
            pass
        return self.content
