"""Each bug class has numbered tests or a reason in docs/operate/security.md, which lists every such test."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from turnbuckle import Settings

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
PAGE = ROOT / "docs/operate/security.md"
ROWS = {
    int(number): cell for number, cell in re.findall(r"^\| (\d+) \| [^|]+ \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
}
REASON = re.compile(r"(Not built|Cannot apply): .{20,}")


def _tests() -> dict[str, int]:
    """Return the row of each test that is named by one."""
    found: dict[str, int] = {}
    for path in FOLDER.glob("test_*.py"):
        for node in ast.parse(path.read_text()).body:
            name = node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else ""
            if row := re.match(r"test_row_(\d\d)_", name):
                found[name] = int(row[1])
    return found


TESTS = _tests()


def test_every_row_is_there_once() -> None:
    assert sorted(ROWS) == list(range(1, 80))
    assert PAGE.read_text().count("\n| 1 |") == 1


@pytest.mark.parametrize("row", range(1, 80))
def test_row_names_its_tests_or_a_reason(row: int) -> None:
    named = re.findall(r"`(test_\w+)`", ROWS[row])
    assert sorted(named) == sorted(name for name, number in TESTS.items() if number == row)
    assert named or REASON.match(ROWS[row])


def test_page_names_modules_and_tests_that_exist() -> None:
    text = PAGE.read_text().partition("## Promises for every set of plugins")[2].partition("\n## ")[0]
    for path in re.findall(r"`([\w/]+(?:\.py|/))`", text):
        assert (ROOT / "core/turnbuckle" / path).exists() or (ROOT / "tests" / path).exists(), path
    tests = {node for path in FOLDER.glob("test_*.py") for node in re.findall(r"def (test_\w+)", path.read_text())}
    assert set(re.findall(r"`(test_\w+)`", text)) <= tests


def test_page_gives_the_defaults_as_they_are() -> None:
    settings = Settings()
    assert (settings.debug, settings.server.host, settings.limits.content) == (False, "127.0.0.1", 16 * 1024 * 1024)
    assert (settings.timeouts.handler, settings.timeouts.total) == (0, 0)
    assert (settings.capacity.concurrent_requests, settings.capacity.connections_per_address) == (0, 0)
    assert (settings.log.queries, settings.plugins.autoload) == (True, False)


def test_policy_is_at_the_top_and_names_no_address() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    assert "Report a\nvulnerability" in text
    assert not re.search(r"\S@\S", text)
