"""The interface of stores."""

from __future__ import annotations

from typing import Final, Protocol, final, runtime_checkable

from turnbuckle import ServiceUnavailable

__all__ = ["Store", "StoreUnavailable"]


@final
class StoreUnavailable(ServiceUnavailable):
    """A store cannot be reached, or does not answer in time; the client sees 503, and not the reason.

    Args:
        reason: the reason, for the log.
    """

    def __init__(self, reason: str) -> None:
        super().__init__("please try again later")
        self.reason: Final = reason

    def __str__(self) -> str:
        return self.reason


@runtime_checkable
class Store(Protocol):
    """Stores values by key until they expire. An expired value is never returned.

    Keys are texts of printable ASCII characters. Every method raises ``StoreUnavailable`` if the store does not answer.
    """

    async def get(self, key: str) -> bytes | None:
        """Return the value of a key, or None if it has none."""

    async def set(self, key: str, value: bytes, ttl: float) -> None:
        """Set the value of a key.

        Args:
            key: the key.
            value: the value.
            ttl: seconds until the value expires.
        """

    async def add(self, key: str, value: bytes, ttl: float) -> bool:
        """Set the value of a key that has none, and return whether it had none; atomic, like ``replace``."""

    async def replace(self, key: str, value: bytes, ttl: float) -> bool:
        """Set the value of a key that has one, and return whether it had one."""

    async def delete(self, key: str) -> bool:
        """Remove the value of a key, and return whether it had one."""

    async def start(self) -> None:
        """Open the store; called before the first request."""

    async def check(self) -> None:
        """Raise ``StoreUnavailable`` unless the store works; for readiness."""

    async def remove_expired(self) -> None:
        """Remove expired values; called about once a minute."""

    async def close(self) -> None:
        """Close the store; called after the last request."""
