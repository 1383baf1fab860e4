"""Tests of ``turnbuckle.testing.differential``: lenient parsers, wrong parsers, and the report about them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import pytest

from tests.core.testing.conformance.broken_parsers import (
    Answer,
    FindsLineEndsInOnePieceOnly,
    RaisesWhenFed,
    Sound,
    TakesLineFeedsInHeads,
    UnfoldsToNothing,
    Wrapped,
)
from turnbuckle import ParserFactory, ProtocolError, RequestHead
from turnbuckle.testing.differential import Report, compare_parsers
from turnbuckle.testing.differential.differences import PERMISSIONS, Kind
from turnbuckle.testing.parsing.cases import InvalidCase, ValidCase
from turnbuckle.testing.parsing.invalid import INVALID
from turnbuckle.testing.parsing.valid import VALID
from turnbuckle_plugins.h11_parser import h11_parser
from turnbuckle_plugins.httptools_parser import httptools_parser

CASES: Mapping[str, ValidCase | InvalidCase] = {case.name: case for case in (*VALID, *INVALID)}


class KnowsFewMethods(Wrapped):
    """Refuses methods that it does not know."""

    def next_event(self) -> Answer:
        event = super().next_event()
        if isinstance(event, RequestHead) and event.method not in (b"GET", b"HEAD", b"POST"):
            raise ProtocolError("unknown method", status=501)
        return event


class KnowsOneVersion(Wrapped):
    """Refuses HTTP/1.2."""

    seen = b""

    def feed(self, data: bytes, /) -> None:
        self.seen += data
        super().feed(data)

    def next_event(self) -> Answer:
        event = super().next_event()
        if b" HTTP/1.2" in self.seen:
            raise ProtocolError("unknown version", status=505)
        return event


class TakesNoEmptyLine(Wrapped):
    """Refuses an empty line before a request."""

    seen = b""

    def feed(self, data: bytes, /) -> None:
        self.seen += data
        super().feed(data)

    def next_event(self) -> Answer:
        if self.seen.startswith(b"\r\n"):
            raise ProtocolError("no request line")
        return super().next_event()


class LowersCodings(Wrapped):
    """Hands on transfer codings in lower case."""

    def next_event(self) -> Answer:
        event = super().next_event()
        if isinstance(event, RequestHead):
            event.fields = [(name, value.lower() if b"encoding" in name else value) for name, value in event.fields]
        return event


class IsSmall(Wrapped):
    """Refuses heads with many fields."""

    def next_event(self) -> Answer:
        event = super().next_event()
        if isinstance(event, RequestHead) and len(event.fields) > 50:
            raise ProtocolError("too many fields", status=431)
        return event


class Smuggles(Wrapped):
    """Takes CR and any byte for the end of a chunk line."""

    def feed(self, data: bytes, /) -> None:
        super().feed(re.sub(rb"\r\n5\r[^\n]", b"\r\n5\r\n", data))


class RewritesContent(Wrapped):
    """Hands on content in upper case."""

    def feed(self, data: bytes, /) -> None:
        super().feed(data.replace(b"hello", b"HELLO"))


def run(parser: ParserFactory, *names: str) -> Report:
    return compare_parsers({"it": parser}, mutations=0, corpus=[CASES[name] for name in names])


def test_runner_finds_no_difference_where_there_is_none() -> None:
    corpus = list(CASES.values())[::3]
    report = compare_parsers({"it": Sound, "h1": Smuggles}, mutations=2, seed=3, corpus=corpus)
    assert (report.parsers, report.differences) == (("h1", "it"), [])
    assert report.inputs == len(corpus) * 4
    assert report.readings > report.inputs * 2


def test_runner_does_the_same_for_the_same_seed() -> None:
    reports = [compare_parsers({"h11": h11_parser}, mutations=3, seed=4, corpus=INVALID[:20]) for _ in range(2)]
    assert reports[0] == reports[1]


def test_runner_explains_every_difference_of_the_plugins() -> None:
    parsers = {"h11": h11_parser, "httptools": httptools_parser}
    report = compare_parsers(parsers, mutations=5, seed=5, corpus=list(CASES.values())[::4])
    assert not report.unexplained, str(report)


@pytest.mark.parametrize(
    ("parser", "case", "permission"),
    [
        pytest.param(TakesLineFeedsInHeads, "line-feeds", "line-feed", id="line-feed"),
        pytest.param(KnowsFewMethods, "unknown-method", "unknown-method", id="unknown-method"),
        pytest.param(KnowsOneVersion, "higher-minor-version", "later-version", id="later-version"),
        pytest.param(TakesNoEmptyLine, "empty-line-before", "empty-line", id="empty-line"),
        pytest.param(LowersCodings, "coding-in-upper-case", "case-of-codings", id="case-of-codings"),
        pytest.param(IsSmall, "many-fields", "own-limits", id="own-limits"),
        pytest.param(h11_parser, "coding-twice", "", id="nothing-to-permit"),
    ],
)
def test_runner_names_the_rule_that_permits(parser: ParserFactory, case: str, permission: str) -> None:
    report = run(parser, case)
    assert {group.permission.name for group in report.permitted if group.permission} == ({permission} - {""})
    assert not report.unexplained


@pytest.mark.parametrize(
    ("parser", "case", "kind"),
    [
        pytest.param(Smuggles, "cr-after-a-chunk-size", Kind.TAKES, id="takes"),
        pytest.param(KnowsFewMethods, "asterisk-form", Kind.REFUSES, id="refuses"),
        pytest.param(RewritesContent, "length", Kind.READS, id="reads"),
        pytest.param(UnfoldsToNothing, "fold", Kind.TAKES, id="repairs-wrongly"),
        pytest.param(FindsLineEndsInOnePieceOnly, "get", Kind.SPLIT, id="split"),
        pytest.param(RaisesWhenFed, "eighth-bit-in-value", Kind.FAULT, id="fault"),
    ],
)
def test_runner_finds_what_no_rule_permits(parser: ParserFactory, case: str, kind: Kind) -> None:
    report = run(parser, case)
    assert kind in {group.kind for group in report.unexplained}
    assert {group.section for group in report.unexplained} == {CASES[case].section}


def test_report_shows_the_shortest_example() -> None:
    (difference,) = [group for group in run(RewritesContent, "length").unexplained if group.kind is Kind.READS]
    assert difference.count == 2
    assert b"".join(difference.pieces) == CASES["length"].data
    lines = "\n".join(difference.lines())
    assert "it reads another request (2 times)" in lines
    assert "b'HELLO'" in lines


def test_report_is_text_and_data() -> None:
    report = run(TakesLineFeedsInHeads, "line-feeds")
    assert "permitted by RFC 9112, 2.2: a single LF may end" in str(report)
    assert str(report).endswith("unexplained: 0")
    data = json.loads(json.dumps(report.data()))
    assert data["permitted"][0]["permission"] == "line-feed"
    assert data["unexplained"] == []


def test_report_includes_splits_and_notes() -> None:
    report = compare_parsers(
        {"it": FindsLineEndsInOnePieceOnly}, mutations=0, corpus=[CASES["get"]], notes={"broken": "ImportError: no"}
    )
    assert "not compared: broken: ImportError: no" in str(report)
    assert "split:     [" in str(report)


def test_permissions_have_names_and_sections_of_their_own() -> None:
    assert len({rule.name for rule in PERMISSIONS}) == len(PERMISSIONS)
    assert all(rule.section.startswith("RFC 911") and rule.rule for rule in PERMISSIONS)
