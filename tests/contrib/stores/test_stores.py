"""All stores keep the same contract: values by key, until they expire."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.contrib.conftest import RedisServer
from turnbuckle_contrib.stores import MemoryStore, Store, StoreUnavailable
from turnbuckle_contrib.stores.sqlite import SQLiteStore


class Time:
    """The time of a store; Redis has its own."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now

    async def pass_by(self, store: Store, seconds: float) -> None:
        if isinstance(store, MemoryStore | SQLiteStore):
            self.now += seconds
        else:
            await asyncio.sleep(seconds)


@asynccontextmanager
async def opened(store: Store) -> AsyncIterator[Store]:
    await store.start()
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture(params=["memory", "sqlite", "redis"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, time: Time) -> AsyncIterator[Store]:
    if request.param == "memory":
        made: Store = MemoryStore(100_000, time)
    elif request.param == "sqlite":
        made = SQLiteStore(tmp_path / "store.sqlite3", time)
    else:
        server: RedisServer = request.getfixturevalue("redis_server")
        from turnbuckle_contrib.stores.redis import RedisStore

        made = RedisStore(server.url, prefix="test:", timeout=5.0)
    async with opened(made):
        yield made


async def test_value_is_stored_and_removed(store: Store) -> None:
    assert isinstance(store, Store)
    assert await store.get("a") is None
    await store.set("a", b"\x00\xff", 60)
    assert await store.get("a") == b"\x00\xff"
    await store.set("a", b"2", 60)
    assert await store.get("a") == b"2"
    assert await store.delete("a") is True
    assert await store.delete("a") is False
    assert await store.get("a") is None
    await store.check()


async def test_add_and_replace_depend_on_the_value(store: Store) -> None:
    assert await store.replace("a", b"1", 60) is False
    assert await store.get("a") is None
    assert await store.add("a", b"1", 60) is True
    assert await store.add("a", b"2", 60) is False
    assert await store.get("a") == b"1"
    assert await store.replace("a", b"3", 60) is True
    assert await store.get("a") == b"3"


async def test_expired_value_is_none(store: Store, time: Time) -> None:
    for key in ("get", "add", "replace", "delete"):
        await store.set(key, b"old", 0.2)
    await time.pass_by(store, 0.25)
    assert await store.get("get") is None
    assert await store.replace("replace", b"new", 60) is False
    assert await store.delete("delete") is False
    assert await store.add("add", b"new", 60) is True
    assert await store.get("add") == b"new"


async def test_each_write_sets_the_time_again(store: Store, time: Time) -> None:
    await store.set("a", b"1", 0.3)
    await store.replace("a", b"2", 60)
    await time.pass_by(store, 0.4)
    assert await store.get("a") == b"2"


async def test_only_one_of_many_adds_succeeds(store: Store) -> None:
    results = await asyncio.gather(*(store.add("a", b"%d" % number, 60) for number in range(20)))
    assert sorted(results) == [False] * 19 + [True]
    assert await store.get("a") == b"%d" % results.index(True)


async def test_only_one_of_many_deletes_succeeds(store: Store) -> None:
    await store.set("a", b"1", 60)
    assert sorted(await asyncio.gather(*(store.delete("a") for _ in range(20)))) == [False] * 19 + [True]


async def test_memory_is_bounded_and_unused_values_make_room(time: Time) -> None:
    store = MemoryStore(10_000, time)
    for number in range(100):
        await store.set(f"key{number}", bytes(500), 60)
        await store.get("key0")
    assert store.size <= 10_000
    assert await store.get("key0") is not None
    assert await store.get("key1") is None
    assert await store.get("key99") is not None


async def test_memory_removes_expired_values(time: Time) -> None:
    store = MemoryStore(10_000, time)
    await store.set("short", b"1", 10)
    await store.set("long", b"1", 100)
    time.now += 50
    await store.remove_expired()
    assert len(store) == 1
    await store.delete("long")
    assert store.size == 0


async def test_sqlite_removes_expired_rows(tmp_path: Path, time: Time) -> None:
    path = tmp_path / "store.sqlite3"
    async with opened(SQLiteStore(path, time)) as store:
        for number in range(2500):
            await store.set(f"key{number}", b"1", 10)
        await store.set("long", b"1", 100)
        time.now += 50
        await store.remove_expired()
        with sqlite3.connect(path) as connection:
            assert connection.execute("SELECT key FROM entries").fetchall() == [("long",)]
        connection.close()


async def test_sqlite_file_is_for_this_user_only_and_lasts(tmp_path: Path, time: Time) -> None:
    path = tmp_path / "store.sqlite3"
    before = os.umask(0)
    try:
        async with opened(SQLiteStore(path, time)) as store:
            await store.set("a", b"1", 60)
            for file in path.parent.iterdir():
                assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    finally:
        os.umask(before)
    async with opened(SQLiteStore(path, time)) as again:
        assert await again.get("a") == b"1"


async def test_sqlite_is_shared_by_workers(tmp_path: Path, time: Time) -> None:
    path = tmp_path / "store.sqlite3"
    async with opened(SQLiteStore(path, time)) as one, opened(SQLiteStore(path, time)) as other:
        results = await asyncio.gather(
            *(store.add(f"key{number}", b"1", 60) for number in range(50) for store in (one, other))
        )
        assert results.count(True) == 50
        await one.set("a", b"1", 60)
        assert await other.get("a") == b"1"


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda store: store.get("a"), id="get"),
        pytest.param(lambda store: store.set("a", b"", 1), id="set"),
        pytest.param(lambda store: store.check(), id="check"),
    ],
)
async def test_sqlite_that_is_not_open_is_unavailable(tmp_path: Path, call: Callable[[Store], Awaitable[None]]) -> None:
    with pytest.raises(StoreUnavailable):
        await call(SQLiteStore(tmp_path / "store.sqlite3"))


async def test_damaged_sqlite_file_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    path.write_bytes(b"no database" * 1000)
    store = SQLiteStore(path)
    with pytest.raises(StoreUnavailable, match="not a database"):
        await store.start()
    await store.close()


async def test_redis_that_is_gone_is_unavailable_until_it_is_back(redis_server: RedisServer) -> None:
    from turnbuckle_contrib.stores.redis import RedisStore

    async with opened(RedisStore(redis_server.url, prefix="test:", timeout=2.0)) as store:
        await store.set("a", b"1", 60)
        redis_server.stop()
        with pytest.raises(StoreUnavailable, match="Redis did not answer"):
            await store.get("a")
        with pytest.raises(StoreUnavailable):
            await store.check()
        redis_server.start()
        await store.set("a", b"2", 60)
        assert await store.get("a") == b"2"


def test_clients_do_not_see_the_reason() -> None:
    error = StoreUnavailable("SQLite failed: unable to open database file")
    assert str(error) == "SQLite failed: unable to open database file"
    assert (error.status, error.detail) == (503, "please try again later")
