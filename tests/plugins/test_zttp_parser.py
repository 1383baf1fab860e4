"""Tests of ``turnbuckle_plugins.zttp_parser``."""

from __future__ import annotations

import pytest

pytest.importorskip("zttp")

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
from turnbuckle_plugins.zttp_parser import zttp_parser


class TestZttpParser(ParserConformance):
    def parser_factory(self) -> ParserFactory:
        return zttp_parser


@pytest.mark.parametrize(("raw", "expected", "content"), CASES)
def test_zttp_means_what_the_core_s_own_means(raw: bytes, expected: RequestHead, content: bytes) -> None:
    check_meaning(zttp_parser, raw, expected, content)


@pytest.mark.parametrize(("limits", "fits", "breaks", "status"), LIMITS)
def test_zttp_keeps_limits_as_the_core_s_own_does(limits: Limits, fits: bytes, breaks: bytes, status: int) -> None:
    check_limit(zttp_parser, limits, fits, breaks, status)


async def test_zttp_serves_an_app_that_enables_it() -> None:
    assert await serves("zttp_parser") == "zttp"


def test_zttp_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    found = problem_without("zttp", "zttp_parser", monkeypatch)
    assert (found.code, found.fix) == (
        "TB103",
        "pip install 'turnbuckle[zttp]', or '.[zttp]' in a clone",
    )
