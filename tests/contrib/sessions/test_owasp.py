"""Each row of docs/operate/session-management.md names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

from turnbuckle import App
from turnbuckle.testing import Client

_PAGE = Path(__file__).parents[3] / "docs" / "operate" / "session-management.md"


def test_page_names_tests_that_exist() -> None:
    rows = [line.split(" | ") for line in _PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    named = {name for row in rows for name in re.findall(r"`(test_\w+)`", row[-1])}
    source = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert named
    assert sorted(name for name in named if f"def {name}(" not in source) == []


def test_only_matters_of_apps_have_no_test() -> None:
    rows = [line.split(" | ") for line in _PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    without = [row[0] for row in rows[1:] if "test_" not in row[-1]]
    assert len(without) == 4, without


async def test_id_in_the_url_or_another_field_is_ignored(any_app: App) -> None:
    async with Client(any_app) as client:
        await client.post("/login")
        cookie = client.cookies["session"]
        client.cookies.clear()
        assert (await client.get(f"/show?session={cookie}")).json()["is_new"]
        assert (await client.get(f"/show;session={cookie}")).status == 404
        for field in ("Session", "X-Session", "Authorization", "Cookie2", "Set-Cookie"):
            assert (await client.get("/show", headers={field: f"session={cookie}"})).json()["is_new"]
