"""Shared by the tests of the parser plugins: the conformance suite, and the core's tables, read through the guard."""

from __future__ import annotations

import sys
from typing import ClassVar

import pytest

from tests.core.http.test_parser import CASES, LIMITS
from turnbuckle import App, Diagnostic, ParserFactory, RequestHead, StartupError
from turnbuckle.http.guard import guarded
from turnbuckle.http.limits import Limits
from turnbuckle.testing import Client
from turnbuckle.testing.conformance import ParserConformance
from turnbuckle.testing.parsing.outcome import read
from turnbuckle.testing.parsing.variants import byte_by_byte

__all__ = ["ParserPluginSuite"]


class ParserPluginSuite(ParserConformance):
    """The tests of a parser plugin; a class derived from it names the factory and the library.

    Attributes:
        factory: the factory of the parser.
        library: name of its library, which is the name of the parser and of the extra as well.
    """

    factory: ClassVar[ParserFactory]
    library: ClassVar[str]

    def parser_factory(self) -> ParserFactory:
        return type(self).factory

    @pytest.mark.parametrize(("raw", "expected", "content"), CASES)
    def test_means_what_the_core_s_own_means(self, raw: bytes, expected: RequestHead, content: bytes) -> None:
        factory = guarded(self.parser_factory())
        parser = factory(Limits())
        parser.feed(raw)
        assert parser.next_event() == expected
        (request,) = read(factory, byte_by_byte(raw)).requests
        assert (request.target, request.content, request.trailers) == (expected.target, content, ())

    @pytest.mark.parametrize(("limits", "fits", "breaks", "status"), LIMITS)
    def test_keeps_limits_as_the_core_s_own_does(self, limits: Limits, fits: bytes, breaks: bytes, status: int) -> None:
        factory = guarded(self.parser_factory())
        for pieces in ([fits], byte_by_byte(fits)):
            assert read(factory, pieces, limits=limits).status is None
        for pieces in ([breaks], byte_by_byte(breaks)):
            assert read(factory, pieces, limits=limits).status == status

    async def test_serves_an_app_that_enables_it(self) -> None:
        app = App(plugins=[f"{self.library}_parser"])

        @app.post("/{word}")
        async def echo(request: object, word: str) -> str:
            return f"{word}: {await request.text()}"  # type: ignore[attr-defined]  # a Request

        async with Client(app) as client:
            for body in (b"hello", b""):
                response = await client.post("/say", content=body)
                assert (response.status, response.text) == (200, f"say: {body.decode()}")
        assert app.resolve().parser.name == self.library

    def test_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = _problem_without(self.library, f"{self.library}_parser", monkeypatch)
        fix = f"pip install 'turnbuckle[{self.library}]', or '.[{self.library}]' in a clone"
        assert (found.code, found.fix) == ("TB103", fix)


def _problem_without(library: str, plugin: str, monkeypatch: pytest.MonkeyPatch) -> Diagnostic:
    """Return what stops an app that enables a plugin whose library is not installed."""
    monkeypatch.delitem(sys.modules, f"turnbuckle_plugins.{plugin}", raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(StartupError) as caught:
        App(plugins=[plugin]).compile()
    (problem,) = caught.value.problems
    return problem.diagnostic
