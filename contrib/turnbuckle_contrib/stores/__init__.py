"""Store bytes by key for a limited time: in memory, in a file of SQLite, or in Redis.

Sessions and idempotency keys use such stores. A component of the kind ``session_store`` or ``idempotency_store`` is a
``Store``, so that other plugins can provide one.
"""

from __future__ import annotations

from turnbuckle_contrib.stores.memory import MemoryStore
from turnbuckle_contrib.stores.settings import (
    StoreSettings,
    is_store_chosen,
    review_workers,
    store_components,
    store_finder,
    store_lifespan,
    unshared,
)
from turnbuckle_contrib.stores.store import Store, StoreUnavailable

__all__ = [
    "MemoryStore",
    "Store",
    "StoreSettings",
    "StoreUnavailable",
    "is_store_chosen",
    "review_workers",
    "store_components",
    "store_finder",
    "store_lifespan",
    "unshared",
]
