"""The responses of the test client: ``ClientResponse`` is complete, ``StreamedResponse`` is read piece by piece.

Only reading the pieces of a stream waits.
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
    """The head of a response: an interim response, or the common part of final responses.

    Attributes:
        status: the status code.
        reason_phrase: the text after the status code.
        headers: the fields: ``headers["name"]`` is the first value, ``headers.get_list("name")`` are all values.
        http_version: ``"1.1"``.
        interim: the interim responses before this one, in order.
        method: the method of the request.
        url: the URL of the request; "" for a raw request.
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
        """Return the response with this head."""
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
        """The charset of the Content-Type; utf-8 if there is none."""
        message = Message()
        message["Content-Type"] = self.headers.get("content-type", "")
        return message.get_content_charset("utf-8")


@attrs.frozen(kw_only=True)
class ClientResponse(BaseResponse):
    """A complete response.

    Attributes:
        content: the bytes of the content, with any transfer coding removed.
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
            UnicodeDecodeError: the content cannot be decoded with that charset.
        """
        return self.content.decode(self.charset)

    def json(self) -> object:
        """Return the content, decoded as JSON.

        Raises:
            ValueError: the content is not JSON.
        """
        value: object = json.loads(self.content)
        return value


@final
class StreamedResponse:
    """A response whose content is read on demand.

    While the test does not read, the server's writes wait: this is how a test sees back-pressure.

    Attributes:
        head: the head; its attributes are available here as well.
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
        """The content that was read so far."""
        return bytes(self._taken)

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that this response sets, by name."""
        return self.head.cookies

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield the content as it arrives, without empty pieces.

        Raises:
            IncompleteResponse: the server ended the connection before the content was complete.
            MalformedResponse: the framing of the content is malformed.
        """
        async for piece in self._pieces(self):
            self._taken.extend(piece)
            yield piece

    async def read(self) -> bytes:
        """Read the rest, and return the whole content."""
        async for _ in self.stream():
            pass
        return self.content
