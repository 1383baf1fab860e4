"""Tests of ``turnbuckle_plugins.httptools_parser``."""

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
from turnbuckle_plugins.httptools_parser import httptools_parser


class TestHttptoolsParser(ParserConformance):
    def parser_factory(self) -> ParserFactory:
        return httptools_parser


@pytest.mark.parametrize(("raw", "expected", "content"), CASES)
def test_httptools_means_what_the_core_s_own_means(raw: bytes, expected: RequestHead, content: bytes) -> None:
    check_meaning(httptools_parser, raw, expected, content)


@pytest.mark.parametrize(("limits", "fits", "breaks", "status"), LIMITS)
def test_httptools_keeps_limits_as_the_core_s_own_does(limits: Limits, fits: bytes, breaks: bytes, status: int) -> None:
    check_limit(httptools_parser, limits, fits, breaks, status)


async def test_httptools_serves_an_app_that_enables_it() -> None:
    assert await serves("httptools_parser") == "httptools"


def test_httptools_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    found = problem_without("httptools", "httptools_parser", monkeypatch)
    assert (found.code, found.fix) == (
        "TB103",
        "pip install 'turnbuckle[httptools]', or '.[httptools]' in a clone",
    )
