"""The bytes that were exchanged on one connection, parsed on access."""

from __future__ import annotations

import attrs

from turnbuckle.errors import ProtocolError
from turnbuckle.http.events import NEED_DATA, RequestHead
from turnbuckle.http.limits import Limits
from turnbuckle.http.parser import H1Parser
from turnbuckle.testing.client.response import BaseResponse, ClientResponse
from turnbuckle.testing.client.response_assembler import ReadResponses, read_responses

__all__ = ["RawExchange", "methods_of"]


@attrs.frozen(kw_only=True)
class RawExchange:
    """The bytes that were exchanged on one connection.

    Attributes:
        sent: the bytes that the client sent.
        received: the bytes that the client read.
        is_closed: whether the server has ended its side.
        was_reset: whether the connection was cut while bytes were on the way.
        methods: the methods of the sent requests, as far as they are known.
    """

    sent: bytes
    received: bytes
    is_closed: bool
    was_reset: bool = False
    methods: tuple[str, ...] = ()

    @property
    def responses(self) -> tuple[ClientResponse, ...]:
        """The complete final responses, each with the interim responses before it.

        Raises:
            MalformedResponse: the server sent bytes that are not HTTP.
        """
        return self._read().complete

    @property
    def statuses(self) -> list[int]:
        """The status of every complete response, including interim responses, in order."""
        read = self._read()
        in_order: list[BaseResponse] = []
        for response in read.complete:
            in_order += [*response.interim, response]
        return [response.status for response in [*in_order, *read.interim]]

    @property
    def response(self) -> ClientResponse:
        """The only response.

        Raises:
            ValueError: there is no response, or more than one.
        """
        (response,) = self.responses
        return response

    @property
    def partial(self) -> ClientResponse | None:
        """The incomplete last response, if its head is complete."""
        return self._read().partial

    @property
    def interim(self) -> tuple[BaseResponse, ...]:
        """The interim responses after the last final response."""
        return self._read().interim

    @property
    def is_cut(self) -> bool:
        """Whether the server ended its side within a response."""
        return self._read().is_cut

    @property
    def switched(self) -> bytes:
        """The bytes after a response that switched protocols."""
        return self._read().switched

    def _read(self) -> ReadResponses:
        return read_responses(self.received, is_closed=self.is_closed, methods=self.methods)


def methods_of(sent: bytes, limits: Limits) -> tuple[str, ...]:
    """Return the methods of the requests in some bytes, up to the first malformed request."""
    parser = H1Parser(limits)
    parser.feed(sent)
    methods = []
    try:
        while (event := parser.next_event()) is not NEED_DATA:
            if isinstance(event, RequestHead):
                methods.append(event.method.decode("ascii"))
    except ProtocolError:
        pass
    return tuple(methods)
