"""Mark hook specifications and implementations for pluggy."""

from __future__ import annotations

from typing import Final

import pluggy

__all__ = ["PROJECT", "hookimpl", "hookspec"]

PROJECT: Final = "turnbuckle"

hookspec: Final = pluggy.HookspecMarker(PROJECT)
"""Mark a function as a hook that other plugins may implement; for plugins that define hooks of their own."""

hookimpl: Final = pluggy.HookimplMarker(PROJECT)
"""Mark a function as an implementation of a hook; methods of ``Plugin`` that override a hook need no mark."""
