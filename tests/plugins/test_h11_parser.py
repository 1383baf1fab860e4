"""Tests of ``turnbuckle_plugins.h11_parser``."""

from __future__ import annotations

from tests.plugins.parsing import ParserPluginSuite
from turnbuckle_plugins.h11_parser import h11_parser


class TestH11Parser(ParserPluginSuite):
    factory = h11_parser
    library = "h11"
