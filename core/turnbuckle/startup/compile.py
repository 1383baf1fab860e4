"""Turn a plan into plain closures: the last stage, after which no hook is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turnbuckle.server.application import Application
    from turnbuckle.startup.plan import Plan

__all__ = ["compile_application"]


def compile_application(plan: Plan) -> Application:
    """Return what a server runs.

    Raises:
        StartupError: a factory failed.
    """
    raise RuntimeError("not compiled yet")
