"""Tests of ``turnbuckle_plugins.zttp_parser``."""

from __future__ import annotations

import pytest

pytest.importorskip("zttp")

from tests.plugins.parsing import ParserPluginSuite
from turnbuckle_plugins.zttp_parser import zttp_parser


class TestZttpParser(ParserPluginSuite):
    factory = zttp_parser
    library = "zttp"
