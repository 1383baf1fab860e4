"""Assemble the events of a connection into responses."""

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
    """Assemble one response, with the interim responses before it.

    Attributes:
        head: the final head, or None before it was added.
        content: the content so far.
    """

    def __init__(self, method: str = "GET", url: str = "") -> None:
        self._method: Final = method
        self._url: Final = url
        self._interim: Final[list[BaseResponse]] = []
        self.head: BaseResponse | None = None
        self.content: Final = bytearray()

    @property
    def interim(self) -> tuple[BaseResponse, ...]:
        """The interim responses so far."""
        return tuple(self._interim)

    def take(self, event: ResponseEvent) -> ClientResponse | None:
        """Add the next event; return the response if it is complete."""
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
        """Return the response so far, with at least its final head.

        Raises:
            RuntimeError: there is no final head yet.
        """
        if self.head is None:
            raise RuntimeError("the response has no final head yet")
        values = attrs.asdict(self.head, recurse=False)
        return ClientResponse(**values, content=bytes(self.content))


@attrs.frozen(kw_only=True)
class ReadResponses:
    """The responses that were read on a connection.

    Attributes:
        complete: the complete responses.
        partial: the incomplete response after them, if its final head is complete.
        interim: the interim responses without a final head after them.
        is_cut: whether the connection ended within a response.
        switched: the bytes after a response that switched protocols.
    """

    complete: tuple[ClientResponse, ...]
    partial: ClientResponse | None
    interim: tuple[BaseResponse, ...]
    is_cut: bool
    switched: bytes


def read_responses(received: bytes, *, is_closed: bool, methods: Sequence[str] = ()) -> ReadResponses:
    """Read all responses of one connection.

    Args:
        received: the bytes that the server sent.
        is_closed: whether the server has ended its side.
        methods: the methods of the requests, in order; missing methods count as GET.

    Raises:
        MalformedResponse: the bytes are not responses.
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
