"""The test suite for parsers (``turnbuckle.http.events`` documents the contract).

The suite tests two things. The parser itself must keep the contract, read every valid request correctly, and frame
messages as the RFCs say. And the parser behind the server's guard must reject all malformed requests: the parser need
not repeat the checks of the guard.

Sources: RFC 9112; RFC 9110, sections 5 to 9.
"""

from __future__ import annotations

import abc
from collections.abc import Collection
from typing import ClassVar, Final

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from turnbuckle.http.events import NEED_DATA, Data, EndOfMessage, Event, ParserFactory, RequestHead
from turnbuckle.http.guard import guarded
from turnbuckle.http.limits import Limits
from turnbuckle.http.parser import H1Parser
from turnbuckle.testing.conformance.base import ConfiguredSuite
from turnbuckle.testing.conformance.parser_checks import check_refused, check_requests, failing
from turnbuckle.testing.parsing.cases import NEXT, NEXT_REQUEST, InvalidCase, LimitCase, ValidCase
from turnbuckle.testing.parsing.invalid import INVALID
from turnbuckle.testing.parsing.leniencies import LENIENCIES
from turnbuckle.testing.parsing.limits import LIMITS
from turnbuckle.testing.parsing.outcome import ParserOutcome, read, take_all
from turnbuckle.testing.parsing.valid import VALID
from turnbuckle.testing.parsing.variants import WAYS, byte_by_byte, cut, mutated, whole

__all__ = ["ParserConformance"]

_GET: Final = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
_LENGTH: Final = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"
_CHUNKED: Final = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
_BROKEN: Final = b"broken\r\n\r\n"

# Many classes inherit one suite, which hypothesis considers a mistake.
_property: Final = settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow]
)
_PLACES: Final = st.lists(st.integers(1, 400), max_size=6)


