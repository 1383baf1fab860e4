"""Tests of ``turnbuckle_plugins.h11_parser``."""

from __future__ import annotations

from turnbuckle import ParserFactory
from turnbuckle.testing.conformance import ParserConformance
from turnbuckle_plugins.h11_parser import h11_parser


class TestH11Parser(ParserConformance):
    def parser_factory(self) -> ParserFactory:
        return h11_parser
