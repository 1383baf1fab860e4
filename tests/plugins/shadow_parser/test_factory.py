"""Tests of ``turnbuckle_plugins.shadow_parser``: disagreements are counted and logged, and change nothing."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest

from tests.wire.cases import NEXT
from tests.wire.serving import make_app
from turnbuckle.errors import ProtocolError
from turnbuckle.http.events import NEED_DATA, Event, Parser, RequestHead
from turnbuckle.http.limits import Limits
from turnbuckle.http.parser import H1Parser
from turnbuckle.testing import Client, RawExchange
from turnbuckle_plugins.shadow_parser import ShadowParserFactory, factory

POST = b"POST /?token=secret HTTP/1.1\r\nHost: a\r\nCookie: secret\r\nContent-Length: 5\r\n\r\nhello"


class Deaf(H1Parser.__mro__[1]):  # type: ignore[misc]  # an object with the methods of a parser
    """Never sees a request."""

    def __init__(self, limits: Limits) -> None:
        """Do nothing."""

    def feed(self, data: bytes, /) -> None:
        """Ignore the data."""

    def feed_eof(self) -> None:
        """Do nothing."""

    def next_event(self) -> Event:
        return NEED_DATA  # type: ignore[return-value]  # the contract's answer

    def trailing_data(self) -> bytes:
        return b""


class Raising(Deaf):
    """Fails at once."""

    def next_event(self) -> Event:
        raise ZeroDivisionError("as it should\r\n\x1b[2J")


class FirstLengthWins(Deaf):
    """Takes each request for one without content."""

    def __init__(self, limits: Limits) -> None:
        self.parser = H1Parser(limits)

    def feed(self, data: bytes, /) -> None:
        self.parser.feed(data.replace(b"Content-Length: 5", b"Content-Length: 0"))

    def next_event(self) -> Event:
        return self.parser.next_event()  # type: ignore[return-value]  # the contract's answer


def shadowed(second: Callable[[Limits], Parser], *, sample: float = 1.0, draw: float = 0.5) -> ShadowParserFactory:
    return ShadowParserFactory(H1Parser, second, name="second", sample=sample, draw=lambda: draw, monotonic=lambda: 0.0)


async def sent(shadow: ShadowParserFactory, *data: bytes) -> list[RawExchange]:
    app = make_app()
    application = app.compile()
    async with Client(type(application)(**{**fields_of(application), "parser_factory": shadow})) as client:
        return [await client.raw(piece) for piece in data]


def fields_of(application: object) -> dict[str, object]:
    return {field.name: getattr(application, field.name) for field in type(application).__attrs_attrs__}  # type: ignore[attr-defined]


async def test_connection_that_is_not_drawn_has_the_plain_parser() -> None:
    shadow = shadowed(Deaf, sample=0.5, draw=0.5)
    assert type(shadow(Limits())) is H1Parser
    assert shadow.counts.connections == 0


async def test_shadow_that_agrees_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    shadow = shadowed(H1Parser)
    (exchange,) = await sent(shadow, POST + NEXT)

    assert exchange.statuses == [200, 200]
    assert shadow.flush()
    assert (shadow.counts.connections, shadow.counts.requests, shadow.counts.disagreements) == (1, 2, 0)
    assert shadow.waiting == 0
    assert not caplog.records


@pytest.mark.parametrize("second", [Deaf, FirstLengthWins])
async def test_shadow_that_disagrees_is_logged_and_changes_nothing(
    second: Callable[[Limits], Parser], caplog: pytest.LogCaptureFixture
) -> None:
    shadow = shadowed(second)
    (exchange,) = await sent(shadow, POST + POST + NEXT)

    assert exchange.statuses == [200, 200, 200]
    assert shadow.flush()
    assert (shadow.counts.disagreements, shadow.counts.failures) == (1, 0)
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("turnbuckle.shadow", logging.WARNING)
    assert "'second' disagrees as a shadow (1 of 1 connections): served was b'POST' b'/'" in record.getMessage()
    assert "secret" not in record.getMessage()


async def test_shadow_that_raises_is_logged_and_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    shadow = shadowed(Raising)
    (exchange,) = await sent(shadow, POST + NEXT)

    assert exchange.statuses == [200, 200]
    assert shadow.flush()
    assert (shadow.counts.disagreements, shadow.counts.failures) == (0, 1)
    (record,) = caplog.records
    assert "'second' failed as a shadow: ZeroDivisionError" in record.getMessage()
    assert "\x1b" not in record.getMessage()


async def test_shadow_that_cannot_be_made_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def broken(limits: Limits) -> Parser:
        raise RuntimeError("as it should")

    shadow = shadowed(broken)
    (exchange,) = await sent(shadow, NEXT)
    assert (exchange.statuses, shadow.flush(), shadow.counts.failures) == ([200], True, 1)


async def test_shadow_that_never_returns_delays_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factory, "_MAX_WAITING", 4000)
    come_back = threading.Event()

    class Hanging(Deaf):
        def next_event(self) -> Event:
            come_back.wait(30)
            return super().next_event()

    shadow = shadowed(Hanging)
    exchanges = await sent(shadow, *[POST + NEXT] * 20)
    try:
        assert all(exchange.statuses == [200, 200] for exchange in exchanges)
        assert not shadow.flush(0.0)
        assert shadow.waiting < 8000
        assert shadow.counts.skipped > 0
    finally:
        come_back.set()
    assert shadow.flush()


async def test_refusals_are_the_same_to_both(caplog: pytest.LogCaptureFixture) -> None:
    shadow = shadowed(H1Parser)
    (exchange,) = await sent(shadow, NEXT + b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n")
    assert (exchange.statuses, shadow.flush(), shadow.counts.disagreements) == ([200, 400], True, 0)
    assert not caplog.records


async def test_log_is_kept_within_bounds(caplog: pytest.LogCaptureFixture) -> None:
    shadow = shadowed(Deaf)
    await sent(shadow, *[NEXT] * 30)
    assert shadow.flush()
    assert (shadow.counts.disagreements, len(caplog.records)) == (30, 10)


async def test_end_of_input_is_noted() -> None:
    shadow = shadowed(H1Parser)
    parser = shadow(Limits())
    parser.feed(POST[:-1])
    assert isinstance(parser.next_event(), RequestHead)
    parser.next_event()
    parser.feed_eof()
    with pytest.raises(ProtocolError):
        parser.next_event()
    with pytest.raises(ProtocolError):
        parser.next_event()
    assert (shadow.flush(), shadow.counts.disagreements) == (True, 0)


async def test_what_follows_an_upgrade_is_nothing_for_a_shadow() -> None:
    shadow = shadowed(Raising)
    parser = shadow(Limits())
    parser.feed(b"rest")
    assert parser.trailing_data() == b"rest"
    parser.feed(NEXT)
    parser.next_event()
    assert (shadow.flush(), shadow.counts.failures) == (True, 0)