class ParserConformance(ConfiguredSuite, abc.ABC):
    """Tests of a parser; derive ``TestMyParser`` and define ``parser_factory``.

    Attributes:
        leniencies: names of the RFC-permitted repairs that the parser makes
            (``turnbuckle.testing.parsing.leniencies``); none by default. The result of a repair must be exactly what
            the RFC says.
    """

    leniencies: ClassVar[Collection[str]] = ()

    @abc.abstractmethod
    def parser_factory(self) -> ParserFactory:
        """Return the factory of parsers: a function or class that takes ``Limits``."""

    # -- the contract ------------------------------------------------------------------------------------------------

    def test_needs_data_when_nothing_was_fed(self) -> None:
        """``next_event`` returns the object ``NEED_DATA``, however often it is called."""
        parser = self.parser_factory()(Limits())
        for _ in range(3):
            assert parser.next_event() is NEED_DATA, "next_event() of a new parser must return NEED_DATA"

    def test_needs_data_within_every_part(self) -> None:
        """An event is returned when its bytes are complete, and not before."""
        for data in (_GET, _LENGTH, _CHUNKED):
            parser = self.parser_factory()(Limits())
            for place in range(len(data) - 1):
                parser.feed(data[place : place + 1])
                assert parser.next_event() is NEED_DATA, f"an event after {data[: place + 1]!r}, which is half a head"
            parser.feed(data[-1:])
            assert isinstance(parser.next_event(), RequestHead), f"no head after {data!r}"

    def test_returns_one_event_after_the_other(self) -> None:
        """Head, content and end are separate events, in that order."""
        ends_at_once = [RequestHead, EndOfMessage]
        assert self._events(_GET + _GET) == [*ends_at_once, *ends_at_once]
        assert self._events(_LENGTH + b"0123456789" + _GET) == [RequestHead, Data, EndOfMessage, *ends_at_once]

    def _events(self, data: bytes) -> list[type[Event]]:
        parser = self.parser_factory()(Limits())
        parser.feed(data)
        return [type(event) for event in take_all(parser)]

    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(_GET, id="no-content"),
            pytest.param(_LENGTH + b"0123456789", id="length"),
            pytest.param(_CHUNKED + b"2\r\nhi\r\n0\r\nX: 1\r\n\r\n", id="chunks"),
        ],
    )
    def test_is_never_ahead(self, data: bytes) -> None:
        """Bytes after a message are neither checked nor consumed before the message has been returned."""
        parser = self.parser_factory()(Limits())
        parser.feed(data + _BROKEN)
        while not isinstance(event := parser.next_event(), EndOfMessage):
            assert event is not NEED_DATA, "the message is complete, and its end is not returned"
        assert parser.trailing_data() == _BROKEN, "trailing_data() must return all that follows the message"
        assert parser.trailing_data() == b"", "trailing_data() must return the bytes only once"
        assert parser.next_event() is NEED_DATA, "after trailing_data() the parser is empty"

    @pytest.mark.parametrize("size", [1, 2, 15, 16, 30], ids=lambda size: f"{size}_bytes")
    def test_takes_back_what_it_has_handed_over(self, size: int) -> None:
        """A connection uses this to find out whether another head has begun, possibly several times."""
        parser = self.parser_factory()(Limits())
        parser.feed(_GET + NEXT[:size])
        while parser.next_event() is not NEED_DATA:
            pass
        for end in (size, size + 1):
            data = parser.trailing_data()
            assert data == NEXT[:end]
            parser.feed(data)
            assert parser.next_event() is NEED_DATA
            parser.feed(NEXT[end : end + 1])
            assert parser.next_event() is NEED_DATA
        parser.feed(NEXT[size + 2 :])
        assert isinstance(parser.next_event(), RequestHead)

    @pytest.mark.parametrize(
        "head",
        [
            pytest.param(
                b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", id="upgrade"
            ),
            pytest.param(b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", id="connect"),
        ],
    )
    @pytest.mark.parametrize("rest", [b"\x81\x85rest", b"\x00\r\n\r\n", _GET], ids=["frame", "zero", "request"])
    def test_hands_over_what_follows_an_upgrade(self, head: bytes, rest: bytes) -> None:
        """After a request to switch protocols, ``trailing_data`` returns all further bytes."""
        parser = self.parser_factory()(Limits())
        parser.feed(head + rest)
        assert isinstance(parser.next_event(), RequestHead)
        assert isinstance(parser.next_event(), EndOfMessage), "a request to switch protocols ends as any other"
        parser.feed(b"more")
        assert parser.trailing_data() == rest + b"more"

    def test_reads_on_after_an_upgrade_that_was_declined(self) -> None:
        """If the server does not switch, the parser reads the next request."""
        head = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        assert read(self.parser_factory(), [head + NEXT]).requests[1:] == (NEXT_REQUEST,)

    def test_gives_content_as_it_comes(self) -> None:
        """Content is returned before it is complete."""
        for head, pieces in ((_LENGTH, (b"hello", b"w")), (_CHUNKED + b"a\r\n", (b"hello", b"w"))):
            parser = self.parser_factory()(Limits())
            parser.feed(head)
            assert isinstance(parser.next_event(), RequestHead)
            for piece in pieces:
                parser.feed(piece)
                assert parser.next_event() == Data(piece), "content must be returned as soon as it is fed"
                assert parser.next_event() is NEED_DATA

    @pytest.mark.parametrize("data", [b"", _GET, _LENGTH + b"0123456789", _CHUNKED + b"0\r\n\r\n"])
    def test_takes_the_end_between_requests(self, data: bytes) -> None:
        """After ``feed_eof`` between two messages there are no events, and no error."""
        for way, split in WAYS.items():
            outcome = read(self.parser_factory(), split(data), at_end=True)
            assert (outcome.status, outcome.fault) == (None, ""), f"the end after a whole message, {way}: {outcome}"

    @pytest.mark.parametrize("data", [_GET, _LENGTH + b"0123456789", _CHUNKED + b"5\r\nhello\r\n0\r\nX: 1\r\n\r\n"])
    def test_refuses_the_end_within_a_request(self, data: bytes) -> None:
        """After ``feed_eof`` within a message, at any byte, ``next_event`` raises."""
        for end in range(1, len(data)):
            for way, split in WAYS.items():
                outcome = read(self.parser_factory(), split(data[:end]), at_end=True)
                assert not outcome.fault, f"the end after {data[:end]!r}, {way}: {outcome}"
                assert outcome.status == 400, f"the end after {data[:end]!r} must be refused with 400: {outcome}"

    def test_an_error_is_final(self) -> None:
        """Each later call raises the same error, even after further input."""
        parser, error = failing(self.parser_factory(), _BROKEN)
        for data in (b"", NEXT, _BROKEN):
            parser.feed(data)
            with pytest.raises(type(error)) as again:
                parser.next_event()
            assert (str(again.value), again.value.status) == (str(error), error.status)

    # -- the corpus --------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("case", VALID, ids=str)
    def test_takes(self, case: ValidCase) -> None:
        """A valid request is read correctly, with and without the guard, and with another request after it."""
        for factory in (self.parser_factory(), guarded(self.parser_factory())):
            for split in WAYS.values():
                check_requests(case, read(factory, split(case.data), at_end=True), case.requests)
                check_requests(case, read(factory, split(case.data + NEXT)), (*case.requests, NEXT_REQUEST))

    @given(case=st.sampled_from(VALID), places=_PLACES)
    @_property
    def test_takes_at_any_split(self, case: ValidCase, places: list[int]) -> None:
        """The split of the input does not change the meaning of a message."""
        check_requests(case, read(self.parser_factory(), cut(case.data, places)), case.requests)

    @pytest.mark.parametrize("case", INVALID, ids=str)
    def test_refuses(self, case: InvalidCase) -> None:
        """Malformed requests are rejected behind the guard; by the parser itself if the guard does not check them."""
        for split in WAYS.values():
            pieces = split(case.data)
            outcome = read(guarded(self.parser_factory()), pieces, at_end=True)
            if set(case.leniencies) & set(self.leniencies):
                self._check_repair(case, outcome)
                continue
            check_refused(case, outcome)
            if not case.guarded:
                check_refused(case, read(self.parser_factory(), pieces, at_end=True))

    def _check_repair(self, case: InvalidCase, outcome: ParserOutcome) -> None:
        rules = [LENIENCIES[name] for name in case.leniencies if name in self.leniencies]
        allowed = [data for rule in rules for data in rule.candidates(case.data)]
        assert outcome.status is not None or outcome in [
            read(H1Parser, [repaired], at_end=True) for repaired in allowed
        ], f"{case.name}: {rules[0].section} permits that {rules[0].rule}; not {outcome}"

    @pytest.mark.parametrize("case", INVALID, ids=str)
    def test_reads_nothing_behind_what_it_refuses(self, case: InvalidCase) -> None:
        """After a malformed message, the framing of the input is unknown."""
        outcome = read(guarded(self.parser_factory()), [case.data + NEXT])
        if outcome.status is not None:
            assert NEXT_REQUEST not in outcome.requests, f"{case.name} hides a request: {outcome}"

    @pytest.mark.parametrize("case", LIMITS, ids=str)
    def test_keeps_limit(self, case: LimitCase) -> None:
        """Input within a limit is accepted, and input beyond it is rejected as early as possible."""
        factory = guarded(self.parser_factory()) if case.guarded else self.parser_factory()
        for split in WAYS.values():
            fits = read(factory, split(case.fits), limits=case.limits)
            assert fits.status is None, f"{case.name}: refused within the limit: {fits}"
            assert len(fits.complete) == 1, f"{case.name}: not accepted within the limit: {fits}"
            breaks = read(factory, split(case.breaks), limits=case.limits)
            assert not breaks.fault, f"{case.name}: {breaks}"
            assert breaks.status in case.statuses, f"{case.name}: must be refused with one of {case.statuses}: {breaks}"

    # -- any bytes ---------------------------------------------------------------------------------------------------

    @given(data=st.binary(max_size=80), places=_PLACES)
    @_property
    def test_raises_nothing_but_protocol_errors(self, data: bytes, places: list[int]) -> None:
        """Malformed input is the fault of the peer and not an error of the parser."""
        outcome = read(self.parser_factory(), cut(data, places), at_end=True)
        assert not outcome.fault, f"{data!r}: {outcome}"

    @given(case=st.sampled_from((*VALID, *INVALID)), seed=st.integers(0, 1 << 32), places=_PLACES)
    @_property
    def test_is_of_one_mind(self, case: ValidCase | InvalidCase, seed: int, places: list[int]) -> None:
        """Damaged input has the same meaning at any split."""
        data = mutated(case.data, seed)
        at_once = read(self.parser_factory(), whole(data), at_end=True)
        for pieces in (cut(data, places), byte_by_byte(data)):
            split = read(self.parser_factory(), pieces, at_end=True)
            assert not split.fault, f"{data!r}: {split}"
            assert at_once.steady == split.steady, f"{data!r} in {pieces!r}: {split}; in one: {at_once}"
            assert (at_once.status is None) is (split.status is None), f"{data!r}: {split}; in one: {at_once}"
