"""Parsers that are wrong, each in another way."""

from __future__ import annotations

import re
from typing import Literal

from turnbuckle import NEED_DATA, Data, EndOfMessage, Event, Limits, NeedData, ProtocolError, RequestHead
from turnbuckle.http.parser import H1Parser

Answer = Event | Literal[NeedData.NEED_DATA]


class Wrapped:
    """The core's parser, for subclasses that break it."""

    def __init__(self, limits: Limits) -> None:
        self.parser = H1Parser(self.limits(limits))

    def limits(self, limits: Limits) -> Limits:
        return limits

    def feed(self, data: bytes, /) -> None:
        self.parser.feed(data)

    def feed_eof(self) -> None:
        self.parser.feed_eof()

    def next_event(self) -> Answer:
        return self.parser.next_event()

    def trailing_data(self) -> bytes:
        return self.parser.trailing_data()


class Sound(Wrapped):
    """Nothing is wrong with this one."""


class RunsAhead(Wrapped):
    """Parses all that it is fed, at once."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.events: list[Event] = []
        self.error: ProtocolError | None = None

    def next_event(self) -> Answer:
        try:
            while self.error is None and (event := self.parser.next_event()) is not NEED_DATA:
                self.events.append(event)
        except ProtocolError as error:
            self.error = error
        if self.events:
            return self.events.pop(0)
        if self.error is not None:
            raise self.error
        return NEED_DATA


class TakesLineFeeds(Wrapped):
    """Ends lines at any LF, and does not say so."""

    def feed(self, data: bytes, /) -> None:
        super().feed(re.sub(rb"(?<!\r)\n", b"\r\n", data))


class TakesLineFeedsInHeads(Wrapped):
    """Ends lines of a head at any LF, as an RFC permits."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.head: bytes | None = b""

    def feed(self, data: bytes, /) -> None:
        if self.head is None:
            super().feed(data)
            return
        self.head += data
        found = re.search(rb"\n\r?\n", self.head)
        if found is not None:
            head, rest = self.head[: found.end()], self.head[found.end() :]
            self.head = None
            super().feed(re.sub(rb"\r*\n", b"\r\n", head) + rest)

    def feed_eof(self) -> None:
        super().feed(self.head or b"")
        super().feed_eof()

    def next_event(self) -> Answer:
        event = super().next_event()
        if isinstance(event, EndOfMessage):
            self.head = b""
            self.feed(self.parser.trailing_data())
        return event


class FindsLineEndsInOnePieceOnly(Wrapped):
    """Loses a CR that is the last byte of a piece."""

    def feed(self, data: bytes, /) -> None:
        super().feed(data.removesuffix(b"\r"))


class RecoversFromErrors(Wrapped):
    """Starts again after an error."""

    def next_event(self) -> Answer:
        try:
            return super().next_event()
        except ProtocolError:
            self.parser = H1Parser(Limits())
            raise


class KeepsContent(Wrapped):
    """Returns content when it is complete, and not before."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.content = b""
        self.end: EndOfMessage | None = None

    def next_event(self) -> Answer:
        if self.end is not None:
            end, self.end = self.end, None
            return end
        event = super().next_event()
        while isinstance(event, Data):
            self.content += event.data
            event = super().next_event()
        if isinstance(event, EndOfMessage) and self.content:
            self.end, data, self.content = event, Data(self.content), b""
            return data
        return event


class LosesTheEnd(Wrapped):
    """Does not care about the end of input."""

    def feed_eof(self) -> None:
        return


class SwallowsWhatFollows(Wrapped):
    """Has nothing left after an upgrade."""

    def trailing_data(self) -> bytes:
        super().trailing_data()
        return b""


class RaisesWhenFed(Wrapped):
    """Raises too early, and its own exception."""

    def feed(self, data: bytes, /) -> None:
        if b"\xff" in data:
            raise ValueError("not ASCII")
        super().feed(data)


class ExpectsARequest(Wrapped):
    """Takes it for granted that there is a request line."""

    def next_event(self) -> Answer:
        try:
            return super().next_event()
        except ProtocolError as error:
            raise IndexError("no target") from error


class KnowsNoLimits(Wrapped):
    """Takes requests of any size."""

    def limits(self, limits: Limits) -> Limits:
        return Limits(
            request_line=1 << 30,
            field_line=1 << 30,
            header_section=1 << 30,
            chunk_line=1 << 30,
            chunk_extensions=1 << 30,
            trailer_section=1 << 30,
        )


class KnowsOneStatus(Wrapped):
    """Refuses everything with 500."""

    def next_event(self) -> Answer:
        try:
            return super().next_event()
        except ProtocolError as error:
            raise ProtocolError(str(error), status=500) from error


class UnfoldsToNothing(Wrapped):
    """Unfolds lines, but without the space."""

    def feed(self, data: bytes, /) -> None:
        super().feed(re.sub(rb"\r\n[ \t]+", b"", data))


class KeepsTheCase(Wrapped):
    """Returns field names as they were sent, not in lower case."""

    def next_event(self) -> Answer:
        event = super().next_event()
        if isinstance(event, RequestHead):
            event.fields = [(name.title(), value) for name, value in event.fields]
        return event
