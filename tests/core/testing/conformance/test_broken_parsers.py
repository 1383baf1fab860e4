"""Parsers that are wrong, each in another way, must fail the suite, and fail it for that."""

from __future__ import annotations

import pytest

from tests.core.testing.conformance.broken_parsers import (
    ExpectsARequest,
    FindsLineEndsInOnePieceOnly,
    KeepsContent,
    KeepsTheCase,
    KnowsNoLimits,
    KnowsOneStatus,
    LosesTheEnd,
    RaisesWhenFed,
    RecoversFromErrors,
    RunsAhead,
    Sound,
    SwallowsWhatFollows,
    TakesLineFeeds,
    TakesLineFeedsInHeads,
    UnfoldsToNothing,
    Wrapped,
)
from tests.core.testing.conformance.running import failures
from turnbuckle import ParserFactory
from turnbuckle.testing.conformance import ParserConformance

BROKEN = [
    pytest.param(RunsAhead, "test_is_never_ahead", id="runs-ahead"),
    pytest.param(TakesLineFeeds, "test_refuses", id="takes-line-feeds"),
    pytest.param(FindsLineEndsInOnePieceOnly, "test_takes", id="line-ends-in-one-piece"),
    pytest.param(FindsLineEndsInOnePieceOnly, "test_takes_at_any_split", id="line-ends-at-a-split"),
    pytest.param(TakesLineFeeds, "test_is_of_one_mind", id="line-feeds-at-a-split"),
    pytest.param(RecoversFromErrors, "test_an_error_is_final", id="recovers"),
    pytest.param(KeepsContent, "test_gives_content_as_it_comes", id="keeps-content"),
    pytest.param(LosesTheEnd, "test_refuses_the_end_within_a_request", id="loses-the-end"),
    pytest.param(SwallowsWhatFollows, "test_hands_over_what_follows_an_upgrade", id="swallows"),
    pytest.param(RaisesWhenFed, "test_takes", id="raises-when-fed"),
    pytest.param(ExpectsARequest, "test_raises_nothing_but_protocol_errors", id="expects-a-request"),
    pytest.param(KnowsNoLimits, "test_keeps_limit", id="no-limits"),
    pytest.param(KnowsOneStatus, "test_refuses", id="one-status"),
    pytest.param(UnfoldsToNothing, "test_refuses", id="unfolds-to-nothing"),
    pytest.param(KeepsTheCase, "test_takes", id="keeps-the-case"),
]


def suite_of(parser: ParserFactory, **attributes: object) -> type[ParserConformance]:
    return type("Suite", (ParserConformance,), {"parser_factory": lambda self: parser, **attributes})


@pytest.mark.parametrize(("parser", "test"), BROKEN)
def test_suite_fails_on(parser: type[Wrapped], test: str) -> None:
    assert test in failures(suite_of(parser), test)


def test_suite_passes_what_is_sound() -> None:
    assert failures(suite_of(Sound)) == {}


def test_suite_takes_a_leniency_that_is_declared() -> None:
    assert "test_refuses" in failures(suite_of(TakesLineFeedsInHeads), "test_refuses")
    assert not failures(suite_of(TakesLineFeedsInHeads, leniencies={"line-feed"}), "test_refuses", "test_takes")


def test_suite_holds_a_leniency_to_its_rule() -> None:
    failed = failures(suite_of(UnfoldsToNothing, leniencies={"obs-fold"}), "test_refuses")
    assert any("may be unfolded with SP" in message for message in failed["test_refuses"])
