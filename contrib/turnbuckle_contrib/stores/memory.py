"""Store values in the memory of this process, with a bound on their size."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, final

import attrs

__all__ = ["MemoryStore"]

# About the memory of an entry besides the characters of its key and value.
_OVERHEAD: Final = 300


@attrs.frozen
class _Entry:
    value: bytes
    expires: float


@final
class MemoryStore:
    """A store for one process. The values that were not used for the longest time make room for new ones.

    Args:
        max_bytes: maximum size of all entries.
        clock: returns seconds.

    Attributes:
        size: the size of all entries, in bytes.
    """

    def __init__(self, max_bytes: int, clock: Callable[[], float] = time.time) -> None:
        self._max_bytes: Final = max_bytes
        self._clock: Final = clock
        self._entries: Final[OrderedDict[str, _Entry]] = OrderedDict()
        self.size = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: str) -> bool:
        return self._alive(key) is not None

    async def get(self, key: str) -> bytes | None:
        """Return the value of a key."""
        entry = self._alive(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry.value

    async def set(self, key: str, value: bytes, ttl: float) -> None:
        """Set the value of a key."""
        self._remove(key)
        self._entries[key] = _Entry(value, self._clock() + ttl)
        self.size += _size_of(key, value)
        while self.size > self._max_bytes and len(self._entries) > 1:
            self._remove(next(iter(self._entries)))

    async def add(self, key: str, value: bytes, ttl: float) -> bool:
        """Set the value of a key that has none."""
        if self._alive(key) is not None:
            return False
        await self.set(key, value, ttl)
        return True

    async def replace(self, key: str, value: bytes, ttl: float) -> bool:
        """Set the value of a key that has one."""
        if self._alive(key) is None:
            return False
        await self.set(key, value, ttl)
        return True

    async def delete(self, key: str) -> bool:
        """Remove the value of a key."""
        is_there = self._alive(key) is not None
        self._remove(key)
        return is_there

    async def start(self) -> None:
        """Do nothing: memory needs no opening."""

    async def check(self) -> None:
        """Do nothing: memory always works."""

    async def remove_expired(self) -> None:
        """Remove the expired values."""
        now = self._clock()
        for key in [key for key, entry in self._entries.items() if entry.expires <= now]:
            self._remove(key)

    async def close(self) -> None:
        """Remove all values."""
        self._entries.clear()
        self.size = 0

    def _alive(self, key: str) -> _Entry | None:
        entry = self._entries.get(key)
        return entry if entry is not None and entry.expires > self._clock() else None

    def _remove(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.size -= _size_of(key, entry.value)


def _size_of(key: str, value: bytes) -> int:
    return len(key) + len(value) + _OVERHEAD
