"""Feed bytes to a parser and collect the requests that it reads."""

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

# Stops a parser that returns events without end.
_MAX_EVENTS: Final = 10_000


@final
@attrs.frozen
class ReadRequest:
    """A request as a parser read it; ``trailers`` is None while the request is incomplete."""

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
    """The outcome of reading the bytes of one connection.

    Attributes:
        requests: the requests, in order; the last one may be incomplete.
        status: the status of the error that ended the connection; None for no error.
        fault: the way in which the parser broke its contract, in words; "" if it did not.
    """

    requests: tuple[ReadRequest, ...] = ()
    status: int | None = None
    fault: str = ""

    @property
    def complete(self) -> tuple[ReadRequest, ...]:
        """The complete requests."""
        return tuple(request for request in self.requests if request.trailers is not None)

    @property
    def steady(self) -> tuple[ReadRequest, ...]:
        """The requests without the content of a rejected request, whose length depends on the split."""
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
    """Feed pieces to a new parser, and take all events after each piece.

    Args:
        factory: makes the parser.
        pieces: the received bytes.
        limits: the limits; the defaults if None.
        at_end: whether the peer stops sending after the pieces.
    """
    recorder = _Recorder()
    status: int | None = None
    try:
        parser = factory(limits or Limits())
        for piece in pieces:
            parser.feed(piece)
            recorder.take(parser)
        if at_end:
            parser.feed_eof()
            recorder.take(parser)
    except ProtocolError as error:
        status = error.status
    except Exception as error:  # noqa: BLE001  # a parser may be wrong in any way
        recorder.fault = recorder.fault or f"raised {type(error).__name__}: {error}"
    return ParserOutcome(requests=tuple(recorder.requests), status=status, fault=recorder.fault)


def take_all(parser: Parser) -> list[Event]:
    """Return all available events."""
    events: list[Event] = []
    while not isinstance(event := parser.next_event(), NeedData):
        events.append(event)
        if len(events) > _MAX_EVENTS:
            raise AssertionError("the parser returns events without end")
    return events


@final
@attrs.define
class _Recorder:
    requests: list[ReadRequest] = attrs.field(factory=list)
    fault: str = ""

    def take(self, parser: Parser) -> None:
        for _ in range(_MAX_EVENTS):
            event = parser.next_event()
            if event is NEED_DATA:
                return
            self._record(event)
        self.fault = "returns events without end"

    def _record(self, event: Event | Literal[NeedData.NEED_DATA]) -> None:
        in_message = bool(self.requests) and self.requests[-1].trailers is None
        if isinstance(event, RequestHead):
            self._check(not in_message, "began a request within another")
            self.requests.append(_incomplete(event))
        elif isinstance(event, Data):
            self._check(in_message, "returned content outside of a request")
            self._check(bool(event.data), "returned a Data event without content")
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


def _incomplete(head: RequestHead) -> ReadRequest:
    return ReadRequest(head.method, head.target, head.minor_version, _fields(head.fields), b"", None)


def _fields(fields: RawFields) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((bytes(name), bytes(value)) for name, value in fields)
