"""Cheap hashes of passwords, for tests that are not about their costs."""

from __future__ import annotations

import pytest

from turnbuckle_contrib.auth import passwords


@pytest.fixture
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_SCRYPT", {128: _cost(4), 32: _cost(3), 8: _cost(2)})


def _cost(ln: int) -> object:
    return passwords._Cost(ln=ln, lanes=1)
