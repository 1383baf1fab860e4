"""The core's router passes the suite that routers of plugins pass."""

from __future__ import annotations

from turnbuckle import Router, TreeRouter
from turnbuckle.testing.conformance import RouterConformance


class TestTreeRouter(RouterConformance):
    prefers = "specific"

    def make_router(self) -> Router:
        return TreeRouter()
