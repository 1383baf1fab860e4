"""The core's own parser passes the suite that it gives to others."""

from __future__ import annotations

from turnbuckle import ParserFactory
from turnbuckle.http.parser import H1Parser, H1ParserFactory
from turnbuckle.testing.conformance import ParserConformance


class TestH1Parser(ParserConformance):
    def parser_factory(self) -> ParserFactory:
        return H1Parser


class TestH1ParserWithSharedTables(ParserConformance):
    factory = H1ParserFactory()

    def parser_factory(self) -> ParserFactory:
        return self.factory
