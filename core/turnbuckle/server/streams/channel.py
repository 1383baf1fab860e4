"""The interface of a carrier of one request: a stream of HTTP/2, or one call of a host such as an ASGI server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from turnbuckle.server.streams.fields import FieldPair
from turnbuckle.web.response.upgrade import SwitchProtocols

__all__ = ["StreamChannel"]


class StreamChannel(Protocol):
    """The carrier's end of one request and its response.

    The server calls it, in this order: ``send_interim`` any number of times, ``send_head``, ``send_data`` any number of
    times, and ``send_trailers`` if there are any. The call with ``ends``, or ``send_trailers``, is the last one of a
    complete response; ``reset`` ends any other. Each may be called while ``run()`` is running, because a handler that
    never waits answers at once. None of them raises because the peer is gone.

    Fields are pairs of a name in lower case and a value, which are checked. None of them belongs to a connection; Date
    and Content-Length are among them.
    """

    @property
    def is_writing_paused(self) -> bool:
        """Whether the server should write no more until ``StreamRun.resume_writing()``."""

    @property
    def unsent_size(self) -> int:
        """Number of bytes of the response that the peer does not take at the moment; 0 once all were passed on.

        It decides whether a slow peer reads fast enough. The carrier calls ``StreamRun.resume_writing()`` when it
        becomes 0.
        """

    def send_interim(self, status: int, fields: Sequence[FieldPair]) -> bool:
        """Send an interim response, 100 or 103; return False if the carrier has no way to send it."""

    def send_head(self, status: int, fields: Sequence[FieldPair], *, ends: bool) -> None:
        """Send the head of the response; with ``ends``, it has no content."""

    def send_data(self, data: bytes, *, ends: bool) -> None:
        """Send content; with ``ends``, it is the last, and may be empty."""

    def send_trailers(self, fields: Sequence[FieldPair]) -> None:
        """Send the trailer fields, which end the response."""

    def reset(self, reason: str, *, error: bool) -> None:
        """End the stream: the response is not, or not completely, sent.

        Args:
            reason: why, in words, for a log.
            error: whether the application failed; else the peer is the cause, or the server stops.
        """

    def content_consumed(self, size: int) -> None:
        """Note that the handler has taken ``size`` bytes of content, or that they were dropped: the peer may send more.

        Every byte that ``StreamRun.content_received`` got is reported once.
        """

    def switch(self, response: SwitchProtocols) -> None:
        """Make a tunnel of the stream, and connect it with ``response.factory()``.

        Raises:
            RuntimeError: the carrier has no tunnels.
        """
