"""Tests of ``turnbuckle_plugins.httptools_parser``."""

from __future__ import annotations

from tests.plugins.parsing import ParserPluginSuite
from turnbuckle_plugins.httptools_parser import httptools_parser


class TestHttptoolsParser(ParserPluginSuite):
    factory = httptools_parser
    library = "httptools"
