"""Parsers that are wrong on purpose: each does what some parser in the world has done."""

from __future__ import annotations

import re

from turnbuckle import NEED_DATA, Data, EndOfMessage, Event, Limits, NeedData, RawFields, RequestHead

__all__ = ["LENIENT", "Careless"]


class Careless:
    """Reads requests as a program does that was written in an afternoon.

    Lines are cut at CRLF, nothing is checked, and where content ends is for ``length_of`` to say: a number, or None for
    chunks. Derived classes are wrong in one thing each.
    """

    def __init__(self, limits: Limits) -> None:
        self.buffer = b""
        self.remaining: int | None = 0
        self.in_message = False
        self.is_last_chunk = False

    def feed(self, data: bytes, /) -> None:
        self.buffer += data

    def feed_eof(self) -> None:
        """Care for nothing."""

    def trailing_data(self) -> bytes:
        return self.buffer

    def next_event(self) -> Event | NeedData:
        if not self.in_message:
            return self.read_head()
        return self.read_chunk() if self.remaining is None else self.read_content()

    # -- a head

    def cut_head(self) -> list[bytes] | None:
        head, end, rest = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return None
        self.buffer = rest
        return head.split(b"\r\n")

    def read_head(self) -> Event | NeedData:
        lines = self.cut_head()
        if lines is None:
            return NEED_DATA
        method, target, version = self.words(lines[0])
        fields = self.fields(lines[1:])
        self.in_message = True
        self.remaining = self.length_of(dict(fields), fields)
        return RequestHead(method, target, int(version[-1:]), fields)

    def words(self, line: bytes) -> list[bytes]:
        return line.split(b" ", 2)

    def fields(self, lines: list[bytes]) -> list[tuple[bytes, bytes]]:
        return [self.field(line) for line in lines]

    def field(self, line: bytes) -> tuple[bytes, bytes]:
        name, _, value = line.partition(b":")
        return name.lower(), value.strip(b" \t")

    def length_of(self, values: dict[bytes, bytes], fields: RawFields) -> int | None:
        if b"chunked" in values.get(b"transfer-encoding", b""):
            return None
        return int(values.get(b"content-length", b"0"))

    # -- content

    def read_content(self) -> Event | NeedData:
        if not self.remaining:
            return self.end()
        data = self.take(self.remaining)
        if not data:
            return NEED_DATA
        self.remaining -= len(data)
        return Data(data)

    def take(self, most: int) -> bytes:
        data, self.buffer = self.buffer[:most], self.buffer[most:]
        return data

    def read_chunk(self) -> Event | NeedData:
        size, end, rest = self.buffer.partition(b"\r\n")
        if not end:
            return NEED_DATA
        raw = self.size_of(size)
        if raw == 0:
            return self.read_trailers(rest)
        if len(rest) < raw + 2:
            return NEED_DATA
        self.buffer = rest[raw + 2 :]
        return Data(rest[:raw])

    def size_of(self, line: bytes) -> int:
        return int(line.partition(b";")[0], 16)

    def read_trailers(self, rest: bytes) -> Event | NeedData:
        if rest.startswith(b"\r\n"):
            self.buffer = rest[2:]
            return self.end()
        section, end, self.buffer = rest.partition(b"\r\n\r\n")
        return self.end(self.fields(section.split(b"\r\n"))) if end else NEED_DATA

    def end(self, trailers: RawFields = ()) -> EndOfMessage:
        self.in_message, self.remaining = False, 0
        return EndOfMessage(trailers)


class LengthWinsOverCoding(Careless):
    def length_of(self, values: dict[bytes, bytes], fields: RawFields) -> int | None:
        return int(values[b"content-length"]) if b"content-length" in values else super().length_of(values, fields)


class FirstLengthWins(Careless):
    def length_of(self, values: dict[bytes, bytes], fields: RawFields) -> int | None:
        return int(next((value for name, value in fields if name == b"content-length"), b"0"))


class HidesTheOtherLength(Careless):
    """Reports the first length, and reads by the second one."""

    def read_head(self) -> Event | NeedData:
        event = super().read_head()
        if isinstance(event, RequestHead):
            event.fields = list(dict(reversed(list(event.fields))).items())
        return event


class LengthInAnyBase(Careless):
    def length_of(self, values: dict[bytes, bytes], fields: RawFields) -> int | None:
        return int(values.get(b"content-length", b"0"), 0)


class LengthUpToTheFirstLetter(Careless):
    def length_of(self, values: dict[bytes, bytes], fields: RawFields) -> int | None:
        return int(re.match(rb"[+-]?[0-9]*", values.get(b"content-length", b"0"))[0] or 0)  # type: ignore[index]


class LengthOfAList(Careless):
    def length_of(self, values: dict[bytes, bytes], fields: RawFields) -> int | None:
        return int(values.get(b"content-length", b"0").rpartition(b",")[2])


