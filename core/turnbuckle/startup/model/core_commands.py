"""Name the commands of the core, which no plugin can take: they repair what plugins break."""

from __future__ import annotations

from typing import Final

__all__ = ["BUILTIN_COMMANDS"]

BUILTIN_COMMANDS: Final = frozenset(
    {"serve", "check", "routes", "plan", "plugins", "why", "explain", "settings", "parsers", "new"}
)
