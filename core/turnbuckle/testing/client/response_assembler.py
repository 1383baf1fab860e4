"""Put the events of a connection together into responses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

import attrs

from turnbuckle.http.events import NEED_DATA, Data, EndOfMessage
from turnbuckle.testing.client.response import BaseResponse, ClientResponse
from turnbuckle.testing.client.response_reader import IncompleteResponse, ResponseEvent, ResponseHead, ResponseReader
from turnbuckle.web.headers import Headers

__all__ = ["ReadResponses", "ResponseAssembler", "read_responses"]


@final
class ResponseAssembler:
    """Collects one response, with the interim responses before it.

    Attributes:
        head: what its head says, once the final head was taken.
        content: what was taken of its content.
    """

    def __init__(self, method: str = "GET", url: str = "") -> None:
        self._method: Final = method
        self._url: Final = url
        self._interim: Final[list[BaseResponse]] = []
        self.head: BaseResponse | None = None
        self.content: Final = bytearray()

    @property
    def interim(self) -> tuple[BaseResponse, ...]:
        """The interim responses that were taken."""
        return tuple(self._interim)

    def take(self, event: ResponseEvent) -> ClientResponse | None:
        """Take the next event, and return the response if it is complete."""
        match event:
            case ResponseHead(is_interim=True):
                self._interim.append(BaseResponse.from_head(event, method=self._method, url=self._url))
            case ResponseHead():
                self.head = BaseResponse.from_head(event, interim=self.interim, method=self._method, url=self._url)
            case Data(data):
                self.content.extend(data)
            case EndOfMessage(trailers):
                return attrs.evolve(self.so_far(), trailers=Headers(trailers))
        return None

    def so_far(self) -> ClientResponse:
        """Return what was taken of the response, its final head at least.

        Raises:
            RuntimeError: its final head was not taken yet.
        """
        if self.head is None:
            raise RuntimeError("the final head of the response was not taken yet")
        values = attrs.asdict(self.head, recurse=False)
        return ClientResponse(**values, content=bytes(self.content))


@attrs.frozen(kw_only=True)
class ReadResponses:
    """What the octets of a connection say.

    Attributes:
        complete: the responses that are complete.
        partial: what there is of the response after them, if its final head is complete.
        interim: the interim responses that no final head followed.
        is_cut: whether the connection ended within a response.
        switched: the octets after a response that switched protocols.
    """

    complete: tuple[ClientResponse, ...]
    partial: ClientResponse | None
    interim: tuple[BaseResponse, ...]
    is_cut: bool
    switched: bytes


def read_responses(received: bytes, *, is_closed: bool, methods: Sequence[str] = ()) -> ReadResponses:
    """Read all that a server sent on one connection.

    Args:
        received: the octets.
        is_closed: whether the server has ended its side.
        methods: of the requests, in order; those that are missing count as GET.

    Raises:
        MalformedResponse: the octets are not responses.
    """
    reader = ResponseReader()
    for method in methods:
        reader.expect(method)
    reader.feed(received)
    if is_closed:
        reader.feed_eof()
    return _read_all(reader, [*methods])


def _read_all(reader: ResponseReader, methods: list[str]) -> ReadResponses:
    complete: list[ClientResponse] = []
    assembler = ResponseAssembler(methods[0] if methods else "GET")
    is_cut = False
    try:
        while (event := reader.next_event()) is not NEED_DATA:
            if response := assembler.take(event):
                complete.append(response)
                assembler = ResponseAssembler(methods[len(complete)] if len(complete) < len(methods) else "GET")
    except IncompleteResponse:
        is_cut = True
    return ReadResponses(
        complete=tuple(complete),
        partial=assembler.so_far() if assembler.head else None,
        interim=() if assembler.head else assembler.interim,
        is_cut=is_cut,
        switched=reader.trailing_data() if reader.is_over else b"",
    )
