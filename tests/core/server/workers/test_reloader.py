"""Reloading when files change during development."""

import signal
import sys
import threading
from pathlib import Path

import pytest

from tests.core.server.workers.service_process import APP, service
from turnbuckle.errors import TurnbuckleError
from turnbuckle.server.workers.reloader import Watched, check_watching, watching

TIMEOUT = 20


def test_only_changes_of_watched_files_are_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "turnbuckle.server")
    (tmp_path / "page.html").write_text("one")
    changed = threading.Event()
    watched = Watched(folders=(str(tmp_path), str(tmp_path / "none")), suffixes=(".html",))
    with watching(watched, changed.set):
        # The first one may come before the watch has begun, and the watch must not miss all of them.
        for number in range(TIMEOUT * 5):
            (tmp_path / "notes.log").write_text(str(number))
            (tmp_path / "page.html").write_text(str(number))
            if changed.wait(0.2):
                break
        assert changed.is_set()
    lines = [message for message in caplog.messages if message.startswith("changed")]
    assert lines
    assert set(lines) == {f"changed: {tmp_path / 'page.html'}"}
    assert not [thread for thread in threading.enumerate() if thread.name == "turnbuckle watch"]


def test_nothing_is_watched_unless_asked_for() -> None:
    before = threading.active_count()
    with watching(None, lambda: None):
        assert threading.active_count() == before


def test_error_for_missing_watchfiles_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    with pytest.raises(TurnbuckleError, match=r"--reload needs watchfiles: pip install 'turnbuckle\[reload\]'"):
        check_watching()


def test_reload_loads_changed_code_and_shows_why_it_cannot(tmp_path: Path) -> None:
    (tmp_path / "turnbuckle.toml").write_text("[workers]\ncount = 4\n")
    with service(tmp_path, "--reload") as running:
        assert running.get() == "one"
        assert len(running.workers()) == 1
        (tmp_path / "shop.py").write_text(APP.replace('"one"', '"second'))
        running.wait_for("'shop' cannot be imported: SyntaxError: unterminated string literal")
        running.wait_for("reload failed, keeping the old workers")
        assert running.get() == "one"
        # Python takes a file that has the same size and second for the one that it has compiled.
        (tmp_path / "shop.py").write_text(APP.replace('"one"', '"second"'))
        running.wait_for("reloaded")
        assert running.get() == "second"
        running.signal(signal.SIGINT)
        assert running.ended() == 0
