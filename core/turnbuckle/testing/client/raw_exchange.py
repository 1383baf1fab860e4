"""Keep what went over one connection, and read it when it is looked at."""

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
    """What went over one connection, both ways.

    Attributes:
        sent: what the client sent.
        received: what the client took of what the server sent.
        is_closed: whether the server has ended its side.
        was_reset: whether the connection was cut with octets on the way.
        methods: of the requests that were sent, as far as they can be told.
    """

    sent: bytes
    received: bytes
    is_closed: bool
    was_reset: bool = False
    methods: tuple[str, ...] = ()

    @property
    def responses(self) -> tuple[ClientResponse, ...]:
        """The final responses that are complete, each with the interim ones before it.

        Raises:
            MalformedResponse: the server sent something else.
        """
        return self._read().complete

    @property
    def statuses(self) -> list[int]:
        """The status of every complete response, interim ones included, in order."""
        read = self._read()
        in_order: list[BaseResponse] = []
        for response in read.complete:
            in_order += [*response.interim, response]
        return [response.status for response in [*in_order, *read.interim]]

    @property
    def response(self) -> ClientResponse:
        """The one response.

        Raises:
            ValueError: there is none, or more than one.
        """
        (response,) = self.responses
        return response

    @property
    def partial(self) -> ClientResponse | None:
        """What there is of a response that is not complete, if its head is."""
        return self._read().partial

    @property
    def interim(self) -> tuple[BaseResponse, ...]:
        """The interim responses that no final response has followed yet."""
        return self._read().interim

    @property
    def is_cut(self) -> bool:
        """Whether the server ended its side within a response."""
        return self._read().is_cut

    @property
    def switched(self) -> bytes:
        """What the server sent after a response that switched protocols."""
        return self._read().switched

    def _read(self) -> ReadResponses:
        return read_responses(self.received, is_closed=self.is_closed, methods=self.methods)


def methods_of(sent: bytes, limits: Limits) -> tuple[str, ...]:
    """Return the methods of the requests in some octets, up to the first that cannot be read."""
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
