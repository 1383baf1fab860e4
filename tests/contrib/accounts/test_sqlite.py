"""The storage in SQLite: addresses are unique and tokens work once, also between workers."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from turnbuckle_contrib.accounts import Account, Accounts, SQLiteAccounts

ADA = Account(id="1", email="ada@example.org", name="Ada", password_hash="$x$1", roles=frozenset({"admin"}))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteAccounts]:
    store = SQLiteAccounts(str(tmp_path / "accounts.sqlite3"))
    await store.open()
    yield store
    await store.close()


async def test_account_is_found_by_id_and_address(store: SQLiteAccounts) -> None:
    assert await store.create(ADA)
    assert await store.get("1") == ADA
    assert await store.find("ada@example.org") == ADA
    assert await store.get("2") is None
    assert await store.find("eve@example.org") is None
    assert "$x$1" not in repr(ADA)


async def test_address_has_one_account(store: SQLiteAccounts) -> None:
    assert await store.create(ADA)
    assert not await store.create(Account(id="2", email="ada@example.org", name="Eve", password_hash="$x$2"))
    assert await store.get("2") is None
    with pytest.raises(ValueError, match="there is an account"):
        await Accounts(store=store).create("ada@example.org", "Eve", "$x$2")


async def test_new_password_ends_sessions_and_tokens(store: SQLiteAccounts) -> None:
    await store.create(ADA)
    await store.add_token("d", "reset", "ada@example.org", store.now() + 60)
    changed = await store.set_password("1", "$x$2")
    assert changed is not None
    assert (changed.password_hash, changed.version) == ("$x$2", 2)
    assert await store.find_token("d", "reset") is None
    assert await store.set_password("2", "$x$2") is None


async def test_upgraded_hash_keeps_sessions_and_never_replaces_a_newer_one(store: SQLiteAccounts) -> None:
    await store.create(ADA)
    await store.upgrade_hash("1", "$x$1", "$y$1")
    account = await store.get("1")
    assert account is not None
    assert (account.password_hash, account.version) == ("$y$1", 1)
    await store.upgrade_hash("1", "$x$1", "$z$1")
    assert (await store.get("1")) == account


async def test_roles_and_deletion(store: SQLiteAccounts) -> None:
    await store.create(ADA)
    changed = await store.set_roles("1", ["editor", "admin"])
    assert changed is not None
    assert changed.roles == {"admin", "editor"}
    with pytest.raises(ValueError, match="without blanks"):
        await store.set_roles("1", ["a b"])
    await store.add_token("d", "reset", "ada@example.org", store.now() + 60)
    assert await store.delete("1")
    assert not await store.delete("1")
    assert await store.find_token("d", "reset") is None


async def test_token_works_once_for_one_purpose_until_it_expires(tmp_path: Path) -> None:
    now = 1000.0
    store = SQLiteAccounts(str(tmp_path / "a.sqlite3"), now=lambda: now)
    await store.open()
    accounts = Accounts(store=store, token_seconds=60, now=lambda: now)
    token = await accounts.issue_token("reset", "ada@example.org")
    assert await accounts.find_token(token, "register") is None
    assert await accounts.find_token(token, "reset") == "ada@example.org"
    now = 1060.0
    assert await accounts.find_token(token, "reset") is None
    assert await accounts.take_token(token, "reset") is None
    token = await accounts.issue_token("reset", "ada@example.org")
    taken = await asyncio.gather(*(accounts.take_token(token, "reset") for _ in range(5)))
    assert sorted(filter(None, taken)) == ["ada@example.org"]
    assert await accounts.find_token("x" * 101, "reset") is None
    await store.close()
    # Neither the file nor its log has the token.
    assert not _contain(tmp_path, token)


def _contain(folder: Path, text: str) -> bool:
    return any(text.encode() in path.read_bytes() for path in folder.iterdir())


async def test_expired_tokens_are_deleted(tmp_path: Path) -> None:
    now = 1000.0
    store = SQLiteAccounts(":memory:", now=lambda: now)
    await store.open()
    await store.add_token("a", "reset", "ada@example.org", 1010)
    now = 1020.0
    await store.add_token("b", "reset", "ada@example.org", 1030)
    count = await store._database.fetch_value("SELECT count(*) FROM account_tokens")
    assert count == 1
    await store.close()


async def test_closed_store_says_so() -> None:
    store = SQLiteAccounts(":memory:")
    with pytest.raises(RuntimeError, match="not open"):
        await store.get("1")
    await store.close()


_WORKER = """
import asyncio, sys
from turnbuckle_contrib.accounts import Accounts, SQLiteAccounts

async def main():
    store = SQLiteAccounts(sys.argv[1])
    await store.open()
    accounts = Accounts(store=store)
    made = 0
    for number in range(20):
        try:
            await accounts.create(f"user{number}@example.org", "U", "$x$")
            made += 1
        except ValueError:
            pass
    await store.close()
    print(made)

asyncio.run(main())
"""


def test_workers_share_the_file(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WORKER, str(tmp_path / "a.sqlite3")]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) for _ in range(3)]
    outputs = [worker.communicate(timeout=60)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    assert sum(map(int, outputs)) == 20
