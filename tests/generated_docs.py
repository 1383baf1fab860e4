"""The generated parts of the documentation; ``python -m tests.generated_docs`` writes them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs

from turnbuckle.server.model.connection_state import TRANSITIONS, ConnectionState
from turnbuckle.startup.report.limits_table import limits_as_markdown
from turnbuckle.startup.report.settings_reference import settings_reference

ROOT: Final = Path(__file__).parents[1]


@attrs.frozen
class GeneratedPart:
    """A part of a page, between the comments ``<!-- NAME: begin`` and ``<!-- NAME: end -->``."""

    page: str
    name: str
    generate: Callable[[], str]

    def committed(self) -> str:
        return self._split()[1]

    def write(self) -> None:
        before, _, after = self._split()
        (ROOT / self.page).write_text(before + self.generate() + after, encoding="utf-8")

    def _split(self) -> tuple[str, str, str]:
        text = (ROOT / self.page).read_text(encoding="utf-8")
        found = re.fullmatch(
            rf"(.*<!-- {self.name}: begin[^\n]*-->\n)(.*)(<!-- {self.name}: end -->.*)", text, re.DOTALL
        )
        assert found is not None, f"{self.page} has no part {self.name}"
        return found[1], found[2], found[3]


def _settings_sections() -> str:
    """Return the reference without its title and introduction."""
    _, heading, sections = settings_reference().partition("## General")
    return heading + sections


def _connection_states() -> str:
    """Return the transitions as a Mermaid drawing, and the ends that nearly all states have as a sentence."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {ConnectionState.HEAD.name}"]
    lost = []
    for state, row in TRANSITIONS.items():
        for following, cause in row.items():
            if following is ConnectionState.CLOSED and state is not ConnectionState.CLOSING:
                lost.append(f"`{state.name}`")
            else:
                lines.append(f"    {state.name} --> {following.name}: {cause}")
    lines += [f"    {state.name} --> [*]" for state, row in TRANSITIONS.items() if not row]
    note = f"The connection can be lost, and become `CLOSED`, also in these states: {', '.join(lost)}."
    return "\n".join([*lines, "```", "", note, ""])


GENERATED_PARTS: Final = (
    GeneratedPart("docs/architecture.md", "connection states", _connection_states),
    GeneratedPart("docs/use/settings.md", "settings", _settings_sections),
    GeneratedPart("docs/use/limits.md", "limits", lambda: limits_as_markdown().rstrip("\n") + "\n"),
)


if __name__ == "__main__":
    for part in GENERATED_PARTS:
        part.write()
