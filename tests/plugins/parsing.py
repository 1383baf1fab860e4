"""Shared by the tests of the parser plugins: the core's tables, read through the guard, and apps with a parser."""

from __future__ import annotations

import sys

import pytest

from tests.core.http.test_parser import CASES, LIMITS
from turnbuckle import App, Diagnostic, ParserFactory, RequestHead, StartupError
from turnbuckle.http.guard import guarded
from turnbuckle.http.limits import Limits
from turnbuckle.testing import Client
from turnbuckle.testing.parsing.outcome import read
from turnbuckle.testing.parsing.variants import byte_by_byte

__all__ = ["CASES", "LIMITS", "check_limit", "check_meaning", "problem_without", "serves"]


def check_meaning(factory: ParserFactory, raw: bytes, expected: RequestHead, content: bytes) -> None:
    """Fail unless a parser reads the bytes as the core's own parser does, including derived attributes."""
    parser = guarded(factory)(Limits())
    parser.feed(raw)
    assert parser.next_event() == expected
    (request,) = read(guarded(factory), byte_by_byte(raw)).requests
    assert (request.target, request.content, request.trailers) == (expected.target, content, ())


def check_limit(factory: ParserFactory, limits: Limits, fits: bytes, breaks: bytes, status: int) -> None:
    """Fail unless a limit is kept as the core's own parser keeps it."""
    for pieces in ([fits], byte_by_byte(fits)):
        assert read(guarded(factory), pieces, limits=limits).status is None
    for pieces in ([breaks], byte_by_byte(breaks)):
        assert read(guarded(factory), pieces, limits=limits).status == status


async def serves(plugin: str) -> str:
    """Serve some requests with an app that enables a plugin; return the name of the parser that it chose."""
    app = App(plugins=[plugin])

    @app.post("/{word}")
    async def echo(request: object, word: str) -> str:
        return f"{word}: {await request.text()}"  # type: ignore[attr-defined]  # a Request

    async with Client(app) as client:
        for body in (b"hello", b""):
            response = await client.post("/say", content=body)
            assert (response.status, response.text) == (200, f"say: {body.decode()}")
    return app.resolve().parser.name


def problem_without(library: str, plugin: str, monkeypatch: pytest.MonkeyPatch) -> Diagnostic:
    """Return what stops an app that enables a plugin whose library is not installed."""
    monkeypatch.delitem(sys.modules, f"turnbuckle_plugins.{plugin}", raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(StartupError) as caught:
        App(plugins=[plugin]).compile()
    (problem,) = caught.value.problems
    return problem.diagnostic
