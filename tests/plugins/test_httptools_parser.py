"""Tests of ``turnbuckle_plugins.httptools_parser``."""

from __future__ import annotations

from turnbuckle import ParserFactory
from turnbuckle.testing.conformance import ParserConformance
from turnbuckle_plugins.httptools_parser import httptools_parser


class TestHttptoolsParser(ParserConformance):
    def parser_factory(self) -> ParserFactory:
        return httptools_parser
