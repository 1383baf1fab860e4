"""The core's router passes the suite that routers of plugins pass."""

from __future__ import annotations

from typing import Literal

from turnbuckle import Router, TreeRouter
from turnbuckle.testing.conformance import RouterConformance


class TestTreeRouter(RouterConformance):
    prefers = "specific"

    many = 2000
    policies = ("strict", "redirect", "ignore")

    def make_router(self) -> Router:
        return TreeRouter()

    def make_router_with(self, policy: Literal["strict", "redirect", "ignore"]) -> Router:
        return TreeRouter(policy)
