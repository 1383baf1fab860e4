"""Tell whoever asks that the peer is gone, at no cost until somebody waits."""

from __future__ import annotations

import asyncio
from typing import final

__all__ = ["Disconnected"]


@final
class Disconnected:
    """Set once, when the connection is lost; an ``asyncio.Event`` that is only made if somebody waits for it."""

    __slots__ = ("_event", "_is_set")

    def __init__(self) -> None:
        self._is_set = False
        self._event: asyncio.Event | None = None

    def is_set(self) -> bool:
        """Return whether the peer is gone."""
        return self._is_set

    def set(self) -> None:
        """Say that it is."""
        self._is_set = True
        if self._event is not None:
            self._event.set()

    async def wait(self) -> None:
        """Return once the peer is gone."""
        if not self._is_set:
            if self._event is None:
                self._event = asyncio.Event()
            await self._event.wait()
