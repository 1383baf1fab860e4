"""How much memory a process has."""

from pathlib import Path

import pytest

from turnbuckle.server.workers import memory


def test_resident_memory_grows_with_what_is_held() -> None:
    before = memory.resident_memory()
    held = bytearray(b"x" * 50_000_000)
    assert memory.resident_memory() - before > 20_000_000
    assert len(held) == 50_000_000


def test_most_memory_stands_in_where_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    now = memory.resident_memory()
    monkeypatch.setattr(memory, "_STATM", Path("/none"))
    assert memory.resident_memory() > now / 2