class NoContentForGet(Careless):
    """Leaves the content of a GET for the next request."""

    def read_head(self) -> Event | NeedData:
        event = super().read_head()
        if isinstance(event, RequestHead) and event.method == b"GET":
            self.remaining = 0
        return event


class NeverChunks(Careless):
    def length_of(self, values: dict[bytes, bytes], fields: RawFields) -> int | None:
        return int(values.get(b"content-length", b"0"))


class CodingIsFolded(Careless):
    """Compares as text in small letters, where a Kelvin sign is a k."""

    def length_of(self, values: dict[bytes, bytes], fields: RawFields) -> int | None:
        coding = values.get(b"transfer-encoding", b"").decode("utf-8", "replace").lower()
        return None if coding == "chunked" else super().length_of(values, fields)


class KeepsFolds(Careless):
    """Takes a line that begins with whitespace for more of the value before it, line end and all."""

    def fields(self, lines: list[bytes]) -> list[tuple[bytes, bytes]]:
        return super().fields(re.split(rb"\r\n(?![ \t])", b"\r\n".join(lines)))


class KeepsWhitespaceInNames(Careless):
    """Compares names without the whitespace around them, and reports them with it."""

    def length_of(self, values: dict[bytes, bytes], fields: RawFields) -> int | None:
        return super().length_of({name.strip(): value for name, value in values.items()}, fields)


class KeepsTheCase(Careless):
    def field(self, line: bytes) -> tuple[bytes, bytes]:
        return line.partition(b":")[0], super().field(line)[1]


class KeepsWhitespaceAroundValues(Careless):
    def field(self, line: bytes) -> tuple[bytes, bytes]:
        return super().field(line)[0], line.partition(b":")[2]


class SplitsAtAnyWhitespace(Careless):
    """Splits at any whitespace, and drops the words after the third, so that the core sees three good ones."""

    def words(self, line: bytes) -> list[bytes]:
        method, *rest, version = line.split()
        return [method, b" ".join(rest), version]


class TakesAnyVersion(Careless):
    """Reports only the minor version."""


class SizesWithSigns(Careless):
    """Moves back in the bytes for a chunk of negative size, and reads some of them again."""

    def read_chunk(self) -> Event | NeedData:
        size, end, rest = self.buffer.partition(b"\r\n")
        if end and size.startswith(b"-"):
            self.buffer = rest + rest
            return Data(rest or b"x")
        return super().read_chunk()


class ReadsChunksTwice(Careless):
    """Forgets that a chunk was read."""

    def read_chunk(self) -> Event | NeedData:
        buffer = self.buffer
        event = super().read_chunk()
        if isinstance(event, Data):
            self.buffer = buffer
        return event


class ReadsContentAsRequest(Careless):
    """Gives content to the handler, and reads it again as the next request."""

    def take(self, most: int) -> bytes:
        return self.buffer[:most]


class OneByteTooMany(Careless):
    def read_content(self) -> Event | NeedData:
        if self.remaining and len(self.buffer) > self.remaining:
            data = self.take(self.remaining + 1)
            self.remaining = 0
            return Data(data)
        return super().read_content()


class OneByteTooFew(Careless):
    def read_content(self) -> Event | NeedData:
        if self.remaining:
            data, self.remaining = self.take(self.remaining - 1), 0
            return Data(data)
        return super().read_content()


class EndsWithTheHead(Careless):
    """Does not care for content."""

    def read_content(self) -> Event | NeedData:
        return self.end()


class NeverEnds(Careless):
    """Never says where a request ends."""

    def end(self, trailers: RawFields = ()) -> EndOfMessage:
        super().end()
        return self.read_head()  # type: ignore[return-value]  # on purpose


class EndsTwice(Careless):
    def next_event(self) -> Event | NeedData:
        event = super().next_event()
        if isinstance(event, EndOfMessage):
            self.next_event = EndOfMessage  # type: ignore[method-assign]
        return event


class ContentFirst(Careless):
    def next_event(self) -> Event | NeedData:
        return Data(self.take(5)) if self.buffer else NEED_DATA


class EmptyContent(Careless):
    """Gives content without end, and without bytes."""

    def read_content(self) -> Event | NeedData:
        return Data(b"") if self.remaining else self.end()


class Invents(Careless):
    """Invents a further request after each."""

    def read_head(self) -> Event | NeedData:
        self.buffer = self.buffer or b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
        return super().read_head()


class Fails(Careless):
    def next_event(self) -> Event | NeedData:
        if self.buffer:
            raise IndexError("list index out of range")
        return NEED_DATA


class SaysNothing(Careless):
    def next_event(self) -> Event | NeedData:
        return None if self.buffer else NEED_DATA  # type: ignore[return-value]  # on purpose


class SpeaksText(Careless):
    def field(self, line: bytes) -> tuple[bytes, bytes]:
        name, value = super().field(line)
        return name.decode(), value.decode()  # type: ignore[return-value]  # on purpose


LENIENT = [parser for parser in globals().values() if isinstance(parser, type) and issubclass(parser, Careless)]
