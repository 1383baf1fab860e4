"""A carrier in memory, which records everything that the server does with a stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from turnbuckle import RequestHead, StreamRun, SwitchProtocols

type_of_fields = Sequence[tuple[bytes, bytes]]


@attrs.define(eq=False)
class RecordingChannel:
    """A channel that takes everything at once, or nothing while ``window`` is 0.

    Attributes:
        window: number of bytes that the peer takes; None for any number.
        events: the calls of the server, in order.
        consumed: bytes of content that the server took.
    """

    window: int | None = None
    events: list[tuple[Any, ...]] = attrs.field(factory=list)
    consumed: int = 0
    unsent_size: int = 0
    switched: SwitchProtocols | None = None
    has_tunnels: bool = False

    @property
    def is_writing_paused(self) -> bool:
        return self.unsent_size > 0

    def send_interim(self, status: int, fields: type_of_fields) -> bool:
        self.events.append(("interim", status, list(fields)))
        return True

    def send_head(self, status: int, fields: type_of_fields, *, ends: bool) -> None:
        self.events.append(("head", status, list(fields), ends))

    def send_data(self, data: bytes, *, ends: bool) -> None:
        self.events.append(("data", data, ends))
        if self.window is not None:
            taken = min(self.window, len(data))
            self.window -= taken
            self.unsent_size += len(data) - taken

    def send_trailers(self, fields: type_of_fields) -> None:
        self.events.append(("trailers", list(fields)))

    def reset(self, reason: str, *, error: bool) -> None:
        self.events.append(("reset", reason, error))

    def content_consumed(self, size: int) -> None:
        self.consumed += size

    def switch(self, response: SwitchProtocols) -> None:
        if not self.has_tunnels:
            raise RuntimeError("this carrier has no tunnels")
        self.switched = response

    # -- for tests

    def take(self, size: int, run: StreamRun) -> None:
        """Take bytes of the response, as the peer."""
        self.unsent_size = max(0, self.unsent_size - size)
        if not self.unsent_size:
            run.resume_writing()

    @property
    def status(self) -> int:
        """The final status; 0 if none was sent."""
        return next((event[1] for event in self.events if event[0] == "head"), 0)

    @property
    def fields(self) -> dict[bytes, bytes]:
        """The fields of the response."""
        return next((dict(event[2]) for event in self.events if event[0] == "head"), {})

    @property
    def content(self) -> bytes:
        """The content of the response so far."""
        return b"".join(event[1] for event in self.events if event[0] == "data")

    @property
    def has_ended(self) -> bool:
        """Whether the response is complete, and its end was sent once."""
        ends = [event for event in self.events if event[0] == "trailers" or (event[-1] is True and event[0] != "reset")]
        assert len(ends) < 2
        return bool(ends) and self.events[-1] is ends[0]


def head(method: str = "GET", target: str = "/", *fields: tuple[bytes, bytes], **options: Any) -> RequestHead:
    """Return the head of a request to ``a.example``."""
    pairs = [(b"host", b"a.example"), *fields]
    return RequestHead(method.encode(), target.encode(), 1, pairs, **options)
