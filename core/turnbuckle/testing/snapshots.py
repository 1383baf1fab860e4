"""Compare the composition of an app with a file beside the test.

The file contains the plan without locations, times, versions and settings, so it changes only with the composition.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Final, final

from turnbuckle.app import App
from turnbuckle.plan import Plan
from turnbuckle.startup.report.lock import composition_of, lock_text

__all__ = ["PlanSnapshot", "plan_text"]

_FOLDER: Final = "plans"


def plan_text(plan: Plan) -> str:
    """Return the text of a snapshot."""
    composition = {key: value for key, value in composition_of(plan).items() if key not in {"schema", "turnbuckle"}}
    composition["plugins"] = [{"name": plugin["name"], "scope": plugin["scope"]} for plugin in composition["plugins"]]
    return lock_text(composition)


@final
class PlanSnapshot:
    """Compare plans with files; the value of the fixture ``plan_snapshot``.

    Args:
        folder: the folder of the test; the files are in ``plans`` below it.
        test: the name of the test.
        is_updating: whether to write the files instead of comparing.
    """

    def __init__(self, folder: Path, test: str, *, is_updating: bool) -> None:
        self._folder: Final = folder / _FOLDER
        self._test: Final = test
        self._is_updating: Final = is_updating

    def __call__(self, app: App | Plan, name: str = "") -> None:
        """Compare the plan of an app with the file of this test.

        Args:
            app: the app, or a plan.
            name: distinguishes several plans of one test.

        Raises:
            AssertionError: the plan has changed, or there is no file yet.
        """
        text = plan_text(app.plan if isinstance(app, App) else app)
        path = self._folder / f"{'-'.join(filter(None, (self._test, name)))}.txt"
        if self._is_updating:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        assert path.exists(), f"{path} does not exist; pytest --update-plans writes it"
        kept = path.read_text(encoding="utf-8-sig")
        changes = "\n".join(difflib.unified_diff(kept.splitlines(), text.splitlines(), "kept", "now", lineterm="", n=1))
        assert kept == text, f"the plan has changed; pytest --update-plans accepts that\n{changes}"
