"""Hashes of passwords, with OWASP's parameters."""

from __future__ import annotations

import asyncio
import threading
import unicodedata

import pytest

from turnbuckle import ServiceUnavailable
from turnbuckle_contrib.auth import Passwords, hash_password, password_version, passwords, verify_password

PASSWORD = "correct horse"


def test_hash_has_parameters_of_owasp_and_a_new_salt() -> None:
    first, second = hash_password(PASSWORD), hash_password(PASSWORD, memory=8)
    assert first.startswith("$scrypt$ln=15,r=8,p=3$")
    assert hash_password(PASSWORD, memory=128).startswith("$scrypt$ln=17,r=8,p=1$")
    assert second.startswith("$scrypt$ln=13,r=8,p=10$")
    assert hash_password(PASSWORD, memory=8) != second
    assert PASSWORD not in first
    assert verify_password(PASSWORD, first) == (True, False)
    assert verify_password("wrong", first) == (False, False)


@pytest.mark.parametrize(
    ("hash_memory", "memory", "upgrade"), [(8, 8, False), (8, 16, True), (16, 8, True)], ids=["same", "more", "less"]
)
def test_hash_with_other_parameters_needs_an_upgrade(hash_memory: int, memory: int, upgrade: bool) -> None:
    stored = hash_password(PASSWORD, memory=hash_memory)
    assert verify_password(PASSWORD, stored, memory=memory) == (True, upgrade)
    assert verify_password("wrong", stored, memory=memory) == (False, False)


def test_argon2_and_change_of_the_method() -> None:
    pytest.importorskip("argon2")
    stored = hash_password(PASSWORD, method="argon2")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert verify_password(PASSWORD, stored, method="argon2") == (True, False)
    assert verify_password("wrong", stored, method="argon2") == (False, False)
    assert verify_password(PASSWORD, stored) == (True, True)
    assert verify_password("x" * 1025, stored, method="argon2") == (False, False)
    with pytest.raises(ValueError, match="neither one of scrypt nor of argon2"):
        verify_password(PASSWORD, "$argon2id$v=19$m=1")


def test_password_is_normalized_and_never_truncated() -> None:
    composed, decomposed = "pässword", unicodedata.normalize("NFD", "pässword")
    stored = hash_password(composed, memory=8)
    assert verify_password(decomposed, stored, memory=8).ok
    long = "x" * 1024
    stored = hash_password(long, memory=8)
    assert verify_password(long, stored, memory=8).ok
    assert not verify_password(long[:-1], stored, memory=8).ok
    with pytest.raises(ValueError, match="more than 1024 bytes"):
        hash_password(long + "x", memory=8)
    with pytest.raises(ValueError, match="more than 1024 bytes"):
        hash_password("ä" * 513, memory=8)


def test_password_that_is_too_long_is_wrong_even_if_the_empty_one_is_right() -> None:
    stored = hash_password("", memory=8)
    assert verify_password("", stored, memory=8).ok
    assert not verify_password("x" * 2000, stored, memory=8).ok


def test_password_of_any_text_is_hashed() -> None:
    for password in ("\x00a", "\x00b", "\ud800", "日本語"):
        assert verify_password(password, hash_password(password, memory=8), memory=8).ok
    assert not verify_password("\x00a", hash_password("\x00b", memory=8), memory=8).ok


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "plain",
        "$2b$12$abcdefghijklmnopqrstuv",
        "$scrypt$ln=40,r=8,p=1$" + "a" * 22 + "$" + "a" * 43,
        "$scrypt$ln=13,r=8,p=10$aaaa$" + "a" * 43,
        "$scrypt$ln=20,r=99,p=1$" + "a" * 22 + "$" + "a" * 43,
        "$scrypt$ln=13,r=8,p=10$" + "a" * 22 + "$",
    ],
)
def test_hash_that_is_not_known_is_an_error_and_never_a_right_password(stored: str) -> None:
    with pytest.raises(ValueError, match="hash of the password"):
        verify_password(PASSWORD, stored)


async def test_threads_hash_and_verify() -> None:
    hasher = Passwords(memory=8)
    stored = await hasher.hash(PASSWORD)
    assert await hasher.verify(PASSWORD, stored) == (True, False)
    assert await hasher.verify("wrong", stored) == (False, False)
    hasher.close()


async def test_user_who_does_not_exist_costs_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    costs: list[tuple[object, ...]] = []
    scrypt = passwords._scrypt

    def counted(content: bytes, salt: bytes, *cost: object) -> bytes:
        costs.append(cost)
        return scrypt(content, salt, *cost)

    monkeypatch.setattr(passwords, "_scrypt", counted)
    hasher = Passwords(memory=8)
    stored = await hasher.hash(PASSWORD)
    assert await hasher.verify(PASSWORD, None) == (False, False)
    assert await hasher.verify("x" * 5000, None) == (False, False)
    assert await hasher.verify("wrong", stored) == (False, False)
    assert len(costs) == 4
    assert len(set(costs)) == 1
    hasher.close()


async def test_number_of_threads_and_of_waiting_calls_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()
    running: list[int] = []
    most: list[int] = []

    def slow(password: str, **options: object) -> str:
        running.append(1)
        most.append(len(running))
        free.wait(5)
        running.pop()
        return password

    monkeypatch.setattr(passwords, "hash_password", slow)
    hasher = Passwords(concurrency=2, waiting=3)
    calls = [asyncio.create_task(hasher.hash(str(number))) for number in range(5)]
    await asyncio.sleep(0)
    with pytest.raises(ServiceUnavailable) as caught:
        await hasher.hash("one too many")
    assert caught.value.headers == {"Retry-After": "5"}
    calls[0].cancel()
    await asyncio.sleep(0)
    with pytest.raises(ServiceUnavailable):
        await hasher.hash("a cancelled request gives no room while its thread runs")
    free.set()
    assert await asyncio.gather(*calls[1:]) == ["1", "2", "3", "4"]
    assert max(most) <= 2
    assert await hasher.hash("again") == "again"
    hasher.close()


def test_version_changes_with_the_hash_and_does_not_contain_it() -> None:
    stored = hash_password(PASSWORD, memory=8)
    assert password_version(stored) == password_version(stored)
    assert password_version(stored) != password_version(hash_password(PASSWORD, memory=8))
    assert password_version(stored) not in stored
