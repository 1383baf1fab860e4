"""Feed octets to a parser and gather what it makes of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, final

import attrs

from turnbuckle.errors import ProtocolError
from turnbuckle.http.events import (
    NEED_DATA,
    Data,
    EndOfMessage,
    Event,
    NeedData,
    Parser,
    ParserFactory,
    RawFields,
    RequestHead,
)
from turnbuckle.http.limits import Limits

__all__ = ["ParserOutcome", "ReadRequest", "read", "take_all"]

# A parser that answers without end would never let a test fail.
_MAX_EVENTS: Final = 10_000


@final
@attrs.frozen
class ReadRequest:
    """What a parser made of one request; ``trailers`` is None as long as the request is not complete."""

    method: bytes
    target: bytes
    minor_version: int = 1
    fields: tuple[tuple[bytes, bytes], ...] = ()
    content: bytes = b""
    trailers: tuple[tuple[bytes, bytes], ...] | None = ()

    def __str__(self) -> str:
        text = f"{self.method.decode('latin-1')} {self.target.decode('latin-1')} 1.{self.minor_version}"
        fields = ", ".join(f"{name!r}={value!r}" for name, value in self.fields)
        end = "incomplete" if self.trailers is None else f"trailers {self.trailers!r}"
        return f"{text} [{fields}] {self.content[:60]!r} {end}"


@final
@attrs.frozen(kw_only=True)
class ParserOutcome:
    """What became of a connection.

    Attributes:
        requests: in order; the last may be incomplete.
        status: of the error that it ended with; None for none.
        fault: how the parser broke its contract, in words; "" if it kept it.
    """

    requests: tuple[ReadRequest, ...] = ()
    status: int | None = None
    fault: str = ""

    @property
    def complete(self) -> tuple[ReadRequest, ...]:
        """The requests that were read to their end."""
        return tuple(request for request in self.requests if request.trailers is not None)

    @property
    def steady(self) -> tuple[ReadRequest, ...]:
        """The requests, but for content of one that was refused: how much of it came first is up to the split."""
        if self.status is None or not self.requests or self.requests[-1].trailers is not None:
            return self.requests
        return (*self.requests[:-1], attrs.evolve(self.requests[-1], content=b""))

    def __str__(self) -> str:
        parts = [str(request) for request in self.requests] or ["no request"]
        parts += [f"refused with {self.status}"] if self.status is not None else []
        parts += [f"FAULT: {self.fault}"] if self.fault else []
        return "; ".join(parts)


def read(
    factory: ParserFactory, pieces: Iterable[bytes], *, limits: Limits | None = None, at_end: bool = False
) -> ParserOutcome:
    """Feed pieces to a new parser, taking all events after each of them.

    Args:
        factory: makes the parser.
        pieces: what comes off the wire.
        limits: the default ones if None.
        at_end: whether the peer stops sending after them.
    """
    story = _Story()
    status: int | None = None
    try:
        parser = factory(limits or Limits())
        for piece in pieces:
            parser.feed(piece)
            story.take(parser)
        if at_end:
            parser.feed_eof()
            story.take(parser)
    except ProtocolError as error:
        status = error.status
    except Exception as error:  # noqa: BLE001  # a parser may be wrong in any way
        story.fault = story.fault or f"raised {type(error).__name__}: {error}"
    return ParserOutcome(requests=tuple(story.requests), status=status, fault=story.fault)


def take_all(parser: Parser) -> list[Event]:
    """Take the events that are to be had."""
    events: list[Event] = []
    while not isinstance(event := parser.next_event(), NeedData):
        events.append(event)
        if len(events) > _MAX_EVENTS:
            raise AssertionError("the parser returns events without end")
    return events


@final
@attrs.define
class _Story:
    requests: list[ReadRequest] = attrs.field(factory=list)
    fault: str = ""

    def take(self, parser: Parser) -> None:
        for _ in range(_MAX_EVENTS):
            event = parser.next_event()
            if event is NEED_DATA:
                return
            self._tell(event)
        self.fault = "returns events without end"

    def _tell(self, event: Event | Literal[NeedData.NEED_DATA]) -> None:
        in_message = bool(self.requests) and self.requests[-1].trailers is None
        if isinstance(event, RequestHead):
            self._check(not in_message, "began a request within another")
            self.requests.append(_begun(event))
        elif isinstance(event, Data):
            self._check(in_message, "delivered content outside a request")
            self._check(bool(event.data), "delivered no content as content")
            if self.requests:
                self.requests[-1] = attrs.evolve(self.requests[-1], content=self.requests[-1].content + event.data)
        elif isinstance(event, EndOfMessage):
            self._check(in_message, "ended a request that had not begun")
            if self.requests:
                self.requests[-1] = attrs.evolve(self.requests[-1], trailers=_fields(event.trailers))
        else:
            self._check(False, f"returned {event!r}")

    def _check(self, is_right: bool, fault: str) -> None:
        if not is_right:
            self.fault = self.fault or fault


def _begun(head: RequestHead) -> ReadRequest:
    return ReadRequest(head.method, head.target, head.minor_version, _fields(head.fields), b"", None)


def _fields(fields: RawFields) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((bytes(name), bytes(value)) for name, value in fields)
