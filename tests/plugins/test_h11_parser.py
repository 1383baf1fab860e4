"""Tests of ``turnbuckle_plugins.h11_parser``."""

from __future__ import annotations

import pytest

from tests.plugins.parsing import (
    CASES,
    LIMITS,
    check_limit,
    check_meaning,
    problem_without,
    serves,
)
from turnbuckle import Limits, ParserFactory, RequestHead
from turnbuckle.testing.conformance import ParserConformance
from turnbuckle_plugins.h11_parser import h11_parser


class TestH11Parser(ParserConformance):
    def parser_factory(self) -> ParserFactory:
        return h11_parser


@pytest.mark.parametrize(("raw", "expected", "content"), CASES)
def test_h11_means_what_the_core_s_own_means(raw: bytes, expected: RequestHead, content: bytes) -> None:
    check_meaning(h11_parser, raw, expected, content)


@pytest.mark.parametrize(("limits", "fits", "breaks", "status"), LIMITS)
def test_h11_keeps_limits_as_the_core_s_own_does(limits: Limits, fits: bytes, breaks: bytes, status: int) -> None:
    check_limit(h11_parser, limits, fits, breaks, status)


async def test_h11_serves_an_app_that_enables_it() -> None:
    assert await serves("h11_parser") == "h11"


def test_h11_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    found = problem_without("h11", "h11_parser", monkeypatch)
    assert (found.code, found.fix) == ("TB103", "pip install 'turnbuckle[h11]', or '.[h11]' in a clone")
